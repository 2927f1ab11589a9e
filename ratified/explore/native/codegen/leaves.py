"""The leaves of values, and their numbers in a universe: what values are when they are put somewhere.

Guarantees: `packing.value_of` of the leaves is the value, for every shape that holds it; what is constant stays constant.
"""

from __future__ import annotations

from collections.abc import Sequence

from ratified.explore.native.codegen import build, nodes
from ratified.explore.native.codegen.joins import alike
from ratified.explore.native.codegen.lifting import lift, lower, narrow_to
from ratified.explore.native.codegen.nodes import Word
from ratified.explore.native.codegen.numbers import (
    FALSE,
    TRUE,
    Num,
    both,
    chosen,
    chosen_num,
    compare,
    const,
    count_bits,
    minus,
    num,
    plus,
    raw,
    times,
    total,
)
from ratified.explore.native.codegen.packing import (
    array_words,
    item,
    leaf,
    load,
    loaded,
    masks,
    there,
    turned_over,
)
from ratified.explore.native.codegen.shapes import (
    Full,
    NumberedValues,
    PackedShape,
    PackedShapes,
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
    Unsupported,
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
    Rec,
    Ref,
    RowSource,
    SeqV,
    SlotV,
    Tup,
    Uni,
    ValueWithParts,
    as_num,
    known,
    listed,
    members_of,
    pair_of,
)
from ratified.language.rules import Rules
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
)


def leaves(shapes: PackedShapes, value: HeldValue, shape: PackedShape) -> list[Word]:
    """The leaves of a value in a shape that holds it."""
    if isinstance(value, Ref):
        if value.shape == shape:
            return [leaf(value, k) for k in range(len(value.places[0]))]
        value = load(value)
    for own, words in _read(value):
        if own == shape:
            return list(words)
    match shape:
        case SNum(low, _):
            return [raw(as_num(value), low)]
        case SNone():
            return []
        case SOptNum() | SOpt():
            return _optional(shapes, value, shape)
        case SRec(_, parts):
            assert isinstance(value, Rec)
            return _several(shapes, value.fields, parts)
        case STup(parts):
            assert isinstance(value, Tup)
            return _several(shapes, value.items, parts)
        case SUni():
            return _union(shapes, value, shape)
        case SBits() | SCode() | SOrderedBits():
            return _set(as_bits(shapes, value, shape.universe).words, shape)
        case SMap(keys, part):
            values = entries(value, keys)
            return _several(shapes, values, [part] * len(values))
        case SPacked(inner):
            own_leaves = leaves(shapes, value, inner)
            return [
                build.bit_or(*(build.shift_left(own_leaves[k], shift) for k, shift, _ in row))
                for row in groups(inner)
            ]
    return _container(shapes, value, shape)


def _container(shapes: PackedShapes, value: CValue, shape: PackedShape) -> list[Word]:
    match shape:
        case SSeq(part, most):
            assert isinstance(value, SeqV)
            return row_leaves(shapes, value.row, part, most)
        case SSlots(part, most):
            return row_leaves(shapes, as_slots(shapes, value).row, part, most)
        case SBag(part, most, copies):
            assert isinstance(value, BagV)
            return row_leaves(shapes, value.row, STup((part, SNum(0, copies))) if part else None, most)
        case SOrderedBag(part, most, copies):
            assert isinstance(value, BagV)
            return _ordered_bag(shapes, value, part, most, copies)
    raise AssertionError(shape)


def _read(value: CValue) -> Sequence[tuple[PackedShape, tuple[Word, ...]]]:
    if isinstance(value, ValueWithParts):
        return value.read
    row = getattr(value, "row", None)
    return row.read if isinstance(row, ListedRow) else ()


def _several(shapes: PackedShapes, values: Sequence[HeldValue], parts: Sequence[PackedShape]) -> list[Word]:
    return [w for part, v in zip(parts, values, strict=True) for w in leaves(shapes, v, part)]


def _set(words: tuple[Word, ...], shape: SBits | SCode | SOrderedBits) -> list[Word]:
    match shape:
        case SCode(universe, subsets):
            numbers = [0] * (1 << universe.size)
            for index, mask in enumerate(masks(universe, subsets)):
                numbers[mask] = index
            return [build.table(numbers, words[0], 0, len(numbers) - 1)]
        case SOrderedBits(universe):
            turned = [turned_over(w, universe.mask(k)) for k, w in enumerate(words)]
            return [count_bits(words).c, *turned]
    return list(words)


