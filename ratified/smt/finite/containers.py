"""Records, tuples and containers as circuits, and calls.

Guarantees: see expressions.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from ratified.language import ir
from ratified.language.ir import Node, Which
from ratified.language.rules import Rules
from ratified.language.types import MapType, RecordType, Type, element_type, record_fields
from ratified.language.values import Seq
from ratified.smt.finite.circuit import FALSE, TRUE
from ratified.smt.finite.comprehensions import gathered, tabled
from ratified.smt.finite.context import Hazard, SymbolicContext, items
from ratified.smt.finite.conversion import widened
from ratified.smt.finite.expressions import fitting, one_by_one
from ratified.smt.finite.symbolic import Cases, Keys, SlotList, Symbolic, SymbolicChoice, one_form, one_of

rules: Rules[SymbolicContext, Symbolic] = Rules("circuits of containers")

# --- those that take a line ---

rules.rule(ir.MakeTuple)(lambda node, context: one_form(tuple, *map(context.expr, node.items)))
rules.rule(ir.MakeSet, ir.MakeSeq)(
    lambda node, context: gathered(node.type, [(TRUE, context.expr(i)) for i in node.items], context)
)
rules.rule(ir.MakeMap)(
    lambda node, context: tabled(
        node, [(TRUE, context.expr(k), context.expr(v)) for k, v in node.pairs], context
    )
)
rules.rule(ir.Item)(lambda node, context: items(context.expr(node.operand))[node.index])
rules.rule(ir.Length)(lambda node, context: context.algebra.size(context.expr(node.operand)))
rules.rule(ir.Count)(
    lambda node, context: context.algebra.count(context.expr(node.container), context.expr(node.item))
)
rules.rule(ir.Insert)(
    lambda node, context: context.algebra.inserted(context.expr(node.container), context.expr(node.item))
)
rules.rule(ir.Call)(
    lambda node, context: call(node.function, [*map(context.expr, node.arguments)], node.which, context)
)


@rules.rule(ir.MakeRecord)
def _make_record(node: ir.MakeRecord, context: SymbolicContext) -> Symbolic:
    assert isinstance(node.type, RecordType)
    types, name = record_fields(node.type, context.shared.scope), node.type.record.__name__
    values = [context.expr(f) for f in node.fields]
    fields = [
        fitting(node, v, t, f"{name}.{n}", context) for v, (n, t) in zip(values, types.items(), strict=True)
    ]
    return one_form(node.type.record, *fields)


# --- asking them ---


@rules.rule(ir.Field)
def _field(node: ir.Field, context: SymbolicContext) -> Symbolic:
    operand = context.expr(node.operand)
    assert isinstance(operand, Cases)
    ways: list[tuple[int, Symbolic]] = []
    for form, (literal, fields) in operand.cases.items():
        if isinstance(form, type):
            types = record_fields(RecordType(form), context.shared.scope)
            value = fields[[*types].index(node.name)]
            ways.append((literal, widened(context.algebra, value, types[node.name], node.type)))
    return context.algebra.select(ways, node.type)


@rules.rule(ir.At)
def _at(node: ir.At, context: SymbolicContext) -> Symbolic:
    container, key = context.expr(node.container), context.expr(node.key)
    if isinstance(container, SlotList):
        ways = [(literal, container.slots[i][1]) for i, literal in _positions(node, container, key, context)]
        return context.algebra.select(ways, node.type)
    assert isinstance(container, Cases)
    known = _keys(node, container, key, context)
    return context.algebra.select(
        [(literal, context.algebra.at_key(container, k, node.type)) for k, literal in known], node.type
    )


def _keys(node: Node, mapping: Cases, key: Symbolic, context: SymbolicContext) -> list[tuple[object, int]]:
    """Return the keys of a map that a key may be, and what makes it them."""
    inside = context.algebra.keys_of(mapping)
    known = context.algebra.alternatives(key)
    for k, literal in known.items():
        lacking = context.circuit.both(literal, -inside.get(k, FALSE))
        context.problem(lacking, node, f"the map has no key {k!r}")
    return [(k, literal) for k, literal in known.items() if k in inside]


def _positions(node: Node, row: SlotList, key: Symbolic, context: SymbolicContext) -> list[tuple[int, int]]:
    """Return the positions that an index may mean, and what makes it mean them."""
    assert isinstance(key, SymbolicChoice)
    found: list[tuple[int, int]] = []
    lengths = context.algebra.size(row).options.items()
    for (index, literal), (n, length) in itertools.product(key.options.items(), lengths):
        both = context.circuit.both(literal, length)
        if -n <= index < n:
            found.append((index % n, both))
        else:
            context.problem(both, node, f"the sequence has length {n}, and no index {index}")
    return [*context.algebra.collected(found).items()]


@rules.rule(ir.Slice)
def _slice(node: ir.Slice, context: SymbolicContext) -> Symbolic:
    row, low, high = [
        one_of(None) if e is None else context.expr(e) for e in (node.operand, node.low, node.high)
    ]
    assert isinstance(row, SlotList)
    assert isinstance(low, SymbolicChoice)
    assert isinstance(high, SymbolicChoice)
    starts: list[tuple[int, int]] = []
    lengths: list[tuple[int, int]] = []
    for (first, a), (last, b), (n, c) in itertools.product(
        low.options.items(), high.options.items(), context.algebra.size(row).options.items()
    ):
        chosen, literal = range(n)[first:last], context.circuit.every((a, b, c))
        starts.append((chosen.start, literal))
        lengths.append((len(chosen), literal))
    begins, length = context.algebra.collected(starts), SymbolicChoice(context.algebra.collected(lengths))
    found: list[tuple[int, Symbolic]] = []
    for k in range(max(length.options, default=0)):
        there = [(o, row.slots[s + k][1]) for s, o in begins.items() if s + k < len(row.slots)]
        value = context.algebra.select(there, item_of(node.type))
        found.append((context.algebra.longer(length, k), value))
    return SlotList(Seq, tuple(found))


# --- other ones ---


@rules.rule(ir.SetOp)
def _set_op(node: ir.SetOp, context: SymbolicContext) -> Symbolic:
    algebra, both = context.algebra, context.circuit.both
    left, right = context.expr(node.left), context.expr(node.right)
    item = item_of(node.type)

    def part(mine: Symbolic, other: Symbolic) -> list[tuple[int, Symbolic]]:
        """The elements that are in the other set (`&`), or that are not, or all (`|`)."""
        every = algebra.elements(mine, item)
        return [(o if not sign else both(o, sign * algebra.contains(other, x)), x) for o, x in every]

    sign = {"|": 0, "&": 1}.get(node.op, -1)
    kept = part(left, right) + (part(right, left) if node.op in "|^" else [])
    return gathered(node.type, kept, context)


@rules.rule(ir.Concat)
def _concat(node: ir.Concat, context: SymbolicContext) -> Symbolic:
    left, right = context.expr(node.left), context.expr(node.right)
    return context.algebra.extended(left, context.algebra.elements(right, item_of(node.type)))


@rules.rule(ir.With)
def _with(node: ir.With, context: SymbolicContext) -> Symbolic:
    container = context.expr(node.container)
    return replaced(node, container, [context.expr(node.key)], context.expr(node.value), context)


@rules.rule(ir.Remove)
def _remove(node: ir.Remove, context: SymbolicContext) -> Symbolic:
    container, item = context.expr(node.container), context.expr(node.item)
    if node.strict:
        there = context.algebra.contains(container, item)
        context.problem(-there, node, "there is no such element to remove")
    return context.algebra.removed(container, item)


@rules.rule(ir.Pop)
def _pop(node: ir.Pop, context: SymbolicContext) -> Symbolic:
    row, index = context.expr(node.container), context.expr(node.index)
    assert isinstance(row, SlotList)
    at = dict(_positions(node, row, index, context))
    if not row.slots:
        return row
    moved = context.algebra.without(row, [at.get(i, FALSE) for i in range(len(row.slots))])
    used = [u for u, _ in row.slots[1:]]  # as many less one, whichever goes
    return SlotList(Seq, tuple([(u, item) for u, (_, item) in zip(used, moved.slots, strict=False)]))


def replaced(
    node: Node, container: Symbolic, path: Sequence[Symbolic], value: Symbolic, context: SymbolicContext
) -> Symbolic:
    """Return a container with another value at a path of keys and positions, which must be there."""
    if not path:
        return value
    choose = context.algebra.choose
    key, rest = path[0], path[1:]
    if isinstance(container, SlotList):
        slots = list(container.slots)
        for i, literal in _positions(node, container, key, context):
            used, held = slots[i]
            changed = replaced(node, held, rest, value, context.under(literal))
            slots[i] = used, choose(literal, changed, held)
        return SlotList(Seq, tuple(slots))
    assert isinstance(container, Cases)
    cases = {form: (literal, list(parts)) for form, (literal, parts) in container.cases.items()}
    for k, literal in _keys(node, container, key, context):
        for form, (this, parts) in cases.items():
            if isinstance(form, Keys) and k in form.at:
                at, here = form.at[k], context.under(literal).under(this)
                parts[at] = choose(literal, replaced(node, parts[at], rest, value, here), parts[at])
    return Cases({form: (literal, tuple(parts)) for form, (literal, parts) in cases.items()})


@rules.rule(ir.Convert)
def _convert(node: ir.Convert, context: SymbolicContext) -> Symbolic:
    if node.what.startswith(("sorted", "reversed")):
        return one_by_one(node, context)
    operand = context.expr(node.operand)
    if node.what == "enumerate":
        assert isinstance(operand, SlotList)
        pairs = enumerate(operand.slots)
        return SlotList(Seq, tuple([(used, one_form(tuple, one_of(i), x)) for i, (used, x) in pairs]))
    ways = list(context.algebra.elements(operand, item_of(node.operand.type)))
    if node.what in ("values", "items"):
        assert isinstance(operand, Cases)
        assert isinstance(node.operand.type, MapType)
        t = node.operand.type.value
        keys = context.algebra.keys_of(operand)
        values = [context.algebra.at_key(operand, k, t) for k in keys]
        ways = [
            (there, one_form(tuple, key, v) if node.what == "items" else v)
            for (there, key), v in zip(ways, values, strict=True)
        ]
    return gathered(node.type, ways, context)


def item_of(t: Type) -> Type:
    """Return the type of what one runs through in a container."""
    found = element_type(t)
    assert found is not None
    return found


def call(key: str, arguments: Sequence[Symbolic], which: Which, context: SymbolicContext) -> Symbolic:
    """Return what a function that changes nothing answers; it is computed once for the same arguments and variables."""
    shared = context.shared
    now, old = (context.now, context.old) if which is Which.NOW else (context.old, {})
    facts = shared.uses.function(key)
    read = [(now if w is Which.NOW else old).get(name) for w, name in sorted(facts.reads, key=str)]
    known = (key, *map(_identity, arguments), *map(_identity, read))
    if known not in shared.calls:
        function = shared.module.functions[key]
        env = {a.name: v for a, v in zip(function.arguments, arguments, strict=True)}
        events: list[Hazard] = []
        done = SymbolicContext(shared, now, old, env, events).block(function.body)
        assert function.returns is not None
        answer = shared.algebra.anything(function.returns) if done.answer is None else done.answer
        shared.calls[known] = (arguments, read), answer, tuple(events)
    _, answer, met = shared.calls[known]
    context.meet(met)
    return answer


def _identity(value: Symbolic | None) -> object:
    """Return what tells a value from others: its content where that is small."""
    if isinstance(value, SymbolicChoice) and len(value.options) == 1:
        ((known, literal),) = value.options.items()
        return type(known), known, literal
    return value if isinstance(value, int) else id(value)
