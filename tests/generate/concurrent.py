"""Generated models of processes that mostly mind their own business: what a partial-order reduction makes smaller, or gets wrong.

Each process has a place it is at and a value of its own; there are a set of messages, a shared value and a set of processes.
An action is of one process, sometimes of two, or of a message; its guards and changes are drawn from the forms that a reduction
tells apart, its claims and constraints from those that make steps visible.
"""

from __future__ import annotations

from tests.generate.choices import Chooser, RandomSource
from tests.generate.models import GeneratedModel

_HEAD = '''"""A generated model of processes."""

from typing import Annotated, Self

from ratified.language import (
    AtMost, Bag, Map, Model, Range, Set, Sort, action, constraint, invariant, record, require, step_invariant,
)


class P(Sort):
    """A process."""


@record
class M:
    """A message."""

    to: P
    n: Annotated[int, Range(0, 1)]


class Generated(Model):
    """Processes."""

    at: Map[P, Annotated[int, Range(0, 2)]]
    own: Map[P, Annotated[int, Range(0, 2)]]
    pair: Map[P, Map[P, bool]]
    sent: Set[M]
    bag: Annotated[Bag[M], AtMost(3)]
    shared: Annotated[int, Range(0, 2)]
    group: Set[P]
    count: Annotated[int, Range(0, 9)]
'''


