"""Trees of C expressions: simplified, shared and printed, they have the value of what they were made of."""

from __future__ import annotations

import ctypes
import itertools
import random
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ratified.explore.native.codegen import build, nodes
from ratified.explore.native.codegen.code import Block, Line, Loop, Region, When
from ratified.explore.native.codegen.nodes import ALL, HIGH, CExpr, Word
from ratified.explore.native.codegen.printing import ConstantArrays
from ratified.explore.native.codegen.reading import always, bits_read
from ratified.explore.native.codegen.sharing import BodyText
from ratified.explore.native.compile import find_compiler

CODEGEN = Path(nodes.__file__).parent

WIDTHS = (1, 1, 2, 3, 7, 31, 40, 64)
"""How many bits the words have that expressions are made of."""

Meaning = Callable[[Sequence[int]], int]
"""What an expression is to come to for the values of the words, modulo 2**64."""


def signed(value: int) -> int:
    value &= ALL
    return value - (1 << 64) if value > HIGH else value


class Maker:
    """Makes random expressions, each with what it means."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.made: list[tuple[Word, Meaning]] = []
        for k, width in enumerate(WIDTHS):
            self.made.append((build.load("v", k, (1 << width) - 1), lambda v, k=k: v[k]))  # type: ignore[misc]  # bound here

    def any(self) -> tuple[Word, Meaning]:
        """An expression made before, or a constant."""
        if self.random.random() < 0.15:
            number = self.random.choice([0, 1, 2, 5, 63, 2**31, 2**40 + 7])
            return number, lambda _: number
        return self.random.choice(self.made[-24:] if self.random.random() < 0.7 else self.made)

    def truth(self) -> tuple[Word, Meaning]:
        """A condition."""
        (a, ma), (b, mb) = self.any(), self.any()
        match self.random.randrange(6):
            case 0:
                return build.equal(build.field(a, 0, 255), build.field(b, 0, 255)), lambda v: int(
                    ma(v) & 255 == mb(v) & 255
                )
            case 1:
                strict = self.random.random() < 0.5
                small, other = build.field(a, 1, 1023), build.field(b, 0, 1023)
                return build.less(build.add(small, -3), other, strict=strict), lambda v: int(
                    (ma(v) >> 1 & 1023) - 3 < (mb(v) & 1023) + (not strict)
                )
            case 2:
                mask = self.random.randrange(1, 64)
                value, same = mask & self.random.randrange(64), self.random.random() < 0.5
                return build.having(same, a, mask, value), lambda v: int((ma(v) & mask == value) == same)
            case 3:
                one, mone = (
                    self.truth()
                    if self.random.random() < 0.5
                    else (build.field(a, 0, 1), lambda v: ma(v) & 1)
                )
                return build.negation(one), lambda v: 1 - mone(v)
        several = [self.truth() for _ in range(self.random.randrange(1, 4))]
        conjunction = self.random.random() < 0.5
        holds = all if conjunction else any
        return build.joined([s for s, _ in several], conjunction=conjunction), lambda v: int(
            holds(m(v) for _, m in several)
        )

    def word(self) -> tuple[Word, Meaning]:
        """A word, made of what was made before."""
        (a, ma), (b, mb) = self.any(), self.any()
        places, mask = self.random.randrange(40), (1 << self.random.randrange(1, 20)) - 1
        match self.random.randrange(14):
            case 0:
                return build.field(a, places, mask), lambda v: ma(v) >> places & mask
            case 1:
                return build.bit_and(a, b), lambda v: ma(v) & mb(v)
            case 2:
                return build.bit_or(a, b, places), lambda v: ma(v) | mb(v) | places
            case 3:
                return build.bit_xor(a, b), lambda v: ma(v) ^ mb(v)
            case 4:
                return build.without(a, b), lambda v: ma(v) & ~mb(v)
            case 5:
                return build.shift_left(a, places), lambda v: ma(v) << places
            case 6:
                return build.shifted(build.field(a, 0, mask), -3), lambda v: (ma(v) & mask) >> 3
            case 7:
                return build.add(a, b), lambda v: ma(v) + mb(v)
            case 8:
                return build.subtract(a, b), lambda v: ma(v) - mb(v)
            case 9:
                return build.multiply(build.field(a, 0, mask), places), lambda v: (ma(v) & mask) * places
            case 10:
                return build.bit_count([a, b]), lambda v: ma(v).bit_count() + mb(v).bit_count()
            case 11:
                values = [self.random.randrange(200) for _ in range(8)]
                at = build.field(a, 2, 7)
                return build.table(values, at, 0, 7), lambda v: values[ma(v) >> 2 & 7]
            case 12:
                return build.one_bit(build.field(a, 0, 63)), lambda v: 1 << (ma(v) & 63)
        test, mtest = self.truth()
        return build.choose(test, a, b), lambda v: ma(v) if mtest(v) else mb(v)

    def grow(self, count: int) -> None:
        """Make some more."""
        for _ in range(count):
            word, meaning = self.truth() if self.random.random() < 0.3 else self.word()
            self.made.append((word, lambda v, meaning=meaning: meaning(v) & ALL))  # type: ignore[misc]  # bound here


def values(seed: int, count: int) -> list[list[int]]:
    """Values for the words: at random, and at their ends."""
    chance = random.Random(seed)
    ends = [[0] * len(WIDTHS), [(1 << w) - 1 for w in WIDTHS]]
    return ends + [[chance.getrandbits(w) for w in WIDTHS] for _ in range(count)]


@pytest.mark.parametrize("seed", range(6))
def test_intervals_hold_and_constants_are_computed(seed: int) -> None:
    nodes.forget()
    maker = Maker(seed)
    maker.grow(300)
    for word, meaning in maker.made:
        for row in values(seed, 20):
            found = meaning(row)
            if isinstance(word, int):
                assert word & ALL == found
            elif word.high <= HIGH:
                assert word.low <= signed(found) <= word.high
            else:
                assert word.low <= found <= word.high


@pytest.mark.parametrize("seed", range(4))
def test_a_bit_that_is_not_read_makes_no_difference(seed: int) -> None:
    nodes.forget()
    maker = Maker(200 + seed)
    maker.grow(300)
    unread = 0
    for word, meaning in maker.made:
        read = bits_read(Block([Line(("go(", word, ");"))]), ("v",), len(WIDTHS))
        unread += sum(
            mask & (1 << width) - 1 != (1 << width) - 1 for mask, width in zip(read, WIDTHS, strict=True)
        )
        for row, other in itertools.pairwise(values(seed, 8)):
            mixed = [a & mask | b & ~mask for a, b, mask in zip(row, other, read, strict=True)]
            assert meaning(mixed) & ALL == meaning(row) & ALL
    assert unread > 1000


@pytest.mark.parametrize("seed", range(4))
def test_what_is_always_true_is_true_of_all_values(seed: int) -> None:
    nodes.forget()
    maker = Maker(300 + seed)
    maker.grow(150)
    proved = 0
    for _ in range(200):
        (a, ma), (b, mb) = maker.truth(), maker.truth()
        either = build.joined([a, b], conjunction=False)
        sure = build.joined([build.negation(either), either], conjunction=False)
        for word, meaning in (
            (sure, lambda _: 1),
            (build.joined([sure, a], conjunction=True), lambda v, a=ma: a(v)),
            (
                build.joined([build.negation(a), b], conjunction=False),
                lambda v, a=ma, b=mb: int(not a(v) or b(v)),
            ),
        ):
            if always(word):
                proved += 1
                assert all(meaning(row) for row in values(seed, 20))
    assert proved >= 190


@pytest.mark.parametrize("seed", range(3))
def test_printed_trees_have_the_values_that_they_mean(seed: int, tmp_path: Path) -> None:
    """Every expression at the end of a function: alone, twice, and behind conditions, so that it is named or repeated."""
    nodes.forget()
    maker = Maker(100 + seed)
    maker.grow(250)
    body, expected = Block(), list[tuple[Meaning, Meaning]]()
    for k, (word, meaning) in enumerate(maker.made):
        test, holds = maker.truth()
        body.statements.append(Line((f"out[{2 * k}] = ", word, ";")))
        inner = Block([Line((f"out[{2 * k + 1}] = ", build.add(word, 1), ";"))])
        body.statements.append(When(test, inner, Block()))
        expected.append((meaning, holds))
    tables = ConstantArrays()
    lines = BodyText(body, tables).lines()
    support = (CODEGEN / "support.h").read_text(encoding="utf-8")
    head = ["#include <stdbool.h>", "#include <stdint.h>", "#include <string.h>", "#define W 1", support]
    function = ["void look(const uint64_t *v, uint64_t *out) {", *lines, "}"]
    (tmp_path / "trees.c").write_text("\n".join([*head, *tables.text(), *function]))
    flags = [
        "-std=c11",
        "-O1",
        "-shared",
        "-fPIC",
        "-w",
        "-fsanitize=undefined",
        "-fsanitize-undefined-trap-on-error",
    ]
    command = [*find_compiler(), *flags, str(tmp_path / "trees.c"), "-o", str(tmp_path / "trees.so")]
    subprocess.run(command, check=True)
    look = ctypes.CDLL(str(tmp_path / "trees.so")).look
    for row in values(seed, 10):
        out = (ctypes.c_uint64 * (2 * len(expected)))()
        look((ctypes.c_uint64 * len(row))(*row), out)
        for k, (meaning, holds) in enumerate(expected):
            assert out[2 * k] == meaning(row)
            assert out[2 * k + 1] == ((meaning(row) + 1) & ALL if holds(row) else 0)


def text(*statements: Line | When | Loop | Region) -> list[str]:
    return BodyText(Block(list(statements)), ConstantArrays()).lines()


def sum_of(k: int) -> CExpr:
    found = build.add(build.multiply(build.load("s", k), build.load("s", k + 1)), build.load("s", k + 2))
    assert isinstance(found, CExpr)
    return found


def test_what_is_used_several_times_gets_a_name_before_the_first_use() -> None:
    nodes.forget()
    shared = sum_of(0)
    assert text(
        Line(("a = ", shared, ";")), Line(("b = ", build.add(shared, 1), ";")), Line(("c = ", shared, ";"))
    ) == [
        "    const uint64_t z0 = (s[0] * s[1]) + s[2];",
        "    a = z0;",
        "    b = z0 + 1;",
        "    c = z0;",
    ]


def test_what_only_a_condition_needs_is_computed_behind_it() -> None:
    nodes.forget()
    first, shared = build.field(build.load("s", 9), 3, 1), sum_of(0)
    needed = build.joined(
        [build.less(build.field(shared, 0, 15), 9), build.less(build.field(shared, 4, 15), 7)],
        conjunction=False,
    )
    (line,) = text(When(build.joined([first, needed], conjunction=True), Block([Line(("go();",))]), Block()))
    assert line == (
        "    if ((s[9] >> 3 & 1ull) && ({ const uint64_t z0 = (s[0] * s[1]) + s[2]; "
        "(((z0 & 0xfull) < 9) || ((z0 >> 4 & 0xfull) < 7)); })) go();"
    )


def test_what_changes_is_read_where_it_stands() -> None:
    nodes.forget()
    read = build.add(build.load("t", 0, stable=False), build.load("s", 1))
    step = Line(("t[0] = ", build.add(read, 5), ";"))
    assert (
        text(step, step) == ["    t[0] = (t[0] + s[1]) + 5;"] * 2
        or text(step, step) == ["    t[0] = ((t[0] + s[1]) + 5);"] * 2
    )


def test_the_end_of_a_loop_is_one_operand() -> None:
    nodes.forget()
    end = build.field(build.load("s", 0), 4, 3)
    assert text(Loop(("for (uint64_t i = 0; i < ", end, "; i++)"), Block([Line(("go(i);",))]))) == [
        "    for (uint64_t i = 0; i < (s[0] >> 4 & 3ull); i++) {",
        "        go(i);",
        "    }",
    ]


def test_a_name_that_a_jump_could_pass_stands_before_the_region() -> None:
    nodes.forget()
    shared = sum_of(0)
    jump = When(build.load("s", 5), Block([Line(("goto L1;",))]), Block())
    region = Region(Block([jump, Line(("a = ", shared, ";"))]), "L1")
    assert text(region, Line(("b = ", shared, ";"))) == [
        "    const uint64_t z0 = (s[0] * s[1]) + s[2];",
        "    {",
        "        if (s[5]) goto L1;",
        "        a = z0;",
        "    }",
        "    L1:;",
        "    b = z0;",
    ]
