"""Functions that call themselves, written out: a function for each call inside of a call.

Guarantees: no function of a compiled class calls itself; where CPython would go deeper than the author allows, there is no value.
"""

from __future__ import annotations

from dataclasses import replace

from ratified.language import ir
from ratified.language.ir import Clause, Expr, Function, Node
from ratified.language.types import BOOL, INT, SetType


def calls_itself(function: Function) -> bool:
    """Whether a function calls the one of its own key."""
    return any(_is_call(n, function.key) for s in function.body for n in ir.walk(s))


def endless(function: Function) -> ir.Node | None:
    """A call of a function in itself with the very arguments that it was given: it does not end."""
    names = [a.name for a in function.arguments]
    for node in (n for s in function.body for n in ir.walk(s)):
        if isinstance(node, ir.Call | ir.Do) and node.function == function.key and names:
            given = [core.name if isinstance(core := _core(a), ir.Local) else None for a in node.arguments]
            if given == names:
                return node
    return None


def written_out(function: Function, most: int) -> dict[str, Function]:
    """A function that calls itself as several, the last of which cannot go on."""
    keys = [function.key, *(f"ratified.{function.key}_{level}" for level in range(1, most + 1))]
    made = {}
    for level, key in enumerate(keys):
        deeper = keys[level + 1] if level < most else None
        body = tuple(_with_calls(s, function.key, deeper) for s in function.body)
        name = function.name if not level else f"{function.name}_{level}"
        made[key] = replace(function, key=key, name=name, body=body)
    return made


def _is_call(node: Node | Clause, key: str) -> bool:
    return isinstance(node, ir.Call | ir.Do) and node.function == key


def _core(node: Expr) -> Expr:
    return _core(node.operand) if isinstance(node, ir.Widen | ir.Narrow) else node


def _with_calls(node: Node, key: str, deeper: str | None) -> Node:
    made = ir.rebuild(node, lambda child: _with_calls(child, key, deeper))
    if not isinstance(made, ir.Call | ir.Do) or made.function != key:
        return made
    if deeper is not None:
        return replace(made, function=deeper)
    if isinstance(made, ir.Do):
        return ir.Assert(made.span, ir.Literal(made.span, BOOL, False))
    # What is chosen from nothing has no value.
    nothing = ir.MakeSet(made.span, SetType(made.type), ())
    chosen = ir.Local(made.span, made.type, "deeper_")
    first = ir.Literal(made.span, INT, 0)
    return ir.Collect(made.span, made.type, "min", chosen, (Clause(("deeper_",), nothing, ()),), first)
