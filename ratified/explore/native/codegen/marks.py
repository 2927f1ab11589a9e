"""Marks: a number for each value of a symmetric sort, which says something of the part that it plays in a state, in C.

Guarantees: when a state is renamed, its marks are: what a value becomes has the value's mark. So of all renamings of a state only
those need to be looked at that put the marks in order (Ip & Dill, "Better verification through symmetry", 1996, section 5). How
much a mark says decides how long that takes, and nothing else.

A mark is made of what a map holds for the value, as far as nothing is in there that is renamed; whether a set has it, or a
variable is it; how many elements of a set, of a bag or of a sequence speak of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ratified.explore.native.codegen import build
from ratified.explore.native.codegen.leaves import leaves
from ratified.explore.native.codegen.nodes import Word
from ratified.explore.native.codegen.numbers import (
    Num,
    both,
    chosen,
    compare,
    const,
    count_bits,
    either,
    total,
    truth,
)
from ratified.explore.native.codegen.packing import item as item_at
from ratified.explore.native.codegen.packing import load, there
from ratified.explore.native.codegen.shapes import NumberedValues, widths
from ratified.explore.native.codegen.terms import (
    BagV,
    Bits,
    CValue,
    MapV,
    Opt,
    Rec,
    SeqV,
    SlotV,
    Tup,
    Uni,
    as_num,
    pair_of,
)
from ratified.explore.native.codegen.writer import FunctionWriter
from ratified.language.rules import Rules
from ratified.language.sorts import Sort
from ratified.language.types import (
    BagType,
    BoolType,
    EnumType,
    IntType,
    MapType,
    NoneType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    UnionType,
    record_fields,
    sorts_of,
)
from ratified.language.values import values_in

MarkPart = tuple[Word, int]
"""A part of a mark, and how many bits it may take."""

BITS = 64
"""What a mark has room for; parts beyond are left out."""

COUNTED_MOST = 8
"""Rows of more places are not looked through."""


@dataclass(frozen=True, slots=True)
class Marking:
    """Whose mark is made, by which writer, and what is renamed. `own`: of what a map holds for that value."""

    w: FunctionWriter
    value: Sort
    renamed: frozenset[type[Sort]]
    own: bool = False

    def moves(self, t: Type) -> bool:
        """Whether values of a type change when others are renamed."""
        return any(s in self.renamed for s in sorts_of(t))

    def spoken_of(self, universe: NumberedValues, *, alone: bool) -> list[int]:
        """The numbers of a universe's elements that have the value in them; `alone`: and nothing else that is renamed."""
        mine = type(self.value), int(self.value)
        found = [set(_sorted_parts(v, self.renamed)) for v in universe.values]
        return [k for k, parts in enumerate(found) if (parts == {mine} if alone else mine in parts)]


def _sorted_parts(value: object, renamed: frozenset[type[Sort]]) -> Iterator[tuple[type, int]]:
    """What of a value is renamed: by its sort too, because values of different sorts may be equal."""
    if isinstance(value, Sort):
        if type(value) in renamed:
            yield type(value), int(value)
        return
    for part in values_in(value):
        yield from _sorted_parts(part, renamed)


def write_marks(
    w: FunctionWriter, values: Sequence[Sort], renamed: frozenset[type[Sort]], first: int
) -> None:
    """Statements that put the marks of the values of a sort, of the state `s`, into `mark[first]` and the places after it."""
    layout = w.shared.layout
    for k, value in enumerate(values):
        marking, used, words = Marking(w, value, renamed), 0, list[Word]()
        for name, declaration in layout.variables.items():
            if not marking.moves(declaration.type):
                continue
            for word, width in MARKS(declaration.type, (marking, load(layout.ref(name, "s")))):
                if used + width <= BITS:
                    words.append(build.shift_left(word, used))
                    used += width
        w.line(f"mark[{first + k}] = ", build.bit_or(*words) if words else 0, ";")


def _parts(marking: Marking, value: CValue, t: Type) -> list[MarkPart]:
    """The parts of a mark that a value gives; of what nobody renames all that there is, if it is of what a map holds for it."""
    if marking.moves(t):
        return MARKS(t, (marking, value))
    if not marking.own:
        return []
    shape = marking.w.shapes.shape(t)
    return list(zip(leaves(marking.w.shapes, value, shape), widths(shape), strict=True))


Marked = tuple[Marking, CValue]
"""For whom, and what of a state is looked at: of a type that is renamed."""

MARKS: Rules[Marked, list[MarkPart]] = Rules("C of marks")


@MARKS.rule(BoolType, IntType, NoneType, EnumType)
def _(_t: Type, _marked: Marked) -> list[MarkPart]:
    return []


@MARKS.rule(SortType)
def _(t: SortType, marked: Marked) -> list[MarkPart]:
    return [(test.c, 1) for test in _tests(*marked, t).values()]


@MARKS.rule(OptionalType)
def _(t: OptionalType, marked: Marked) -> list[MarkPart]:
    marking, value = marked
    assert isinstance(value, Opt)
    if value.item is None:
        return [(value.some.c, 1)]
    inner = _parts(marking, value.item, t.item)
    return [(value.some.c, 1), *((chosen(value.some, word, 0), width) for word, width in inner)]


@MARKS.rule(RecordType)
def _(t: RecordType, marked: Marked) -> list[MarkPart]:
    marking, value = marked
    assert isinstance(value, Rec)
    types = record_fields(value.type, marking.w.shapes.scope).values()
    return [p for v, u in zip(value.fields, types, strict=True) for p in _parts(marking, v, u)]


