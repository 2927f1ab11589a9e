"""Expressions made: each function gives the tree for an operation on words, made as simple as it can be.

Guarantees: the value is that of the operation, for all values of what it is made of; what is constant is computed.
"""

from __future__ import annotations

from collections.abc import Sequence

from ratified.explore.native.codegen.nodes import (
    ALL,
    HIGH,
    LOW,
    Add,
    AnyOf,
    BitAnd,
    BitField,
    BitOr,
    BitTest,
    BitXor,
    Both,
    CExpr,
    Choose,
    ConstantArray,
    Equal,
    Invoke,
    Less,
    LessOrEqual,
    Load,
    Multiply,
    Negation,
    ShiftLeft,
    Subtract,
    Truth,
    Var,
    Without,
    Word,
    highest,
    interval,
    make,
    ones,
)

TABLE_MOST = 4096
"""A table is not made longer than this only to have an entry for whatever its index may be."""


# --- leaves ---


def var(name: str, low: int = 0, high: int = ALL, *, stable: bool = True) -> CExpr:
    """A name in C: of one thing, which has one interval."""
    made = make(Var, (stable,), low, high, of=name, stable=stable)
    assert (made.low, made.high) == (low, high), f"{name} stands for two things"
    return made


def load(base: str, index: Word, high: int = ALL, *, stable: bool = True) -> CExpr:
    """A word of an array, whose index is always inside, and which is at most so high."""
    return make(Load, (index, high, stable), 0, high, of=base, stable=stable)


def table(values: Sequence[int], index: Word, low: int, high: int) -> Word:
    """`values[index]` where the index is within an interval; some number, if it is not."""
    if isinstance(index, int):
        return values[index] if 0 <= index < len(values) else 0
    low, high = max(0, low), min(len(values) - 1, high)
    own = values[low : high + 1]
    if not own:
        return 0
    if len(set(own)) == 1:
        return own[0]
    if all(v == own[0] + k for k, v in enumerate(own)):
        return add(index, own[0] - low)
    # Room for whatever the index may be; what it is not when it counts may have any entry.
    first, last = max(index.low, LOW), min(index.high, HIGH)
    if last - first < max(64, min(TABLE_MOST, 4 * len(own))):
        rows = [values[min(max(k, low), high)] for k in range(first, last + 1)]
        at = add(index, -first)
    else:
        rows, at = list(own), _inside(add(index, -low), len(own))
    if isinstance(at, int):
        return rows[at]
    if max(rows) <= 1 and len(rows) <= 64:
        return field(sum(v << k for k, v in enumerate(rows)), at, 1)
    return make(ConstantArray, (at,), min(rows), max(rows), of=tuple(rows))


def _inside(index: Word, count: int) -> Word:
    """The index if it is below a count, else 0."""
    if isinstance(index, int):
        return index if 0 <= index < count else 0
    if index.low >= 0 and index.high < count:
        return index
    return make(Invoke, (index, count), 0, count - 1, of="rt_inside")


def element(base: str, index: Word, stride: int, offset: int, most: int, high: int) -> CExpr:
    """A word of a row in an array: `base[index * stride + offset]`, inside whatever the index is."""
    inside = _inside(index, max(1, most))
    return load(base, add(multiply(inside, stride), offset), high)


# --- words ---


def field(word: Word, shift: Word, mask: int) -> Word:
    """`word >> shift & mask`."""
    if isinstance(shift, CExpr):
        return make(BitField, (word, _places(shift), mask), 0, mask)
    if isinstance(word, int):
        return (word & ALL) >> shift & mask
    mask &= ones(highest(word)) >> shift
    if mask == 0:
        return 0
    match word:
        case BitField(args=(CExpr() as inner, int(own), int(within))):
            return field(inner, own + shift, within >> shift & mask)
        case ShiftLeft(args=(inner, int(own))):
            if own <= shift:
                return field(inner, shift - own, mask)
            if mask & ((1 << own - shift) - 1) == 0:
                return shift_left(field(inner, 0, mask >> own - shift), own - shift)
        case BitOr(args=parts):
            left = [field(p, shift, mask) for p in parts]
            if sum(p != 0 for p in left) <= 1:
                return bit_or(*left)
        case BitAnd(args=(inner, int(within))):
            return field(inner, shift, within >> shift & mask)
    if shift == 0 and mask & highest(word) == highest(word) and mask == ones(mask):
        return word
    return make(BitField, (word, shift, mask), 0, mask)