def _optional(shapes: PackedShapes, value: CValue, shape: SOptNum | SOpt) -> list[Word]:
    assert isinstance(value, Opt)
    inner: PackedShape = SNum(shape.low, shape.high) if isinstance(shape, SOptNum) else shape.item
    if value.some.c == 0 or value.item is None:
        return [0] * (1 if isinstance(shape, SOptNum) else 1 + len(widths(inner)))
    if isinstance(shape, SOptNum):
        return [chosen(value.some, raw(as_num(value.item), shape.low - 1), 0)]
    return [value.some.c, *(chosen(value.some, w, 0) for w in leaves(shapes, value.item, inner))]


def _union(shapes: PackedShapes, value: CValue, shape: SUni) -> list[Word]:
    alternatives = shape.alternatives
    several = len(shared(alternatives))
    if isinstance(value, Rec):
        k = next(k for k, a in enumerate(alternatives) if a.type == value.type)
        return [k, *_padded(shapes, value, alternatives[k], several)]
    assert isinstance(value, Uni)
    numbers = [next((k for k, a in enumerate(alternatives) if a.type == r), 0) for r in value.type.records]
    tag = build.table(numbers, value.tag.c, value.tag.low, value.tag.high)
    rows = [
        (k, _padded(shapes, a, alternatives[numbers[k]], several))
        for k, a in enumerate(value.alternatives)
        if a is not None
    ]
    found = rows[-1][1]
    for k, row in reversed(rows[:-1]):
        test = compare("==", value.tag, const(k))
        found = [chosen(test, a, b) for a, b in zip(row, found, strict=True)]
    return [tag, *found]


def _padded(shapes: PackedShapes, value: Rec, shape: SRec, several: int) -> list[Word]:
    own = leaves(shapes, value, shape)
    return [*own, *[0] * (several - len(own))]


def row_leaves(shapes: PackedShapes, row: RowSource, part: PackedShape | None, most: int) -> list[Word]:
    """The length and places of a row whose values have a shape. Raises Full if it is certainly too long."""
    if row.length.low > most:
        raise Full
    found: list[Word] = [row.length.c]
    if part is None:
        return found
    stride = len(widths(part))
    clean = not isinstance(row, ListedRow) and row.item is not None and alike(row.item, part)
    for k in range(most):
        if k >= row.most or row.length.high <= k:
            found += [0] * stride
        elif clean and isinstance(row, InArray):
            found += array_words(row, const(k))
        elif clean and isinstance(row, InState):
            found += [leaf(row.ref, 1 + k * stride + j) for j in range(stride)]
        else:
            found += [chosen(there(row, k), w, 0) for w in leaves(shapes, item(row, k), part)]
    return found


def _ordered_bag(
    shapes: PackedShapes, value: BagV, part: PackedShape | None, most: int, copies: int
) -> list[Word]:
    counts = []
    found: list[Word] = []
    for k in range(most if part else 0):
        assert part is not None
        present = there(value.row, k) if k < value.row.most else FALSE
        if present.c == 0:
            found += [0] * (len(widths(part)) + 1)
            continue
        own, many = pair_of(item(value.row, k))
        many = num(many.c, 1, copies)
        counts.append(chosen_num(present, many, const(0)))
        rest = minus(const(copies + 1), many)
        found += [chosen(present, w, 0) for w in [*leaves(shapes, own, part), rest.c]]
    return [total(counts).c, *found]


# --- sets and maps in another universe ---


def as_bits(shapes: PackedShapes, value: HeldValue, universe: NumberedValues) -> Bits:
    """A set as bits of a universe. Elements outside it are left out."""
    value = loaded(value)
    if isinstance(value, Bits):
        if value.universe is universe:
            return value
        pairs = [
            (k, universe.index[v])
            for k, v in enumerate(value.universe.values)
            if v in universe.index and value.possible[k >> 6] >> (k & 63) & 1
        ]
        return moved(value, pairs, universe)
    assert isinstance(value, SlotV)
    words: list[Word] = [0] * universe.words
    for k in range(value.row.most):
        present = there(value.row, k)
        if present.c == 0:
            break
        code, valid = code_of(shapes, item(value.row, k), universe)
        for w, bit in enumerate(bit_words(code, universe)):
            words[w] = build.bit_or(words[w], chosen(both(present, valid), bit, 0))
    return bits_of(universe, words)