@MARKS.rule(UnionType)
def _(t: UnionType, marked: Marked) -> list[MarkPart]:
    marking, value = marked
    assert isinstance(value, Uni)
    parts = [(test.c, 1) for test in _tests(marking, value, t).values()]
    return [*parts, (value.tag.c, len(value.alternatives).bit_length())] if marking.own else parts


@MARKS.rule(TupleType)
def _(t: TupleType, marked: Marked) -> list[MarkPart]:
    value = marked[1]
    assert isinstance(value, Tup)
    return [p for v, u in zip(value.items, t.items, strict=True) for p in _parts(marked[0], v, u)]


@MARKS.rule(MapType)
def _(t: MapType, marked: Marked) -> list[MarkPart]:
    marking, value = marked
    assert isinstance(value, MapV)
    if not marking.moves(t.key):
        return [p for entry in value.entries for p in _parts(marking, entry, t.value)]
    own = replace(marking, own=True)
    keys = marking.spoken_of(value.keys, alone=True)
    return [p for k in keys for p in _parts(own, value.entries[k], t.value)]


@MARKS.rule(SetType, BagType, SeqType)
def _(t: SetType | BagType | SeqType, marked: Marked) -> list[MarkPart]:
    marking, value = marked
    if isinstance(value, Bits):
        return _of_bits(marking, value)
    assert isinstance(value, SlotV | BagV | SeqV)
    row = value.row
    tests: dict[str, list[Num]] = {}
    for k in range(row.most if row.most <= COUNTED_MOST else 0):
        own = item_at(row, k)
        one = pair_of(own)[0] if isinstance(value, BagV) else own
        for name, test in _tests(marking, one, t.item).items():
            tests.setdefault(name, []).append(both(there(row, k), test))
    counts = [*map(total, tests.values()), *([row.length] if marking.own else [])]
    return [(count.c, row.most.bit_length()) for count in counts]


def _of_bits(marking: Marking, value: Bits) -> list[MarkPart]:
    """How many of a set's elements speak of the value, and how many speak of it alone."""
    universe = value.universe
    alone, all_of_it = marking.spoken_of(universe, alone=True), marking.spoken_of(universe, alone=False)
    several = [alone, *([all_of_it] if len(all_of_it) > len(alone) else [])]
    if marking.own:
        several.append(list(range(universe.size)))
    parts = list[MarkPart]()
    for numbers in several:
        masks = [sum(1 << k % 64 for k in numbers if k // 64 == i) for i in range(len(value.words))]
        count = count_bits([build.bit_and(w, m) for w, m in zip(value.words, masks, strict=True)])
        parts.append((count.c, len(numbers).bit_length()))
    return parts


def _tests(marking: Marking, value: CValue, t: Type, at: str = "") -> dict[str, Num]:
    """By where in an element a value of the sort may stand: whether it is this one. Alternatives of a union share fields."""
    return _TESTS(t, _Element(marking, value, at))


@dataclass(frozen=True, slots=True)
class _Element:
    """What stands somewhere in an element."""

    marking: Marking
    value: CValue
    at: str

    def inside(self, value: CValue, t: Type, at: str = "") -> dict[str, Num]:
        """The tests of a part of it."""
        return _tests(self.marking, value, t, self.at + at)


_TESTS: Rules[_Element, dict[str, Num]] = Rules("where a value of a sort stands, in C")


@_TESTS.rule(BoolType, IntType, NoneType, EnumType, MapType, SetType, BagType, SeqType)
def _(t: Type, of: _Element) -> dict[str, Num]:
    return {}


@_TESTS.rule(SortType)
def _(t: SortType, of: _Element) -> dict[str, Num]:
    wanted = of.marking.value
    return {of.at: compare("==", as_num(of.value), const(int(wanted)))} if t.sort is type(wanted) else {}


@_TESTS.rule(OptionalType)
def _(t: OptionalType, of: _Element) -> dict[str, Num]:
    value = of.value
    if not isinstance(value, Opt) or value.item is None:
        return {}
    return {name: both(value.some, test) for name, test in of.inside(value.item, t.item).items()}


@_TESTS.rule(RecordType)
def _(t: RecordType, of: _Element) -> dict[str, Num]:
    found: dict[str, Num] = {}
    if isinstance(of.value, Rec):
        types = record_fields(of.value.type, of.marking.w.shapes.scope)
        for (name, u), v in zip(types.items(), of.value.fields, strict=True):
            found |= of.inside(v, u, f".{name}")
    return found


@_TESTS.rule(TupleType)
def _(t: TupleType, of: _Element) -> dict[str, Num]:
    found: dict[str, Num] = {}
    if isinstance(of.value, Tup):
        for k, (u, v) in enumerate(zip(t.items, of.value.items, strict=True)):
            found |= of.inside(v, u, f".{k}")
    return found


@_TESTS.rule(UnionType)
def _(t: UnionType, of: _Element) -> dict[str, Num]:
    value = of.value
    if not isinstance(value, Uni):
        return {}
    several: dict[str, dict[Word, list[Num]]] = {}
    for k, (one, u) in enumerate(zip(value.alternatives, t.records, strict=True)):
        if one is not None:
            is_it = compare("==", value.tag, const(k))
            for name, test in of.inside(one, u).items():
                several.setdefault(name, {}).setdefault(test.c, []).append(is_it)
    found: dict[str, Num] = {}
    for name, tests in several.items():
        # Where it stands in the same leaf whichever it is, which it is need not be asked.
        own = [
            truth(c) if len(which) == len(t.records) else both(either(*which), truth(c))
            for c, which in tests.items()
        ]
        found[name] = either(*own)
    return found
