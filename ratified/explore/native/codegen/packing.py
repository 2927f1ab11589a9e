"""Values read from leaves: from a row of words, from a packed state, from an array in C.

Guarantees: the inverse of `leaves`; what is constant stays constant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from ratified.explore.native.codegen import build, nodes
from ratified.explore.native.codegen.nodes import Invoke, Word
from ratified.explore.native.codegen.numbers import (
    FALSE,
    Num,
    compare,
    const,
    minus,
    num,
    number,
    total,
    truth,
)
from ratified.explore.native.codegen.shapes import (
    NumberedValues,
    PackedShape,
    SBag,
    SBits,
    SCode,
    SMap,
    SNone,
    SNum,
    SOpt,
    SOptNum,
    SOrderedBag,
    SOrderedBits,
    SPacked,
    SRec,
    SSeq,
    SSlots,
    STup,
    SUni,
    groups,
    shared,
    widths,
)
from ratified.explore.native.codegen.terms import (
    BagV,
    Bits,
    CValue,
    HeldValue,
    InArray,
    InState,
    ListedRow,
    MapV,
    Opt,
    Pos,
    Rec,
    Ref,
    RowSource,
    SeqV,
    SlotV,
    Tup,
    Uni,
    ValueWithParts,
    listed,
    pair_of,
)
from ratified.language.values import Set

CHANGING = "t"
"""The state after a step, while it is being made: what is read from it is not read later."""


# --- packed states ---


def load(ref: Ref) -> CValue:
    """A packed value, read."""
    key = load, id(ref)
    found = nodes.made.get(key)
    if found is None:
        found = nodes.made[key] = _load(ref), ref
    return found[0]  # type: ignore[index,no-any-return]  # as above


def _load(ref: Ref) -> CValue:
    match ref.shape:
        case SSeq(item, most):
            return SeqV(InState(ref, _count(ref, most), most, item))
        case SSlots(item, most):
            return SlotV(InState(ref, _count(ref, most), most, item))
        case SBag(item, most, copies):
            assert item is not None
            return BagV(InState(ref, _count(ref, most), most, STup((item, SNum(0, copies)))), copies)
        case SMap(keys, _):
            return MapV(keys, tuple(load(entry(ref, const(k))) for k in range(keys.size)))
    return value_of([leaf(ref, k) for k in range(len(ref.places[0]))], ref.shape)


def loaded(value: HeldValue) -> CValue:
    """The value, read from the packed state if it was not yet."""
    return load(value) if isinstance(value, Ref) else value


def _count(ref: Ref, most: int) -> Num:
    return number(leaf(ref, 0), 0, most)


def entry(ref: Ref, code: Num) -> Ref:
    """The entry of a packed map at a key's number."""
    assert isinstance(ref.shape, SMap)
    value = ref.shape.value
    return part(ref, 0, len(widths(value)), ref.shape.keys.size, code, value)


def part(ref: Ref, begin: int, width: int, parts: int, index: Num, shape: PackedShape) -> Ref:
    """One of `parts` equal parts of a packed value."""
    key = part, id(ref), begin, width, index.c, id(shape)
    found = nodes.made.get(key)
    if found is None:
        found = nodes.made[key] = _part(ref, begin, width, parts, index, shape), ref, shape
    return found[0]  # type: ignore[index,no-any-return]  # as above


def _part(ref: Ref, begin: int, width: int, parts: int, index: Num, shape: PackedShape) -> Ref:
    def cut(places: tuple[Pos, ...], k: int) -> tuple[Pos, ...]:
        return places[begin + k * width : begin + (k + 1) * width]

    if isinstance(index.c, int):
        return Ref(ref.memory, shape, tuple(cut(p, index.c) for p in ref.places), ref.index)
    places = tuple(cut(p, k) for p in ref.places for k in range(parts))
    if len(ref.places) == 1:
        return Ref(ref.memory, shape, places, index)
    at = build.add(build.multiply(ref.index.c, parts), index.c)
    return Ref(ref.memory, shape, places, num(at, 0, len(places) - 1))


def where(ref: Ref, index: int) -> tuple[Word, Word, int]:
    """The word, the shift and the width of a leaf."""
    places = [p[index] for p in ref.places]
    at = ref.index
    return (
        build.table([p.word for p in places], at.c, at.low, at.high),
        build.table([p.shift for p in places], at.c, at.low, at.high),
        places[0].width,
    )


def leaf(ref: Ref, index: int) -> Word:
    """A leaf of a packed value."""
    word, shift, width = where(ref, index)
    if width == 0:
        return 0
    return build.field(build.load(ref.memory, word, stable=ref.memory != CHANGING), shift, (1 << width) - 1)


# --- rows ---


def at_place(row: RowSource, position: Num) -> CValue:
    """The value at a position within the length, of a row in memory (or at a known place of any)."""
    match row:
        case ListedRow():
            assert isinstance(position.c, int)
            return row.items[position.c]
        case InArray():
            return value_of(array_words(row, position), row.item)
    return load(place(row, position))


def place(row: InState, position: Num) -> Ref:
    """Where the value at a position of a packed row stands."""
    assert row.item is not None
    return part(row.ref, 1, len(widths(row.item)), row.most, position, row.item)


def item(row: RowSource, index: int) -> CValue:
    """The value at a known place."""
    return at_place(row, const(index))


