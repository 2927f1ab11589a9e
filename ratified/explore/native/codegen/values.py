"""Values as the generator knows them: built from numbers and words that are constants or C expressions.

Guarantees: `leaves` and `value` are inverse for every shape; what is constant stays constant through both. A value may be read
only where the model may read it: the item of an optional that may be None is an expression that means nothing where it is None.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ratified.explore.native.codegen.numbers import (
    FALSE,
    TRUE,
    Num,
    Word,
    both,
    chosen,
    chosen_num,
    compare,
    const,
    count_bits,
    extract,
    literal,
    negation,
    num,
    same_word,
    word_and,
    word_or,
    word_shift,
)
from ratified.explore.native.codegen.shapes import (
    LOW,
    SBag,
    SBits,
    SCode,
    Shape,
    Shapes,
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
    Universe,
    Unsupported,
    groups,
    optional,
    packed,
    representable,
    shared,
    widths,
)
from ratified.explore.native.codegen.terms import (
    Arr,
    BagV,
    Bits,
    ListArr,
    MapV,
    MemArr,
    Opt,
    Pos,
    Read,
    Rec,
    Ref,
    RefArr,
    SeqV,
    SlotV,
    Tup,
    Uni,
    hull,
    join_types,
    known,
    members_of,
)
from ratified.language.scope import Scope, running
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
)
from ratified.language.values import Bag, Map, Seq, Set


class Values(Shapes):
    """Values, their leaves and their numbers. `tables` are the constant arrays that expressions refer to."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self.tables: dict[tuple[int, ...], str] = {}

    # --- tables ---

    def table(self, values: Sequence[int], index: Num) -> Word:
        """`values[index]` as a word."""
        if isinstance(index.c, int):
            return values[index.c]
        if len(set(values)) == 1:
            return values[0]
        if list(values) == list(range(len(values))):
            return f"(uint64_t){index.c}"
        key = tuple(values)
        name = self.tables.setdefault(key, f"T{len(self.tables)}")
        return f"{name}[{index.c}]"

    def table_text(self) -> list[str]:
        """The constant arrays in C."""
        lines = []
        for values, name in self.tables.items():
            bits = max(values).bit_length()
            kind = next(k for k in (8, 16, 32, 64) if bits <= k)
            lines.append(f"static const uint{kind}_t {name}[] = {{{', '.join(map(literal, values))}}};")
        return lines

    # --- packed states ---

    def load(self, ref: Ref) -> Any:
        """A packed value, read."""
        match ref.shape:
            case SSeq(item, most):
                return SeqV(RefArr(self, ref, self._count(ref, most), most, item))
            case SSlots(item, most):
                return SlotV(RefArr(self, ref, self._count(ref, most), most, item))
            case SBag(item, most, copies):
                assert item is not None
                pair = STup((item, SNum(0, copies)))
                return BagV(RefArr(self, ref, self._count(ref, most), most, pair), copies)
            case SMap(keys, _):
                return MapV(keys, tuple(self.load(self.entry(ref, const(k))) for k in range(keys.size)))
        return self.value([self.leaf(ref, k) for k in range(len(ref.places[0]))], ref.shape)

    def _count(self, ref: Ref, most: int) -> Num:
        found = self.value([self.leaf(ref, 0)], SNum(0, most))
        assert isinstance(found, Num)
        return found

    def entry(self, ref: Ref, code: Num) -> Ref:
        """The entry of a packed map at a key's number."""
        assert isinstance(ref.shape, SMap)
        value = ref.shape.value
        return self._part(ref, 0, len(widths(value)), ref.shape.keys.size, code, value)

    def part(self, ref: Ref, begin: int, width: int, parts: int, index: Num, shape: Shape | None) -> Any:
        """One of `parts` equal parts of a packed value, read."""
        assert shape is not None
        return self.load(self._part(ref, begin, width, parts, index, shape))

    def _part(self, ref: Ref, begin: int, width: int, parts: int, index: Num, shape: Shape) -> Ref:
        def cut(places: tuple[Pos, ...], k: int) -> tuple[Pos, ...]:
            return places[begin + k * width : begin + (k + 1) * width]

        if isinstance(index.c, int):
            return Ref(ref.memory, shape, tuple(cut(p, index.c) for p in ref.places), ref.index)
        places = tuple(cut(p, k) for p in ref.places for k in range(parts))
        if len(ref.places) == 1:
            return Ref(ref.memory, shape, places, index)
        return Ref(
            ref.memory, shape, places, num(f"({ref.index.c} * {parts} + {index.c})", 0, len(places) - 1)
        )

    def where(self, ref: Ref, leaf: int) -> tuple[Word, Word, int]:
        """The word, the shift and the width of a leaf."""
        places = [p[leaf] for p in ref.places]
        return (
            self.table([p.word for p in places], ref.index),
            self.table([p.shift for p in places], ref.index),
            places[0].width,
        )

    def leaf(self, ref: Ref, leaf: int) -> Word:
        """A leaf of a packed value."""
        word, shift, width = self.where(ref, leaf)
        if width == 0:
            return 0
        text = f"{ref.memory}[{word}]"
        if width == 64:
            return text
        mask = literal((1 << width) - 1)
        return f"({text} & {mask})" if shift == 0 else f"({text} >> {shift} & {mask})"

    # --- values from leaves ---

    def value(self, leaves: Sequence[Word], shape: Shape) -> Any:
        """The value of a row of leaves."""
        found, rest = self._value(list(leaves), shape)
        assert not rest, (leaves, shape)
        return found

    def _value(self, leaves: list[Word], shape: Shape) -> tuple[Any, list[Word]]:
        match shape:
            case SNum(low, high):
                return _number(leaves[0], low, high), leaves[1:]
            case SNone():
                return Opt(FALSE, None), leaves
            case SOptNum(low, high):
                leaf = leaves[0]
                if isinstance(leaf, int):
                    return Opt(
                        const(int(leaf != 0)), const(leaf - 1 + low) if leaf else None, (shape, leaf)
                    ), leaves[1:]
                item = num(
                    f"((int64_t){leaf} - 1)" if low == 0 else f"((int64_t){leaf} - 1 + {const(low).text()})",
                    low,
                    high,
                )
                return Opt(negation(same_word(leaf, 0)), item, (shape, leaf)), leaves[1:]
            case SOpt(item):
                some = _number(leaves[0], 0, 1)
                inner, rest = self._value(leaves[1:], item)
                return Opt(some, inner, read=((shape, tuple(leaves[: len(leaves) - len(rest)])),)), rest
            case SRec(t, parts):
                found, rest = self._row(leaves, parts)
                return Rec(t, found), rest
            case STup(parts):
                found, rest = self._row(leaves, parts)
                return Tup(found), rest
            case SUni(t, alternatives):
                tag = _number(leaves[0], 0, len(alternatives) - 1)
                several = len(shared(alternatives))
                made: list[Rec | None] = []
                for k, alternative in enumerate(alternatives):
                    own = leaves[1 : 1 + len(widths(alternative))]
                    made.append(None if tag.known and tag.c != k else self.value(own, alternative))
                return Uni(t, tag, tuple(made), read=((shape, tuple(leaves[: 1 + several])),)), leaves[
                    1 + several :
                ]
            case SBits(universe):
                words = tuple(leaves[: universe.words])
                possible = tuple(w if isinstance(w, int) else universe.mask(k) for k, w in enumerate(words))
                return Bits(universe, words, possible), leaves[universe.words :]
            case SCode(universe, subsets):
                word = self.table(self._masks(universe, subsets), _number(leaves[0], 0, subsets.size - 1))
                return Bits(
                    universe, (word,), (word if isinstance(word, int) else universe.mask(0),)
                ), leaves[1:]
            case SOrderedBits(universe):
                turned = [_turned(w, universe.mask(k)) for k, w in enumerate(leaves[1 : 1 + universe.words])]
                return self._value([*turned, *leaves[1 + universe.words :]], SBits(universe))
            case SMap(keys, part):
                entries, rest = self._row(leaves, (part,) * keys.size)
                return MapV(keys, entries), rest
            case SSeq(part, most) | SSlots(part, most):
                items, rest = self._row(leaves[1:], (part,) * most if part else ())
                read: Read = ((shape, tuple(leaves[: len(leaves) - len(rest)])),)
                row = ListArr(self, _number(leaves[0], 0, most), list(items), part, read)
                return (SeqV(row) if isinstance(shape, SSeq) else SlotV(row)), rest
            case SBag(part, most, copies):
                pair = STup((part, SNum(0, copies))) if part else None
                items, rest = self._row(leaves[1:], (pair,) * most if pair else ())
                taken: Read = ((shape, tuple(leaves[: len(leaves) - len(rest)])),)
                return BagV(
                    ListArr(self, _number(leaves[0], 0, most), list(items), pair, taken), copies
                ), rest
            case SPacked(inner):
                rows = groups(inner)
                own = [
                    extract(word, shift, width)
                    for word, row in zip(leaves, rows, strict=False)
                    for _, shift, width in row
                ]
                whole = self.value(own, inner)
                if isinstance(whole, Opt | Rec | Tup | Uni):
                    whole = replace(whole, read=(*whole.read, (shape, tuple(leaves[: len(rows)]))))
                return whole, leaves[len(rows) :]
            case SOrderedBag(part, most, copies):
                items, rest = self._row(leaves[1:], (STup((part, SNum(0, copies))),) * most if part else ())
                there = [compare("!=", i.items[1], const(0)) for i in items]
                pairs = [Tup((i.items[0], _less(copies + 1, i.items[1]))) for i in items]
                length = _sum(there)
                return BagV(ListArr(self, num(length.c, 0, most), list(pairs)), copies), rest
        raise AssertionError(shape)

    def _row(self, leaves: list[Word], parts: Sequence[Shape]) -> tuple[tuple[Any, ...], list[Word]]:
        found = []
        for part in parts:
            one, leaves = self._value(leaves, part)
            found.append(one)
        return tuple(found), leaves

    def _masks(self, universe: Universe, subsets: Universe) -> list[int]:
        return [sum(1 << universe.index[v] for v in some) for some in subsets.values]

    # --- leaves of values ---

    def leaves(self, value: Any, shape: Shape) -> list[Word]:
        """The leaves of a value in a shape that holds it."""
        if isinstance(value, Ref):
            if value.shape == shape:
                return [self.leaf(value, k) for k in range(len(value.places[0]))]
            value = self.load(value)
        for own, words in getattr(getattr(value, "row", value), "read", ()):
            if own == shape:
                return list(words)
        match shape:
            case SNum(low, _):
                return [_raw(value, low)]
            case SNone():
                return []
            case SOptNum() | SOpt():
                return self._optional_leaves(value, shape)
            case SRec(_, parts):
                return [w for part, v in zip(parts, value.fields, strict=True) for w in self.leaves(v, part)]
            case STup(parts):
                return [w for part, v in zip(parts, value.items, strict=True) for w in self.leaves(v, part)]
            case SUni(_, alternatives):
                return self._union_leaves(value, alternatives)
            case SBits() | SCode() | SOrderedBits():
                return self._set_leaves(self.as_bits(value, shape.universe).words, shape)
            case SMap(keys, part):
                return [w for v in self.entries(value, keys) for w in self.leaves(v, part)]
            case SSeq(part, most):
                return self._row_leaves(value.row, part, most)
            case SSlots(part, most):
                row = self.as_slots(value).row
                return self._row_leaves(row, part, most)
            case SBag(part, most, copies):
                return self._row_leaves(value.row, STup((part, SNum(0, copies))) if part else None, most)
            case SPacked(inner):
                own = self.leaves(value, inner)
                return [word_or(*(word_shift(own[k], shift) for k, shift, _ in row)) for row in groups(inner)]
            case SOrderedBag(part, most, copies):
                return self._ordered_bag(value, part, most, copies)
        raise AssertionError(shape)

    def _set_leaves(self, words: tuple[Word, ...], shape: SBits | SCode | SOrderedBits) -> list[Word]:
        match shape:
            case SCode(universe, subsets):
                numbers = [0] * (1 << universe.size)
                for index, mask in enumerate(self._masks(universe, subsets)):
                    numbers[mask] = index
                (word,) = words
                which = const(word) if isinstance(word, int) else num(word, 0, len(numbers) - 1)
                return [self.table(numbers, which)]
            case SOrderedBits(universe):
                turned = [_turned(w, universe.mask(k)) for k, w in enumerate(words)]
                return [_raw(count_bits(list(words)), 0), *turned]
        return list(words)

    def _optional_leaves(self, value: Any, shape: SOptNum | SOpt) -> list[Word]:
        assert isinstance(value, Opt)
        inner: Shape = SNum(shape.low, shape.high) if isinstance(shape, SOptNum) else shape.item
        if value.some.c == 0:
            return [0] * (1 if isinstance(shape, SOptNum) else 1 + len(widths(inner)))
        if isinstance(shape, SOptNum):
            if value.leaf and value.leaf[0].low == shape.low:
                return [value.leaf[1]]
            raw = _raw(value.item, shape.low)
            plus: Word = raw + 1 if isinstance(raw, int) else f"({raw} + 1)"
            return [chosen(value.some, plus, 0)]
        some: Word = value.some.c if isinstance(value.some.c, int) else f"(uint64_t){value.some.c}"
        return [some, *(chosen(value.some, w, 0) for w in self.leaves(value.item, inner))]

    def _union_leaves(self, value: Any, alternatives: tuple[SRec, ...]) -> list[Word]:
        several = len(shared(alternatives))
        if isinstance(value, Rec):
            k = next(k for k, a in enumerate(alternatives) if a.type == value.type)
            return [k, *self._padded(value, alternatives[k], several)]
        assert isinstance(value, Uni)
        numbers = [
            next((k for k, a in enumerate(alternatives) if a.type == r), 0) for r in value.type.records
        ]
        tag = self.table(numbers, value.tag)
        rows = [
            (k, self._padded(a, alternatives[numbers[k]], several))
            for k, a in enumerate(value.alternatives)
            if a is not None
        ]
        found = rows[-1][1]
        for k, row in reversed(rows[:-1]):
            test = compare("==", value.tag, const(k))
            found = [chosen(test, a, b) for a, b in zip(row, found, strict=True)]
        return [tag, *found]

    def _padded(self, value: Rec, shape: SRec, several: int) -> list[Word]:
        own = self.leaves(value, shape)
        return [*own, *[0] * (several - len(own))]

    def _row_leaves(self, row: Arr, item: Shape | None, most: int) -> list[Word]:
        length = _raw(row.length, 0)
        if item is None:
            return [length]
        found: list[Word] = [length]
        stride = len(widths(item))
        clean = isinstance(row, RefArr | MemArr)
        for k in range(most):
            if k >= row.most or row.length.high <= k:
                found += [0] * stride
            elif clean and row.item is not None and alike(row.item, item):
                found += self._slot(row, k)
            else:
                there = compare("<", const(k), row.length)
                found += [chosen(there, w, 0) for w in self.leaves(row.get(const(k)), item)]
        return found

    def _ordered_bag(self, value: BagV, item: Shape | None, most: int, copies: int) -> list[Word]:
        row = value.row
        counts = []
        found: list[Word] = []
        for k in range(most if item else 0):
            assert item is not None
            there = compare("<", const(k), row.length) if k < row.most else FALSE
            if there.c == 0:
                found += [0] * (len(widths(item)) + 1)
                continue
            pair = row.get(const(k))
            times = num(pair.items[1].c, 1, copies)
            counts.append(chosen_num(there, times, const(0)))
            leaves = [*self.leaves(pair.items[0], item), _raw(_less(copies + 1, times), 0)]
            found += [chosen(there, w, 0) for w in leaves]
        return [_raw(_sum(counts), 0), *found]

    def _slot(self, row: Arr, k: int) -> list[Word]:
        if isinstance(row, MemArr):
            return row.words(const(k))
        assert isinstance(row, RefArr)
        assert row.item is not None
        stride = len(widths(row.item))
        return [self.leaf(row.ref, 1 + k * stride + j) for j in range(stride)]

    # --- shapes of values ---

    def shape_of(self, value: Any) -> Shape:
        """A shape that holds a value."""
        match value:
            case Num():
                return SNum(value.low, value.high)
            case Opt():
                return (
                    SNone()
                    if value.some.c == 0 or value.item is None
                    else optional(self.shape_of(value.item))
                )
            case Rec() | Uni():
                return self.shape(value.type)
            case Tup():
                return STup(tuple(map(self.shape_of, value.items)))
            case Bits():
                return SBits(value.universe)
            case MapV():
                return SMap(value.keys, self.joined_all([self.shape_of(e) for e in value.entries]))
            case SeqV():
                return SSeq(self._item_shape(value.row), value.row.most)
            case SlotV():
                return SSlots(self._item_shape(value.row), value.row.most)
            case BagV():
                pair = self._item_shape(value.row)
                assert pair is None or isinstance(pair, STup)
                return SBag(pair.items[0] if pair else None, value.row.most, value.copies)
            case Ref():
                return value.shape
        raise AssertionError(value)

    def _item_shape(self, row: Arr) -> Shape | None:
        if row.item is not None:
            return row.item
        assert isinstance(row, ListArr)
        return self.joined_all([self.shape_of(i) for i in row.items]) if row.items else None

    def joined_all(self, shapes: Sequence[Shape]) -> Shape:
        """The least shape that holds what each of several holds."""
        found = shapes[0]
        for shape in shapes[1:]:
            found = self.joined(found, shape)
        return found

    def _joined_item(self, a: Shape | None, b: Shape | None) -> Shape | None:
        return self.joined(a, b) if a and b else a or b

    def joined(self, a: Shape, b: Shape) -> Shape:
        """The least shape that holds what either holds."""
        if a == b:
            return a
        match a, b:
            case SPacked(), SPacked():
                return packed(self.joined(a.inner, b.inner))
            case (SPacked(), _) | (_, SPacked()):
                return self.joined(_unpacked(a), _unpacked(b))
            case SNum(), SNum():
                return SNum(min(a.low, b.low), max(a.high, b.high))
            case (SNone(), other) | (other, SNone()):
                return optional(other)
            case (SOptNum() | SOpt(), _) | (_, SOptNum() | SOpt()):
                return optional(self.joined(_inner(a), _inner(b)))
            case STup(), STup():
                return STup(tuple(map(self.joined, a.items, b.items)))
            case SRec(), SUni():
                return b
            case SUni(), SRec():
                return a
            case SRec(), SRec() if a.type == b.type:
                return SRec(a.type, tuple(map(self.joined, a.fields, b.fields)))
            case SCode() | SOrderedBits(), SCode() | SOrderedBits():
                return self.ordered_set(self.joined_universe(a.universe, b.universe))
            case SBits() | SCode() | SOrderedBits(), SBits() | SCode() | SOrderedBits():
                return SBits(self.joined_universe(a.universe, b.universe))
            case (
                SSlots() | SBits() | SCode() | SOrderedBits(),
                SSlots() | SBits() | SCode() | SOrderedBits(),
            ):
                one, other = self._slots_shape(a), self._slots_shape(b)
                return SSlots(self._joined_item(one.item, other.item), max(one.most, other.most))
            case SMap(), SMap():
                return SMap(self.joined_universe(a.keys, b.keys), self.joined(a.value, b.value))
            case SSeq(), SSeq():
                return SSeq(self._joined_item(a.item, b.item), max(a.most, b.most))
            case SOrderedBag(), SOrderedBag():
                return SOrderedBag(
                    self._joined_item(a.item, b.item), max(a.most, b.most), max(a.copies, b.copies)
                )
            case (SBag() | SOrderedBag(), SBag() | SOrderedBag()):
                return SBag(self._joined_item(a.item, b.item), max(a.most, b.most), max(a.copies, b.copies))
        raise AssertionError((a, b))

    def _slots_shape(self, shape: Shape) -> SSlots:
        if isinstance(shape, SSlots):
            return shape
        assert isinstance(shape, SBits | SCode | SOrderedBits)
        return SSlots(self.shape(shape.universe.type, inside=True), shape.universe.size)

    def joined_universe(self, a: Universe, b: Universe) -> Universe:
        """A universe that has the values of both."""
        return a if a is b else self.needed(join_types(a.type, b.type))

    # --- conversions ---

    def loaded(self, value: Any) -> Any:
        """The value, read from the packed state if it was not yet."""
        return self.load(value) if isinstance(value, Ref) else value

    def as_bits(self, value: Any, universe: Universe) -> Bits:
        """A set as bits of a universe. Elements outside it are left out."""
        value = self.loaded(value)
        if isinstance(value, Bits):
            if value.universe is universe:
                return value
            pairs = [
                (k, universe.index[v])
                for k, v in enumerate(value.universe.values)
                if v in universe.index and value.possible[k >> 6] >> (k & 63) & 1
            ]
            return self.moved(value, pairs, universe)
        words: list[Word] = [0] * universe.words
        for k in range(value.row.most):
            there = compare("<", const(k), value.row.length)
            if there.c == 0:
                break
            code, valid = self.code_of(value.row.get(const(k)), universe)
            for w in range(universe.words):
                bit: Word = (
                    (1 << (code.c & 63) if code.c >> 6 == w else 0)
                    if isinstance(code.c, int)
                    else f"(({code.c} >> 6) == {w} ? 1ull << ({code.c} & 63) : 0)"
                )
                words[w] = word_or(words[w], chosen(both(there, valid), bit, 0))
        return Bits(
            universe,
            tuple(words),
            tuple(w if isinstance(w, int) else universe.mask(k) for k, w in enumerate(words)),
        )

    def moved(self, value: Bits, pairs: Sequence[tuple[int, int]], universe: Universe) -> Bits:
        """The set that has, for each pair, the second number if the value has the first."""
        masks: dict[tuple[int, int, int], int] = {}
        for source, target in pairs:
            key = source >> 6, target >> 6, (target & 63) - (source & 63)
            masks[key] = masks.get(key, 0) | 1 << (source & 63)
        parts: list[list[Word]] = [[] for _ in range(universe.words)]
        possible = [0] * universe.words
        for (source, target, places), mask in masks.items():
            word: Word = value.words[source]
            may = value.possible[source] & mask
            if may == 0:
                continue
            possible[target] |= may << places if places >= 0 else may >> -places
            own = word if value.possible[source] == may else word_and(word, mask)
            parts[target].append(word_shift(own, places))
        return Bits(universe, tuple(word_or(*p) if p else 0 for p in parts), tuple(possible))

    def as_slots(self, value: Any) -> SlotV:
        """A set as a row. Only known bits can be made one without control flow."""
        value = self.loaded(value)
        if isinstance(value, SlotV):
            return value
        assert isinstance(value, Bits)
        if not all(isinstance(w, int) for w in value.words):
            raise Unsupported(
                "a set that is large and small at once is not compiled",
                remedy="explore with engine='reference'",
            )
        items = [self.lift(v, value.universe.type) for v in members_of(value)]
        return SlotV(ListArr(self, const(len(items)), items))

    def entries(self, value: Any, keys: Universe) -> tuple[Any, ...]:
        """The values of a map in the order of a universe that has the same keys."""
        value = self.loaded(value)
        assert isinstance(value, MapV)
        if value.keys is keys:
            return value.entries
        return tuple(value.entries[value.keys.index[key]] for key in keys.values)

    def select(self, test: Num, then: Any, orelse: Any) -> Any:
        """One of two values."""
        if isinstance(test.c, int):
            return then if test.c else orelse
        if then is orelse or then == orelse:
            return then
        if isinstance(then, Num) and isinstance(orelse, Num):
            return chosen_num(test, then, orelse)
        shape = self.joined(self.shape_of(then), self.shape_of(orelse))
        a, b = self.leaves(then, shape), self.leaves(orelse, shape)
        return self.value([chosen(test, x, y) for x, y in zip(a, b, strict=True)], shape)

    # --- numbers of values ---

    def explode(self, universe: Universe, code: Num) -> Any:
        """The value with a number in a universe."""
        if isinstance(code.c, int):
            return self.element(universe, code.c)
        found = self.listed(universe.values, universe.type, code)
        return replace(found, code=(universe, code.c)) if isinstance(found, Opt | Rec | Tup | Uni) else found

    def element(self, universe: Universe, number: int) -> Any:
        """The value with a known number in a universe; made once, since loops over universes are many."""
        if number not in universe.lifted:
            universe.lifted[number] = self.lift(universe.values[number], universe.type)
        return universe.lifted[number]

    def listed(self, values: Sequence[Any], t: Type, at: Num) -> Any:
        """The value at a place in a list of values of a type."""
        shape = self.shape(t)
        rows = [self.leaves(self.lift(v, t), shape) for v in values]
        leaves = [self.table([int(row[k]) for row in rows], at) for k in range(len(rows[0]))]
        return self.value(leaves, shape)

    def code_of(self, value: Any, universe: Universe) -> tuple[Num, Num]:
        """The number of a value in a universe, and whether it has one."""
        value = self.loaded(value)
        if known(value):
            index = universe.index.get(self.lower(value, universe.type))
            return (const(0), FALSE) if index is None else (const(index), TRUE)
        own = getattr(value, "code", None)
        if own and own[0] is universe:
            return num(own[1], 0, universe.size - 1), TRUE
        code, valid = self._code(value, universe.type)
        return num(code.c, 0, universe.size - 1), valid

    def _size(self, t: Type) -> int:
        return self.needed(t).size

    def _code(self, value: Any, t: Type) -> tuple[Num, Num]:
        value = self.loaded(value)
        if isinstance(value, Opt) and not isinstance(t, OptionalType | NoneType):
            # Widened, while the set that it is looked up in kept its universe.
            if value.some.c == 0 or value.item is None:
                return const(0), FALSE
            code, valid = self._code(value.item, t)
            return code, both(value.some, valid)
        match t:
            case BoolType() | EnumType() | SortType():
                return value, TRUE
            case IntType(int(low), int(high)):
                valid = both(compare("<=", const(low), value), compare("<=", value, const(high)))
                return _plus(value, -low), valid
            case NoneType():
                return const(0), TRUE
            case OptionalType(item):
                if not isinstance(value, Opt):
                    value = Opt(TRUE, value)
                if value.some.c == 0 or value.item is None:
                    return const(0), TRUE
                code, valid = self._code(value.item, item)
                if (
                    value.leaf
                    and isinstance(item, IntType | SortType | EnumType | BoolType)
                    and value.leaf[0].low == (item.low if isinstance(item, IntType) else 0)
                ):
                    return _number(value.leaf[1], 0, self._size(item)), chosen_num(value.some, valid, TRUE)
                return chosen_num(value.some, _plus(code, 1), const(0)), chosen_num(value.some, valid, TRUE)
            case RecordType():
                value = self.narrow_to(value, t)
                shapes = [self.resolved_type(f) for f in self.fields(t).values()]
                return self._mixed(value.fields, shapes)
            case TupleType(items):
                return self._mixed(value.items, items)
            case MapType(key, item):
                keys = self.needed(key)
                return self._mixed(self.entries(value, keys), [item] * keys.size)
            case UnionType(records):
                return self._union_code(value, records)
            case SetType(item):
                (leaf,) = self.leaves(value, SCode(self.needed(item), self.needed(t)))
                return _number(leaf, 0, self._size(t) - 1), TRUE
        raise AssertionError(t)

    def _union_code(self, value: Any, records: tuple[RecordType, ...]) -> tuple[Num, Num]:
        offsets, offset = {}, 0
        for r in records:
            offsets[r] = offset
            offset += self._size(r)
        if isinstance(value, Rec):
            if value.type not in offsets:
                return const(0), FALSE
            code, valid = self._code(value, value.type)
            return _plus(code, offsets[value.type]), valid
        assert isinstance(value, Uni)
        found: tuple[Num, Num] = const(0), FALSE
        for k, alternative in reversed(list(enumerate(value.alternatives))):
            if alternative is None or value.type.records[k] not in offsets:
                continue
            code, valid = self._code(alternative, alternative.type)
            own = _plus(code, offsets[alternative.type])
            test = compare("==", value.tag, const(k))
            if found[1].c == 0 and len(value.alternatives) <= len(records):
                found = own, valid  # the last that it can be
            else:
                found = chosen_num(test, own, found[0]), chosen_num(test, valid, found[1])
        return found

    def _mixed(self, values: Sequence[Any], types: Sequence[Type]) -> tuple[Num, Num]:
        code, valid = const(0), TRUE
        for value, t in zip(values, types, strict=True):
            size = self._size(t)
            own, fine = self._code(value, t)
            code, valid = _plus_num(_times(code, size), num(own.c, 0, size - 1)), both(valid, fine)
        return code, valid

    def fields(self, t: RecordType) -> dict[str, Type]:
        """The types of a record's fields, bounds resolved."""
        from ratified.language.types import record_fields

        return record_fields(t, self.scope)

    def resolved_type(self, t: Type) -> Type:
        """A type with its bounds resolved."""
        from ratified.language.types import resolved

        return resolved(t, self.scope)

    def narrow_to(self, value: Any, t: RecordType) -> Rec:
        """A value that is known to be this record."""
        value = self.loaded(value)
        if isinstance(value, Opt):
            value = self.loaded(value.item)
        if isinstance(value, Uni):
            found = value.alternatives[value.type.records.index(t)]
            assert isinstance(found, Rec), (value, t)
            value = replace(found, read=(*found.read, *in_union(value)))
        assert isinstance(value, Rec)
        assert value.type == t, (value, t)
        return value

    # --- Python values ---

    def lift(self, value: Any, t: Type) -> Any:
        """A Python value as a known value."""
        match t:
            case BoolType() | IntType() | SortType():
                return const(int(value))
            case EnumType(enum):
                return const(list(enum).index(value))
            case NoneType():
                return Opt(FALSE, None)
            case OptionalType(item):
                return Opt(FALSE, None) if value is None else Opt(TRUE, self.lift(value, item))
            case RecordType():
                return Rec(t, tuple(self.lift(getattr(value, n), f) for n, f in t.fields.items()))
            case UnionType(records):
                k = next(k for k, r in enumerate(records) if r.record is type(value))
                made: list[Rec | None] = [None] * len(records)
                made[k] = self.lift(value, records[k])
                return Uni(t, const(k), tuple(made))
            case TupleType(items):
                return Tup(tuple(map(self.lift, value, items)))
            case SetType(item):
                return self.lift_set(list(value), item)
            case SeqType(item):
                return SeqV(ListArr(self, const(len(value)), [self.lift(v, item) for v in value]))
            case BagType(item):
                pairs = [Tup((self.lift(v, item), const(value.count(v)))) for v in value.distinct()]
                return BagV(
                    ListArr(self, const(len(pairs)), pairs),
                    max((value.count(v) for v in value.distinct()), default=1),
                )
            case MapType(key, item):
                universe = self.universe(key) or self.universe(hull(value.keys(), key))
                if universe is None:
                    raise Unsupported(
                        f"a map of {key} has too many keys", remedy="explore with engine='reference'"
                    )
                return MapV(universe, tuple(self.lift(value[k], item) for k in universe.values if k in value))
        raise AssertionError(t)

    def lift_set(self, values: list[Any], item: Type) -> Bits | SlotV:
        """A set of Python values as a known value."""
        universe = self.universe(item) or (self.universe(hull(values, item)) if values else None)
        if universe is None:
            return SlotV(ListArr(self, const(len(values)), [self.lift(v, item) for v in values]))
        words = [0] * universe.words
        for v in values:
            index = universe.index[v]
            words[index >> 6] |= 1 << (index & 63)
        return Bits(universe, tuple(words), tuple(words))

    def lower(self, value: Any, t: Type) -> Any:
        """A known value as a Python value. Call inside `running(scope)` for sorts."""
        with running(self.scope):
            return self._lower(self.loaded(value), t)

    def _lower(self, value: Any, t: Type) -> Any:
        match t:
            case BoolType():
                return bool(value.c)
            case IntType():
                return value.c
            case SortType(sort):
                return sort(value.c)
            case EnumType(enum):
                return list(enum)[value.c]
            case NoneType():
                return None
            case OptionalType(item):
                if not isinstance(value, Opt):
                    return self._lower(value, item)
                return self._lower(value.item, item) if value.some.c else None
            case RecordType(record):
                fields = self.narrow_to(value, t).fields
                return record(
                    *(self._lower(v, f) for v, f in zip(fields, self.fields(t).values(), strict=True))
                )
            case UnionType():
                if isinstance(value, Uni):
                    value = value.alternatives[value.tag.c]  # type: ignore[index]  # known
                return self._lower(value, value.type)
            case TupleType(items):
                return tuple(map(self._lower, value.items, items))
            case SetType(item):
                if isinstance(value, Bits):
                    return Set(v for v in members_of(value))
                return Set(self._lower(value.row.get(const(k)), item) for k in range(value.row.length.c))
            case SeqType(item):
                return Seq(self._lower(value.row.get(const(k)), item) for k in range(value.row.length.c))
            case BagType(item):
                pairs = [value.row.get(const(k)).items for k in range(value.row.length.c)]
                return Bag(v for i, n in pairs for v in [self._lower(i, item)] * n.c)
            case MapType(_, item):
                return Map(
                    {k: self._lower(v, item) for k, v in zip(value.keys.values, value.entries, strict=True)}
                )
        raise AssertionError(t)


