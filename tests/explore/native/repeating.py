"""Generated models that ask the same thing again and again.

Their helpers take statements in C. They are asked before and after what they read changes, in branches, in loops, and in claims.
"""

from __future__ import annotations

import random
from pathlib import Path

from ratified.language.model import Model
from tests.generate.models import GeneratedModel
from tests.generate.running import load

HELPERS = '''
from __future__ import annotations
from typing import Annotated
from ratified import AtMost, Map, Model, Range, Seq, Set, Sort, Symmetric, action, invariant, require

Small = Annotated[int, Range(0, 3)]

class Node(Sort):
    """One of some."""

class Repeating(Model):
    at: Map[Node, Small]
    row: Annotated[Seq[Node], AtMost(3)]
    on: Set[Node]
    k: Small

    def init(self) -> None:
        self.row = Seq()
        self.k = 0

    def latest(self, n: Node) -> int:
        """Where a node stands last, counted from 1; 0 if nowhere."""
        return max((i for i in range(1, len(self.row) + 1) if self.row[i - 1] == n), default=0)

    def next_to(self, n: Node) -> Node:
        """No value at the end of the row."""
        return self.row[self.latest(n)]

    def first(self) -> Node | None:
        for n in Node:
            if n in self.on and self.at[n] > 0:
                return n
        return None

    def level(self, n: Node) -> int:
        if n in self.on:
            return self.at[n]
        if self.latest(n) > 1:
            return self.latest(n)
        return sum(1 for m in Node if m in self.row)

    def share(self, n: Node) -> int:
        """No value where a node has none."""
        return 3 // self.at[n]

    def rise(self, n: Node) -> None:
        """Changes what others read, in a way or two."""
        if self.level(n) > 2:
            return
        self.at[n] = self.at[n] + 1
        if n not in self.on:
            self.on.add(n)

    def climb(self, n: Node) -> None:
        for m in Node:
            if m in self.on:
                self.k = (self.k + self.level(m)) % 4
'''


Names = tuple[str, ...]
NAMES: Names = ("n", "m")


def repeating_model(seed: int, folder: Path) -> Model:
    """A model of a few helpers, and actions and claims that use them over and over."""
    return load(GeneratedModel(text(random.Random(seed)), "Repeating", {"Node": 2}), folder)


def text(dice: random.Random) -> str:
    """The module of one model."""
    actions = "\n".join(_action(dice, f"act{i}") for i in range(3))
    claims = "\n".join(_claim(dice, f"claim{bound}", bound) for bound in (2, 3))
    return f"{HELPERS}\n{actions}\n{claims}"


def _claim(dice: random.Random, name: str, bound: int) -> str:
    says = f"{_truth(dice, 2)} or self.level(n) <= {bound}"
    return f"    @invariant\n    def {name}(self, n: Node, m: Node) -> bool:\n        return {says}\n"


def _number(dice: random.Random, names: Names) -> str:
    node = dice.choice(names)
    return dice.choice(
        [
            f"self.latest({node})",
            f"self.latest({node})",
            f"self.level({node})",
            f"self.level({node})",
            f"self.share({node})"
            if dice.random() < 0.03
            else f"(self.share({node}) if self.at[{node}] > 0 else 0)",
            f"self.at[{node}]",
            "self.k",
            "len(self.row)",
        ]
    )


def _truth(dice: random.Random, depth: int, names: Names = NAMES) -> str:
    node = dice.choice(names)
    if depth:
        left, right = _truth(dice, depth - 1, names), _truth(dice, depth - 1, names)
        return dice.choice(
            [
                f"({left} and {right})",
                f"({left} or {right})",
                f"(not {left})",
                f"({left} if {_truth(dice, 0, names)} else {right})",
                f"all({left} for n in Node if {_truth(dice, 0, names)})",
                f"any({left} for m in self.row)",
            ]
        )
    guard = "True" if dice.random() < 0.03 else f"self.latest({node}) < len(self.row)"
    return dice.choice(
        [
            f"{_number(dice, names)} {dice.choice(['<', '<=', '==', '!='])} {_number(dice, names)}",
            f"{_number(dice, names)} < {dice.randrange(4)}",
            f"{guard} and self.next_to({node}) == {dice.choice(names)}",
            f"self.first() == {node}",
            "self.first() is None",
            f"{node} in self.on",
            f"self.latest({node}) > 0",
        ]
    )


def _action(dice: random.Random, name: str) -> str:
    lines = ["    @action", f"    def {name}(self, n: Node, m: Node) -> None:"]
    lines += _statements(dice, 2, dice.randrange(3, 6), NAMES)
    return "\n".join([*lines, ""])


def _statements(dice: random.Random, depth: int, count: int, names: Names) -> list[str]:
    indent, found = "    " * depth, []
    for _ in range(count):
        kind = dice.randrange(10)
        if kind < 3:
            found.append(f"{indent}require({_truth(dice, dice.randrange(2), names)})")
        elif kind == 3:
            found.append(f"{indent}self.{dice.choice(['rise', 'climb'])}({dice.choice(names)})")
        elif kind == 4:
            found.append(f"{indent}self.k = ({_number(dice, names)} + {_number(dice, names)}) % 4")
        elif kind == 5:
            found.append(f"{indent}self.at[{dice.choice(names)}] = {_number(dice, names)}")
        elif kind == 6:
            found += [f"{indent}if len(self.row) < 3:", f"{indent}    self.row = self.row + Seq([n])"]
        elif kind == 7 and depth < 4:
            found += [f"{indent}if {_truth(dice, 1, names)}:", *_statements(dice, depth + 1, 2, names)]
            if dice.random() < 0.5:
                found += [f"{indent}else:", *_statements(dice, depth + 1, 1, names)]
        elif kind == 8 and depth < 4:
            found += [f"{indent}for x{depth} in {dice.choice(['Node', 'self.on', 'self.row'])}:"]
            found += _statements(dice, depth + 1, 2, (*names, f"x{depth}"))
        else:
            found.append(f"{indent}self.on.{dice.choice(['add', 'discard'])}({dice.choice(names)})")
    return found
