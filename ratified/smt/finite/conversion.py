"""Symbolic values as values of a larger or smaller type, and held to the bounds of one."""

from __future__ import annotations

from ratified.language.sorts import BoundLeft
from ratified.language.types import (
    BagType,
    BoolType,
    IntType,
    MapType,
    NoneType,
    OptionalType,
    SeqType,
    SetType,
    TupleType,
    Type,
    fit_of,
    has_bounds,
    records_of,
)
from ratified.smt.finite.algebra import Algebra
from ratified.smt.finite.circuit import FALSE, TRUE
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
    atomic,
    some,
)


def widened(algebra: Algebra, value: Symbolic, t: Type, into: Type) -> Symbolic:
    """Return a value of a type as one of a larger type."""
    if t == into or (atomic(t) and atomic(into)):
        return value
    match t, into:
        case BoolType(), OptionalType(BoolType()):
            assert isinstance(value, int)
            return Choice({True: value, False: -value})
        case NoneType(), _:
            return Cases({None: (TRUE, ())})
        case OptionalType(a), OptionalType(b):
            assert isinstance(value, Cases)
            if Some not in value.cases:
                return value
            there, (inner,) = value.cases[Some]
            return Cases({**value.cases, Some: (there, (widened(algebra, inner, a, b),))})
        case _, OptionalType(b):
            return some(widened(algebra, value, t, b))
        case TupleType(xs), TupleType(ys):
            assert isinstance(value, Items)
            parts = zip(value.items, xs, ys, strict=True)
            return Items(tuple(widened(algebra, v, x, y) for v, x, y in parts))
        case MapType(_, a), MapType(_, b):
            assert isinstance(value, Table)
            return Table({k: widened(algebra, v, a, b) for k, v in value.entries.items()})
        case SeqType(a), SeqType(b):
            assert isinstance(value, Row)
            return Row(tuple(widened(algebra, v, a, b) for v in value.items), value.length)
        case (SetType(a), SetType(b)) | (BagType(a), BagType(b)) if isinstance(value, Slots):
            return Slots(value.bag, tuple((used, widened(algebra, v, a, b)) for used, v in value.slots))
        case (SetType(a), SetType(b)) | (BagType(a), BagType(b)) if algebra.slotted(b):
            assert isinstance(value, Members)
            return packed(algebra, Slots(value.bag, tuple(algebra.elements(value, b))))
    return value


def packed(algebra: Algebra, value: Slots) -> Slots:
    """Return slots with those that are used first."""
    result = Slots(value.bag, ())
    for used, item in value.slots:
        placed, room = [], used
        for there, held in result.slots:
            here = algebra.circuit.both(room, -there)
            placed.append((algebra.circuit.either(there, here), algebra.choose(here, item, held)))
            room = algebra.circuit.both(room, there)
        result = Slots(value.bag, (*placed, (room, item)) if room != FALSE else tuple(placed))
    return result


def narrowed(value: Symbolic, t: Type, into: Type) -> Symbolic:
    """Return a value of a type that is known to be of a smaller one."""
    if isinstance(t, OptionalType) and isinstance(t.item, BoolType) and isinstance(into, BoolType):
        assert isinstance(value, Choice)
        return value.options.get(True, FALSE)
    optional = isinstance(into, OptionalType | NoneType)
    if isinstance(value, Choice):
        return Choice({v: o for v, o in value.options.items() if v is not None or optional})
    if isinstance(value, Cases):
        if Some in value.cases and not optional:
            return value.cases[Some][1][0]
        classes: set[type | None] = {r.record for r in records_of(into)}
        if optional:
            classes |= {None, Some}
        return Cases({c: case for c, case in value.cases.items() if c in classes})
    return value


def fitted(algebra: Algebra, value: Symbolic, t: Type) -> tuple[int, Symbolic]:
    """Return whether a value is within the bounds of its (resolved) type, and the value if it is.

    Records are left out: they were checked when they were made.
    """
    if not has_bounds(t):
        return TRUE, value
    circuit = algebra.circuit
    match value, t:
        case Choice(options), IntType(int(low), int(high)):
            kept = {v: o for v, o in options.items() if low <= v <= high}
            return _known(algebra, options, kept)
        case Choice(options), OptionalType(IntType(int(low), int(high))):
            kept = {v: o for v, o in options.items() if v is None or low <= v <= high}
            return _known(algebra, options, kept)
        case Cases(cases), OptionalType(item) if Some in cases:
            there, (inner,) = cases[Some]
            fine, inner = fitted(algebra, inner, item)
            return circuit.either(-there, fine), Cases({**cases, Some: (there, (inner,))})
        case Items(items), TupleType(types):
            pairs = [fitted(algebra, v, i) for v, i in zip(items, types, strict=True)]
            return circuit.every([fine for fine, _ in pairs]), Items(tuple(v for _, v in pairs))
        case Table(entries), MapType(_, inner_type):
            held = {k: fitted(algebra, v, inner_type) for k, v in entries.items()}
            return circuit.every([fine for fine, _ in held.values()]), Table(
                {k: v for k, (_, v) in held.items()}
            )
        case Row(items, length), SeqType(item, size):
            if isinstance(size, int):
                items = items[:size]
                length = Choice({n: o for n, o in length.options.items() if n <= size})
            pairs = [fitted(algebra, v, item) for v in items]
            inside = [circuit.either(-algebra.longer(length, i), fine) for i, (fine, _) in enumerate(pairs)]
            return circuit.every([circuit.some(length.options.values()), *inside]), Row(
                tuple(v for _, v in pairs), length
            )
        case Members(), SetType(item, size) | BagType(item, size):
            fine, held_members = _members_within(algebra, value, item)
            return circuit.both(fine, _few(algebra, held_members, t, size)), held_members
        case Slots(bag, slots), SetType(item, size) | BagType(item, size):
            fine = _few(algebra, value, t, None)
            if isinstance(size, int) and len(slots) > size:
                return circuit.both(fine, -slots[size][0]), Slots(bag, slots[:size])
            return fine, value
    return TRUE, value


def _known(algebra: Algebra, options: object, kept: dict[object, int]) -> tuple[int, Choice]:
    assert isinstance(options, dict)
    if len(kept) == len(options):
        return TRUE, Choice(options)
    return algebra.circuit.some(kept.values()), Choice(kept)


def _members_within(algebra: Algebra, value: Members, item: Type) -> tuple[int, Members]:
    """Return whether the elements of a set are within the bounds of their type, and the set of those that are."""
    check = fit_of(item, "")
    if check is None:
        return TRUE, value
    kept: dict[object, Choice] = {}
    outside: list[int] = []
    for known, count in value.counts.items():
        try:
            check(known)
            kept[known] = count
        except BoundLeft:
            outside.append(algebra.longer(count, 0))
    return -algebra.circuit.some(outside), Members(value.bag, kept)


def _few(algebra: Algebra, value: Members | Slots, t: Type, size: object) -> int:
    """Return whether a set or bag has no more elements, and no more copies of one, than its type allows."""
    fine = TRUE
    if isinstance(size, int):
        fine = algebra.at_most(algebra.size(value), size)
    if isinstance(t, BagType) and isinstance(t.copies, int):
        if isinstance(value, Members):
            few = [algebra.at_most(count, t.copies) for count in value.counts.values()]
            fine = algebra.circuit.every([fine, *few])
        else:
            fine = algebra.circuit.both(fine, -algebra.too_equal(value.slots, t.copies))
    return fine
