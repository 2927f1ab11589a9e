"""Generated proof scripts about sums: what steps move, and flags that are set if sums do not add up.

`summing_model(seed)` has amounts by node and by pair of nodes, which steps add to, take from, move, copy and clear, and claims
about their sums: over all nodes, over sets (variables, arguments, comprehensions), with conditions, products with constants,
conditional values, sums of sums, and sizes. Half of the claims are laws, a sum and the same sum taken apart, some of them
with something changed; the others say that a sum is kept, or bounded, by steps that may not keep it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.generate.choices import Chooser, RandomSource
from tests.generate.models import GeneratedModel
from tests.generate.updates import Lines, indented

HEAD = '''"""A generated proof script."""

from __future__ import annotations

from typing import Annotated

from ratified import Map, Model, Ordered, Param, Range, Set, Sort, action, assume, first, last, lemma, require

Amount = Annotated[int, Range({low}, {high})]


class Node(Sort):
    """A node."""


class Day(Ordered):
    """A day."""


class Script(Model):
    """Moves amounts, and sets a flag, or does not."""

    cap: Param[Annotated[int, Range(0, 2)]] = 1
    has: Map[Node, Amount]
    owes: Map[Node, Amount]
    sent: Map[tuple[Node, Node], Amount]
    done: Map[tuple[Day, Node], bool]
    up: Set[Node]
    spent: Annotated[int, Range("-4 * len(Node)", "4 * len(Node)")]
    bad: bool

    def init(self) -> None:
        self.has = Map({{n: {start} for n in Node}})
        self.owes = Map({{n: {start} for n in Node}})
        self.sent = Map({{(n, m): {start} for n in Node for m in Node}})
'''

VALUES = ("self.has[{n}]", "self.has[{n}]", "self.owes[{n}]", "self.sent[{n}, a]", "self.sent[b, {n}]")
CONDITIONS = (
    "{n} in self.up",
    "{n} not in s",
    "{n} == a",
    "{n} != b",
    "self.has[{n}] > 0",
    "self.done[d, {n}]",
    "self.has[{n}] > self.owes[{n}]",
    "any(self.done[e, {n}] for e in Day)",
)
DOMAINS = ("Node", "Node", "Node", "self.up", "s", "(self.up | s)", "(self.up - s)", "Set([a, b])")

STEPS: dict[str, tuple[str, ...]] = {
    "move": (
        "require(a != b and self.has[a] > {low} and self.has[b] < {high})",
        "self.has[a] -= 1",
        "self.has[b] += 1",
    ),
    "move_to_itself": (
        "require(self.has[a] > {low} and self.has[b] < {high})",
        "self.has[a] -= 1",
        "self.has[b] += 1",
    ),
    "spend": (
        "require(self.has[a] > {low} and self.spent < 4 * len(Node))",
        "self.has[a] -= 1",
        "self.spent += 1",
    ),
    "send": (
        "require(self.sent[a, b] < {high} and self.owes[b] < {high})",
        "self.sent[a, b] += 1",
        "self.owes[b] += 1",
    ),
    "copy": ("self.owes = Map({{n: self.has[n] for n in Node}})",),
    "clear": ("self.owes = Map({{n: {start} if n in self.up else self.owes[n] for n in Node}})",),
    "raise_all": (
        "require(all(self.has[n] < {high} for n in Node))",
        "self.has = Map({{n: self.has[n] + 1 if n != a else self.has[n] for n in Node}})",
    ),
    "each_in_turn": (
        "for n in Node:",
        "    if n in self.up and self.has[n] < {high}:",
        "        self.has[n] += 1",
    ),
    "join": ("self.up.add(a)",),
    "leave": ("self.up.discard(a)",),
    "swap": ("self.up = Set(n for n in Node if n not in self.up)",),
    "do": ("self.done[d, a] = True",),
    "exchange": (
        "kept = self.has[a]",
        "self.has[a] = self.owes[a]",
        "self.owes[a] = kept",
    ),
}

KEPT = (
    "sum(self.has[n] for n in Node)",
    "sum(self.owes[n] for n in Node)",
    "sum(self.has[n] + self.owes[n] for n in Node)",
    "sum(self.sent[n, m] for n in Node for m in Node) - sum(self.owes[n] for n in Node)",
    "sum(self.has[n] for n in Node) + self.spent",
    "sum(self.has[n] for n in self.up)",
    "len(self.up)",
    "sum(self.has[n] - self.owes[n] for n in Node)",
    "sum(1 for n in Node if n in self.up) + sum(1 for n in Node if n not in self.up)",
    "sum(len(Set(e for e in Day if self.done[e, n])) for n in Node)",
)

PARAMETERS = {"a": "Node", "b": "Node", "s": "Set[Node]", "d": "Day", "i": "Amount"}


def summing_model(seed: int) -> GeneratedModel:
    """The proof script of a seed."""
    return _Writer(Chooser(RandomSource(seed))).model()


class _Writer:
    """Writes one file."""

    def __init__(self, choose: Chooser) -> None:
        self.choose = choose
        self.low = choose.pick([0, 0, 0, -1])
        self.high = choose.pick([2, 3])
        self.start = choose.pick([0, 0, 1])
        self._number = 0

    def model(self) -> GeneratedModel:
        """A file whose model is its own proof script."""
        names = list(STEPS)
        chosen = [names.pop(self.choose.below(len(names))) for _ in self.choose.several(1, 4)]
        lines = Lines()
        for name in chosen:
            body = [line.format(low=self.low, high=self.high, start=self.start) for line in STEPS[name]]
            lines += self._method("action", name, "None", body)
        told = self.choose.chance(50)
        if told:
            body = [f"require({self._wrong()})", "self.bad = True"]
            lines += self._method("action", "see", "None", body)
        claims = [["return not self.bad"]] if told else []
        claims += [[f"return {self._claim()}"] for _ in self.choose.several(0 if told else 1, 2, 30)]
        for number, claim in enumerate(claims):
            lines += self._method("lemma", f"claim{number}", "bool", claim)
        head = HEAD.format(low=self.low, high=self.high, start=self.start)
        return GeneratedModel(head + "\n".join(line and f"    {line}" for line in lines) + "\n", "Script", {})

    def _method(self, mark: str, name: str, returns: str, body: Lines) -> Lines:
        words = set(re.findall(r"(?<![.\w])\w+", "\n".join(body)))
        used = [n for n in PARAMETERS if n in words]
        written = "".join(f", {n}: {PARAMETERS[n]}" for n in used)
        return ["", f"@{mark}", f"def {name}(self{written}) -> {returns}:", *indented(body)]

    # --- claims ---------------------------------------------------------------------------------------------------------

    def _wrong(self) -> str:
        """What a step requires before it sets the flag: that a law does not hold."""
        return f"not ({self._law()})"

    def _claim(self) -> str:
        if self.choose.chance(50):
            return self._law()
        kept = self.choose.pick(KEPT)
        count = self.choose.pick([f"{self.start} * len(Node)", "0", f"{2 * self.start} * len(Node)", "1"])
        if kept == "len(self.up)" or self.choose.chance(50):
            most = self.choose.pick(
                [f"{self.high} * len(Node)", f"{2 * self.high} * len(Node)", "len(Node)", "3"]
            )
            least = self.choose.pick(
                [f"{self.low} * len(Node)", f"{2 * self.low} * len(Node)", "0", "-len(Node)"]
            )
            return self.choose.pick(
                [f"{kept} <= {most}", f"{least} <= {kept}", f"{least} <= {kept} <= {most}"]
            )
        return f"{kept} == {count}"

    def _law(self) -> str:
        """An equation or inequality that holds of all amounts; or, one time in four, one in which something is changed."""
        laws: list[Callable[[], str]] = [
            self._taken_apart,
            self._both_ways,
            self._scaled,
            self._no_less,
            self._bounded,
            self._added,
            self._of_sets,
            self._one_picked,
            self._equal_parts,
        ]
        text = self.choose.pick(laws)()
        if self.choose.chance(25):
            old, new = self.choose.pick(
                [
                    (" == ", " <= 1 + "),
                    ("self.has", "self.owes"),
                    (" + ", " - "),
                    (" not in ", " in "),
                    (" <= ", " < "),
                    ("Node)", "self.up)"),
                    (" == ", " == 1 + "),
                ]
            )
            text = text.replace(old, new, 1)
        return text

    def _name(self) -> str:
        if self.choose.chance(40):
            return "n"
        self._number += 1
        return f"n{self._number}"

    def _value(self, n: str, depth: int = 1) -> str:
        plain = self.choose.pick(VALUES).format(n=n)
        if depth == 0 or self.choose.chance(55):
            return plain
        one, other = self._value(n, depth - 1), self._value(n, depth - 1)
        return self.choose.pick(
            [
                f"({one} if {self._condition(n)} else {other})",
                f"({one} + {other})",
                f"({one} - {other})",
                f"2 * {one}",
                f"max({one}, {other})",
                f"min({one}, self.cap)",
                f"(1 if {self._condition(n)} else 0)",
                f"({one} - 1)",
            ]
        )

    def _condition(self, n: str) -> str:
        return self.choose.pick(CONDITIONS).format(n=n)

    def _sum(
        self, value: Callable[[str], str], domain: str, condition: Callable[[str], str] | None = None
    ) -> str:
        n = self._name()
        after = f" if {condition(n)}" if condition else ""
        return f"sum({value(n)} for {n} in {domain}{after})"

    def _written(self, make: Callable[[str], str]) -> Callable[[str], str]:
        """What is made once, for any name."""
        text = make("{n}")
        return lambda n: text.replace("{n}", n)

    def _taken_apart(self) -> str:
        value, cond = self._written(self._value), self._written(self._condition)
        domain = self.choose.pick(DOMAINS)
        whole = self._sum(value, domain)
        return f"{whole} == {self._sum(value, domain, cond)} + {self._sum(value, domain, lambda n: f'not ({cond(n)})')}"

    def _both_ways(self) -> str:
        one, other = self._written(self._value), self._written(self._value)
        cond, domain = self._written(self._condition), self.choose.pick(DOMAINS)
        mixed = self._sum(lambda n: f"{one(n)} if {cond(n)} else {other(n)}", domain)
        apart = self._sum(other, domain, lambda n: f"not ({cond(n)})")
        return f"{mixed} == {self._sum(one, domain, cond)} + {apart}"

    def _scaled(self) -> str:
        value, domain = self._written(self._value), self.choose.pick(DOMAINS)
        k, c = self.choose.pick([2, 3, -1]), self.choose.pick([0, 1, -2])
        size = "len(Node)" if domain == "Node" else f"len({domain})"
        return f"{self._sum(lambda n: f'{k} * {value(n)} + {c}', domain)} == {k} * {self._sum(value, domain)} + {c} * {size}"

    def _added(self) -> str:
        one, other = self._written(self._value), self._written(self._value)
        domain, sign = self.choose.pick(DOMAINS), self.choose.pick(["+", "-"])
        whole = self._sum(lambda n: f"{one(n)} {sign} ({other(n)})", domain)
        return f"{whole} == {self._sum(one, domain)} {sign} {self._sum(other, domain)}"

    def _no_less(self) -> str:
        value, domain = self._written(self._value), self.choose.pick(DOMAINS)
        more = self._sum(lambda n: f"max({value(n)}, {self.low})", "Node")
        less = self._sum(value, "Node")
        if self.choose.chance(50) or self.low < 0:
            return f"{less} <= {more}"
        return f"{self._sum(lambda n: f'self.has[{n}]', domain)} <= {self._sum(lambda n: f'self.has[{n}]', 'Node')}"

    def _bounded(self) -> str:
        domain = self.choose.pick(DOMAINS)
        size = "len(Node)" if domain == "Node" else f"len({domain})"
        whole = self._sum(lambda n: f"self.has[{n}]", domain)
        return self.choose.pick(
            [
                f"{whole} <= {self.high} * {size}",
                f"{self.low} * {size} <= {whole}",
                f"{whole} + {self._sum(lambda n: f'self.owes[{n}]', domain)} <= {2 * self.high} * {size}",
                f"{whole} - {self._sum(lambda n: f'self.owes[{n}]', domain)} <= {self.high - self.low} * {size}",
            ]
        )

    def _of_sets(self) -> str:
        cond = self._written(self._condition)
        counted, n = self._sum(lambda _: "1", "Node", cond), self._name()
        united = "len(self.up | s) + len(self.up & s) == len(self.up) + len(s)"
        return self.choose.pick(
            [
                f"{counted} == len(Set({n} for {n} in Node if {cond(n)}))",
                united,
                f"{counted} <= len(Node)",
                "len(Set(Node) - self.up) == len(Node) - len(self.up)",
                f"{self._sum(lambda n: f'len(Set(m for m in Node if self.sent[{n}, m] > 0))', 'Node')} <= len(Node) * len(Node)",
                "len(self.up | Set([a])) <= len(self.up) + 1",
            ]
        )

    def _one_picked(self) -> str:
        value = self._written(lambda n: f"self.has[{n}]")
        return self.choose.pick(
            [
                f"{self._sum(value, 'Node', lambda n: f'{n} == a')} == self.has[a]",
                f"{self._sum(value, 'Set([a])')} == self.has[a]",
                f"{self._sum(value, 'Node', lambda n: f'{n} != a')} + self.has[a] == {self._sum(value, 'Node')}",
                f"{self._sum(value, 'Set([a, b])')} == self.has[a] + (self.has[b] if a != b else 0)",
                f"(a not in self.up or {self._sum(value, 'self.up')} - self.has[a] "
                f"== {self._sum(value, 'self.up', lambda n: f'{n} != a')})",
            ]
        )

    def _equal_parts(self) -> str:
        n = self._name()
        return self.choose.pick(
            [
                f"(not all(self.has[{n}] == self.owes[{n}] for {n} in Node) or "
                f"{self._sum(lambda n: f'self.has[{n}]', 'Node')} == {self._sum(lambda n: f'self.owes[{n}]', 'Node')})",
                f"(not all(self.has[{n}] <= self.owes[{n}] for {n} in s) or "
                f"{self._sum(lambda n: f'self.has[{n}]', 's')} <= {self._sum(lambda n: f'self.owes[{n}]', 's')})",
                "sum(self.sent[n, m] for n in Node for m in Node) == "
                "sum(self.sent[n, m] for m in Node for n in Node)",
                f"(any(self.has[{n}] > i for {n} in Node) or "
                f"{self._sum(lambda n: f'self.has[{n}]', 'Node')} <= i * len(Node))",
            ]
        )