def _number(leaf: Word, low: int, high: int) -> Num:
    if isinstance(leaf, int):
        return const(leaf + low)
    if (low, high) == (0, 1):
        return replace(negation(same_word(leaf, 0)), c=f"(int64_t){leaf}")
    if low == 0:
        return num(f"(int64_t){leaf}", low, high)
    if low == LOW:
        return num(f"(int64_t)({leaf} ^ 0x8000000000000000ull)", low, high)
    return num(f"((int64_t){leaf} + {const(low).text()})", low, high)


def _raw(value: Num, low: int) -> Word:
    if isinstance(value.c, int):
        representable(value.c)
        return value.c - low
    if low == 0:
        return value.c[9:] if value.c.startswith("(int64_t)") else f"(uint64_t){value.c}"
    if low == LOW:
        return f"((uint64_t){value.c} ^ 0x8000000000000000ull)"
    return f"(uint64_t)({value.c} - {const(low).text()})"


def _plus(value: Num, amount: int) -> Num:
    if amount == 0:
        return value
    if isinstance(value.c, int):
        return const(value.c + amount)
    return num(f"({value.c} + {const(amount).text()})", value.low + amount, value.high + amount)


def _times(value: Num, amount: int) -> Num:
    if isinstance(value.c, int):
        return const(value.c * amount)
    return value if amount == 1 else num(f"({value.c} * {amount})", value.low * amount, value.high * amount)


