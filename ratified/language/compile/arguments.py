"""The arguments of calls: of functions that the language has, and of those that the model defines."""

from __future__ import annotations

import ast

from ratified.language.compile.context import Context
from ratified.language.ir import Expr
from ratified.language.types import Type

SEE = "see docs/language.md"


def positional(
    c: Context, node: ast.Call, least: int, most: int, keywords: tuple[str, ...] = (), *, remedy: str = SEE
) -> list[ast.expr]:
    """The positional arguments of a built-in, as many as it takes."""
    name = ast.unparse(node.func)
    for keyword in node.keywords:
        if keyword.arg not in keywords:
            c.fail(
                keyword.value,
                f"{name} takes no argument `{keyword.arg}` here",
                _taken(keywords) if remedy == SEE else remedy,
            )
    if not least <= len(node.args) <= most:
        takes = str(least) if least == most else f"{least} to {most}"
        c.fail(
            node,
            f"{name} takes {takes} argument{'' if takes == '1' else 's'} here, not {len(node.args)}",
            remedy,
        )
    return node.args


def _taken(keywords: tuple[str, ...]) -> str:
    return f"its keyword arguments: {', '.join(keywords)}" if keywords else "it takes no keyword arguments"


def keyword_argument(c: Context, node: ast.Call, name: str) -> ast.expr | None:
    """A keyword argument, if it is given."""
    return next((k.value for k in node.keywords if k.arg == name), None)


def in_order_of(
    c: Context,
    node: ast.Call,
    name: str,
    signature: list[tuple[str, Type]],
    defaults: dict[str, object],
    arguments: list[ast.expr] | None = None,
    *,
    named: int = 0,
) -> list[Expr]:
    """The arguments of a call (all of them, or these) in the order and types of a signature, whose last are only `named`."""
    arguments = node.args if arguments is None else arguments
    most = len(signature) - named
    if len(arguments) > most:
        c.fail(
            node,
            f"{name} takes {most} argument{'' if most == 1 else 's'}{' without a name' if named else ''}, "
            f"not {len(arguments)}",
            f"its parameters: {_listed(signature)}",
        )
    given: dict[str, ast.expr] = {n: a for (n, _), a in zip(signature, arguments, strict=False)}
    for keyword in node.keywords:
        assert keyword.arg is not None
        if keyword.arg not in dict(signature) or keyword.arg in given:
            c.fail(
                keyword.value,
                f"{name} has no parameter `{keyword.arg}`",
                f"its parameters: {_listed(signature)}",
            )
        given[keyword.arg] = keyword.value
    made: list[Expr] = []
    for parameter, t in signature:
        if parameter in given:
            made.append(c.value(given[parameter], t))
        elif parameter in defaults:
            made.append(c.coerce(c.constant(defaults[parameter], node, t), t, node))
        else:
            c.fail(
                node,
                f"{name} needs an argument for `{parameter}`",
                f"its parameters: {_listed(signature)}",
            )
    return made


def _listed(signature: list[tuple[str, Type]]) -> str:
    return ", ".join(name for name, _ in signature) or "none"
