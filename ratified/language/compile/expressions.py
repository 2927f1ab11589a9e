"""Expressions: all their rules in one table, and what is said of the forms that the language does not have.

Guarantees: an accepted expression means in the intermediate form what CPython computes from the same source.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from ratified.language.compile import calls, conditions, displays, names, operators
from ratified.language.compile.context import Context
from ratified.language.ir import Expr
from ratified.language.rules import Rules

_INSTEAD = {
    ast.Lambda: "write a helper method, or a comprehension",
    ast.JoinedStr: "models have no strings: use an Enum",
    ast.Await: "models are synchronous: leave out await",
    ast.Yield: "use a comprehension, or choose with an action's parameter",
    ast.NamedExpr: "it may not be evaluated here: assign the value on a line of its own",
    ast.Starred: "write the elements out, or use | or + on containers",
    ast.Dict: "write Map({key: value, ...}) where a Map is meant",
    ast.DictComp: "write Map({key: value for ...}) where a Map is meant",
    ast.GeneratorExp: "give it to all, any, sum, min, max, len, Set or Seq",
}

_CALLED: dict[type[ast.expr], str] = {
    ast.JoinedStr: "an f-string",
    ast.NamedExpr: "an assignment expression (:=)",
    ast.GeneratorExp: "a generator by itself",
    ast.DictComp: "a dict by itself",
    ast.Dict: "a dict by itself",
}


def expression(naming: Rules[Context, Expr] = names.rules) -> Callable[[ast.expr, Context], Expr]:
    """What compiles an expression; `naming` says what names and attributes mean."""
    table: Rules[Context, Expr] = Rules.joined(
        "expressions", names.constants, naming, operators.rules, conditions.rules, displays.rules, calls.rules
    )

    def compile_(node: ast.expr, c: Context) -> Expr:
        if type(node) not in table:
            what = _CALLED.get(type(node), type(node).__name__.lower())
            remedy = _INSTEAD.get(type(node), "see docs/language.md")
            match node:
                case ast.Dict([None, ast.expr()], [old, _]) if isinstance(node.keys[1], ast.expr):
                    changed = f"{ast.unparse(node.keys[1])}: {ast.unparse(node.values[1])}"
                    remedy = f"write {ast.unparse(old)} | {{{changed}}}"
            c.fail(node, f"{what} is not part of the modelling language", remedy)
        return table(node, c)

    return compile_