def bits_of(universe: NumberedValues, words: Sequence[Word]) -> Bits:
    """The set with these words."""
    possible = tuple(
        w if isinstance(w, int) else universe.mask(k) & ((1 << nodes.highest(w).bit_length()) - 1)
        for k, w in enumerate(words)
    )
    return Bits(universe, tuple(words), possible)


def bit_words(code: Num, universe: NumberedValues) -> list[Word]:
    """The words of a set with one element."""
    if universe.words == 1 or isinstance(code.c, int):
        own = build.one_bit(code.c)
        return [own if not isinstance(code.c, int) or code.c >> 6 == k else 0 for k in range(universe.words)]
    bit, word = build.one_bit(build.bit_and(code.c, 63)), build.shift_right(code.c, 6)
    return [build.choose(build.equal(word, k), bit, 0) for k in range(universe.words)]


def moved(value: Bits, pairs: Sequence[tuple[int, int]], universe: NumberedValues) -> Bits:
    """The set that has, for each pair, the second number if the value has the first."""
    moves: dict[tuple[int, int, int], int] = {}
    for source, target in pairs:
        key = source >> 6, target >> 6, (target & 63) - (source & 63)
        moves[key] = moves.get(key, 0) | 1 << (source & 63)
    parts: list[list[Word]] = [[] for _ in range(universe.words)]
    possible = [0] * universe.words
    for (source, target, places), mask in moves.items():
        may = value.possible[source] & mask
        if may == 0:
            continue
        possible[target] |= may << places if places >= 0 else may >> -places
        word = value.words[source]
        own = word if value.possible[source] == may else build.bit_and(word, mask)
        parts[target].append(build.shifted(own, places))
    return Bits(universe, tuple(build.bit_or(*p) for p in parts), tuple(possible))


def as_slots(shapes: PackedShapes, value: HeldValue) -> SlotV:
    """A set as a row. Only known bits can be made one without control flow."""
    value = loaded(value)
    if isinstance(value, SlotV):
        return value
    assert isinstance(value, Bits)
    if not known(value):
        raise Unsupported(
            "a set that is large and small at once cannot be compiled",
            remedy="explore with engine='reference'",
        )
    return SlotV(listed(lift(shapes, v, value.universe.type) for v in members_of(value)))


def entries(value: HeldValue, keys: NumberedValues) -> tuple[CValue, ...]:
    """The values of a map in the order of a universe that has the same keys."""
    value = loaded(value)
    assert isinstance(value, MapV)
    if value.keys is keys:
        return value.entries
    return tuple(value.entries[value.keys.index[key]] for key in keys.values)


# --- numbers of values ---


def code_of(shapes: PackedShapes, value: HeldValue, universe: NumberedValues) -> tuple[Num, Num]:
    """The number of a value in a universe, and whether it has one."""
    value = loaded(value)
    if isinstance(value, ValueWithParts) and value.code and value.code[0] is universe:
        code = value.code[1]
        return num(code, 0, universe.size - 1), TRUE
    if known(value):
        index = universe.index.get(lower(shapes, value, universe.type))
        return (const(0), FALSE) if index is None else (const(index), TRUE)
    code_, valid = _code(shapes, value, universe.type)
    return num(code_.c, max(0, code_.low), min(universe.size - 1, code_.high)), valid


def _size(shapes: PackedShapes, t: Type) -> int:
    return shapes.needed(t).size


def _code(shapes: PackedShapes, value: HeldValue, t: Type) -> tuple[Num, Num]:
    value = loaded(value)
    if isinstance(value, Opt) and not isinstance(t, OptionalType | NoneType):
        # Widened, while the set that it is looked up in kept its universe.
        if value.some.c == 0 or value.item is None:
            return const(0), FALSE
        code, valid = _code(shapes, value.item, t)
        return code, both(value.some, valid)
    return CODES(t, (shapes, value))


