"""What can be done with symbolic values of every type, in one circuit and at one size.

Guarantees: pure but for the circuit, which grows; the result for any values of the unknowns is what the language says of these
values. Raises CircuitTooLarge where a circuit would be beyond reason, or a type is not known.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ratified.language.scope import Scope
from ratified.language.types import (
    BagType,
    BoolType,
    MapType,
    SeqType,
    SetType,
    Type,
    cardinality,
)
from ratified.language.values import Bag, Seq, Set, order_key
from ratified.smt.finite.circuit import FALSE, TRUE, Circuit
from ratified.smt.finite.selecting import selected
from ratified.smt.finite.sized import ALTERNATIVES_MOST, SizedTypes, how_many
from ratified.smt.finite.symbolic import (
    Cases,
    CircuitTooLarge,
    ContainerKind,
    GuardedValue,
    Keys,
    Multiplicities,
    SlotList,
    Symbolic,
    SymbolicChoice,
    SymbolicParts,
    atomic,
    made,
    one_form,
    one_of,
)

ZERO, ONE = one_of(0), one_of(1)

KINDS: dict[type[Type], ContainerKind] = {SeqType: Seq, SetType: Set, BagType: Bag}


class Algebra:
    """Operations on symbolic values."""

    def __init__(self, circuit: Circuit, scope: Scope) -> None:
        self.circuit = circuit
        self.types = SizedTypes(scope)
        self._lifted: dict[Type, dict[Any, Symbolic]] = {}

    # --- values that are known, and values of which nothing is ---

    def lifted(self, value: Any, t: Type) -> Symbolic:
        """Return a known value of a type, which is hashed: always the same one."""
        known = self._lifted.setdefault(t, {})
        if value not in known:
            known[value] = self.lift(value, t)
        return known[value]

    def lift(self, value: Any, t: Type) -> Symbolic:
        """Return a known value of a type."""
        if isinstance(t, BoolType):
            return TRUE if value else FALSE
        if atomic(t):
            return one_of(value)
        match t:
            case SeqType(item) | SetType(item) | BagType(item):
                if self.types.slotted(t):
                    return SlotList(KINDS[type(t)], tuple([(TRUE, self.lift(v, item)) for v in value]))
                return Multiplicities(KINDS[type(t)], {v: one_of(n) for v, n in Counter(value).items()})
        form, given = self.types.form_of(value, t)
        return one_form(form, *map(self.lift, given, self.types.parts(t, form)))

    def anything(self, t: Type) -> Symbolic:
        """Return a value of a type for where none is ever looked at; of a set, bag or sequence it is the empty one."""
        if isinstance(t, BoolType):
            return FALSE
        if atomic(t):
            return SymbolicChoice({})
        if isinstance(t, SeqType | SetType | BagType):
            return (
                SlotList(KINDS[type(t)], ()) if self.types.slotted(t) else Multiplicities(KINDS[type(t)], {})
            )
        if self.types.of_maps(t):
            return Cases({})  # which keys there are is nobody's question
        forms = self.types.forms(t)
        return Cases({f: (FALSE, tuple(map(self.anything, self.types.parts(t, f)))) for f in forms})

    def unknown(self, t: Type, conditions: list[int]) -> Symbolic:
        """Return any value of a (resolved) type; what makes it one is added to the conditions."""
        if isinstance(t, BoolType):
            return self.circuit.fresh()
        if atomic(t):
            return self._any_of(self.types.listed(t), conditions)
        match t:
            case SeqType() | SetType() | BagType():
                return (
                    self._any_slots(t, conditions)
                    if self.types.slotted(t)
                    else self._any_members(t, conditions)
                )
        forms = self.types.forms(t)
        parts = [tuple([self.unknown(p, conditions) for p in self.types.parts(t, form)]) for form in forms]
        literals = self._any_of(range(len(forms)), conditions).options.values()
        return Cases(dict(zip(forms, zip(literals, parts, strict=True), strict=True)))

    def _any_of(self, values: Sequence[Any], conditions: list[int]) -> SymbolicChoice:
        if len(values) == 1:
            return one_of(values[0])
        if len(values) == 2:
            literal = self.circuit.fresh()
            return SymbolicChoice({values[0]: -literal, values[1]: literal})
        options = {v: self.circuit.fresh() for v in values}
        conditions.append(self.circuit.exactly_one(list(options.values())))
        return SymbolicChoice(options)

    def _any_slots(self, t: SeqType | SetType | BagType, conditions: list[int]) -> SlotList:
        if not isinstance(t.size, int):
            many = how_many(cardinality(t.item, self.types.scope))
            raise CircuitTooLarge(
                f"{t.item} has {many} values at this size, and {t} no bound",
                remedy="bound it: Annotated[..., AtMost(n)]",
            )
        slots = tuple([(self.circuit.fresh(), self.unknown(t.item, conditions)) for _ in range(t.size)])
        conditions += [self.circuit.either(a, -b) for (a, _), (b, _) in itertools.pairwise(slots)]
        copies = t.copies if isinstance(t, BagType) else 1 if isinstance(t, SetType) else None
        if isinstance(copies, int):
            conditions.append(-self.too_equal(slots, copies))
        return SlotList(KINDS[type(t)], slots)

    def _any_members(self, t: SeqType | SetType | BagType, conditions: list[int]) -> Multiplicities:
        copies = 1 if isinstance(t, SetType) else t.copies if isinstance(t, BagType) else None
        most = t.size if copies is None else copies
        if not isinstance(most, int):
            raise CircuitTooLarge(
                f"a {t} may hold any number of copies", remedy="bound it: AtMost(size, copies=n)"
            )
        counts = {v: self._any_of(range(most + 1), conditions) for v in self.types.listed(t.item)}
        members = Multiplicities(KINDS[type(t)], counts)
        if isinstance(t.size, int) and t.size < most * len(counts):
            conditions.append(self.at_most(self.size(members), t.size))
        return members

    # --- equality and choice ---

    def equal(self, a: Symbolic, b: Symbolic) -> int:
        """Return whether two values of one type are equal."""
        circuit = self.circuit
        if a is b:
            return TRUE
        match a, b:
            case int(), int():
                return circuit.same(a, b)
            case SymbolicChoice(xo), SymbolicChoice(yo):
                return circuit.some([circuit.both(x, yo[v]) for v, x in xo.items() if v in yo])
            case Cases(xc), Cases(yc):
                both = [(x, yc[f][0], map(self.equal, xp, yc[f][1])) for f, (x, xp) in xc.items() if f in yc]
                return circuit.some([circuit.both(x, circuit.every([y, *parts])) for x, y, parts in both])
            case Multiplicities(_, xm), Multiplicities(_, ym):
                return circuit.every(
                    [self.equal(xm.get(v, ZERO), ym.get(v, ZERO)) for v in dict.fromkeys([*xm, *ym])]
                )
            case SlotList(kind, xs), SlotList(_, ys):
                used = itertools.zip_longest((u for u, _ in xs), (u for u, _ in ys), fillvalue=FALSE)
                if kind is Seq:
                    alike = [
                        circuit.either(-u, self.equal(x, y)) for (u, x), (_, y) in zip(xs, ys, strict=False)
                    ]
                else:
                    counts = [(u, self.count(a, x), self.count(b, x)) for u, x in xs]
                    alike = [circuit.either(-u, self.equal(n, m)) for u, n, m in counts]
                return circuit.every([*itertools.starmap(circuit.same, used), *alike])
        raise AssertionError((a, b))

    def choose(self, test: int, then: Symbolic, orelse: Symbolic) -> Symbolic:
        """Return `then if test else orelse`, both of one type."""
        if test == TRUE or then is orelse:
            return then
        if test == FALSE:
            return orelse
        match then, orelse:
            case int(), int():
                return self.circuit.choose(test, then, orelse)
            case SymbolicChoice(), SymbolicChoice():
                return self.choose_option(test, then, orelse)
            case Cases(xc), Cases(yc):
                forms = dict.fromkeys([*xc, *yc])
                return Cases({f: self._choose_parts(test, xc.get(f), yc.get(f)) for f in forms})
            case Multiplicities(kind, xm), Multiplicities(_, ym):
                values = dict.fromkeys([*xm, *ym])
                return Multiplicities(
                    kind, {v: self.choose_option(test, xm.get(v, ZERO), ym.get(v, ZERO)) for v in values}
                )
            case SlotList(kind, xs), SlotList(_, ys):
                pairs = itertools.zip_longest([(u, (x,)) for u, x in xs], [(u, (y,)) for u, y in ys])
                chosen = [self._choose_parts(test, x, y) for x, y in pairs]
                return SlotList(kind, tuple([(used, item) for used, (item,) in chosen]))
        raise AssertionError((then, orelse))

    def choose_option(self, test: int, then: SymbolicChoice, orelse: SymbolicChoice) -> SymbolicChoice:
        """Return `then if test else orelse`."""
        if then is orelse:
            return then
        xs, ys, choose = then.options, orelse.options, self.circuit.choose
        chosen = {v: choose(test, xs.get(v, FALSE), ys.get(v, FALSE)) for v in dict.fromkeys([*xs, *ys])}
        return SymbolicChoice({v: literal for v, literal in chosen.items() if literal != FALSE})

    def _choose_parts(
        self, test: int, then: tuple[int, SymbolicParts] | None, orelse: tuple[int, SymbolicParts] | None
    ) -> tuple[int, SymbolicParts]:
        if orelse is None:
            assert then is not None
            return self.circuit.both(test, then[0]), then[1]
        if then is None:
            return self.circuit.both(-test, orelse[0]), orelse[1]
        parts = [self.choose(test, x, y) for x, y in zip(then[1], orelse[1], strict=True)]
        return self.circuit.choose(test, then[0], orelse[0]), tuple(parts)

    def select(self, ways: Sequence[GuardedValue], t: Type) -> Symbolic:
        """Return the value of the one way whose literal is true (any value if none is), which is of a type."""
        possible = [way for way in ways if way[0] != FALSE]
        return selected(self.circuit, possible) if possible else self.anything(t)

    # --- what a value may be ---

    def collected(self, ways: Iterable[tuple[Any, int]]) -> dict[Any, int]:
        """Return for each known value whether it is that of a way whose literal is true."""
        found: dict[Any, list[int]] = {}
        for known, literal in ways:
            if literal != FALSE:
                found.setdefault(known, []).append(literal)
                if len(found) > ALTERNATIVES_MOST:
                    raise CircuitTooLarge(
                        "too many values are distinguished here", remedy="choose smaller sizes"
                    )
        return {known: self.circuit.some(literals) for known, literals in found.items()}

    def known(self, ways: Iterable[tuple[Any, int]], t: Type) -> Symbolic:
        """Return the value of a type that is what its true way says: the inverse of `alternatives`."""
        if isinstance(t, BoolType):
            return self.circuit.some([literal for value, literal in ways if value])
        if atomic(t):
            return SymbolicChoice(self.collected(ways))
        return self.select([(literal, self.lift(value, t)) for value, literal in ways], t)

    def alternatives(self, value: Symbolic) -> dict[Any, int]:
        """Return every value that a symbolic one may be, with what makes it that."""
        return self.collected(self._alternatives(value))

    def _alternatives(self, value: Symbolic) -> Iterable[tuple[Any, int]]:
        both = self.circuit.both
        match value:
            case int():
                return (True, value), (False, -value)
            case SymbolicChoice(options):
                return options.items()
            case Cases(cases):
                return (
                    (made(form, known), both(literal, inner))
                    for form, (literal, parts) in cases.items()
                    for known, inner in self.combinations(parts)
                    if both(literal, inner) != FALSE
                )
            case Multiplicities(kind, counts):
                return (
                    (kind([v for v, n in zip(counts, known, strict=True) for _ in range(n)]), literal)
                    for known, literal in self.combinations(tuple(counts.values()))
                )
            case SlotList(kind, slots):
                return (
                    (kind(known), both(literal, inner))
                    for n, literal in self.size(value).options.items()
                    for known, inner in self.combinations([item for _, item in slots[:n]])
                )

    def combinations(self, values: Sequence[Symbolic]) -> Iterator[tuple[tuple[Any, ...], int]]:
        """Yield the combinations of what several values may be, without those that cannot be."""
        parts = [self.alternatives(v) for v in values]
        if math.prod(map(len, parts)) > ALTERNATIVES_MOST * 10:
            raise CircuitTooLarge(
                "too many combinations of values are distinguished", remedy="choose smaller sizes"
            )

        def rest(index: int, known: tuple[Any, ...], literal: int) -> Iterator[tuple[tuple[Any, ...], int]]:
            if index == len(parts):
                yield known, literal
                return
            for value, option in parts[index].items():
                together = self.circuit.both(literal, option)
                if together != FALSE:
                    yield from rest(index + 1, (*known, value), together)

        return rest(0, (), TRUE)

    # --- containers ---

    def longer(self, length: SymbolicChoice, than: int) -> int:
        """Return whether a length is greater than a number."""
        return self.circuit.some([o for n, o in length.options.items() if n > than])

    def at_most(self, number: SymbolicChoice, most: int) -> int:
        """Return whether a number is no greater than a bound; what it is beyond that is not computed."""
        return self.circuit.some([o for n, o in number.options.items() if n <= most])

    def elements(self, container: Symbolic, item: Type) -> Iterator[GuardedValue]:
        """Yield each element (copies one by one) that may be there and whether it is: in order, but for sets in slots."""
        match container:
            case SlotList(_, slots):
                yield from slots
            case Cases():
                for key, there in self.keys_of(container).items():
                    yield there, self.lifted(key, item)
            case Multiplicities(_, counts):
                for known in sorted(counts, key=order_key):
                    count = counts[known]
                    for i in range(max(count.options, default=0)):
                        if (there := self.longer(count, i)) != FALSE:
                            yield there, self.lifted(known, item)

    def keys_of(self, mapping: Cases) -> dict[Any, int]:
        """Return the keys that a map may have, in order, and whether it has them."""
        found = self.collected(
            [(key, o) for form, (o, _) in mapping.cases.items() if isinstance(form, Keys) for key in form.at]
        )
        return dict(sorted(found.items(), key=lambda pair: order_key(pair[0])))

    def at_key(self, mapping: Cases, key: Any, t: Type) -> Symbolic:
        """Return the value, of a type, that a map has at a key, which it has."""
        ways = [
            (literal, parts[form.at[key]])
            for form, (literal, parts) in mapping.cases.items()
            if isinstance(form, Keys) and key in form.at
        ]
        return self.select(ways, t)

    def size(self, container: Symbolic) -> SymbolicChoice:
        """Return how many elements there are, copies counted."""
        match container:
            case Cases(cases):
                return SymbolicChoice(
                    self.collected([(len(f.at), o) for f, (o, _) in cases.items() if isinstance(f, Keys)])
                )
            case SlotList(_, slots):
                used = [TRUE, *(u for u, _ in slots), FALSE]
                last = [self.circuit.both(a, -b) for a, b in itertools.pairwise(used)]
                return SymbolicChoice({n: o for n, o in enumerate(last) if o != FALSE})
            case Multiplicities(_, counts):
                there = [self.longer(c, i) for c in counts.values() for i in range(max(c.options, default=0))]
                return self._counted(there)
        raise AssertionError(container)

    def _counted(self, literals: Iterable[int]) -> SymbolicChoice:
        return SymbolicChoice({n: o for n, o in enumerate(self.circuit.counted(literals)) if o != FALSE})

    def count(self, container: Symbolic, item: Symbolic) -> SymbolicChoice:
        """Return how many elements equal an item."""
        match container:
            case Multiplicities(_, counts):
                options = [
                    (n, self.circuit.both(literal, o))
                    for value, literal in self.alternatives(item).items()
                    for n, o in counts.get(value, ZERO).options.items()
                ]
                return SymbolicChoice(self.collected(options))
            case SlotList(_, slots):
                return self._counted([self.circuit.both(used, self.equal(x, item)) for used, x in slots])
        raise AssertionError(container)

    def contains(self, container: Symbolic, item: Symbolic) -> int:
        """Return whether an item is among the elements of a set, bag or sequence, or the keys of a map."""
        match container:
            case Cases():
                inside = self.keys_of(container)
            case Multiplicities(_, counts):
                inside = {value: self.longer(count, 0) for value, count in counts.items()}
            case SlotList(_, slots):
                return self.circuit.some([self.circuit.both(used, self.equal(x, item)) for used, x in slots])
            case _:
                raise AssertionError(container)
        known = self.alternatives(item)
        return self.circuit.some([self.circuit.both(o, inside[v]) for v, o in known.items() if v in inside])

    def inserted(self, container: Symbolic, item: Symbolic, there: int = TRUE) -> Symbolic:
        """Return a set, bag or sequence with one more element (at the end) if it is to be `there`."""
        both = self.circuit.both
        match container:
            case Multiplicities(kind, counts):
                changed = dict(counts)
                for value, literal in self.alternatives(item).items():
                    count = counts.get(value, ZERO)
                    more = (
                        ONE if kind is Set else SymbolicChoice({n + 1: o for n, o in count.options.items()})
                    )
                    changed[value] = self.choose_option(both(there, literal), more, count)
                return Multiplicities(kind, changed)
            case SlotList(kind, slots):
                if kind is Set:
                    there = both(there, -self.contains(container, item))
                placed: list[GuardedValue] = []
                room = there  # for all slots before are used
                for used, held in slots:
                    placed.append(
                        (self.circuit.either(used, room), self.choose(both(room, -used), item, held))
                    )
                    room = both(there, used)
                return SlotList(kind, (*placed, (room, item)) if room != FALSE else tuple(placed))
        raise AssertionError(container)

    def extended(self, container: Symbolic, ways: Iterable[GuardedValue]) -> Symbolic:
        """Return a set, bag or sequence with all elements more that are there."""
        for there, item in ways:
            container = self.inserted(container, item, there)
        return container

    def removed(self, container: Symbolic, item: Symbolic) -> Symbolic:
        """Return a set or bag with one copy of an element less, if it is there."""
        match container:
            case Multiplicities(kind, counts):
                changed = dict(counts)
                for value, literal in self.alternatives(item).items():
                    if value in counts:
                        less = self.collected([(max(n - 1, 0), o) for n, o in counts[value].options.items()])
                        changed[value] = self.choose_option(literal, SymbolicChoice(less), counts[value])
                return Multiplicities(kind, changed)
            case SlotList(_, slots):
                return self.without(
                    container, [self.circuit.both(u, self.equal(held, item)) for u, held in slots]
                )
        raise AssertionError(container)

    def without(self, value: SlotList, here: Sequence[int]) -> SlotList:
        """Return slots without the first of which it is said that it is `here`."""
        last = [(FALSE, item) for _, item in value.slots[-1:]]
        gone, moved = FALSE, []
        for (used, item), (after, following), this in zip(
            value.slots, (*value.slots[1:], *last), here, strict=True
        ):
            gone = self.circuit.either(gone, this)
            moved.append((self.circuit.choose(gone, after, used), self.choose(gone, following, item)))
        return SlotList(value.kind, tuple(moved))

    def total(self, value: Symbolic, t: Type) -> int:
        """Return whether a map has a value for every key of its (resolved) type, at every depth of maps."""
        if not isinstance(t, MapType) or math.isinf(cardinality(t.key, self.types.scope)):
            return TRUE
        assert isinstance(value, Cases)
        wanted = self.types.keys(self.types.listed(t.key), t)
        return self.circuit.every(
            self.circuit.either(-literal, self.circuit.every([self.total(part, t.value) for part in parts]))
            if form is wanted
            else -literal
            for form, (literal, parts) in value.cases.items()
        )

    def too_equal(self, slots: Sequence[GuardedValue], copies: int) -> int:
        """Return whether more than so many slots hold the same."""
        return self.circuit.some(
            self.circuit.every(
                [*(used for used, _ in group), *(self.equal(group[0][1], x) for _, x in group[1:])]
            )
            for group in itertools.combinations(slots, copies + 1)
        )
