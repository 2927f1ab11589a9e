"""Calls of functions: an operator applied, or what it says written out where the state has changed.

Guarantees: what is called reads the variables as they are where the call stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ratified.language import ir
from ratified.language.ir import Expr, Function, Which
from ratified.language.rules import Rules
from ratified.tla.bodies import body_value
from ratified.tla.context import TlaContext
from ratified.tla.syntax import Apply, Definition, Leaf, Let, Primed, Tla

CALLS: Rules[TlaContext, Tla] = Rules("TLA+ of calls")


@CALLS.rule(ir.Call)
def _call(node: ir.Call, f: TlaContext) -> Tla:
    called = f.words.module.functions[node.function]
    reads = f.words.reads(called)
    if not reads:
        return Apply(f.words.operator(node.function), tuple(f.expr(a) for a in node.arguments))
    if f.step and node.which is Which.NOW:
        if any(
            isinstance(n, ir.Variable | ir.Call) and n.which is Which.OLD
            for a in node.arguments
            for n in ir.walk(a)
        ):
            return inlined(called, node.arguments, f)
        plain = replace(f, step=False)
        return Primed(Apply(f.words.operator(node.function), tuple(plain.expr(a) for a in node.arguments)))
    if not f.step and reads & f.now.keys():
        return inlined(called, node.arguments, f)
    return Apply(f.words.operator(node.function), tuple(f.expr(a) for a in node.arguments))


def inlined(called: Function, arguments: Sequence[Expr], f: TlaContext) -> Tla:
    """A call, written out where it stands."""
    definitions: list[Definition] = []
    names = f.names.inner()
    env: dict[str, Tla] = {}
    for argument, given in zip(called.arguments, arguments, strict=True):
        made = f.expr(given)
        if not isinstance(made, Leaf):
            definitions.append(Definition(names.give(argument.name), made))
            made = Leaf(definitions[-1].name)
        env[argument.name] = made
    inner = replace(f, env=env, sums={}, names=names, place=None, now=dict(f.now))
    body = body_value(called, inner)
    return Let(tuple(definitions), body) if definitions else body
