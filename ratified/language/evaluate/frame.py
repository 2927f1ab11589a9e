"""What evaluating needs to know: the module and its size, the variables, and the local names where a node stands.

Guarantees: a frame's names are its own; what goes wrong carries the place of the node that it went wrong in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from ratified.language import ir
from ratified.language.errors import ModelError, Span
from ratified.language.ir import Expr, Function, Node
from ratified.language.scope import Scope
from ratified.language.sorts import BoundLeft
from ratified.language.types import FitCheck

Env = dict[str, Any]


class BoundLeftAt(BoundLeft):
    """A bound left, with the place in the source."""

    def __init__(self, left: BoundLeft, span: Span) -> None:
        super().__init__(left.what, left.kind)
        self.span = span


@dataclass(frozen=True, slots=True)
class Returned:
    """What a statement gives that ends its function, with the value; others give None."""

    value: Any


class ModuleRun:
    """The functions of one module in one scope. `now`, `old` and `abstract` hold variables by name.

    `expressions` and `statements` say what each node does in a frame.
    """

    def __init__(
        self,
        module: ir.Module,
        scope: Scope,
        expressions: Callable[[Expr, Frame], Any],
        statements: Callable[[Node, Frame], Returned | None],
    ) -> None:
        self.module = module
        self.scope = scope
        self.now: Env = {}
        self.old: Env = {}
        self.abstract: Env = {}
        self.declared = {d.name: d.type for d in module.variables}
        self.expressions = expressions
        self.statements = statements
        self.fits: dict[int, tuple[Expr, FitCheck | None]] = {}
        """Checks of bounds by the node that asks for them, which is held so that its number stays its own."""

    def call(self, function: Function, arguments: Sequence[Any]) -> Any:
        """Run a function's body; its value, or None for a procedure."""
        frame = Frame(self, {a.name: v for a, v in zip(function.arguments, arguments, strict=True)})
        ended = frame.block(function.body)
        return ended.value if ended else None


class Frame:
    """A place in a run: where local names have values."""

    __slots__ = ("env", "run")

    def __init__(self, run: ModuleRun, env: Env) -> None:
        self.run = run
        self.env = env

    def expr(self, node: Expr) -> Any:
        """The value of an expression."""
        return self.run.expressions(node, self)

    def block(self, body: Sequence[Node]) -> Returned | None:
        """Run statements until one returns."""
        for statement in body:
            if ended := self.run.statements(statement, self):
                return ended
        return None

    def bind(self, names: tuple[str, ...], value: Any) -> None:
        """Give names a value; several unpack a tuple."""
        if len(names) == 1:
            self.env[names[0]] = value
        else:
            self.env.update(zip(names, value, strict=True))


def fail(node: Node, message: str, remedy: str) -> NoReturn:
    """The model is in error, at a node."""
    raise ModelError(message, span=node.span, remedy=remedy)


def within(node: Node, compute: Callable[[], Any]) -> Any:
    """A computation whose left bounds and errors are placed at a node."""
    try:
        return compute()
    except BoundLeft as left:
        raise BoundLeftAt(left, node.span) from None
    except ModelError as problem:
        fail(node, problem.message, problem.remedy)
