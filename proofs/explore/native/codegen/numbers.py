"""Numbers and truth values as the generator knows them: constants, or C expressions within an interval.

Guarantees: an expression is pure and total (whatever may fail became control flow before); what can be decided now is decided
now; tests of bits of one word become one test.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ratified.proofs.explore.native.codegen.shapes import HIGH, LOW

Word = int | str
"""A 64-bit word: a constant or a C expression."""


@dataclass(frozen=True, slots=True)
class Test:
    """A test of some bits of a word: whether all are set, some is set, some is missing, none is set."""

    kind: str
    word: str
    mask: int

    def text(self) -> str:
        """The test in C."""
        mask = literal(self.mask)
        match self.kind:
            case "some":
                return f"(({self.word} & {mask}) != 0)"
            case "none":
                return f"(({self.word} & {mask}) == 0)"
            case "all":
                return f"(({self.word} & {mask}) == {mask})"
        return f"(({self.word} & {mask}) != {mask})"


_OPPOSITE = {"some": "none", "none": "some", "all": "missing", "missing": "all"}
_OF_ONE_BIT = {"some": "all", "all": "some", "none": "missing", "missing": "none"}


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
    """An int64_t constant."""
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
    """A test of the bits of a word."""
    if isinstance(word, int):
        found = {"some": word & mask != 0, "none": word & mask == 0, "all": word & mask == mask, "missing": word & mask != mask}[kind]
        return const(int(found))
    if mask == 0:
        return const(int(kind in ("none", "all")))
    test = Test(kind, word, mask)
    return Num(test.text(), 0, 1, test)


def negation(x: Num) -> Num:
    """`not x`."""
    if isinstance(x.c, int):
        return const(1 - x.c)
    if x.test:
        return tested(_OPPOSITE[x.test.kind], x.test.word, x.test.mask)
    return truth(f"!{x.c}")


def _as(test: Test, kind: str) -> bool:
    """Whether a test can be said with another word: tests of one bit have two names."""
    return test.kind == kind or (test.mask & (test.mask - 1) == 0 and _OF_ONE_BIT[test.kind] == kind)


def _joined(several: Iterable[Num], end: int, operator: str, kinds: tuple[str, str]) -> Num:
    kept: list[Num] = []
    for x in several:
        if isinstance(x.c, int):
            if x.c == end:
                return const(end)
            continue
        if any(k.c == x.c for k in kept):
            continue
        for index, k in enumerate(kept):
            kind = next((n for n in kinds if x.test and k.test and x.test.word == k.test.word and _as(x.test, n) and _as(k.test, n)), None)
            if kind and x.test and k.test:
                kept[index] = tested(kind, x.test.word, x.test.mask | k.test.mask)
                break
        else:
            kept.append(x)
    return _finish(kept, operator) if kept else const(1 - end)


def _finish(kept: list[Num], operator: str) -> Num:
    return kept[0] if len(kept) == 1 else truth("(" + f" {operator} ".join(k.text() for k in kept) + ")")


def both(*several: Num) -> Num:
    """All of these (evaluated from the left; a later one may rely on an earlier)."""
    return _joined(several, 0, "&&", ("all", "none"))


def either(*several: Num) -> Num:
    """Some of these."""
    return _joined(several, 1, "||", ("some", "missing"))


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
    return num(f"({test.c} ? {then.text()} : {orelse.text()})", min(then.low, orelse.low), max(then.high, orelse.high))


def compare(op: str, a: Num, b: Num) -> Num:
    """A comparison, decided now where the intervals decide it."""
    if isinstance(a.c, int) and isinstance(b.c, int):
        return const(int({"==": a.c == b.c, "!=": a.c != b.c, "<": a.c < b.c, "<=": a.c <= b.c, ">": a.c > b.c, ">=": a.c >= b.c}[op]))
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
        return TRUE if a.c == b.c else truth(f"({a.text()} == {b.text()})")
    strict = op == "<"
    if a.high < b.low or (not strict and a.high == b.low):
        return TRUE
    if a.low > b.high or (strict and a.low == b.high):
        return FALSE
    if a.c == b.c:
        return const(int(not strict))
    return truth(f"({a.text()} {op} {b.text()})")


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


def count_bits(words: list[Word]) -> Num:
    """How many bits are set."""
    known = sum(w.bit_count() for w in words if isinstance(w, int))
    rest = [w for w in words if not isinstance(w, int)]
    if not rest:
        return const(known)
    text = " + ".join([*(f"__builtin_popcountll({w})" for w in rest), *([str(known)] if known else [])])
    return Num(f"(int64_t)({text})", known, known + 64 * len(rest))
