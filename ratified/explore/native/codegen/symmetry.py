"""Symmetry: the representative of a state among all its renamings, in C.

Guarantees: two states have the same representative exactly if a permutation of the symmetric sorts that leaves every parameter
unchanged turns one into the other. The representative is the one whose words are least.

Where every permutation counts, they are walked through by exchanging neighbours (Johnson, "Generation of permutations by adjacent
transposition", 1963): code for each exchange of neighbours is enough. Otherwise there is code for each permutation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ratified.explore.native.codegen.numbers import const, num, word_text
from ratified.explore.native.codegen.statements import Statements
from ratified.explore.native.codegen.terms import BagV, Bits, MapV, Opt, Rec, SeqV, SlotV, Tup, Uni
from ratified.explore.native.codegen.writer import Exits, Shared, flat
from ratified.explore.symmetry import Renaming, Symmetry
from ratified.language.model import Model
from ratified.language.scope import running
from ratified.language.sorts import Sort
from ratified.language.types import (
    BagType,
    MapType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    UnionType,
    sorts_of,
)

Permutation = dict[type[Sort], tuple[Sort, ...]]

WRITTEN_MOST = 130
"""So many permutations may each have code of their own."""


class Renamer:
    """Writes a function that renames a packed state."""

    def __init__(self, shared: Shared, permutation: Permutation) -> None:
        self.v = shared.values
        self.layout = shared.layout
        self.permutation = permutation
        self.rename = Renaming(permutation)
        exits = Exits(lambda: "return;", lambda _: "return;", None, "symmetry")
        self.w = Statements(shared, exits, rolled=False)
        self.w.base = "s"

    def lines(self) -> list[str]:
        """The body: reads `s`, writes `t`."""
        w = self.w
        for name, declaration in self.layout.variables.items():
            shape = self.layout.shapes[name]
            places = self.layout.places[name]
            if not self._moves(declaration.type):
                leaves = [self.v.leaf(self.layout.ref(name, "s"), k) for k in range(len(places))]
            else:
                value = self.renamed(self.v.load(self.layout.ref(name, "s")), declaration.type)
                leaves = self._leaves(value, shape)
            for pos, leaf in zip(places, leaves, strict=True):
                if pos.width and leaf != 0:
                    text = word_text(leaf)
                    w.line(f"t[{pos.word}] |= {f'{text} << {pos.shift}' if pos.shift else text};")
        return list(flat(w.lines))

    def _leaves(self, value: Any, shape: Any) -> list[Any]:
        return self.v.leaves(value, shape)

    def _moves(self, t: Type) -> bool:
        return any(s in self.permutation for s in sorts_of(t))

    def renamed(self, value: Any, t: Type) -> Any:
        """A value of a type, renamed."""
        value = self.v.loaded(value)
        if not self._moves(t):
            return value
        match t:
            case SortType(sort):
                table = [int(v) for v in self.permutation[sort]]
                word = self.v.table(table, value)
                return num(word if isinstance(word, int) else f"(int64_t){word}", 0, len(table) - 1)
            case OptionalType(item):
                if value.item is None:
                    return value
                return Opt(value.some, self.renamed(value.item, item))
            case RecordType():
                value = self.v.narrow_to(value, t)
                return Rec(
                    t,
                    tuple(
                        self.renamed(f, ft)
                        for f, ft in zip(value.fields, self.v.fields(t).values(), strict=True)
                    ),
                )
            case UnionType():
                return Uni(t, value.tag, tuple(a and self.renamed(a, a.type) for a in value.alternatives))
            case TupleType(items):
                return Tup(tuple(map(self.renamed, value.items, items)))
            case MapType(_, item):
                keys = value.keys
                entries: list[Any] = [None] * keys.size
                for k, entry in enumerate(value.entries):
                    entries[self._number(keys, k)] = self.renamed(entry, item)
                return MapV(keys, tuple(entries))
            case SeqType(item):
                row = value.row
                return SeqV(
                    self.w.listed(
                        row.length, [self.renamed(row.get(const(k)), item) for k in range(row.most)]
                    )
                )
            case SetType(item) if isinstance(value, Bits):
                pairs = [(k, self._number(value.universe, k)) for k in range(value.universe.size)]
                return self.v.moved(value, pairs, value.universe)
            case SetType(item):
                return self._sorted(value, item, bag=False)
            case BagType(item):
                return self._sorted(value, item, bag=True)
        raise AssertionError(t)

    def _number(self, universe: Any, k: int) -> int:
        with running(self.v.scope):
            return universe.index[self.rename(universe.values[k])]  # type: ignore[no-any-return]  # an index

    def _sorted(self, value: Any, item: Type, *, bag: bool) -> Any:
        """A large set or a bag: its elements renamed and put in order again."""
        w, row = self.w, value.row
        shape = w.item_shape(row)
        assert shape is not None
        places = []
        for k in range(row.most):
            own = row.get(const(k))
            places.append(
                Tup((self.renamed(own.items[0], item), own.items[1])) if bag else self.renamed(own, item)
            )
        memory = w.to_memory(w.listed(row.length, places), shape, row.most)
        w.line(f"rt_sort({memory.name}, {memory.length.text()}, {memory.stride});")
        memory = w.settle(memory)
        return BagV(memory, value.copies) if bag else SlotV(memory)


_Key = tuple[int, ...]


def canonical_text(model: Model, shared: Shared, symmetry: Symmetry) -> tuple[list[str], str]:
    """Functions that rename, and the body of `model_canonical`."""
    permutations = symmetry.permutations
    sorts = [s.sort for s in model.module.sorts if s.symmetric and model.scope.sizes[s.sort] > 1]
    whole = math.prod(math.factorial(model.scope.sizes[s]) for s in sorts)
    if len(permutations) == whole and whole > 6:
        return _walk(model, shared, sorts)
    if len(permutations) > WRITTEN_MOST:
        generators, walk = _tour(permutations)
        return _walking(shared, generators, walk)
    functions, body = [], ["uint64_t best[W]; rt_copy(best, s);"]
    for k, permutation in enumerate(
        p for p in permutations if any(int(v) != k for moved in p.values() for k, v in enumerate(moved))
    ):
        functions.append(_function(f"renaming_{k}", Renamer(shared, permutation).lines()))
        body.append(f"{{ uint64_t t[W]; renaming_{k}(s, t); if (rx_before(t, best)) rt_copy(best, t); }}")
    return [_BEFORE, *functions], "\n".join("    " + line for line in [*body, "rt_copy(s, best);"])


_BEFORE = """static inline bool rx_before(const uint64_t *a, const uint64_t *b) {
    for (int i = 0; i < W; i++)
        if (a[i] != b[i]) return a[i] < b[i];
    return false;
}"""


def _function(name: str, lines: Sequence[str]) -> str:
    inner = "\n".join("    " + line for line in lines)
    head = f"static void {name}(const uint64_t *restrict s, uint64_t *restrict t) {{"
    return f"{head}\n    memset(t, 0, sizeof(uint64_t) * W);\n{inner}\n}}"


def _walk(model: Model, shared: Shared, sorts: Sequence[type[Sort]]) -> tuple[list[str], str]:
    """All permutations of all sorts, each from the one before by one exchange of neighbours."""
    renamings: list[Permutation] = []
    exchanges: dict[tuple[int, int], int] = {}
    with model:
        for i, sort in enumerate(sorts):
            values = tuple(sort)
            for j in range(len(values) - 1):
                swapped = list(values)
                swapped[j], swapped[j + 1] = swapped[j + 1], swapped[j]
                exchanges[i, j] = len(exchanges)
                renamings.append({sort: tuple(swapped)})
    steps = _steps([model.scope.sizes[s] for s in sorts])
    return _walking(shared, renamings, [exchanges[step] for step in steps])


def _walking(
    shared: Shared, renamings: Sequence[Permutation], numbers: Sequence[int]
) -> tuple[list[str], str]:
    """A walk through all that a state can be renamed to, each from the one before by one of a few renamings."""
    functions = [_BEFORE]
    functions += [
        _function(f"exchange_{k}", Renamer(shared, permutation).lines())
        for k, permutation in enumerate(renamings)
    ]
    functions.append(f"static const uint8_t WALK[] = {{{', '.join(map(str, numbers))}}};")
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
    return functions, "\n".join("    " + line for line in body)


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
    for moved in permutation.values():
        before = len(found)
        found += [before + int(value) for value in moved]
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


def _steps(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Exchanges of neighbours (of which sort, at which place) that lead through every permutation of every sort."""
    found: list[tuple[int, int]] = []
    for i, size in enumerate(sizes):
        own = [(i, j) for j in _exchanges(size)]
        # The walk through the sorts before is done once more after each exchange; it may begin anywhere.
        longer = list(found)
        for step in own:
            longer += [step, *found]
        found = longer
    return found


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