Coding = tuple[PackedShapes, CValue]
"""The shapes of a model, and a value to be numbered."""

CODES: Rules[Coding, tuple[Num, Num]] = Rules("C of numbers of values")


@CODES.rule(BoolType, EnumType, SortType)
def _(t: Type, coding: Coding) -> tuple[Num, Num]:
    return as_num(coding[1]), TRUE


@CODES.rule(IntType)
def _(t: IntType, coding: Coding) -> tuple[Num, Num]:
    assert isinstance(t.low, int)
    assert isinstance(t.high, int)
    own = as_num(coding[1])
    valid = both(compare("<=", const(t.low), own), compare("<=", own, const(t.high)))
    return plus(own, const(-t.low)), valid


@CODES.rule(NoneType)
def _(t: NoneType, coding: Coding) -> tuple[Num, Num]:
    return const(0), TRUE


@CODES.rule(OptionalType)
def _(t: OptionalType, coding: Coding) -> tuple[Num, Num]:
    shapes, value = coding
    if not isinstance(value, Opt):
        value = Opt(TRUE, value)
    if value.some.c == 0 or value.item is None:
        return const(0), TRUE
    code, valid = _code(shapes, value.item, t.item)
    return chosen_num(value.some, plus(code, const(1)), const(0)), chosen_num(value.some, valid, TRUE)


@CODES.rule(RecordType)
def _(t: RecordType, coding: Coding) -> tuple[Num, Num]:
    shapes, value = coding
    return _mixed(shapes, narrow_to(value, t).fields, list(record_fields(t, shapes.scope).values()))


@CODES.rule(TupleType)
def _(t: TupleType, coding: Coding) -> tuple[Num, Num]:
    shapes, value = coding
    assert isinstance(value, Tup)
    return _mixed(shapes, value.items, t.items)


@CODES.rule(MapType)
def _(t: MapType, coding: Coding) -> tuple[Num, Num]:
    shapes, value = coding
    keys = shapes.needed(t.key)
    return _mixed(shapes, entries(value, keys), [t.value] * keys.size)


@CODES.rule(UnionType)
def _(t: UnionType, coding: Coding) -> tuple[Num, Num]:
    return _union_code(*coding, t.records)


@CODES.rule(SetType)
def _(t: SetType, coding: Coding) -> tuple[Num, Num]:
    shapes, value = coding
    own_leaves = leaves(shapes, value, SCode(shapes.needed(t.item), shapes.needed(t)))
    return num(own_leaves[0], 0, _size(shapes, t) - 1), TRUE


@CODES.rule(SeqType, BagType)
def _(t: SeqType | BagType, coding: Coding) -> tuple[Num, Num]:
    raise AssertionError(t)  # not COUNTABLE


def _union_code(shapes: PackedShapes, value: CValue, records: tuple[RecordType, ...]) -> tuple[Num, Num]:
    offsets, offset = {}, 0
    for r in records:
        offsets[r] = offset
        offset += _size(shapes, r)
    if isinstance(value, Rec):
        if value.type not in offsets:
            return const(0), FALSE
        code, valid = _code(shapes, value, value.type)
        return plus(code, const(offsets[value.type])), valid
    assert isinstance(value, Uni)
    found: tuple[Num, Num] = const(0), FALSE
    for k, alternative in reversed(list(enumerate(value.alternatives))):
        if alternative is None or value.type.records[k] not in offsets:
            continue
        code, valid = _code(shapes, alternative, alternative.type)
        own = plus(code, const(offsets[alternative.type]))
        test = compare("==", value.tag, const(k))
        if found[1].c == 0 and len(value.alternatives) <= len(records):
            found = own, valid  # the last that it can be
        else:
            found = chosen_num(test, own, found[0]), chosen_num(test, valid, found[1])
    return found


def _mixed(shapes: PackedShapes, values: Sequence[HeldValue], types: Sequence[Type]) -> tuple[Num, Num]:
    code, valid = const(0), TRUE
    for value, t in zip(values, types, strict=True):
        size = _size(shapes, t)
        own, fine = _code(shapes, value, t)
        own = num(own.c, max(0, own.low), min(size - 1, own.high))
        code, valid = plus(times(code, size), own), both(valid, fine)
    return code, valid
