"""C statements as trees: what a function does, before it is text.

Guarantees: a name is declared in a block before the statement that gives it its value, and never changes once that statement is
done; a jump leads to the end of a region around it, so it passes no declaration whose name is read later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ratified.explore.native.codegen.nodes import Word

Piece = str | Word
"""A part of a statement: C as it stands, or an expression."""


@dataclass(slots=True, eq=False)
class Block:
    """Statements in order. What is filled in later is a `Block` among them, without braces of its own.

    `within` is the block that it became a part of.
    """

    statements: list[Statement | Block] = field(default_factory=list)
    within: Block | None = None

    def flat(self) -> Iterator[Statement]:
        """The statements, with what was filled in."""
        for one in self.statements:
            if isinstance(one, Block):
                yield from one.flat()
            else:
                yield one

    def __bool__(self) -> bool:
        """Whether there is anything in it, or may be later."""
        return bool(self.statements)


@dataclass(slots=True, eq=False)
class Line:
    """A statement without blocks."""

    pieces: tuple[Piece, ...]


@dataclass(slots=True, eq=False)
class Let:
    """`const uint64_t name = value;`, evaluated here and not elsewhere."""

    name: str
    value: Word


@dataclass(slots=True, eq=False)
class When:
    """`if (test) { then } else { orelse }`."""

    test: Word
    then: Block
    orelse: Block


@dataclass(slots=True, eq=False)
class Loop:
    """`head {`: a loop, whose body may begin with names of its own."""

    head: tuple[Piece, ...]
    body: Block


@dataclass(slots=True, eq=False)
class Region:
    """Statements, some of which may jump to the label behind them."""

    body: Block
    label: str


Statement = Line | Let | When | Loop | Region


def blocks_of(statement: Statement) -> tuple[Block, ...]:
    """The blocks in a statement."""
    match statement:
        case When():
            return statement.then, statement.orelse
        case Loop() | Region():
            return (statement.body,)
    return ()


def words_of(statement: Statement) -> list[Word]:
    """The expressions of a statement itself."""
    match statement:
        case Line():
            return [p for p in statement.pieces if not isinstance(p, str)]
        case Let():
            return [statement.value]
        case When():
            return [statement.test]
        case Loop():
            return [p for p in statement.head if not isinstance(p, str)]
    return []
