"""What can be done with symbolic values of every type, in one circuit and at one size.

Guarantees: pure but for the circuit, which grows; the result for any values of the unknowns is what the language says of these
values. Raises TooLarge where a circuit would be beyond reason.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from ratified.language.scope import Scope
from ratified.language.types import (
    BagType,
    BoolType,
    IntType,
    MapType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    TupleType,
    Type,
    UnionType,
    cardinality,
    record_fields,
    records_of,
    values_of,
)
from ratified.language.values import Bag, Map, Seq, Set, order_key
from ratified.smt.finite.circuit import FALSE, TRUE, Circuit
from ratified.smt.finite.symbolic import (
    Cases,
    Choice,
    Items,
    Members,
    Row,
    Slots,
    Some,
    Symbolic,
    Table,
    TooLarge,
    atomic,
    one_of,
    some,
)

VALUES_MOST = 3_000
"""A set of records of which there are more than this is held in slots."""

ALTERNATIVES_MOST = 20_000
"""More values than this are not told apart one by one."""

Fields = tuple[Symbolic, ...]
T = TypeVar("T")
ZERO, ONE = one_of(0), one_of(1)


class Algebra:
    """Operations on symbolic values."""

    def __init__(self, circuit: Circuit, scope: Scope) -> None:
        self.circuit = circuit
        self.scope = scope
        self._slotted: dict[Type, bool] = {}

    def slotted(self, item: Type) -> bool:
        """Return whether sets and bags of a type are held in slots."""
        known = self._slotted.get(item)
        if known is None:
            few = not isinstance(item, RecordType | UnionType) or cardinality(item, self.scope) <= VALUES_MOST
            known = self._slotted[item] = not few
        return known

    def listed(self, t: Type) -> list[Any]:
        """Return every value of a type."""
        size = cardinality(t, self.scope)
        if size > ALTERNATIVES_MOST:
            raise TooLarge(f"{t} has {_many(size)} values at this size", remedy="choose smaller sizes")
        return list(values_of(t, self.scope))

    # --- values that are known, and values of which nothing is ---

    def lift(self, value: Any, t: Type) -> Symbolic:
        """Return a known value of a type."""
        if isinstance(t, BoolType):
            return TRUE if value else FALSE
        if atomic(t):
            return one_of(value)
        match t:
            case OptionalType(item):
                return Cases({None: (TRUE, ())}) if value is None else some(self.lift(value, item))
            case RecordType() | UnionType():
                types = record_fields(RecordType(type(value)), self.scope)
                fields = tuple(self.lift(getattr(value, n), ft) for n, ft in types.items())
                return Cases({type(value): (TRUE, fields)})
            case TupleType(items):
                return Items(tuple(self.lift(v, i) for v, i in zip(value, items, strict=True)))
            case MapType(_, inner):
                return Table({k: self.lift(v, inner) for k, v in value.items()})
            case SeqType(item):
                return Row(tuple(self.lift(v, item) for v in value), one_of(len(value)))
            case SetType(item) | BagType(item) if self.slotted(item):
                return Slots(isinstance(t, BagType), tuple((TRUE, self.lift(v, item)) for v in value))
            case SetType():
                return Members(False, dict.fromkeys(value, ONE))
            case BagType():
                return Members(True, {v: one_of(value.count(v)) for v in value.distinct()})
        raise AssertionError(t)

    def unknown(self, t: Type, conditions: list[int]) -> Symbolic:
        """Return any value of a (resolved) type; what makes it one is added to the conditions."""
        if isinstance(t, BoolType):
            return self.circuit.fresh()
        if atomic(t):
            return self._any_of(self.listed(t), conditions)
        match t:
            case OptionalType(item):
                inner = self.unknown(item, conditions)
                there: dict[type | None, Fields] = {Some: (inner,)}
                if isinstance(inner, Cases):
                    there = {c: fields for c, (_, fields) in inner.cases.items()}
                return self._any_case({None: (), **there}, conditions)
            case RecordType() | UnionType():
                classes = {r.record: record_fields(r, self.scope).values() for r in records_of(t)}
                return self._any_case(
                    {c: tuple(self.unknown(f, conditions) for f in types) for c, types in classes.items()},
                    conditions,
                )
            case TupleType(items):
                return Items(tuple(self.unknown(i, conditions) for i in items))
            case MapType(key, value):
                return Table({k: self.unknown(value, conditions) for k in self.listed(key)})
            case SeqType(item, int(size)):
                length = self._any_of(range(size + 1), conditions)
                return Row(tuple(self.unknown(item, conditions) for _ in range(size)), length)
            case SetType(item, size):
                assert not isinstance(size, str)
                return self._any_container(t, item, size, 1, conditions)
            case BagType(item, size, copies):
                assert not isinstance(size, str)
                assert not isinstance(copies, str)
                return self._any_container(t, item, size, copies, conditions)
        raise TooLarge(
            f"{t} has infinitely many values", remedy="give it a bound: AtMost(n), Range(low, high)"
        )

    def _any_of(self, values: Sequence[Any], conditions: list[int]) -> Choice:
        if len(values) == 1:
            return one_of(values[0])
        if len(values) == 2:
            literal = self.circuit.fresh()
            return Choice({values[0]: -literal, values[1]: literal})
        options = {v: self.circuit.fresh() for v in values}
        conditions.append(self.circuit.exactly_one(list(options.values())))
        return Choice(options)

    def _any_case(self, cases: Mapping[type | None, Fields], conditions: list[int]) -> Cases:
        tags = self._any_of(list(cases), conditions).options
        return Cases({c: (tags[c], fields) for c, fields in cases.items()})

    def _any_container(
        self, t: Type, item: Type, size: int | None, copies: int | None, conditions: list[int]
    ) -> Symbolic:
        bag = isinstance(t, BagType)
        if self.slotted(item):
            if size is None:
                many = _many(cardinality(item, self.scope))
                raise TooLarge(
                    f"{item} has {many} values at this size, and {t} no bound",
                    remedy="bound it: Annotated[..., AtMost(n)]",
                )
            slots = tuple((self.circuit.fresh(), self.unknown(item, conditions)) for _ in range(size))
            conditions += [self.circuit.either(a, -b) for (a, _), (b, _) in itertools.pairwise(slots)]
            if copies is not None:
                conditions.append(-self.too_equal(slots, copies))
            return Slots(bag, slots)
        most = copies if copies is not None else size
        if most is None:
            raise TooLarge(f"a {t} may hold any number of copies", remedy="bound it: AtMost(size, copies=n)")
        members = Members(bag, {v: self._any_of(range(most + 1), conditions) for v in self.listed(item)})
        if size is not None and size < most * len(members.counts):
            conditions.append(self.at_most(self.size(members), size))
        return members

    def too_equal(self, slots: Sequence[tuple[int, Symbolic]], copies: int) -> int:
        """Return whether more than so many slots hold the same."""
        return self.circuit.some(
            self.circuit.every(
                [*(used for used, _ in group), *(self.equal(group[0][1], x) for _, x in group[1:])]
            )
            for group in itertools.combinations(slots, copies + 1)
        )

    # --- equality and choice ---

    def equal(self, a: Symbolic, b: Symbolic) -> int:
        """Return whether two values of one type are equal."""
        circuit = self.circuit
        if a is b:
            return TRUE
        match a, b:
            case int(), int():
                return circuit.same(a, b)
            case Choice(xs), Choice(ys):
                return circuit.some([circuit.both(x, ys[v]) for v, x in xs.items() if v in ys])
            case Cases(xc), Cases(yc):
                return circuit.some(
                    [
                        circuit.both(x, self._equal_case(x_fields, yc[c]))
                        for c, (x, x_fields) in xc.items()
                        if c in yc
                    ]
                )
            case Items(xi), Items(yi):
                return circuit.every([self.equal(x, y) for x, y in zip(xi, yi, strict=True)])
            case Table(xt), Table(yt):
                if xt.keys() != yt.keys():
                    return FALSE
                return circuit.every([self.equal(x, yt[k]) for k, x in xt.items()])
            case Row(xr, n), Row(yr, m):
                agree = [
                    circuit.either(-self.longer(n, i), self.equal(x, y))
                    for i, (x, y) in enumerate(zip(xr, yr, strict=False))
                ]
                return circuit.every([self.equal(n, m), *agree])
            case Members(_, xm), Members(_, ym):
                return circuit.every(
                    [self.equal(xm.get(v, ZERO), ym.get(v, ZERO)) for v in dict.fromkeys([*xm, *ym])]
                )
            case Slots(_, slots), Slots():
                counts = [
                    circuit.either(-used, self.equal(self.count(a, x), self.count(b, x))) for used, x in slots
                ]
                return circuit.every([self.equal(self.size(a), self.size(b)), *counts])
        raise AssertionError((a, b))

    def _equal_case(self, fields: Fields, other: tuple[int, Fields]) -> int:
        literal, others = other
        return self.circuit.every([literal, *(self.equal(f, g) for f, g in zip(fields, others, strict=True))])

    def choose(self, test: int, then: Symbolic, orelse: Symbolic) -> Symbolic:
        """Return `then if test else orelse`, both of one type."""
        if test == TRUE or then is orelse:
            return then
        if test == FALSE:
            return orelse
        match then, orelse:
            case int(), int():
                return self.circuit.choose(test, then, orelse)
            case Choice(), Choice():
                return self.choose_option(test, then, orelse)
            case Cases(xc), Cases(yc):
                return Cases(
                    {c: self._choose_case(test, xc.get(c), yc.get(c)) for c in dict.fromkeys([*xc, *yc])}
                )
            case Items(xi), Items(yi):
                return Items(tuple(self.choose(test, x, y) for x, y in zip(xi, yi, strict=True)))
            case Table(xt), Table(yt):
                if xt.keys() != yt.keys():
                    raise TooLarge(
                        "two maps with different keys meet", remedy="give each all keys of its type"
                    )
                return Table({k: self.choose(test, x, yt[k]) for k, x in xt.items()})
            case Row(xr, n), Row(yr, m):
                items = itertools.zip_longest(xr, yr)
                return Row(
                    tuple(y if x is None else x if y is None else self.choose(test, x, y) for x, y in items),
                    self.choose_option(test, n, m),
                )
            case Members(bag, xm), Members(_, ym):
                return Members(
                    bag,
                    {
                        v: self.choose_option(test, xm.get(v, ZERO), ym.get(v, ZERO))
                        for v in dict.fromkeys([*xm, *ym])
                    },
                )
            case Slots(bag, xs), Slots(_, ys):
                pairs = itertools.zip_longest(xs, ys)
                return Slots(bag, tuple(self._choose_slot(test, x, y) for x, y in pairs))
        raise AssertionError((then, orelse))

    def choose_option(self, test: int, then: Choice, orelse: Choice) -> Choice:
        """Return `then if test else orelse`."""
        if then is orelse:
            return then
        xs, ys, choose = then.options, orelse.options, self.circuit.choose
        chosen = {v: choose(test, xs.get(v, FALSE), ys.get(v, FALSE)) for v in dict.fromkeys([*xs, *ys])}
        return Choice({v: literal for v, literal in chosen.items() if literal != FALSE})

    def _choose_case(
        self, test: int, then: tuple[int, Fields] | None, orelse: tuple[int, Fields] | None
    ) -> tuple[int, Fields]:
        if then is None or orelse is None:
            return self._only_one(test, then, orelse)
        fields = tuple(self.choose(test, f, g) for f, g in zip(then[1], orelse[1], strict=True))
        return self.circuit.choose(test, then[0], orelse[0]), fields

    def _choose_slot(
        self, test: int, then: tuple[int, Symbolic] | None, orelse: tuple[int, Symbolic] | None
    ) -> tuple[int, Symbolic]:
        if then is None or orelse is None:
            return self._only_one(test, then, orelse)
        return self.circuit.choose(test, then[0], orelse[0]), self.choose(test, then[1], orelse[1])

    def _only_one(self, test: int, then: tuple[int, T] | None, orelse: tuple[int, T] | None) -> tuple[int, T]:
        if then is not None:
            return self.circuit.both(test, then[0]), then[1]
        assert orelse is not None
        return self.circuit.both(-test, orelse[0]), orelse[1]

    def select(self, ways: Sequence[tuple[int, Symbolic]]) -> Symbolic:
        """Return the value of the one way whose literal is true (any of them if none is)."""
        same: dict[object, tuple[list[int], Symbolic]] = {}
        for literal, value in ways:
            if literal != FALSE:
                key = ("literal", value) if isinstance(value, int) else id(value)
                same.setdefault(key, ([], value))[0].append(literal)
        grouped = [(self.circuit.some(literals), value) for literals, value in same.values()]
        if not grouped:
            return ways[0][1]
        *rest, (_, chosen) = grouped
        for literal, value in reversed(rest):
            chosen = self.choose(literal, value, chosen)
        return chosen

    # --- what a value may be ---

    def alternatives(self, value: Symbolic, t: Type) -> dict[Any, int]:
        """Return every value that a symbolic one may be, with what makes it that."""
        found: dict[Any, int] = {}
        for known, literal in self._alternatives(value, t):
            if literal != FALSE:
                found[known] = self.circuit.either(found.get(known, FALSE), literal)
                if len(found) > ALTERNATIVES_MOST:
                    raise TooLarge(
                        f"too many values of type {t} are told apart", remedy="choose smaller sizes"
                    )
        return found

    def _alternatives(self, value: Symbolic, t: Type) -> Iterator[tuple[Any, int]]:
        both = self.circuit.both
        match value, t:
            case int(), _:
                return iter(((True, value), (False, -value)))
            case Choice(options), _:
                return iter(options.items())
            case Cases(cases), _:
                item = t.item if isinstance(t, OptionalType) else t
                return itertools.chain.from_iterable(
                    self._of_case(c, literal, fields, item) for c, (literal, fields) in cases.items()
                )
            case Items(items), TupleType(types):
                return self.combinations(items, types)
            case Table(entries), MapType(_, inner):
                chosen = self.combinations(tuple(entries.values()), [inner] * len(entries))
                return ((Map(zip(entries, known, strict=True)), literal) for known, literal in chosen)
            case Row(items, length), SeqType(item):
                return (
                    (Seq(known), both(literal, inner))
                    for n, literal in length.options.items()
                    for known, inner in self.combinations(items[:n], [item] * n)
                )
            case Members(bag, counts), _:
                make: Any = Bag if bag else Set
                chosen = self.combinations(tuple(counts.values()), [IntType()] * len(counts))
                return (
                    (make([v for v, n in zip(counts, known, strict=True) for _ in range(n)]), literal)
                    for known, literal in chosen
                )
        raise TooLarge(f"values of type {t} are too many to be told apart", remedy="choose smaller sizes")

    def _of_case(self, c: type | None, literal: int, fields: Fields, item: Type) -> Iterator[tuple[Any, int]]:
        if c is None:
            yield None, literal
        elif c is Some:
            for known, inner in self.alternatives(fields[0], item).items():
                yield known, self.circuit.both(literal, inner)
        else:
            record: Any = c
            types = record_fields(RecordType(record), self.scope).values()
            for values, inner in self.combinations(fields, tuple(types)):
                together = self.circuit.both(literal, inner)
                if together != FALSE:
                    yield record(*values), together

    def combinations(
        self, values: Sequence[Symbolic], types: Sequence[Type]
    ) -> Iterator[tuple[tuple[Any, ...], int]]:
        """Yield the combinations of what several values may be, without those that cannot be."""
        parts = [self.alternatives(v, t) for v, t in zip(values, types, strict=True)]
        if math.prod(map(len, parts)) > ALTERNATIVES_MOST * 10:
            raise TooLarge("too many combinations of values are told apart", remedy="choose smaller sizes")

        def rest(index: int, known: tuple[Any, ...], literal: int) -> Iterator[tuple[tuple[Any, ...], int]]:
            if index == len(parts):
                yield known, literal
                return
            for value, option in parts[index].items():
                together = self.circuit.both(literal, option)
                if together != FALSE:
                    yield from rest(index + 1, (*known, value), together)

        return rest(0, (), TRUE)

    def gathered(self, ways: Iterable[tuple[Any, int]], t: Type) -> Symbolic:
        """Return the value that is what its true way says: the inverse of `alternatives`."""
        return self.select([(literal, self.lift(value, t)) for value, literal in ways])

    # --- containers ---

    def longer(self, length: Choice, than: int) -> int:
        """Return whether a length is greater than a number."""
        return self.circuit.some([o for n, o in length.options.items() if n > than])

    def at_most(self, number: Choice, most: int) -> int:
        """Return whether a number is no greater than a bound."""
        return self.circuit.some([o for n, o in number.options.items() if n <= most])

    def elements(self, container: Symbolic, item: Type) -> Iterator[tuple[int, Symbolic]]:
        """Yield each element (copies one by one) that may be there and whether it is: in order, but for slots."""
        match container:
            case Row(items, length):
                for i, value in enumerate(items):
                    if (there := self.longer(length, i)) != FALSE:
                        yield there, value
            case Slots(_, slots):
                yield from slots
            case Table(entries):
                for key in entries:
                    yield TRUE, self.lift(key, item)
            case Members(_, counts):
                for known in sorted(counts, key=order_key):
                    count = counts[known]
                    for i in range(max(count.options, default=0)):
                        if (there := self.longer(count, i)) != FALSE:
                            yield there, self.lift(known, item)

    def size(self, container: Symbolic) -> Choice:
        """Return how many elements there are, copies counted."""
        match container:
            case Row(_, length):
                return length
            case Table(entries):
                return one_of(len(entries))
            case Slots(_, slots):
                there = [used for used, _ in slots]
            case Members(_, counts):
                there = [self.longer(c, i) for c in counts.values() for i in range(max(c.options, default=0))]
            case _:
                raise AssertionError(container)
        counted = self.circuit.counted(there)
        return Choice({n: literal for n, literal in enumerate(counted) if literal != FALSE})

    def count(self, container: Symbolic, item: Symbolic, t: Type | None = None) -> Choice:
        """Return how many elements equal an item; `t` is its type (not needed for sequences and slots)."""
        if isinstance(container, Members):
            assert t is not None
            known = self.alternatives(item, t)
            ways: list[tuple[int, Symbolic]] = [
                (literal, container.counts.get(value, ZERO)) for value, literal in known.items()
            ]
            chosen = self.select(ways) if ways else ZERO
            assert isinstance(chosen, Choice)
            return chosen
        if isinstance(container, Row):
            pairs = [(self.longer(container.length, i), x) for i, x in enumerate(container.items)]
        else:
            assert isinstance(container, Slots)
            pairs = list(container.slots)
        same = [self.circuit.both(there, self.equal(x, item)) for there, x in pairs]
        return Choice({n: o for n, o in enumerate(self.circuit.counted(same)) if o != FALSE})

    def contains(self, container: Symbolic, item: Symbolic, t: Type) -> int:
        """Return whether an item is among the elements of a set, bag or sequence, or the keys of a map."""
        if isinstance(container, Table):
            return self.circuit.some(
                [o for k, o in self.alternatives(item, t).items() if k in container.entries]
            )
        if isinstance(container, Members):
            return self.circuit.some(
                [
                    self.circuit.both(literal, self.longer(container.counts[value], 0))
                    for value, literal in self.alternatives(item, t).items()
                    if value in container.counts
                ]
            )
        return -self.count(container, item, t).options.get(0, FALSE)

    def inserted(self, container: Symbolic, item: Symbolic, t: Type) -> Symbolic:
        """Return a set, bag or sequence with one more element (at the end)."""
        both, choose = self.circuit.both, self.choose
        match container:
            case Members(bag, counts):
                changed = dict(counts)
                for value, literal in self.alternatives(item, t).items():
                    count = counts.get(value, ZERO)
                    more = Choice({n + 1: o for n, o in count.options.items()}) if bag else ONE
                    changed[value] = self.choose_option(literal, more, count)
                return Members(bag, changed)
            case Slots(bag, slots):
                new = TRUE if bag else -self.contains(container, item, t)
                placed: list[tuple[int, Symbolic]] = []
                room = new  # still to be put down: used slots come first
                for used, held in slots:
                    here = both(room, -used)
                    placed.append((self.circuit.either(used, here), choose(here, item, held)))
                    room = both(room, used)
                return Slots(bag, (*placed, (room, item)) if room != FALSE else tuple(placed))
            case Row(items, length):
                after = Choice({n + 1: o for n, o in length.options.items()})
                longest = max(after.options, default=0)
                padded = [items[i] if i < len(items) else item for i in range(longest)]
                at = [choose(length.options.get(i, FALSE), item, x) for i, x in enumerate(padded)]
                return Row(tuple(at), after)
        raise AssertionError(container)

    def removed(self, container: Symbolic, item: Symbolic, t: Type) -> Symbolic:
        """Return a set or bag with one copy of an element less, if it is there."""
        match container:
            case Members(bag, counts):
                changed = dict(counts)
                for value, literal in self.alternatives(item, t).items():
                    if value in counts:
                        options = counts[value].options
                        less: dict[Any, int] = {}
                        for n, o in options.items():
                            less[max(n - 1, 0)] = self.circuit.either(less.get(max(n - 1, 0), FALSE), o)
                        changed[value] = self.choose_option(literal, Choice(less), counts[value])
                return Members(bag, changed)
            case Slots(bag, slots):
                gone, moved = FALSE, list(slots)
                for i, (used, held) in enumerate(slots):
                    gone = self.circuit.either(gone, self.circuit.both(used, self.equal(held, item)))
                    following = slots[i + 1] if i + 1 < len(slots) else (FALSE, held)
                    moved[i] = (
                        self.circuit.choose(gone, following[0], used),
                        self.choose(gone, following[1], held),
                    )
                return Slots(bag, tuple(moved))
        raise AssertionError(container)


def _many(size: float) -> str:
    return "infinitely many" if math.isinf(size) else f"{size:,.0f}"
