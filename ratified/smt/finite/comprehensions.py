"""Comprehensions as circuits: an element for each way through the clauses, under what must be so for it to be there.

Guarantees: see expressions.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ratified.language import ir
from ratified.language.ir import Expr
from ratified.language.rules import Rules
from ratified.language.types import BagType, MapType, SetType, Type, element_type
from ratified.language.values import Bag, Seq, Set
from ratified.smt.finite.algebra import ONE, ZERO
from ratified.smt.finite.circuit import FALSE, TRUE
from ratified.smt.finite.context import SymbolicContext, items, refused
from ratified.smt.finite.expressions import less
from ratified.smt.finite.symbolic import Multiplicities, SlotList, Symbolic, SymbolicChoice, one_form

rules: Rules[SymbolicContext, Symbolic] = Rules("circuits of comprehensions")

DISORDER = "the order of these elements matters, and is not kept"


def run_through(domain: Expr, context: SymbolicContext, *, ordered: bool) -> Iterator[tuple[int, Symbolic]]:
    """Yield the elements of a container that is looped over, and whether they are there."""
    container = context.expr(domain)
    if ordered and isinstance(container, SlotList) and container.kind is not Seq and len(container.slots) > 1:
        raise refused(domain, DISORDER)
    item = element_type(domain.type)
    assert item is not None
    return context.algebra.elements(container, item)


def _bindings(
    clauses: Sequence[ir.Clause], context: SymbolicContext, *, ordered: bool
) -> Iterator[SymbolicContext]:
    """Yield where each element of a comprehension may be, in order."""
    if not clauses:
        yield context
        return
    clause, rest = clauses[0], clauses[1:]
    for there, item in run_through(clause.domain, context, ordered=ordered):
        inner = context.bound(clause.names, item).under(there)
        for condition in clause.conditions:
            if not inner.dead:
                inner = inner.under(inner.truth(condition))
        if not inner.dead:
            yield from _bindings(rest, inner, ordered=ordered)


@rules.rule(ir.Collect)
def _collect(node: ir.Collect, context: SymbolicContext) -> Symbolic:
    since, quantified = len(context.events), node.kind in ("all", "any")
    value = _quantified(node, context) if quantified else _collected(node, context)
    met = {event.error for event in context.events[since:]}
    if len(met) > 1 or (
        met and quantified
    ):  # which of them is met first, or whether any is, depends on the order
        for clause in node.clauses:
            if isinstance(clause.domain.type, SetType | BagType) and context.algebra.types.slotted(
                clause.domain.type
            ):
                raise refused(clause.domain, DISORDER)
    return value


def _collected(node: ir.Collect, context: SymbolicContext) -> Symbolic:
    ordered = node.kind in ("seq", "map") or node.key is not None
    found: list[tuple[int, Symbolic]] = []
    keys: list[Symbolic] = []
    for inner in _bindings(node.clauses, context, ordered=ordered):
        found.append((inner.since(context), inner.expr(node.element)))
        keys.append(found[-1][1] if node.key is None else inner.expr(node.key))
    match node.kind:
        case "sum":
            total: Symbolic = ZERO
            for there, value in found:
                term = SymbolicChoice({1: value, 0: -value}) if isinstance(value, int) else value
                pairs = context.algebra.combinations([total, context.algebra.choose(there, term, ZERO)])
                total = SymbolicChoice(context.algebra.collected((x + y, o) for (x, y), o in pairs))
            return total
        case "min" | "max":
            return _extreme(node, context, found, keys)
        case "map":
            return tabled(node, [(there, *_pair(value)) for there, value in found], context)
    return gathered(node.type, found, context)


def _pair(value: Symbolic) -> tuple[Symbolic, Symbolic]:
    key, held = items(value)
    return key, held


def _quantified(node: ir.Collect, context: SymbolicContext) -> int:
    """`all` and `any`, which look no further once they know."""
    going, since = TRUE, len(context.events)
    for inner in _bindings(node.clauses, context, ordered=False):
        value = inner.truth(node.element)
        context.only_if(going, since)
        since = len(context.events)
        decides = context.circuit.both(inner.since(context), -value if node.kind == "all" else value)
        going = context.circuit.both(going, -decides)
        if going == FALSE:
            break
    context.only_if(going, since)
    return going if node.kind == "all" else -going


def _extreme(
    node: ir.Collect,
    context: SymbolicContext,
    found: Sequence[tuple[int, Symbolic]],
    keys: Sequence[Symbolic],
) -> Symbolic:
    """`min` and `max`: the first of the best."""
    algebra, circuit = context.algebra, context.circuit
    have, best = found[0] if found else (FALSE, algebra.anything(node.type))
    best_key = keys[0] if keys else best
    for (there, value), key in zip(found[1:], keys[1:], strict=True):
        better = less(key, best_key, context) if node.kind == "min" else less(best_key, key, context)
        take = circuit.both(there, circuit.either(-have, better))
        best, best_key = algebra.choose(take, value, best), algebra.choose(take, key, best_key)
        have = circuit.either(have, there)
    if node.default is None:
        context.problem(-have, node, node.why_nothing)
        return best
    if have == TRUE:
        return best
    return algebra.choose(have, best, context.under(-have).expr(node.default))


# --- containers of what is found ---


def gathered(t: Type, found: Sequence[tuple[int, Symbolic]], context: SymbolicContext) -> Symbolic:
    """Return the set, bag or sequence of the elements that are there."""
    algebra, circuit = context.algebra, context.circuit
    empty = algebra.anything(t)
    if isinstance(empty, SlotList):
        return algebra.extended(empty, found)
    assert isinstance(empty, Multiplicities)
    hits: dict[Any, list[int]] = {}
    for there, value in found:
        for known, literal in algebra.alternatives(value).items():
            hit = circuit.both(there, literal)
            if hit != FALSE:
                hits.setdefault(known, []).append(hit)
    if empty.kind is Set:
        return Multiplicities(Set, {v: _once(circuit.some(literals)) for v, literals in hits.items()})
    return Multiplicities(
        Bag, {v: SymbolicChoice(dict(enumerate(circuit.counted(o)))) for v, o in hits.items()}
    )


def _once(literal: int) -> SymbolicChoice:
    return ONE if literal == TRUE else SymbolicChoice({0: -literal, 1: literal})


def tabled(node: Expr, pairs: Sequence[tuple[int, Symbolic, Symbolic]], context: SymbolicContext) -> Symbolic:
    """Return the map of keys to values, later ones winning."""
    algebra, circuit = context.algebra, context.circuit
    assert isinstance(node.type, MapType)
    entries: dict[Any, Symbolic] = {}
    there: dict[Any, int] = {}
    for used, key, value in pairs:
        for k, literal in algebra.alternatives(key).items():
            given = circuit.both(used, literal)
            entries[k] = algebra.choose(given, value, entries[k]) if k in entries else value
            there[k] = circuit.either(there.get(k, FALSE), given)
    if any(literal != TRUE for literal in there.values()):
        raise refused(node, "which keys this map has depends on the state")
    keys = algebra.types.keys(entries, node.type)
    return one_form(keys, *[entries[key] for key in keys.at])
