"""Symmetry: the representative of a state among all its renamings, in C.

Guarantees: two states have the same representative exactly if a permutation of the symmetric sorts that leaves every parameter
unchanged turns one into the other. Of all renamings (where every permutation counts: of those whose marks are in order) it is the
one whose words are least.

Where every permutation counts, code for each exchange of neighbours is enough: these put marks in order (`marks.py`), and lead
through what values of the same mark can be renamed to (Johnson, "Generation of permutations by adjacent transposition", 1963).
Otherwise there is code for each permutation, or for a few that lead through all of them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ratified.explore.native.codegen import build
from ratified.explore.native.codegen.functions import Unit
from ratified.explore.native.codegen.joins import item_shape
from ratified.explore.native.codegen.leaves import leaves, moved
from ratified.explore.native.codegen.lifting import narrow_to
from ratified.explore.native.codegen.loops import settled, to_array
from ratified.explore.native.codegen.marks import write_marks
from ratified.explore.native.codegen.nodes import Word
from ratified.explore.native.codegen.numbers import num
from ratified.explore.native.codegen.packing import item as item_at
from ratified.explore.native.codegen.packing import leaf, load
from ratified.explore.native.codegen.shapes import NumberedValues
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
    listed,
    pair_of,
)
from ratified.explore.native.codegen.writer import Exits, FunctionWriter
from ratified.explore.symmetry import Permutation, Renaming, Symmetry
from ratified.language.rules import Rules
from ratified.language.scope import running
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

CANONICAL = (Path(__file__).resolve().parent / "canonical.h").read_text(encoding="utf-8")

WRITTEN_MOST = 130
"""So many permutations may each have code of their own."""


def renaming(unit: Unit, name: str, permutation: Permutation) -> str:
    """A function that renames a packed state: reads `s`, writes `t`."""
    exits = Exits(lambda: ("return;",), lambda _: ("return;",), None, "symmetry")
    lines = unit.printed(
        unit.body_once(exits, lambda w: Renamer(unit, w, permutation).write(), 1 << 60, rolled=False)
    )
    head = f"static void {name}(const uint64_t *restrict s, uint64_t *restrict t) {{"
    return "\n".join([head, *lines, "}"])


@dataclass(slots=True, eq=False)
class Renamer:
    """Writes what renames a packed state."""

    unit: Unit
    w: FunctionWriter
    permutation: Permutation

    def write(self) -> None:
        """The body: each word of the state as it is renamed."""
        layout = self.unit.layout
        words: list[list[Word]] = [[] for _ in range(layout.words)]
        for name, declaration in layout.variables.items():
            ref, places = layout.ref(name, "s"), layout.places[name]
            if self._moves(declaration.type):
                row = leaves(self.unit.shapes, self.renamed(load(ref), declaration.type), layout.shapes[name])
            else:
                row = [leaf(ref, k) for k in range(len(places))]
            for pos, word in zip(places, row, strict=True):
                if pos.width:
                    words[pos.word].append(build.shift_left(word, pos.shift))
        for k, several in enumerate(words):
            self.w.line(f"t[{k}] = ", build.bit_or(*several), ";")

    def _moves(self, t: Type) -> bool:
        return any(s in self.permutation for s in sorts_of(t))

    def renamed(self, value: CValue, t: Type) -> CValue:
        """A value of a type, renamed."""
        if not self._moves(t):
            return value
        return RENAMED(t, (self, value))

    def record(self, value: Rec) -> Rec:
        """A record, renamed."""
        types = record_fields(value.type, self.unit.shapes.scope).values()
        return Rec(value.type, tuple(map(self.renamed, value.fields, types)))

    def number(self, universe: NumberedValues, k: int) -> int:
        """The number of what the value of a number becomes."""
        with running(self.unit.shapes.scope):
            return universe.index[Renaming(self.permutation)(universe.values[k])]

    def sorted(self, value: SlotV | BagV, inner: Type) -> SlotV | BagV:
        """A large set or a bag: its elements renamed and put in order again."""
        w, row = self.w, value.row
        shape = item_shape(w.shapes, row)
        assert shape is not None
        places: list[CValue] = []
        for k in range(row.most):
            own = item_at(row, k)
            if isinstance(value, BagV):
                one, copies = pair_of(own)
                places.append(Tup((self.renamed(one, inner), copies)))
            else:
                places.append(self.renamed(own, inner))
        memory = to_array(w, listed(places, row.length), shape, row.most)
        w.line(f"rt_sort({memory.name}, ", memory.length.c, f", {memory.stride});")
        done = settled(w, memory)
        return BagV(done, value.copies) if isinstance(value, BagV) else SlotV(done)


Renamed = tuple[Renamer, CValue]
"""What renames, and a value that it changes."""

RENAMED: Rules[Renamed, CValue] = Rules("C of renamed values")


@RENAMED.rule(BoolType, IntType, NoneType, EnumType)
def _(t: Type, renamed: Renamed) -> CValue:
    return renamed[1]


@RENAMED.rule(SortType)
def _(t: SortType, renamed: Renamed) -> CValue:
    renamer, value = renamed
    table, own = [int(v) for v in renamer.permutation[t.sort]], as_num(value)
    return num(build.table(table, own.c, own.low, own.high), 0, len(table) - 1)


@RENAMED.rule(OptionalType)
def _(t: OptionalType, renamed: Renamed) -> CValue:
    renamer, value = renamed
    assert isinstance(value, Opt)
    return value if value.item is None else Opt(value.some, renamer.renamed(value.item, t.item))


@RENAMED.rule(RecordType)
def _(t: RecordType, renamed: Renamed) -> CValue:
    renamer, value = renamed
    return renamer.record(narrow_to(value, t))


@RENAMED.rule(UnionType)
def _(t: UnionType, renamed: Renamed) -> CValue:
    renamer, value = renamed
    assert isinstance(value, Uni)
    made = tuple(None if a is None else renamer.record(a) for a in value.alternatives)
    return Uni(t, value.tag, made)


@RENAMED.rule(TupleType)
def _(t: TupleType, renamed: Renamed) -> CValue:
    renamer, value = renamed
    assert isinstance(value, Tup)
    return Tup(tuple(map(renamer.renamed, value.items, t.items)))


@RENAMED.rule(MapType)
def _(t: MapType, renamed: Renamed) -> CValue:
    renamer, value = renamed
    assert isinstance(value, MapV)
    keys = value.keys
    entries = {renamer.number(keys, k): renamer.renamed(e, t.value) for k, e in enumerate(value.entries)}
    return MapV(keys, tuple(entries[k] for k in range(keys.size)))


@RENAMED.rule(SeqType)
def _(t: SeqType, renamed: Renamed) -> CValue:
    renamer, value = renamed
    assert isinstance(value, SeqV)
    row = value.row
    return SeqV(listed((renamer.renamed(item_at(row, k), t.item) for k in range(row.most)), row.length))


@RENAMED.rule(SetType, BagType)
def _(t: SetType | BagType, renamed: Renamed) -> CValue:
    renamer, value = renamed
    if isinstance(value, Bits):
        pairs = [(k, renamer.number(value.universe, k)) for k in range(value.universe.size)]
        return moved(value, pairs, value.universe)
    assert isinstance(value, SlotV | BagV)
    return renamer.sorted(value, t.item)


_Key = tuple[int, ...]


def canonical_text(unit: Unit, symmetry: Symmetry) -> list[str]:
    """`model_canonical`, and the functions that it calls."""
    permutations, model = symmetry.permutations, unit.model
    sorts = [s.sort for s in model.module.sorts if s.symmetric and model.scope.sizes[s.sort] > 1]
    whole = math.prod(math.factorial(model.scope.sizes[s]) for s in sorts)
    if len(permutations) == whole:
        return _by_marks(unit, sorts)
    if len(permutations) > WRITTEN_MOST:
        generators, walk = _tour(permutations)
        return _walking(unit, generators, walk)
    functions, body = [_BEFORE], ["uint64_t best[W]; rt_copy(best, s);"]
    for k, permutation in enumerate(
        p for p in permutations if any(int(v) != k for values in p.values() for k, v in enumerate(values))
    ):
        functions.append(renaming(unit, f"renaming_{k}", permutation))
        body.append(f"{{ uint64_t t[W]; renaming_{k}(s, t); if (rx_before(t, best)) rt_copy(best, t); }}")
    return [*functions, _canonical([*body, "rt_copy(s, best);"])]


def _canonical(body: Sequence[str]) -> str:
    return "\n".join(["static void model_canonical(uint64_t *s) {", *(f"    {line}" for line in body), "}"])


_BEFORE = """static inline bool rx_before(const uint64_t *a, const uint64_t *b) {
    for (int i = 0; i < W; i++)
        if (a[i] != b[i]) return a[i] < b[i];
    return false;
}"""


def _by_marks(unit: Unit, sorts: Sequence[type[Sort]]) -> list[str]:
    """All permutations of all sorts: those that put marks in order, by exchanges of neighbours (canonical.h)."""
    sizes = [unit.model.scope.sizes[s] for s in sorts]
    functions, cases = list[str](), list[str]()
    with unit.model:
        values = [tuple(sort) for sort in sorts]
        for own in values:
            for j in range(len(own) - 1):
                swapped = list(own)
                swapped[j], swapped[j + 1] = swapped[j + 1], swapped[j]
                functions.append(renaming(unit, f"exchange_{len(cases)}", {type(own[0]): tuple(swapped)}))
                cases.append(f"exchange_{len(cases)}(s, t)")
            cases.append("break")  # the last of a sort has no next

    def write(w: FunctionWriter) -> None:
        for k, own in enumerate(values):
            write_marks(w, own, frozenset(sorts), sum(sizes[:k]))

    exits = Exits(lambda: ("return;",), lambda _: ("return;",), None, "symmetry")
    lines = unit.printed(unit.body_once(exits, write, 1 << 60, rolled=False))
    walks = [_exchanges(m) for m in range(max(sizes) + 1)]
    ends = list(itertools.accumulate(map(len, walks), initial=0))
    return [
        *functions,
        "static void model_exchange(int k, const uint64_t *s, uint64_t *t) {",
        "    switch (k) {",
        *(f"    case {k}: {case}; break;" for k, case in enumerate(cases) if case != "break"),
        "    }",
        "}",
        "static void model_marks(const uint64_t *restrict s, uint64_t *restrict mark) {",
        *lines,
        "}",
        f"enum {{ RC_VALUES = {sum(sizes)}, RC_SORTS = {len(sizes)} }};",
        f"static const uint8_t RC_SIZE[] = {{{_numbers(sizes)}}};",
        f"static const uint8_t RC_WALK[] = {{{_numbers(k for walk in walks for k in walk)}}};",
        f"static const uint32_t RC_FROM[] = {{{_numbers(ends)}}};",
        CANONICAL,
    ]


def _numbers(several: Iterable[int]) -> str:
    return ", ".join(map(str, several))


def _walking(unit: Unit, renamings: Sequence[Permutation], numbers: Sequence[int]) -> list[str]:
    """A walk through all that a state can be renamed to, each from the one before by one of a few renamings."""
    functions = [_BEFORE]
    functions += [renaming(unit, f"exchange_{k}", permutation) for k, permutation in enumerate(renamings)]
    functions.append(f"static const uint8_t WALK[] = {{{_numbers(numbers)}}};")
    cases = " ".join(f"case {k}: exchange_{k}(now, t); break;" for k in range(len(renamings)))
    body = [
        "uint64_t best[W], now[W], t[W];",
        "rt_copy(best, s); rt_copy(now, s);",
        f"for (int i = 0; i < {len(numbers)}; i++) {{",
        f"    switch (WALK[i]) {{ {cases} }}",
        "    rt_copy(now, t);",
        "    if (rx_before(now, best)) rt_copy(best, now);",
        "}",
        "rt_copy(s, best);",
    ]
    return [*functions, _canonical(body)]


def _tour(permutations: Sequence[Permutation]) -> tuple[list[Permutation], list[int]]:
    """A few of the permutations of a group, with their inverses, and a walk by them through all of it.

    The walk goes down and up a tree that spans the group (its Cayley graph), so it takes two steps for each permutation.
    """
    by_key = {_key(p): p for p in permutations}
    start = min(by_key)  # the identity: every value stays where it is
    generators: list[_Key] = []
    tree: dict[_Key, list[tuple[int, _Key]]] = {start: []}
    for key in sorted(by_key, key=lambda k: (sum(a != b for a, b in zip(k, start, strict=True)), k)):
        if key not in tree:
            generators.append(key)
            tree = _spanning(start, generators)
    walk: list[int] = []
    path = [(start, iter(tree[start]), -1)]
    while path:
        _, children, above = path[-1]
        below = next(children, None)
        if below is None:
            path.pop()
            walk.append(above + 1)  # back, by the inverse
        else:
            walk.append(2 * below[0])
            path.append((below[1], iter(tree[below[1]]), 2 * below[0]))
    inverses = [tuple(sorted(range(len(g)), key=g.__getitem__)) for g in generators]
    both = [by_key[k] for g, inverse in zip(generators, inverses, strict=True) for k in (g, inverse)]
    return both, walk[:-1]  # the last step would lead away from the root


def _key(permutation: Permutation) -> _Key:
    """What every value becomes, the sorts' values being numbered one after another."""
    found: list[int] = []
    for values in permutation.values():
        before = len(found)
        found += [before + int(value) for value in values]
    return tuple(found)


def _spanning(start: _Key, generators: Sequence[_Key]) -> dict[_Key, list[tuple[int, _Key]]]:
    """A tree of all that generators lead to: for each permutation those below it, and by which generator."""
    tree: dict[_Key, list[tuple[int, _Key]]] = {start: []}
    queue = [start]
    for key in queue:
        for number, generator in enumerate(generators):
            after = tuple(generator[value] for value in key)
            if after not in tree:
                tree[after] = []
                tree[key].append((number, after))
                queue.append(after)
    return tree


def _exchanges(size: int) -> list[int]:
    """Places of the exchanges that lead through all permutations of so many values."""
    if size < 2:
        return []
    inner = _exchanges(size - 1)
    down, up = list(range(size - 2, -1, -1)), list(range(size - 1))
    found = list(down)
    at_front = True
    for place in inner:
        found.append(place + 1 if at_front else place)
        found += up if at_front else down
        at_front = not at_front
    return found