class _Writer:
    def __init__(self, choose: Chooser) -> None:
        self.choose = choose

    def place(self, p: str) -> str:
        """A value that may be changed, of the range 0 to 2: mostly one of the process."""
        if self.choose.chance(80):
            return self.choose.pick([f"self.at[{p}]", f"self.own[{p}]"])
        return self.choose.pick(["self.shared", f"self.own[self.after({p})]"])

    def message(self, p: str, m: str | None) -> str:
        """A message to a process; a process sends to the next one as well."""
        kinds = [f"M({p}, 0)", f"M({p}, 1)", f"M({p}, min(self.own[{p}], 1))", f"M(self.after({p}), 0)"]
        return self.choose.pick(kinds if m is None else [*kinds, m])

    def test(self, p: str, m: str | None = None) -> str:
        """A condition."""
        number = self.choose.below(3)
        mine = self.place(p)
        if self.choose.chance(45):
            return f"{mine} {self.choose.pick(['==', '!=', '>=', '<'])} {number}"
        return self.choose.pick(
            [
                f"{self.message(p, m)} in self.sent",
                f"{self.message(p, m)} not in self.sent",
                f"{p} in self.group",
                f"self.after({p}) in self.group",
                f"self.at[self.after({p})] == {number}",
                f"any(self.at[r] == {number} and r != {p} for r in P)",
                f"{p} not in self.group",
                f"any(m.to == {p} and m.n == 1 for m in self.sent)",
                f"all(m.n == {number} for m in self.sent if m.to == {p})",
                f"self.bag.count(M({p}, 0)) == {number}",
                f"all(self.own[r] == {number} or r == {p} for r in P)",
                f"self.pair[{p}][{p}]",
                f"any(self.pair[{p}][r] for r in P)",
                f"self.helps({p}, {number})",
                f"len(self.group) == {number}",
            ]
        )

    def effect(self, p: str, m: str | None) -> list[str]:
        """Statements that change something."""
        number = self.choose.below(3)
        mine, message = self.place(p), self.message(p, m)
        if self.choose.chance(50):
            own = [f"{mine} = {number}", f"{mine} = min({mine} + 1, 2)", f"{mine} = self.own[{p}]"]
            return [self.choose.pick(own)]
        simple = [
            *([f"{mine} += 1"] if self.choose.chance(20) else []),
            f"self.sent.add({message})",
            f"self.sent.discard({message})",
            f"self.sent |= Set({{{message}}})",
            f"self.sent = Set(m for m in self.sent if m.to != {p})",
            f"self.bag.add({message})",
            f"self.group.add({p})",
            f"self.group.discard({p})",
            f"self.pair[{p}][{p}] = not self.pair[{p}][{p}]",
            f"self.pair[{p}] = Map({{r: True for r in P}})",
            "self.count += 1",
            f"self.step({p})",
        ]
        found = self.choose.pick(simple)
        if self.choose.chance(20):
            return [f"if {self.test(p, m)}:", f"    {found}"]
        if self.choose.chance(8):
            return ["for r in P:", f"    if {self.test('r')}:", f"        self.own[r] = {number}"]
        return [found]

    def action(self, number: int) -> list[str]:
        """An action of a process, of two, or of a message."""
        first = number < 3  # these alone take processes round
        kind = (
            self.choose.weighted([(6, lambda: "p"), (1, lambda: "pq"), (2, lambda: "m")])
            if not first
            else "p"
        )
        given, p, m = {
            "p": ("p: P", "p", None),
            "pq": ("p: P, q: P", self.choose.pick(["p", "q"]), None),
            "m": ("m: M", "m.to", "m"),
        }[kind]
        lines = ["", "@action", f"def act{number}(self, {given}) -> None:", '    """A step."""']
        if m is not None:
            lines.append("    require(m in self.sent)")
        if not first and self.choose.chance(20):
            lines.append(f"    was = self.own[{p}]")
            lines.append(f"    require(was != {self.choose.below(3)})")
        # Processes go round the places, so that most actions are possible at some time.
        if m is None or self.choose.chance(40):
            lines.append(f"    require(self.at[{p}] == {number % 3})")
        more = 30 if first and number else 10 if first else 50
        lines += [f"    require({self.test(p, m)})" for _ in self.choose.several(0, 2, more)]
        if self.choose.chance(70):
            lines.append(f"    self.at[{p}] = {self.choose.pick([(number + 1) % 3, 2, number % 3])}")
        for _ in self.choose.several(1, 3, 35):
            lines += [f"    {line}" for line in self.effect(p, m)]
        return lines

    def claims(self) -> list[str]:
        """Invariants, step invariants and perhaps a constraint."""
        lines: list[str] = []
        for number in range(5):
            sure = self.choose.pick(
                ["p == p", "self.count < 9", "self.own[p] < 3", f"self.at[p] != {self.choose.below(3)}"]
            )
            claim = self.choose.pick(
                [
                    f"all({self.test('p')} or {self.test('p')} or {self.test('p')} for p in P)",
                    f"all({sure} for p in P)",
                    f"not any({self.test('p')} and {self.test('p')} for p in P)",
                    f"self.shared != {self.choose.below(3)} or all({self.test('p')} for p in P)",
                    f"not all({self.test('p')} for p in P)",
                    f"not any(p != q and {self.test('p')} and {self.test('q')} for p in P for q in P)",
                    f"sum(1 for p in P if {self.test('p')}) < 2",
                ]
            )
            lines += ["", "@invariant", f"def holds{number}(self) -> bool:", '    """Claimed."""']
            lines.append(f"    return {claim}")
        step = self.choose.pick(
            [
                "all(self.at[p] >= old.at[p] for p in P)",
                "self.sent >= old.sent",
                "self.shared - old.shared <= 1",
                "all(self.own[p] == old.own[p] or old.at[p] == self.at[p] for p in P)",
            ]
        )
        lines += ["", "@step_invariant", "def rises(self, old: Self) -> bool:", '    """Claimed."""']
        lines.append(f"    return {step}")
        if self.choose.chance(25):
            bound = self.choose.pick(
                [
                    "len(self.sent) <= 2",
                    "all(self.own[p] < 2 for p in P)",
                    "self.shared < 2",
                    "self.count < 3",
                ]
            )
            lines += [
                "",
                "@constraint",
                "def within(self) -> bool:",
                '    """Explored."""',
                f"    return {bound}",
            ]
        return lines

    def model(self) -> str:
        """The whole file."""
        lines = ["", "def after(self, p: P) -> P:", '    """The next process."""']
        lines += ["    return P((int(p) + 1) % len(P))"]
        lines += ["", "def helps(self, p: P, n: int) -> bool:", '    """A condition."""']
        helps = self.test("p")
        while "helps" in helps:
            helps = self.test("p")
        lines += [f"    return {helps} and self.own[p] <= n"]
        lines += ["", "def step(self, p: P) -> None:", '    """A change."""']
        if self.choose.chance(50):
            lines.append(f"    require({self.test('p')})")
        lines += [f"    self.own[p] = {self.choose.below(3)}"]
        for number in range(3 + self.choose.below(4)):
            lines += self.action(number)
        body = "\n".join(f"    {line}" if line else "" for line in [*lines, *self.claims()])
        return f"{_HEAD}{body}\n"


def concurrent_model(seed: int) -> GeneratedModel:
    """A generated model of two or three processes."""
    choose = Chooser(RandomSource(seed))
    text = _Writer(choose).model()
    return GeneratedModel(text, "Generated", {"P": 2 + choose.chance(60)})
