"""Statements as circuits: where a run is after each.

Guarantees: for any values of the unknowns, variables, guards, bounds left and errors are those of the evaluator on these values.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from ratified.language import ir
from ratified.language.rules import Rules
from ratified.smt.finite.circuit import FALSE, TRUE
from ratified.smt.finite.comprehensions import run_through
from ratified.smt.finite.containers import replaced
from ratified.smt.finite.context import SymbolicContext
from ratified.smt.finite.symbolic import Symbolic

rules: Rules[SymbolicContext, SymbolicContext] = Rules("circuits of statements")

rules.rule(ir.Let)(lambda node, context: context.bound(node.names, context.expr(node.value)))
rules.rule(ir.Require)(lambda node, context: context.under(context.truth(node.test)))


@rules.rule(ir.Store)
def _store(node: ir.Store, context: SymbolicContext) -> SymbolicContext:
    value = context.expr(node.value)
    path = [context.expr(step) for step in node.path]
    if path:
        value = replaced(node, context.now[node.variable], path, value, context)
    else:
        total = context.algebra.total(value, context.shared.types[node.variable])
        context.problem(-total, node, f"the map for {node.variable} has not the keys of its type")
    return replace(context, now={**context.now, node.variable: value})


@rules.rule(ir.Assert)
def _assert(node: ir.Assert, context: SymbolicContext) -> SymbolicContext:
    context.problem(-context.truth(node.test), node, "the assertion is false")
    return context


@rules.rule(ir.If)
def _if(node: ir.If, context: SymbolicContext) -> SymbolicContext:
    then, orelse = (
        partial(SymbolicContext.block, body=node.then),
        partial(SymbolicContext.block, body=node.orelse),
    )
    return context.branch(context.truth(node.test), then, orelse)


@rules.rule(ir.For)
def _for(node: ir.For, context: SymbolicContext) -> SymbolicContext:
    found = list(run_through(node.domain, context, ordered=True))
    return context.follow([partial(_iteration, node, there, item) for there, item in found])


def _iteration(node: ir.For, there: int, item: Symbolic, context: SymbolicContext) -> SymbolicContext:
    return context.branch(
        there, lambda here: here.bound(node.names, item).block(node.body), lambda here: here
    )


@rules.rule(ir.Return)
def _return(node: ir.Return, context: SymbolicContext) -> SymbolicContext:
    answer = None if node.value is None else context.expr(node.value)
    return replace(context, returned=TRUE, answer=answer)


@rules.rule(ir.Do)
def _do(node: ir.Do, context: SymbolicContext) -> SymbolicContext:
    function = context.shared.module.functions[node.function]
    env = {a.name: context.expr(v) for a, v in zip(function.arguments, node.arguments, strict=True)}
    after = replace(context, env=env).block(function.body)
    return replace(after, env=context.env, returned=FALSE, answer=None)
