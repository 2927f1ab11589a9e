"""Symbolic values as values of a larger or smaller type, and held to the bounds of one."""

from __future__ import annotations

from collections.abc import Callable

from ratified.language.sorts import BoundLeft
from ratified.language.types import (
    BagType,
    BoolType,
    NoneType,
    OptionalType,
    SeqType,
    SetType,
    Type,
    element_type,
    fit_of,
    has_bounds,
    records_of,
)
from ratified.smt.finite.algebra import Algebra
from ratified.smt.finite.circuit import FALSE, TRUE, Circuit
from ratified.smt.finite.symbolic import (
    Cases,
    Form,
    Multiplicities,
    SlotList,
    Some,
    Symbolic,
    SymbolicChoice,
    SymbolicParts,
    atomic,
    one_form,
    one_of,
)


def widened(algebra: Algebra, value: Symbolic, t: Type, into: Type) -> Symbolic:
    """Return a value of a type as one of a larger type."""
    if t == into or (atomic(t) and atomic(into)):
        return value
    match value:
        case int():
            return SymbolicChoice({True: value, False: -value})  # a bool, as one that may be None
        case SymbolicChoice():
            return one_form(None)  # None, the only value of its type
        case Cases(cases):
            wide: dict[Form, tuple[int, SymbolicParts]] = {}
            for form, (literal, parts) in cases.items():
                types = zip(algebra.types.parts(t, form), algebra.types.parts(into, form), strict=True)
                made = [widened(algebra, part, a, b) for part, (a, b) in zip(parts, types, strict=True)]
                wide[form] = literal, tuple(made)
            return Cases(wide)
    if isinstance(into, OptionalType):
        return one_form(Some, widened(algebra, value, t, into.item))
    a, b = element_type(t), element_type(into)
    assert a is not None
    assert b is not None
    match value:
        case SlotList(kind, slots):
            return SlotList(kind, tuple([(used, widened(algebra, v, a, b)) for used, v in slots]))
        case Multiplicities() if algebra.types.slotted(into):
            return algebra.extended(algebra.anything(into), algebra.elements(value, b))
    return value


def _of(into: Type) -> Callable[[object], bool]:
    """Return what says of an option or a form whether values of a type may have it, if they may but for None and records."""
    optional = isinstance(into, OptionalType | NoneType)
    records = {r.record for r in records_of(into)}

    def of(option: object) -> bool:
        return optional if option is None else option in records or not records

    return of


def there_in(circuit: Circuit, value: Symbolic, into: Type) -> int:
    """Return whether a value is of a smaller type."""
    of = _of(into)
    match value:
        case SymbolicChoice(options):
            return TRUE if all(map(of, options)) else circuit.some([o for v, o in options.items() if of(v)])
        case Cases(cases):
            return circuit.some([o for form, (o, _) in cases.items() if of(form)])
    return TRUE


def narrowed(value: Symbolic, into: Type) -> Symbolic:
    """Return a value that is known to be of a smaller type."""
    if isinstance(into, NoneType):
        return one_of(None)
    of = _of(into)
    match value:
        case SymbolicChoice(options) if isinstance(into, BoolType):
            return options.get(True, FALSE)
        case SymbolicChoice(options):
            return SymbolicChoice({v: o for v, o in options.items() if of(v)})
        case Cases(cases) if Some in cases and not of(None):
            return cases[Some][1][0]
        case Cases(cases):
            return Cases({form: case for form, case in cases.items() if of(form)})
    return value


def fitted(algebra: Algebra, value: Symbolic, t: Type) -> tuple[int, Symbolic]:
    """Return whether a value is within the bounds of its (resolved) type, and the value if it is.

    Records are left out: they were checked when they were made.
    """
    if not has_bounds(t):
        return TRUE, value
    circuit = algebra.circuit
    match value:
        case SymbolicChoice(options):
            fit = _fits(t)
            kept = {v: o for v, o in options.items() if v is None or fit(v)}
            return (TRUE if len(kept) == len(options) else circuit.some(kept.values())), SymbolicChoice(kept)
        case Cases(cases):
            fine, held = [], {}
            for form, (literal, parts) in cases.items():
                types = algebra.types.parts(t, form)
                pairs = [fitted(algebra, v, p) for v, p in zip(parts, types, strict=True)]
                fine.append(circuit.either(-literal, circuit.every([f for f, _ in pairs])))
                held[form] = literal, tuple([v for _, v in pairs])
            return circuit.every(fine), Cases(held)
        case SlotList(kind, slots) if isinstance(t, SeqType | SetType | BagType):
            item, most = t.item, t.size if isinstance(t.size, int) else len(slots)
            ways = [(used, *fitted(algebra, v, item)) for used, v in slots[:most]]
            few = [circuit.either(-used, ok) for used, ok, _ in ways] + [
                -used for used, _ in slots[most:][:1]
            ]
            if isinstance(t, BagType) and isinstance(t.copies, int):
                few.append(-algebra.too_equal(slots, t.copies))
            return circuit.every(few), SlotList(kind, tuple([(used, v) for used, _, v in ways]))
        case Multiplicities(kind, counts) if isinstance(t, SeqType | SetType | BagType):
            fits = _fits(t.item)
            within = Multiplicities(kind, {v: n for v, n in counts.items() if fits(v)})
            few = [-algebra.longer(n, 0) for v, n in counts.items() if v not in within.counts]
            if isinstance(t.size, int):
                few.append(algebra.at_most(algebra.size(within), t.size))
            if isinstance(t, BagType) and isinstance(t.copies, int):
                few += [algebra.at_most(n, t.copies) for n in within.counts.values()]
            return circuit.every(few), within
    return TRUE, value


def _fits(t: Type) -> Callable[[object], bool]:
    """Return what says whether a known value is within the bounds of a type."""
    check = fit_of(t, "")

    def fits(value: object) -> bool:
        try:
            return check is None or check(value) is None
        except BoundLeft:
            return False

    return fits
