"""Questions about a function of states, as a tree: which bits of them it reads, and whether it can leave before its end.

Guarantees: `bits_read` leaves out no bit that a function's answer depends on; `never_leaves` is True only where that is so for
every state.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ratified.explore.native.codegen import build
from ratified.explore.native.codegen.code import Block, Let, When, blocks_of, words_of
from ratified.explore.native.codegen.nodes import (
    ALL,
    AnyOf,
    BitField,
    BitTest,
    Both,
    CExpr,
    Load,
    Word,
)


def bits_read(body: Block, states: Collection[str], words: int) -> list[int]:
    """The bits of packed states, given by their names in C, that anything in the body reads: a mask for each word."""
    found = [0] * words
    todo = list(_words(body))
    seen: set[Word] = set()
    while todo:
        word = todo.pop()
        if isinstance(word, int) or word in seen:
            continue
        seen.add(word)
        inner, mask = _masked(word)
        if type(inner) is not Load or inner.of not in states:
            todo += word.args
            continue
        index = inner.args[0]
        for k in [index] if isinstance(index, int) else range(words):
            found[k] |= mask
        todo.append(index)
    return found


def _words(body: Block) -> Iterator[Word]:
    for statement in body.flat():
        yield from words_of(statement)
        for block in blocks_of(statement):
            yield from _words(block)


def _masked(word: CExpr) -> tuple[Word, int]:
    """What a node reads of its first operand that is a word, with the mask of the bits; itself, if it is no such node."""
    match word:
        case BitField(args=(inner, int(shift), int(mask))):
            return inner, mask << shift
        case BitTest(args=(_, inner, int(mask), _)):
            return inner, mask
    return word, ALL


def never_leaves(body: Block) -> bool:
    """Whether control always comes to the end of a body."""
    for statement in body.flat():
        match statement:
            case Let():
                continue
            case When(test, then, orelse):
                kept = (
                    build.negation(test) if then and not never_leaves(then) else 1,
                    test if orelse and not never_leaves(orelse) else 1,
                )
                if not all(map(always, kept)):
                    return False
            case _:
                return False
    return True


def always(word: Word) -> bool:
    """Whether a condition is true whatever its leaves hold: not all that are, but those that say `not x or x`."""
    if isinstance(word, int):
        return word == 1
    match word:
        case Both(args=several):
            return all(map(always, several))
        case AnyOf(args=several):
            return any(_among(build.negation(one), several) or always(one) for one in several)
    return False


def _among(word: Word, several: tuple[Word, ...]) -> bool:
    """Whether one of several says a condition, or some of them do together."""
    return word in several or (isinstance(word, AnyOf) and all(part in several for part in word.args))
