"""Generated models whose numbers are near the ends of 64 bits, and past them."""

from __future__ import annotations

import random
from pathlib import Path

from ratified.language.model import Model
from tests.generate.models import GeneratedModel
from tests.generate.running import load

ENDS = (2**31, 2**32, 2**40, 2**53, 2**62, 2**63, 2**64, 2**65)


def wide_model(seed: int, folder: Path) -> Model:
    """A model of two numbers, a set, a bag and an option of such, and arithmetic on all of them."""
    return load(GeneratedModel(text(random.Random(seed)), "Wide", {"Node": 2}), folder)


def text(dice: random.Random) -> str:
    """The module of one model."""
    low, high = bounds(dice)
    small = dice.choice([3, 9])
    number = [f"self.{name}" for name in ("a", "b", "k")]

    def term(depth: int) -> str:
        if depth == 0 or dice.random() < 0.2:
            return dice.choice([*number, str(dice.choice([-1, 0, 1, 2, 3, near(dice)]))])
        left, right = term(depth - 1), term(depth - 1)
        return dice.choice(
            [
                f"({left} + {right})",
                f"({left} - {right})",
                f"({left} * {right})",
                f"({left} // {dice.choice(['-1', '2', '-3', str(abs(near(dice)) + 1)])})",
                f"({left} % {dice.choice(['2', '-3', str(abs(near(dice)) + 1)])})",
                f"max({left}, {right})",
                f"min({left}, {right})",
                f"abs({left})",
                f"(-{left})",
                f"({left} if self.k < 2 else {right})",
                f"sum({left} for n in Node)",
                f"sum({left} for v in self.kept)",
                f"sum(v for v in self.kept if v < {right})",
                f"({left} if self.last is None else self.last)",
            ]
        )

    def claim() -> str:
        op = dice.choice(["<", "<=", "!=", "=="])
        return dice.choice(
            [f"{term(2)} {op} {term(2)}", f"{term(1)} in self.kept", f"self.last != {term(1)}"]
        )

    return f'''
from __future__ import annotations
from typing import Annotated
from ratified import AtMost, Model, Range, Set, Sort, action, invariant, require

Big = Annotated[int, Range({low}, {high})]


class Node(Sort):
    """A place."""


class Wide(Model):
    a: Big = {dice.choice([low, high, max(low, min(high, 1))])}
    b: Big = {dice.choice([low, high, max(low, min(high, 0))])}
    k: Annotated[int, Range(0, {small})]
    kept: Annotated[Set[Big], AtMost(2)]
    last: Big | None

    @action
    def first(self) -> None:
        require(self.k < {small})
        self.k += 1
        self.a = {term(2)}

    @action
    def second(self) -> None:
        require(self.k < {small} and {claim()})
        self.k += 1
        self.b = {term(2)}
        self.last = self.a

    @action
    def keep(self, n: Node) -> None:
        require(self.k < {small} and {claim()})
        self.k += 1
        self.kept.add({term(1)})

    @invariant
    def one(self) -> bool:
        return {claim()} or self.k < {dice.randrange(small + 1)}

    @invariant
    def other(self) -> bool:
        return not ({claim()} and {claim()}) or self.k < {dice.randrange(small + 1)}
'''


def near(dice: random.Random) -> int:
    """A number near where something may go wrong."""
    return dice.choice([-1, 1]) * (dice.choice(ENDS) + dice.choice([-2, -1, 0, 1]))


def bounds(dice: random.Random) -> tuple[int, int]:
    """The ends of a range."""
    low, high = sorted((dice.choice([0, -1, 1, near(dice)]), near(dice)))
    return low, high
