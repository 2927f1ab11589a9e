"""A run of statements as one formula over the state before and after it.

Guarantees: each variable is given its value once.
"""

from __future__ import annotations

from collections.abc import Sequence

from ratified.tla.context import GivenByCall, TranslatedStatements, Unassigned
from ratified.tla.definitions import with_definitions
from ratified.tla.formulas import all_of, tuple_of
from ratified.tla.joins import Join
from ratified.tla.syntax import Commented, If, Infix, Leaf, Prefix, Primed, Tla


def formula(r: TranslatedStatements, names: Sequence[str], *, primed: bool = True) -> Tla:
    """A run of statements as a formula that gives these variables their values."""
    items = [*r.guards, *r.calls, *_given({n: r.frame.now.get(n) for n in names}, primed, r)]
    return with_definitions(r.definitions, all_of(items, listed=True))


def _given(values: dict[str, Tla | None], primed: bool, r: TranslatedStatements) -> list[Tla]:
    """Variables with their values; what is not changed at the end."""
    made: list[Tla] = []
    unchanged: list[str] = []
    together: dict[int, list[str]] = {}
    for name, value in values.items():
        if isinstance(value, Join):
            together.setdefault(id(value.test), []).append(name)
    told: set[str] = set()
    for name, value in values.items():
        text = r.frame.words.variables[name]
        if name in told or isinstance(value, GivenByCall):
            continue
        if isinstance(value, Unassigned):
            r.frame.words.need("TLC")
            made.append(value)
        elif value is None or (isinstance(value, Leaf) and value.text == text and primed):
            unchanged.append(text)
        elif isinstance(value, Join) and len(group := together[id(value.test)]) > 1:
            told.update(group)
            sides = []
            for side in ("then", "orelse"):
                part = _given({n: getattr(values[n], side) for n in group}, primed, r)
                sides.append(all_of(part, listed=True))
            made.append(If(value.test, *sides))
        else:
            given: Tla = Infix("=", Primed(Leaf(text)) if primed else Leaf(text), value)
            made.append(Commented(given, r.notes.pop(name)) if name in r.notes else given)
    if len(unchanged) == 1:
        made.append(Prefix("UNCHANGED", Leaf(unchanged[0])))
    elif unchanged:
        made.append(Prefix("UNCHANGED", tuple_of(*map(Leaf, unchanged))))
    return made