def _plus_num(a: Num, b: Num) -> Num:
    if isinstance(b.c, int):
        return _plus(a, b.c)
    if isinstance(a.c, int):
        return _plus(b, a.c)
    return num(f"({a.c} + {b.c})", a.low + b.low, a.high + b.high)


def alike(a: Shape, b: Shape) -> bool:
    """Whether values have the same leaves in two shapes, as far as both hold them."""
    match a, b:
        case SNum(), SNum():
            return a.low == b.low
        case SOptNum(), SOptNum():
            return a.low == b.low
        case STup(), STup():
            return len(a.items) == len(b.items) and all(map(alike, a.items, b.items))
    return a == b


def in_union(value: Any) -> Read:
    """What a value was read from, where that holds for it also as one of a union's records."""
    return tuple(r for r in value.read if isinstance(_unpacked(r[0]), SUni))


def _unpacked(shape: Shape) -> Shape:
    return shape.inner if isinstance(shape, SPacked) else shape


def _turned(word: Word, mask: int) -> Word:
    """The bits of a word in the opposite order, each turned over. Twice is nothing."""
    bits = mask.bit_length()
    if isinstance(word, int):
        return int(f"{word:0{bits}b}"[::-1], 2) ^ mask if bits else 0
    return f"rt_turned({word}, {bits})"


def _less(total: int, value: Num) -> Num:
    if isinstance(value.c, int):
        return const(total - value.c)
    return num(f"({total} - {value.c})", total - value.high, total - value.low)


def _sum(several: Sequence[Num]) -> Num:
    found = const(0)
    for one in several:
        found = _plus_num(found, one)
    return found


def _inner(shape: Shape) -> Shape:
    match shape:
        case SOptNum(low, high):
            return SNum(low, high)
        case SOpt(item):
            return item
    return shape
