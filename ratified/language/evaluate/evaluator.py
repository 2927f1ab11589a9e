"""The evaluator of a module, made of its rules."""

from __future__ import annotations

from typing import Any

from ratified.language import ir
from ratified.language.evaluate import containers, expressions, statements
from ratified.language.evaluate.frame import Env, Frame, ModuleRun
from ratified.language.ir import Expr
from ratified.language.rules import Rules
from ratified.language.scope import Scope

EXPRESSIONS: Rules[Frame, Any] = Rules.joined("values", expressions.rules, containers.rules)
STATEMENTS = statements.rules


class Evaluator(ModuleRun):
    """Evaluates the functions and expressions of one module in one scope."""

    def __init__(self, module: ir.Module, scope: Scope) -> None:
        super().__init__(module, scope, EXPRESSIONS, STATEMENTS)

    def expr(self, node: Expr, env: Env) -> Any:
        """The value of an expression. Call inside `running(scope)`."""
        return Frame(self, env).expr(node)
