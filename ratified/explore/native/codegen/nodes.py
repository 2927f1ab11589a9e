"""C expressions as trees: every node stands once, knows an interval that it never leaves, and is made simpler where it is made.

`build` makes them.

Guarantees: expressions are pure and total: whatever a leaf holds, evaluating one is defined, so it may stand earlier than what
guards it. All are numbers of 64 bits, and arithmetic goes round; a negative number is its two's complement. `low` and `high` hold
without any guard. What is not `stable` reads memory that statements change, and is never moved.

A constant is an int, not a node. Two nodes are equal exactly if they are the same object (until `forget`).
"""

from __future__ import annotations

from itertools import count
from threading import RLock

ALL = 2**64 - 1
LOW, HIGH = -(2**63), 2**63 - 1
"""The integers that generated code computes with."""


class CExpr:
    """An expression: its operands, what else it is `of` (a name, or entries), and what is known of its value."""

    __slots__ = ("args", "high", "low", "number", "of", "stable")

    args: tuple[Word, ...]
    of: str | tuple[int, ...]
    low: int
    high: int
    number: int
    stable: bool

    def fixed(self, index: int) -> int:
        """An operand that is constant."""
        found = self.args[index]
        assert isinstance(found, int)
        return found

    def operands(self) -> list[CExpr]:
        """The nodes that it is made of."""
        return [a for a in self.args if isinstance(a, CExpr)]


Word = int | CExpr
"""A 64-bit word: a constant or a node."""


class Var(CExpr):
    """The name that it is `of`; `args` says whether it has one value as long as it is in scope."""

    __slots__ = ()


class Load(CExpr):
    """`base[index]`, of the base; then how high it may be, and whether it does not change."""

    __slots__ = ()


class ConstantArray(CExpr):
    """`values[index]`, of the values, a constant array."""

    __slots__ = ()


class BitField(CExpr):
    """`word >> shift & mask`."""

    __slots__ = ()


class BitAnd(CExpr):
    """`a & b`."""

    __slots__ = ()


class BitOr(CExpr):
    """`a | b | ...`."""

    __slots__ = ()


class BitXor(CExpr):
    """`a ^ b`."""

    __slots__ = ()


class Without(CExpr):
    """`a & ~b`."""

    __slots__ = ()


class ShiftLeft(CExpr):
    """`a << places`."""

    __slots__ = ()


class Add(CExpr):
    """`a + b`."""

    __slots__ = ()


class Subtract(CExpr):
    """`a - b`."""

    __slots__ = ()


class Multiply(CExpr):
    """`a * b`."""

    __slots__ = ()


class Invoke(CExpr):
    """What a pure function of the runtime gives, of its name."""

    __slots__ = ()


class Choose(CExpr):
    """`test ? then : orelse`."""

    __slots__ = ()


class Truth(CExpr):
    """What is 0 or 1, an int to C."""

    __slots__ = ()


class BitTest(Truth):
    """Whether the bits of a word under a mask have a value, or (if the first of `args` is False) have another."""

    __slots__ = ()


class Less(Truth):
    """`a < b`, of signed numbers."""

    __slots__ = ()


class LessOrEqual(Truth):
    """`a <= b`, of signed numbers."""

    __slots__ = ()


class Equal(Truth):
    """`a == b`."""

    __slots__ = ()


class Both(Truth):
    """`a && b && ...`."""

    __slots__ = ()


class AnyOf(Truth):
    """`a || b || ...`."""

    __slots__ = ()


class Negation(Truth):
    """`!a`."""

    __slots__ = ()


alone = RLock()
"""Held while a program is made: trees of two are not to be mixed."""

_nodes: dict[type[CExpr], dict[tuple[object, ...], CExpr]] = {}
_numbers = count()

made: dict[tuple[object, ...], object] = {}
"""What else is made once of the same nodes, by whatever it is made of."""


def forget() -> None:
    """Begin anew: no node that was made before is made again."""
    _nodes.clear()
    made.clear()


def make(
    kind: type[CExpr],
    args: tuple[Word, ...],
    low: int = 0,
    high: int = ALL,
    *,
    of: str | tuple[int, ...] = "",
    stable: bool = True,
) -> CExpr:
    """The node of a kind with these operands, made once; its interval, and whether it is stable if they are."""
    key = (of, *args) if of else args
    own = _nodes.setdefault(kind, {})
    found = own.get(key)
    if found is None:
        found = own[key] = kind()
        found.args, found.of = args, of
        found.low, found.high = low, high
        found.number = next(_numbers)
        found.stable = stable and all(a.stable for a in args if isinstance(a, CExpr))
    return found


def highest(word: Word) -> int:
    """The largest number that a word may be, taken as unsigned."""
    if isinstance(word, int):
        return word & ALL
    return word.high if word.low >= 0 else ALL


def ones(number: int) -> int:
    """All the bits up to the highest one of a number."""
    return (1 << number.bit_length()) - 1


def interval(word: Word) -> tuple[int, int]:
    """What a word may be as a signed number."""
    if isinstance(word, int):
        return word, word
    return (word.low, word.high) if word.high <= HIGH else (LOW, HIGH)
