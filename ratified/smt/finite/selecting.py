"""Which of many values is meant, where just one of their literals is true.

Guarantees: pure but for the circuit, which grows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from ratified.smt.finite.circuit import FALSE, Circuit
from ratified.smt.finite.symbolic import (
    Cases,
    GuardedValue,
    Multiplicities,
    SlotList,
    Symbolic,
    SymbolicChoice,
    SymbolicParts,
    one_of,
)

K = TypeVar("K")
V = TypeVar("V")


def selected(circuit: Circuit, ways: Sequence[GuardedValue]) -> Symbolic:
    """Return the value of the one way whose literal is true (any value if none is); there is at least one way."""
    # Each literal of the result is one disjunction over all ways. A row of choices, each between one way and all that follow,
    # says the same in three times as many gates, and a solver takes several times as long to see through it.
    same: dict[object, tuple[list[int], Symbolic]] = {}
    for literal, value in ways:
        key = ("literal", value) if isinstance(value, int) else id(value)
        same.setdefault(key, ([], value))[0].append(literal)
    if len(same) == 1:
        return ways[0][1]
    ways = [(circuit.some(literals), value) for literals, value in same.values()]
    match ways[0][1]:
        case int():
            return _said(circuit, _all(int, ways), len(ways))
        case SymbolicChoice():
            options = _by_key([(literal, v.options) for literal, v in _all(SymbolicChoice, ways)])
            said = {known: _said(circuit, pairs, len(ways)) for known, pairs in options.items()}
            return SymbolicChoice({known: literal for known, literal in said.items() if literal != FALSE})
        case Cases():
            cases = _by_key([(literal, v.cases) for literal, v in _all(Cases, ways)])
            return Cases({form: _case(circuit, pairs, len(ways)) for form, pairs in cases.items()})
        case Multiplicities(kind):
            none = one_of(0)
            members = [(literal, v.counts) for literal, v in _all(Multiplicities, ways)]
            counts: dict[object, SymbolicChoice] = {}
            for known in _by_key(members):
                count = selected(circuit, [(literal, held.get(known, none)) for literal, held in members])
                assert isinstance(count, SymbolicChoice)
                counts[known] = count
            return Multiplicities(kind, counts)
        case SlotList(kind):
            slots = _by_key([(o, dict(enumerate(v.slots))) for o, v in _all(SlotList, ways)])
            pairs = [[(o, (used, (item,))) for o, (used, item) in s] for s in slots.values()]
            filled = [_case(circuit, slot, len(ways)) for slot in pairs]
            return SlotList(kind, tuple([(used, item) for used, (item,) in filled]))


def _said(circuit: Circuit, ways: Sequence[tuple[int, int]], among: int) -> int:
    """Return the literal of the one true way among so many; those that are left out have FALSE."""
    if len(ways) == among and len({said for _, said in ways}) == 1:
        return ways[0][1]
    return circuit.some([circuit.both(way, said) for way, said in ways])


def _case(
    circuit: Circuit, ways: Sequence[tuple[int, tuple[int, SymbolicParts]]], among: int
) -> tuple[int, SymbolicParts]:
    there = _said(circuit, [(way, literal) for way, (literal, _) in ways], among)
    by_part = zip(*[[(way, part) for part in parts] for way, (_, parts) in ways], strict=True)
    return there, tuple([selected(circuit, part) for part in by_part])


def _all(kind: type[V], ways: Iterable[tuple[int, object]]) -> list[tuple[int, V]]:
    """Return ways, whose values are all of one kind."""
    found: list[tuple[int, V]] = []
    for literal, value in ways:
        assert isinstance(value, kind)
        found.append((literal, value))
    return found


def _by_key(ways: Sequence[tuple[int, Mapping[K, V]]]) -> dict[K, list[tuple[int, V]]]:
    """Return for each key the ways that have it, with what they have there."""
    found: dict[K, list[tuple[int, V]]] = {}
    for literal, held in ways:
        for key, value in held.items():
            found.setdefault(key, []).append((literal, value))
    return found
