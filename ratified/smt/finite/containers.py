"""Containers and comprehensions on symbolic values.

Guarantees: see execute.py, where a run begins.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from ratified.language import ir
from ratified.language.ir import Expr, Node
from ratified.language.types import (
    BagType,
    MapType,
    RecordType,
    SeqType,
    SetType,
    Type,
    record_fields,
)
from ratified.smt.finite.algebra import ONE, ZERO
from ratified.smt.finite.circuit import FALSE, TRUE
from ratified.smt.finite.conversion import packed, widened
from ratified.smt.finite.expressions import CircuitExpressions, Env
from ratified.smt.finite.symbolic import (
    Cases,
    Choice,
    Items,
    Members,
    Row,
    Slots,
    Symbolic,
    Table,
    TooLarge,
    one_of,
)


class Containers(CircuitExpressions):
    """CircuitExpressions, with those that make and ask containers."""

    @staticmethod
    def _bind(env: Env, names: tuple[str, ...], value: Symbolic) -> None:
        if len(names) == 1:
            env[names[0]] = value
        else:
            assert isinstance(value, Items)
            env.update(zip(names, value.items, strict=True))

    def _replaced(
        self, node: Node, container: Symbolic, path: Sequence[tuple[Expr, Symbolic]], value: Symbolic
    ) -> Symbolic:
        (step, key), rest = path[0], path[1:]

        def changed(held: Symbolic) -> Symbolic:
            return self._replaced(node, held, rest, value) if rest else value

        if isinstance(container, Table):
            entries = dict(container.entries)
            for k, literal in self.algebra.alternatives(key, step.type).items():
                if k in entries:
                    entries[k] = self.algebra.choose(literal, changed(entries[k]), entries[k])
                else:
                    self._problem(literal, node, f"the map has no key {k!r}")
            return Table(entries)
        assert isinstance(container, Row)
        items = list(container.items)
        for i, literal in self._positions(node, container, key):
            items[i] = self.algebra.choose(literal, changed(items[i]), items[i])
        return Row(tuple(items), container.length)

    def _positions(self, node: Node, row: Row, key: Symbolic) -> list[tuple[int, int]]:
        """Return the positions that an index may mean, and what makes it mean them."""
        assert isinstance(key, Choice)
        found: dict[int, int] = {}
        for index, literal in key.options.items():
            for n, length in row.length.options.items():
                both = self.circuit.both(literal, length)
                if -n <= index < n:
                    at = index % n
                    found[at] = self.circuit.either(found.get(at, FALSE), both)
                else:
                    self._problem(both, node, f"the sequence has length {n}, and no index {index}")
        return list(found.items())

    # --- records, tuples, containers ---

    def _make_record(self, node: ir.MakeRecord, env: Env) -> Symbolic:
        assert isinstance(node.type, RecordType)
        types = record_fields(node.type, self.scope)
        values = [self.expr(f, env) for f in node.fields]
        name = node.type.record.__name__
        fields = tuple(
            self._fitting(node, v, t, f"{name}.{n}") for v, (n, t) in zip(values, types.items(), strict=True)
        )
        return Cases({node.type.record: (TRUE, fields)})

    def _make_tuple(self, node: ir.MakeTuple, env: Env) -> Symbolic:
        return Items(tuple(self.expr(i, env) for i in node.items))

    def _make_set(self, node: ir.MakeSet, env: Env) -> Symbolic:
        assert isinstance(node.type, SetType)
        return self._gather(node.type, [(TRUE, self.expr(i, env)) for i in node.items])

    def _make_seq(self, node: ir.MakeSeq, env: Env) -> Symbolic:
        items = tuple(self.expr(i, env) for i in node.items)
        return Row(items, one_of(len(items)))

    def _make_map(self, node: ir.MakeMap, env: Env) -> Symbolic:
        pairs = [(TRUE, self.expr(k, env), self.expr(v, env)) for k, v in node.pairs]
        return self._tabled(node, pairs)

    def _tabled(self, node: Expr, pairs: Sequence[tuple[int, Symbolic, Symbolic]]) -> Table:
        """Return the map of keys to values, later ones winning."""
        assert isinstance(node.type, MapType)
        entries: dict[Any, Symbolic] = {}
        there: dict[Any, int] = {}
        for used, key, value in pairs:
            for k, literal in self.algebra.alternatives(key, node.type.key).items():
                given = self.circuit.both(used, literal)
                entries[k] = self.algebra.choose(given, value, entries[k]) if k in entries else value
                there[k] = self.circuit.either(there.get(k, FALSE), given)
        if any(literal != TRUE for literal in there.values()):
            raise self._refused(node, "which keys this map has depends on the state")
        return Table(entries)

    def _field(self, node: ir.Field, env: Env) -> Symbolic:
        operand = self.expr(node.operand, env)
        assert isinstance(operand, Cases)
        ways: list[tuple[int, Symbolic]] = []
        for c, (literal, fields) in operand.cases.items():
            if c is not None:
                types = record_fields(RecordType(c), self.scope)
                at = list(types).index(node.name)
                ways.append((literal, widened(self.algebra, fields[at], types[node.name], node.type)))
        return self.algebra.select(ways)

    def _item(self, node: ir.Item, env: Env) -> Symbolic:
        operand = self.expr(node.operand, env)
        assert isinstance(operand, Items)
        return operand.items[node.index]

    def _at(self, node: ir.At, env: Env) -> Symbolic:
        container, key = self.expr(node.container, env), self.expr(node.key, env)
        if isinstance(container, Row):
            positions = self._positions(node, container, key)
            if not positions:
                return self._anything(node.type)
            return self.algebra.select([(literal, container.items[i]) for i, literal in positions])
        assert isinstance(container, Table)
        ways = []
        for k, literal in self.algebra.alternatives(key, node.key.type).items():
            if k in container.entries:
                ways.append((literal, container.entries[k]))
            else:
                self._problem(literal, node, f"the map has no key {k!r}")
        return self.algebra.select(ways) if ways else self._anything(node.type)

    def _slice(self, node: ir.Slice, env: Env) -> Symbolic:
        row = self.expr(node.operand, env)
        assert isinstance(row, Row)
        low = one_of(None) if node.low is None else self.expr(node.low, env)
        high = one_of(None) if node.high is None else self.expr(node.high, env)
        assert isinstance(low, Choice)
        assert isinstance(high, Choice)
        starts: dict[int, int] = {}
        lengths: dict[int, int] = {}
        ways = itertools.product(low.options.items(), high.options.items(), row.length.options.items())
        for (first, a), (last, b), (n, c) in ways:
            literal = self.circuit.every((a, b, c))
            if literal != FALSE:
                chosen = range(n)[first:last]
                starts[chosen.start] = self.circuit.either(starts.get(chosen.start, FALSE), literal)
                lengths[len(chosen)] = self.circuit.either(lengths.get(len(chosen), FALSE), literal)
        items = []
        for k in range(max(lengths, default=0)):
            there = [(o, row.items[s + k]) for s, o in starts.items() if s + k < len(row.items)]
            items.append(self.algebra.select(there))
        return Row(tuple(items), Choice(lengths or {0: TRUE}))

    def _length(self, node: ir.Length, env: Env) -> Choice:
        return self.algebra.size(self.expr(node.operand, env))

    def _count(self, node: ir.Count, env: Env) -> Choice:
        container, item = self.expr(node.container, env), self.expr(node.item, env)
        return self.algebra.count(container, item, node.item.type)

    def _set_op(self, node: ir.SetOp, env: Env) -> Symbolic:
        left, right = self.expr(node.left, env), self.expr(node.right, env)
        assert isinstance(node.type, SetType)
        item = node.type.item
        kept: list[tuple[int, Symbolic]] = []
        for there, x in self.algebra.elements(left, item):
            other = FALSE if node.op == "|" else self.algebra.contains(right, x, item)
            keep = {"|": TRUE, "&": other, "-": -other, "^": -other}[node.op]
            kept.append((self.circuit.both(there, keep), x))
        if node.op in ("|", "^"):
            for there, x in self.algebra.elements(right, item):
                other = FALSE if node.op == "|" else self.algebra.contains(left, x, item)
                kept.append((self.circuit.both(there, -other), x))
        return self._gather(node.type, kept)

    def _disjoint(self, node: ir.Disjoint, env: Env) -> int:
        left, right = self.expr(node.left, env), self.expr(node.right, env)
        assert isinstance(node.left.type, SetType)
        item = node.left.type.item
        return -self.circuit.some(
            [
                self.circuit.both(there, self.algebra.contains(right, x, item))
                for there, x in self.algebra.elements(left, item)
            ]
        )

    def _concat(self, node: ir.Concat, env: Env) -> Symbolic:
        left, right = self.expr(node.left, env), self.expr(node.right, env)
        assert isinstance(node.type, SeqType | BagType)
        item = node.type.item
        for there, x in self.algebra.elements(right, item):
            left = self.algebra.choose(there, self.algebra.inserted(left, x, item), left)
        return left

    def _insert(self, node: ir.Insert, env: Env) -> Symbolic:
        container, item = self.expr(node.container, env), self.expr(node.item, env)
        return self.algebra.inserted(container, item, item_of(node.type))

    def _remove(self, node: ir.Remove, env: Env) -> Symbolic:
        container, item = self.expr(node.container, env), self.expr(node.item, env)
        if node.strict:
            there = self.algebra.contains(container, item, item_of(node.type))
            self._problem(-there, node, "there is no such element to remove")
        return self.algebra.removed(container, item, item_of(node.type))

    def _pop(self, node: ir.Pop, env: Env) -> Symbolic:
        row, index = self.expr(node.container, env), self.expr(node.index, env)
        assert isinstance(row, Row)
        gone, items = FALSE, list(row.items)
        at = dict(self._positions(node, row, index))
        for i in range(len(items) - 1):
            gone = self.circuit.either(gone, at.get(i, FALSE))
            items[i] = self.algebra.choose(gone, row.items[i + 1], items[i])
        less = {n - 1: o for n, o in row.length.options.items() if n > 0}
        return Row(tuple(items[: max(less, default=0)]), Choice(less or {0: TRUE}))

    def _with(self, node: ir.With, env: Env) -> Symbolic:
        container = self.expr(node.container, env)
        key, value = self.expr(node.key, env), self.expr(node.value, env)
        return self._replaced(node, container, [(node.key, key)], value)

    def _convert(self, node: ir.Convert, env: Env) -> Symbolic:
        operand = self.expr(node.operand, env)
        t = node.operand.type
        if node.what == "distinct":
            assert isinstance(node.type, SetType)
            return self._gather(node.type, list(self.algebra.elements(operand, node.type.item)))
        if isinstance(operand, Table) and isinstance(t, MapType):
            length = one_of(len(operand.entries))
            keys = {k: self.algebra.lift(k, t.key) for k in operand.entries}
            if node.what == "keys":
                return Members(False, dict.fromkeys(keys, ONE))
            if node.what == "values":
                return Row(tuple(operand.entries.values()), length)
            if node.what == "items":
                return Row(tuple(Items((keys[k], v)) for k, v in operand.entries.items()), length)
        if node.what == "enumerate" and isinstance(operand, Row):
            return Row(tuple(Items((one_of(i), x)) for i, x in enumerate(operand.items)), operand.length)
        return self._one_by_one(node, env)

    # --- comprehensions ---

    def _run_through(self, domain: Expr, env: Env, *, ordered: bool) -> Iterator[tuple[int, Symbolic]]:
        """Yield the elements of a container that is looped over."""
        container = self.expr(domain, env)
        if ordered and isinstance(container, Slots) and len(container.slots) > 1:
            raise self._refused(domain, "the order of these elements matters, and is not kept")
        return self.algebra.elements(container, item_of(domain.type))

    def _bindings(
        self, clauses: tuple[ir.Clause, ...], env: Env, there: int, *, ordered: bool
    ) -> Iterator[tuple[int, Env]]:
        """Yield whether there is each element of a comprehension, with its names; `path` is then what leads to it."""
        if not clauses:
            yield there, env
            return
        clause, rest = clauses[0], clauses[1:]
        outer = self.path
        for used, item in self._run_through(clause.domain, env, ordered=ordered):
            inner = dict(env)
            self._bind(inner, clause.names, item)
            for condition in clause.conditions:
                self.path = self.circuit.both(outer, used)
                if used != FALSE:
                    used = self.circuit.both(used, self._truth(condition, inner))  # noqa: PLW2901 - narrowed
            if used == FALSE:
                continue
            self.path = self.circuit.both(outer, used)
            yield from self._bindings(rest, inner, self.circuit.both(there, used), ordered=ordered)
        self.path = outer

    def _collect(self, node: ir.Collect, env: Env) -> Symbolic:
        outer = self.path
        try:
            if node.kind in ("all", "any"):
                return self._quantified(node, env)
            ordered = node.kind in ("seq", "map") or node.key is not None
            found = [
                (there, self.expr(node.element, inner), self.expr(node.key, inner) if node.key else None)
                for there, inner in self._bindings(node.clauses, env, TRUE, ordered=ordered)
            ]
        finally:
            self.path = outer
        match node.kind:
            case "sum":
                total = ZERO
                for there, value, _ in found:
                    number = Choice({1: value, 0: -value}) if isinstance(value, int) else value
                    total = self._combined(None, total, self.algebra.choose(there, number, ZERO))
                return total
            case "min" | "max":
                return self._extreme(node, env, found)
            case "map":
                pairs = [(there, *v.items) for there, v, _ in found if isinstance(v, Items)]
                return self._tabled(node, pairs)  # type: ignore[arg-type]  # a map's element is a pair
        return self._gather(node.type, [(there, value) for there, value, _ in found])

    def _quantified(self, node: ir.Collect, env: Env) -> int:
        """`all` and `any`, which look no further once they know."""
        wanted = node.kind == "all"
        going = TRUE
        bindings = self._bindings(node.clauses, env, TRUE, ordered=False)
        while going != FALSE:
            since = len(self.events)
            found = next(bindings, None)
            if found is not None:
                there, inner = found
                value = self._truth(node.element, inner)
                self._restrict(since, going)
                going = self.circuit.both(going, self.circuit.either(-there, value if wanted else -value))
            else:
                self._restrict(since, going)
                break
        return going if wanted else -going

    def _extreme(
        self, node: ir.Collect, env: Env, found: Sequence[tuple[int, Symbolic, Symbolic | None]]
    ) -> Symbolic:
        """`min` and `max`: the first of the best."""
        have = FALSE
        best: Symbolic | None = None
        best_key: Symbolic | None = None
        for there, value, key_given in found:
            key = value if key_given is None else key_given
            if best is None or best_key is None:
                best, best_key, have = value, key, there
                continue
            better = self._less(key, best_key) if node.kind == "min" else self._less(best_key, key)
            take = self.circuit.both(there, self.circuit.either(-have, better))
            best, best_key = self.algebra.choose(take, value, best), self.algebra.choose(take, key, best_key)
            have = self.circuit.either(have, there)
        if node.default is None:
            self._problem(-have, node, f"{node.kind} of nothing")
            return self._anything(node.type) if best is None else best
        if have == TRUE and best is not None:
            return best
        outer = self.path
        self.path = self.circuit.both(outer, -have)
        default = self.expr(node.default, env)
        self.path = outer
        return default if best is None else self.algebra.choose(have, best, default)

    def _gather(self, t: Type, found: Sequence[tuple[int, Symbolic]]) -> Symbolic:
        """Return the set, bag or sequence of the elements that are there."""
        item = item_of(t)
        if isinstance(t, SeqType):
            row: Symbolic = Row((), one_of(0))
            for there, value in found:
                row = self.algebra.choose(there, self.algebra.inserted(row, value, item), row)
            return row
        if self.algebra.slotted(item):
            slots = Slots(isinstance(t, BagType), ())
            for there, value in found:
                new = (
                    there
                    if slots.bag
                    else self.circuit.both(there, -self.algebra.contains(slots, value, item))
                )
                slots = Slots(slots.bag, (*slots.slots, (new, value)))
            return packed(self.algebra, slots)
        hits: dict[Any, list[int]] = {}
        for there, value in found:
            for known, literal in self.algebra.alternatives(value, item).items():
                hit = self.circuit.both(there, literal)
                if hit != FALSE:
                    hits.setdefault(known, []).append(hit)
        if isinstance(t, SetType):
            return Members(False, {v: _once(self.circuit.some(literals)) for v, literals in hits.items()})
        counted = {v: self.circuit.counted(literals) for v, literals in hits.items()}
        return Members(True, {v: Choice(dict(enumerate(counts))) for v, counts in counted.items()})

    def _refused(self, node: Node, message: str) -> TooLarge:
        return TooLarge(message, span=node.span, remedy="`ratified check` explores it")


def _once(literal: int) -> Choice:
    return ONE if literal == TRUE else Choice({0: -literal, 1: literal})


def item_of(t: Type) -> Type:
    """Return the type of what one runs through in a container."""
    if isinstance(t, MapType):
        return t.key
    assert isinstance(t, SetType | BagType | SeqType)
    return t.item
