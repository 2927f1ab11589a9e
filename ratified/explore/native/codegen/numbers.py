"""Numbers and truth values as the generator knows them: constants, or C expressions within an interval.

Guarantees: an expression is pure and total (whatever may fail became control flow before); what can be decided now is decided
now; tests of bits of one word become one test.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from ratified.explore.native.codegen.shapes import LOW, representable

Word = int | str
"""A 64-bit word: a constant or a C expression."""


@dataclass(frozen=True, slots=True)
class Test:
    """Whether some bits of a word have a value (or, unless `equal`, have another)."""

    equal: bool
    word: str
    mask: int
    value: int

    def text(self) -> str:
        """The test in C."""
        masked = self.word if self.mask == ALL_BITS else f"({self.word} & {literal(self.mask)})"
        return f"({masked} {'==' if self.equal else '!='} {literal(self.value)})"

    def said(self, *, equal: bool) -> Test | None:
        """The test as one of equality, or of difference: a test of one bit is both."""
        if self.equal == equal:
            return self
        one_bit = self.mask & (self.mask - 1) == 0
        return Test(equal, self.word, self.mask, self.value ^ self.mask) if one_bit else None


ALL_BITS = 2**64 - 1

_FIELD = re.compile(r"^\((\w+(?:\[\d+\])?)(?: >> (\d+))? & (\w+)ull\)$")
_WHOLE = re.compile(r"^[a-z]\w*(?:\[\d+\])?$")
_NUMBER = re.compile(r"^\(int64_t\)(\(.+\)|\w+(?:\[\d+\])?)$")


@lru_cache(maxsize=65536)
def field(word: str) -> tuple[str, int, int] | None:
    """The word that a leaf was taken from, its shift and its mask (before shifting)."""
    if found := _FIELD.match(word):
        return found[1], int(found[2] or 0), int(found[3], 0)
    return (word, 0, ALL_BITS) if _WHOLE.match(word) else None


@lru_cache(maxsize=65536)
def number_field(c: str) -> tuple[str, int, int] | None:
    """The leaf that a number was read from."""
    found = _NUMBER.match(c)
    return field(found[1]) if found else None


@lru_cache(maxsize=65536)
def optional_field(c: str) -> tuple[str, int, int] | None:
    """The leaf that the item of an optional number (from 0 on) was read from: one more than the number."""
    if c.startswith("((int64_t)") and c.endswith(" - 1)"):
        return field(c[len("((int64_t)") : -len(" - 1)")])
    return None


@dataclass(frozen=True, slots=True)
class Num:
    """A number (or truth value, index of a sort or enum) from `low` to `high`. `c` is an int if it is known."""

    c: int | str
    low: int
    high: int
    test: Test | None = None

    @property
    def known(self) -> bool:
        """Whether it is a constant."""
        return isinstance(self.c, int)

    def text(self) -> str:
        """The number in C."""
        return signed(self.c) if isinstance(self.c, int) else self.c


def signed(value: int) -> str:
    """An int64_t constant. Raises Unsupported for one that is none."""
    representable(value)
    if value == LOW:
        return "INT64_MIN"
    return f"{value}" if 0 <= value < 2**31 else f"({value}ll)"


def literal(value: int) -> str:
    """A uint64_t constant."""
    value &= 2**64 - 1
    return f"{value}ull" if value < 10 else f"{value:#x}ull"


def word_text(word: Word) -> str:
    """A word in C."""
    return literal(word) if isinstance(word, int) else word


def const(value: int) -> Num:
    """A known number."""
    return Num(value, value, value)


TRUE, FALSE = const(1), const(0)


def num(c: int | str, low: int, high: int) -> Num:
    """A number within an interval; one of a single value is known."""
    if isinstance(c, int):
        return const(c)
    return const(low) if low == high else Num(c, low, high)


def truth(c: str) -> Num:
    """A condition in C."""
    return Num(c, 0, 1)


def tested(kind: str, word: Word, mask: int) -> Num:
    """A test of the bits of a word: whether all are set, some is, some is `missing`, or none is set."""
    equal = kind in ("all", "none")
    return having(equal, word, mask, mask if kind in ("all", "missing") else 0)


def having(equal: bool, word: Word, mask: int, value: int) -> Num:
    """Whether the bits of a word under a mask have a value (or another)."""
    if isinstance(word, int):
        return const(int((word & mask == value) == equal))
    if part := field(word):
        word, shift, within = part
        if value & ~within:
            return const(int(not equal))
        mask, value = (mask & within) << shift, value << shift
    if mask == 0:
        return const(int(equal == (value == 0)))
    test = Test(equal, word, mask, value)
    return Num(test.text(), 0, 1, test)


def same_word(a: Word, b: Word) -> Num:
    """Whether two words are equal."""
    if isinstance(a, int):
        a, b = b, a
    if isinstance(a, int):
        return const(int(a == b))
    if isinstance(b, int):
        return having(True, a, ALL_BITS, b)
    if a == b:
        return TRUE
    one, other = field(a), field(b)
    if one and other and one[1:] == other[1:]:
        return having(True, f"({one[0]} ^ {other[0]})", one[2] << one[1], 0)
    return truth(f"({a} == {b})")


def negation(x: Num) -> Num:
    """`not x`."""
    if isinstance(x.c, int):
        return const(1 - x.c)
    if x.test:
        return having(not x.test.equal, x.test.word, x.test.mask, x.test.value)
    return truth(f"!{x.c}")


def _joined(several: Iterable[Num], end: int, operator: str) -> Num:
    """Tests of one word are made one: of equality in a conjunction, of difference in a disjunction."""
    kept: list[Num] = []
    for x in several:
        if isinstance(x.c, int):
            if x.c == end:
                return const(end)
            continue
        if any(k.c == x.c for k in kept):
            continue
        own = x.test.said(equal=end == 0) if x.test else None
        for index, k in enumerate(kept):
            other = k.test.said(equal=end == 0) if own and k.test and k.test.word == own.word else None
            if own and other:
                if (own.value ^ other.value) & own.mask & other.mask:
                    return const(end)
                kept[index] = having(own.equal, own.word, own.mask | other.mask, own.value | other.value)
                break
        else:
            kept.append(x)
    return _finish(kept, operator) if kept else const(1 - end)


def _finish(kept: list[Num], operator: str) -> Num:
    return kept[0] if len(kept) == 1 else truth("(" + f" {operator} ".join(k.text() for k in kept) + ")")


def both(*several: Num) -> Num:
    """All of these (evaluated from the left; a later one may rely on an earlier)."""
    return _joined(several, 0, "&&")


def either(*several: Num) -> Num:
    """Some of these."""
    return _joined(several, 1, "||")


def chosen(test: Num, then: Word, orelse: Word) -> Word:
    """One of two words."""
    if isinstance(test.c, int):
        return then if test.c else orelse
    if then == orelse:
        return then
    if then == 1 and orelse == 0:
        return f"(uint64_t){test.c}"
    return f"({test.c} ? {word_text(then)} : {word_text(orelse)})"


def chosen_num(test: Num, then: Num, orelse: Num) -> Num:
    """One of two numbers."""
    if isinstance(test.c, int):
        return then if test.c else orelse
    if then.c == orelse.c:
        return num(then.c, min(then.low, orelse.low), max(then.high, orelse.high))
    if then.c == 1 and orelse.c == 0:
        return test
    if then.c == 0 and orelse.c == 1:
        return negation(test)
    if (then.low, then.high) == (0, 1) and orelse.c == 0:
        return both(test, then)
    return num(
        f"({test.c} ? {then.text()} : {orelse.text()})",
        min(then.low, orelse.low),
        max(then.high, orelse.high),
    )


def compare(op: str, a: Num, b: Num) -> Num:
    """A comparison, decided now where the intervals decide it."""
    if isinstance(a.c, int) and isinstance(b.c, int):
        return const(
            int(
                {
                    "==": a.c == b.c,
                    "!=": a.c != b.c,
                    "<": a.c < b.c,
                    "<=": a.c <= b.c,
                    ">": a.c > b.c,
                    ">=": a.c >= b.c,
                }[op]
            )
        )
    if op in (">", ">="):
        return compare({">": "<", ">=": "<="}[op], b, a)
    if op == "!=":
        return negation(compare("==", a, b))
    if op == "==":
        if a.high < b.low or b.high < a.low:
            return FALSE
        for x, y in ((a, b), (b, a)):
            if (x.low, x.high) == (0, 1) and isinstance(y.c, int):
                return x if y.c else negation(x)
        return TRUE if a.c == b.c else _equal(a, b)
    strict = op == "<"
    if a.high < b.low or (not strict and a.high == b.low):
        return TRUE
    if a.low > b.high or (strict and a.low == b.high):
        return FALSE
    if a.c == b.c:
        return const(int(not strict))
    return truth(f"({a.text()} {op} {b.text()})")


def _equal(a: Num, b: Num) -> Num:
    if isinstance(a.c, int):
        a, b = b, a
    if isinstance(a.c, str) and isinstance(b.c, int):
        if part := number_field(a.c):
            return having(True, part[0], part[2] << part[1], b.c << part[1]) if 0 <= b.c <= part[2] else FALSE
        if part := optional_field(a.c):
            return (
                having(True, part[0], part[2] << part[1], b.c + 1 << part[1]) if 0 <= b.c < part[2] else FALSE
            )
    elif isinstance(a.c, str) and isinstance(b.c, str):
        one, other = number_field(a.c), number_field(b.c)
        if one and other and one[1:] == other[1:]:
            return having(True, f"({one[0]} ^ {other[0]})", one[2] << one[1], 0)
    return truth(f"({a.text()} == {b.text()})")


def word_and(a: Word, b: Word) -> Word:
    """`a & b`."""
    if isinstance(a, int) and isinstance(b, int):
        return a & b
    if a == 0 or b == 0:
        return 0
    if a == 2**64 - 1 or a == b:
        return b
    return a if b == 2**64 - 1 else f"({word_text(a)} & {word_text(b)})"


def word_or(*several: Word) -> Word:
    """`a | b | ...`."""
    known, rest = 0, []
    for word in several:
        if isinstance(word, int):
            known |= word
        elif word not in rest:
            rest.append(word)
    if not rest:
        return known
    if known:
        rest.append(literal(known))
    return rest[0] if len(rest) == 1 else "(" + " | ".join(rest) + ")"


def word_without(a: Word, b: Word) -> Word:
    """`a & ~b`."""
    if isinstance(b, int):
        return word_and(a, ~b & (2**64 - 1))
    return 0 if a == b or a == 0 else f"({word_text(a)} & ~{b})"


def word_xor(a: Word, b: Word) -> Word:
    """`a ^ b`."""
    if isinstance(a, int) and isinstance(b, int):
        return a ^ b
    if a == 0 or b == 0:
        return b if a == 0 else a
    return f"({word_text(a)} ^ {word_text(b)})"


def word_shift(a: Word, places: int) -> Word:
    """The word moved up (down if negative)."""
    if isinstance(a, int):
        return (a << places if places >= 0 else a >> -places) & (2**64 - 1)
    if places == 0:
        return a
    return f"({a} << {places})" if places > 0 else f"({a} >> {-places})"


def extract(word: Word, shift: int, width: int) -> Word:
    """Some bits of a word, as a number."""
    mask = (1 << width) - 1
    if isinstance(word, int):
        return word >> shift & mask
    if width == 0:
        return 0
    if part := field(word):
        word, own, within = part
        if within == ALL_BITS and own == 0 and shift == 0 and width == 64:
            return word
        shift, mask = shift + own, mask & within >> shift
    return f"({word} & {literal(mask)})" if shift == 0 else f"({word} >> {shift} & {literal(mask)})"


def count_bits(words: list[Word]) -> Num:
    """How many bits are set."""
    known = sum(w.bit_count() for w in words if isinstance(w, int))
    rest = [w for w in words if not isinstance(w, int)]
    if not rest:
        return const(known)
    text = " + ".join([*(f"__builtin_popcountll({w})" for w in rest), *([str(known)] if known else [])])
    return Num(f"(int64_t)({text})", known, known + 64 * len(rest))