def array_words(row: InArray, position: Num) -> list[Word]:
    """The leaves of the value at a position of an array."""
    return [
        build.element(row.name, position.c, row.stride, k, row.most, (1 << width) - 1)
        for k, width in enumerate(widths(row.item))
    ]


def there(row: RowSource, index: int) -> Num:
    """Whether a row reaches a place."""
    return compare("<", const(index), row.length)


# --- values from leaves ---


def value_of(leaves: Sequence[Word], shape: PackedShape) -> CValue:
    """The value of a row of leaves."""
    match shape:
        case SNum(low, high):
            return number(leaves[0], low, high)
        case SNone():
            return Opt(FALSE, None)
        case SOptNum(low, high):
            leaf = leaves[0]
            some = truth(build.negation(build.equal(leaf, 0)))
            return Opt(some, None if some.c == 0 else num(build.add(leaf, low - 1), low, high))
        case SOpt(inner):
            some = number(leaves[0], 0, 1)
            if some.c == 0:
                return Opt(some, None)
            return Opt(some, value_of(leaves[1:], inner), read=((shape, tuple(leaves)),))
        case SRec(t, parts):
            return Rec(t, _row(leaves, parts))
        case STup(parts):
            return Tup(_row(leaves, parts))
        case SUni():
            return _union(leaves, shape)
        case SBits(universe):
            words = tuple(leaves)
            possible = tuple(w if isinstance(w, int) else universe.mask(k) for k, w in enumerate(words))
            return Bits(universe, words, possible)
        case SCode(universe, subsets):
            word = build.table(masks(universe, subsets), leaves[0], 0, subsets.size - 1)
            return Bits(universe, (word,), (word if isinstance(word, int) else universe.mask(0),))
        case SOrderedBits(universe):
            turned = [turned_over(w, universe.mask(k)) for k, w in enumerate(leaves[1:])]
            return value_of(turned, SBits(universe))
        case SMap(keys, own):
            return MapV(keys, _row(leaves, (own,) * keys.size))
        case SPacked(inner):
            return _unpacked(leaves, shape, inner)
    return _container(leaves, shape)


def _union(leaves: Sequence[Word], shape: SUni) -> Uni:
    alternatives = shape.alternatives
    tag = number(leaves[0], 0, len(alternatives) - 1)
    made: list[Rec | None] = []
    for k, alternative in enumerate(alternatives):
        own = value_of(leaves[1 : 1 + len(widths(alternative))], alternative)
        assert isinstance(own, Rec)
        made.append(None if tag.known and tag.c != k else own)
    several = len(shared(alternatives))
    return Uni(shape.type, tag, tuple(made), read=((shape, tuple(leaves[: 1 + several])),))


def _unpacked(leaves: Sequence[Word], shape: SPacked, inner: PackedShape) -> CValue:
    own = [
        build.field(word, shift, (1 << width) - 1)
        for word, row in zip(leaves, groups(inner), strict=True)
        for _, shift, width in row
    ]
    whole = value_of(own, inner)
    if isinstance(whole, ValueWithParts):
        return replace(whole, read=(*whole.read, (shape, tuple(leaves))))
    return whole


def _container(leaves: Sequence[Word], shape: PackedShape) -> CValue:
    match shape:
        case SSeq(own, most) | SSlots(own, most):
            items = _row(leaves[1:], (own,) * most if own else ())
            row = ListedRow(number(leaves[0], 0, most), items, own, ((shape, tuple(leaves)),))
            return SeqV(row) if isinstance(shape, SSeq) else SlotV(row)
        case SBag(own, most, copies):
            pair = STup((own, SNum(0, copies))) if own else None
            items = _row(leaves[1:], (pair,) * most if pair else ())
            return BagV(ListedRow(number(leaves[0], 0, most), items, pair, ((shape, tuple(leaves)),)), copies)
        case SOrderedBag(own, most, copies):
            items = _row(leaves[1:], (STup((own, SNum(0, copies))),) * most if own else ())
            pairs = [pair_of(i) for i in items]
            present = [compare("!=", times, const(0)) for _, times in pairs]
            less = const(copies + 1)
            made = [Tup((first, minus(less, times))) for first, times in pairs]
            length = total(present)
            return BagV(listed(made, num(length.c, 0, most)), copies)
    raise AssertionError(shape)


def _row(leaves: Sequence[Word], parts: Sequence[PackedShape]) -> tuple[CValue, ...]:
    found, at = [], 0
    for own in parts:
        width = len(widths(own))
        found.append(value_of(leaves[at : at + width], own))
        at += width
    return tuple(found)


@lru_cache(maxsize=64)
def masks(universe: NumberedValues, subsets: NumberedValues) -> list[int]:
    """The bits of each of the subsets of a universe, in their order."""
    return [sum(1 << universe.index[v] for v in some) for some in subsets.values if isinstance(some, Set)]


def turned_over(word: Word, mask: int) -> Word:
    """The bits of a word in the opposite order, each turned over. Twice is nothing."""
    bits = mask.bit_length()
    if isinstance(word, int):
        return int(f"{word:0{bits}b}"[::-1], 2) ^ mask if bits else 0
    match word:
        case Invoke(of="rt_turned", args=(inner, int(width))) if width == bits:
            return build.bit_and(inner, mask)
    return build.invoke("rt_turned", word, bits, low=0, high=mask)