def _places(shift: Word) -> Word:
    """How far to shift, below 64 whatever it is."""
    return shift if isinstance(shift, int) or (shift.low >= 0 and shift.high < 64) else bit_and(shift, 63)


def bit_and(a: Word, b: Word) -> Word:
    """`a & b`."""
    if isinstance(a, int):
        a, b = b, a
    if isinstance(a, int):
        return a & b & ALL if isinstance(b, int) else 0
    if isinstance(b, int):
        return field(a, 0, b & ALL)
    if a is b:
        return a
    if a.number > b.number:
        a, b = b, a
    return make(BitAnd, (a, b), 0, min(highest(a), highest(b)))


def bit_or(*several: Word) -> Word:
    """`a | b | ...`."""
    known = 0
    rest: dict[Word, None] = {}
    for word in several:
        if isinstance(word, int):
            known |= word & ALL
        elif type(word) is BitOr:
            for part in word.args:
                if isinstance(part, int):
                    known |= part
                else:
                    rest[part] = None
        else:
            rest[word] = None
    if not rest:
        return known
    parts: list[Word] = [*rest, *([known] if known else [])]
    if len(parts) == 1:
        return parts[0]
    most = known
    for word in rest:
        most |= ones(highest(word))
    return make(BitOr, tuple(parts), 0, most)


def bit_xor(a: Word, b: Word) -> Word:
    """`a ^ b`."""
    if isinstance(a, int) and isinstance(b, int):
        return (a ^ b) & ALL
    if a == 0 or b == 0:
        return b if a == 0 else a
    if a is b:
        return 0
    return make(BitXor, (a, b), 0, ones(highest(a) | highest(b)))


def without(a: Word, b: Word) -> Word:
    """`a & ~b`."""
    if isinstance(b, int):
        return bit_and(a, ~b & ALL)
    if a is b or a == 0:
        return 0
    return make(Without, (a, b), 0, highest(a))


def shift_left(a: Word, places: Word) -> Word:
    """`a << places`."""
    if isinstance(places, CExpr):
        return 0 if a == 0 else make(ShiftLeft, (a, _places(places)))
    if isinstance(a, int):
        return a << places & ALL
    if places == 0:
        return a
    if type(a) is ShiftLeft and isinstance(a.args[1], int) and a.args[1] + places < 64:
        return shift_left(a.args[0], a.args[1] + places)
    most = highest(a) << places
    return make(ShiftLeft, (a, places), 0, min(most, ALL))


def shift_right(a: Word, places: int) -> Word:
    """`a >> places`."""
    return field(a, places, ALL >> places)


def shifted(a: Word, places: int) -> Word:
    """The word moved up (down if negative)."""
    return shift_left(a, places) if places >= 0 else shift_right(a, -places)


def one_bit(number: Word) -> Word:
    """`1 << number`."""
    return 1 << (number & 63) if isinstance(number, int) else shift_left(1, number)


# --- numbers ---


def _kept(low: int, high: int) -> tuple[int, int]:
    """An interval, or all there is where arithmetic may have gone round."""
    return (low, high) if low >= LOW and high <= HIGH else (LOW, HIGH)


def add(a: Word, b: Word) -> Word:
    """`a + b`."""
    if isinstance(a, int):
        a, b = b, a
    if isinstance(a, int):
        return a + b if isinstance(b, int) else b
    if isinstance(b, int):
        if b == 0:
            return a
        if type(a) is Add and isinstance(a.args[1], int):
            return add(a.args[0], a.args[1] + b)
        low, high = interval(a)
        return make(Add, (a, b), *_kept(low + b, high + b))
    if type(a) is Add and isinstance(a.args[1], int):
        return add(add(a.args[0], b), a.args[1])
    if type(b) is Add and isinstance(b.args[1], int):
        return add(add(a, b.args[0]), b.args[1])
    (low, high), (least, most) = interval(a), interval(b)
    return make(Add, (a, b), *_kept(low + least, high + most))


