"""Numbers and truth values as the generator knows them: a constant or a tree, within an interval that holds where it may be read.

Guarantees: what the interval decides is decided now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ratified.explore.native.codegen import build, nodes
from ratified.explore.native.codegen.nodes import Word
from ratified.explore.native.codegen.shapes import representable


@dataclass(frozen=True, slots=True)
class Num:
    """A number (or truth value, index of a sort or enum) from `low` to `high`. `c` is an int if it is known."""

    c: Word
    low: int
    high: int

    @property
    def known(self) -> bool:
        """Whether it is a constant."""
        return isinstance(self.c, int)


def const(value: int) -> Num:
    """A known number."""
    return Num(value, value, value)


TRUE, FALSE = const(1), const(0)


def num(c: Word, low: int, high: int) -> Num:
    """A number within an interval; one of a single value is known."""
    if isinstance(c, int):
        return Num(c, c, c)
    least, most = nodes.interval(c)
    low, high = max(low, least), min(high, most)
    return const(low) if low >= high else Num(c, low, high)


def truth(c: Word) -> Num:
    """A condition."""
    return Num(c, c, c) if isinstance(c, int) else Num(c, 0, 1)


def clipped(value: Num, low: int, high: int) -> Num:
    """A number that is known to be inside an interval."""
    return num(value.c, max(low, value.low), min(high, value.high))


def tested(kind: str, word: Word, mask: int) -> Num:
    """A test of the bits of a word: whether all are set, some is, some is `missing`, or none is set."""
    equal = kind in ("all", "none")
    return truth(build.having(equal, word, mask, mask if kind in ("all", "missing") else 0))


def same_word(a: Word, b: Word) -> Num:
    """Whether two words are equal."""
    return truth(build.equal(a, b))


def negation(x: Num) -> Num:
    """`not x`."""
    return truth(build.negation(x.c))


def both(*several: Num) -> Num:
    """All of these."""
    return several[0] if len(several) == 1 else truth(build.joined([x.c for x in several], conjunction=True))


def either(*several: Num) -> Num:
    """Some of these."""
    return several[0] if len(several) == 1 else truth(build.joined([x.c for x in several], conjunction=False))


def chosen(test: Num, then: Word, orelse: Word) -> Word:
    """One of two words."""
    return build.choose(test.c, then, orelse)


def chosen_num(test: Num, then: Num, orelse: Num) -> Num:
    """One of two numbers."""
    if isinstance(test.c, int):
        return then if test.c else orelse
    representable(*(x.c for x in (then, orelse) if isinstance(x.c, int)))
    low, high = min(then.low, orelse.low), max(then.high, orelse.high)
    if (then.low, then.high) == (0, 1) and orelse.c == 0:
        return both(test, then)
    if (low, high) == (0, 1) and then.c == 1:
        return either(test, orelse)
    return num(build.choose(test.c, then.c, orelse.c), low, high)


def compare(op: str, a: Num, b: Num) -> Num:
    """A comparison, decided now where the intervals decide it."""
    if op in (">", ">="):
        a, b, op = b, a, "<" if op == ">" else "<="
    if op == "!=":
        return negation(compare("==", a, b))
    if op == "==":
        if a.high < b.low or b.high < a.low:
            return FALSE
        for x, y in ((a, b), (b, a)):
            if (x.low, x.high) == (0, 1) and isinstance(y.c, int):
                return x if y.c else negation(x)
        return truth(build.equal(a.c, b.c))
    strict = op == "<"
    if a.high < b.low or (not strict and a.high == b.low):
        return TRUE
    if a.low > b.high or (strict and a.low == b.high):
        return FALSE
    # At the end of an interval there is one number left, and a test of bits asks for it.
    if isinstance(b.c, int) and b.c == a.low + strict:
        return compare("==", a, const(a.low))
    if isinstance(a.c, int) and a.c == b.high - strict:
        return compare("==", b, const(b.high))
    if isinstance(b.c, int) and b.c == a.high - (not strict):
        return negation(compare("==", a, const(a.high)))
    if isinstance(a.c, int) and a.c == b.low + (not strict):
        return negation(compare("==", b, const(b.low)))
    return truth(build.less(a.c, b.c, strict=strict))


def plus(a: Num, b: Num) -> Num:
    """`a + b`, of small numbers."""
    return num(build.add(a.c, b.c), a.low + b.low, a.high + b.high)


def minus(a: Num, b: Num) -> Num:
    """`a - b`, of small numbers."""
    return num(build.subtract(a.c, b.c), a.low - b.high, a.high - b.low)


def times(a: Num, amount: int) -> Num:
    """`a * amount`, of small numbers, the amount not negative."""
    return num(build.multiply(a.c, amount), a.low * amount, a.high * amount)


def total(several: Sequence[Num]) -> Num:
    """A sum of small numbers."""
    found = FALSE
    for one in several:
        found = plus(found, one)
    return found


def count_bits(words: Sequence[Word]) -> Num:
    """How many bits are set."""
    found = build.bit_count(words)
    return const(found) if isinstance(found, int) else Num(found, found.low, found.high)


def number(leaf: Word, low: int, high: int) -> Num:
    """The number that a leaf holds, as its distance from `low`."""
    return num(build.add(leaf, low), low, high)


def raw(value: Num, low: int) -> Word:
    """The leaf that holds a number, as its distance from `low`."""
    if isinstance(value.c, int):
        representable(value.c)
    return build.add(value.c, -low)