def subtract(a: Word, b: Word) -> Word:
    """`a - b`."""
    if isinstance(b, int):
        return add(a, -b)
    if a is b:
        return 0
    if type(b) is Add and isinstance(b.args[1], int):
        return add(subtract(a, b.args[0]), -b.args[1])
    if isinstance(a, CExpr) and type(a) is Add and isinstance(a.args[1], int):
        return add(subtract(a.args[0], b), a.args[1])
    (low, high), (least, most) = interval(a), interval(b)
    return make(Subtract, (a, b), *_kept(low - most, high - least))


def multiply(a: Word, b: Word) -> Word:
    """`a * b`."""
    if isinstance(a, int):
        a, b = b, a
    if isinstance(a, int):
        return a * b if isinstance(b, int) else multiply(b, a)
    if b in (0, 1):
        return a if b == 1 else 0
    ends = [x * y for x in interval(a) for y in interval(b)]
    return make(Multiply, (a, b), *_kept(min(ends), max(ends)))


def invoke(name: str, *args: Word, low: int = LOW, high: int = HIGH) -> CExpr:
    """A call of a pure and total function of the runtime."""
    return make(Invoke, args, low, high, of=name)


def choose(test: Word, then: Word, orelse: Word) -> Word:
    """`test ? then : orelse`."""
    if isinstance(test, int):
        return then if test else orelse
    if then is orelse or then == orelse:
        return then
    if then == 1 and orelse == 0:
        return test
    if then == 0 and orelse == 1:
        return negation(test)
    if type(test) is Negation:
        return choose(test.args[0], orelse, then)
    if isinstance(then, CExpr) and type(then) is Choose and then.args[0] is test:
        return choose(test, then.args[1], orelse)
    if isinstance(orelse, CExpr) and type(orelse) is Choose and orelse.args[0] is test:
        return choose(test, then, orelse.args[2])
    if orelse == 0 and type(test) is BitTest and isinstance(then, CExpr) and _zero_with(then, test):
        return then
    (low, high), (least, most) = _ends(then), _ends(orelse)
    low, high = min(low, least), max(high, most)
    return make(Choose, (test, then, orelse), *((low, high) if low >= 0 or high <= HIGH else (LOW, HIGH)))


def _zero_with(word: CExpr, test: BitTest) -> bool:
    """Whether a word is 0 exactly where a test is false, because it is what is tested."""
    same, tested, mask, value = test.args
    if same or value != 0:
        return False
    if tested is word:
        return mask == ones(highest(word))
    if type(word) is not BitField:
        return False
    inner, shift, _ = word.args
    return tested is inner and isinstance(shift, int) and mask == word.fixed(2) << shift


def _ends(word: Word) -> tuple[int, int]:
    return (word, word) if isinstance(word, int) else (word.low, word.high)


# --- truth ---


def test_of(word: Word) -> tuple[bool, Word, int, int] | None:
    """A condition as one of bits: whether they are to be equal, the word, the mask, the value."""
    if isinstance(word, int):
        return None
    if type(word) is BitTest:
        return bool(word.args[0]), word.args[1], word.fixed(2), word.fixed(3)
    if type(word) is BitField and word.args[2] == 1 and isinstance(word.args[1], int):
        bit = 1 << word.args[1]
        return True, word.args[0], bit, bit
    return None


def said(test: tuple[bool, Word, int, int] | None, *, equal: bool) -> tuple[bool, Word, int, int] | None:
    """The test as one of equality, or of difference: a test of one bit is both."""
    if test is None or test[0] == equal:
        return test
    _, word, mask, value = test
    return (equal, word, mask, value ^ mask) if mask & (mask - 1) == 0 else None


def having(equal: bool, word: Word, mask: int, value: int) -> Word:
    """Whether the bits of a word under a mask have a value (or another)."""
    if isinstance(word, int):
        return int((word & mask == value) == equal)
    if type(word) is BitField and isinstance(word.args[1], int) and isinstance(word.args[0], CExpr):
        shift, within = word.args[1], word.fixed(2)
        if value & ~within:
            return int(not equal)
        word, mask, value = word.args[0], (mask & within) << shift, value << shift
        assert isinstance(word, CExpr)
    mask &= ones(highest(word))
    if value & ~mask:
        return int(not equal)
    if mask == 0:
        return int(equal == (value == 0))
    if isinstance(word, Truth) and mask == 1:
        return word if (value == 1) == equal else negation(word)
    return make(BitTest, (equal, word, mask, value), 0, 1)


def equal(a: Word, b: Word) -> Word:
    """Whether two words are equal."""
    if isinstance(a, int):
        a, b = b, a
    if isinstance(a, int):
        return int(a == b)
    if isinstance(b, int):
        if not a.low <= b <= a.high:
            return 0
        if b == 0 and type(a) is Invoke and a.of == "__builtin_popcountll":
            return equal(a.args[0], 0)
        if (
            b == 0
            and type(a) is Add
            and all(isinstance(x, CExpr) and x.low >= 0 for x in a.args)
            and a.high <= HIGH
        ):
            return joined([equal(x, 0) for x in a.args], conjunction=True)
        if type(a) is Add and isinstance(a.args[1], int) and a.low > LOW:
            return equal(a.args[0], b - a.args[1])
        return having(True, a, ALL, b) if b >= 0 and a.low >= 0 else make(Equal, (a, b), 0, 1)
    if a is b:
        return 1
    if a.high < b.low or b.high < a.low:
        return 0
    if (
        type(a) is BitField
        and type(b) is BitField
        and a.args[1:] == b.args[1:]
        and isinstance(a.args[1], int)
    ):
        return having(True, bit_xor(a.args[0], b.args[0]), a.fixed(2) << a.args[1], 0)
    if a.number > b.number:
        a, b = b, a
    return make(Equal, (a, b), 0, 1)


def less(a: Word, b: Word, *, strict: bool = True) -> Word:
    """Whether one signed number is below another (or, unless `strict`, equal to it)."""
    if isinstance(a, int) and isinstance(b, int):
        return int(a < b if strict else a <= b)
    if a is b:
        return int(not strict)
    if (
        isinstance(a, CExpr)
        and type(a) is Add
        and a.args[0] is b
        and isinstance(a.args[1], int)
        and a.low > LOW
    ):
        return int(a.args[1] < 0 if strict else a.args[1] <= 0)
    (low, high), (least, most) = interval(a), interval(b)
    if high < least or (not strict and high == least):
        return 1
    if low > most or (strict and low == most):
        return 0
    return make(Less if strict else LessOrEqual, (a, b), 0, 1)


def negation(word: Word) -> Word:
    """`not word`, of what is 0 or 1."""
    if isinstance(word, int):
        return 1 - word
    if test := test_of(word):
        return having(not test[0], test[1], test[2], test[3])
    if type(word) is Negation:
        return word.args[0]
    if type(word) is Less:
        return less(word.args[1], word.args[0], strict=False)
    if type(word) is LessOrEqual:
        return less(word.args[1], word.args[0])
    return make(Negation, (word,), 0, 1)


def joined(several: Sequence[Word], *, conjunction: bool) -> Word:
    """All or some of several. Tests of one word are made one: of equality in a conjunction, of difference in a disjunction."""
    end, kind = (0, Both) if conjunction else (1, AnyOf)
    kept: list[CExpr] = []
    tests: dict[Word, int] = {}
    todo = list(several)
    for word in todo:
        if isinstance(word, int):
            if word == end:
                return end
            continue
        for x in word.args if type(word) is kind else (word,):
            assert isinstance(x, CExpr)
            if x in kept:
                continue
            own = said(test_of(x), equal=conjunction)
            at = tests.get(own[1]) if own else None
            if own is None or at is None:
                if own:
                    tests[own[1]] = len(kept)
                kept.append(x)
                continue
            other = said(test_of(kept[at]), equal=conjunction)
            assert other is not None
            if (own[3] ^ other[3]) & own[2] & other[2]:
                return end
            merged = having(conjunction, own[1], own[2] | other[2], own[3] | other[3])
            assert isinstance(merged, CExpr)
            kept[at] = merged
    if not kept:
        return 1 - end
    return kept[0] if len(kept) == 1 else make(kind, tuple(kept), 0, 1)


def bit_count(words: Sequence[Word]) -> Word:
    """How many bits are set."""
    total: Word = 0
    for word in words:
        if isinstance(word, int):
            total = add(total, (word & ALL).bit_count())
        else:
            most = highest(word)
            total = add(total, invoke("__builtin_popcountll", word, low=0, high=ones(most).bit_count()))
    return total
