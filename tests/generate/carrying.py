"""Generated proof scripts about loops: what turns copy from one variable or name to another, take turns at, and leave.

`carrying_model(seed)` has two actions with a loop each, and loops inside of it, over the values of a sort or a set. Their turns
assign variables, local names, a map's values and a set's members in terms of each other, some at the same time, under
conditions that ask for what is assigned, after assignments that the loop then finds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.generate.choices import Chooser, RandomSource
from tests.generate.models import GeneratedModel
from tests.generate.updates import Lines, indented

HEAD = '''"""A generated proof script."""

from __future__ import annotations

from typing import Annotated

from ratified import Map, Model, Ordered, Range, Set, Sort, action, lemma


class Day(Ordered):
    """A day."""


class Node(Sort):
    """A node."""


class Script(Model):
    """Hands on what it has."""

    a: Node
    b: Node
    p: bool
    q: bool
    some: Set[Node]
    next: Map[Node, Node]
    times: Annotated[int, Range(0, 9)]
    today: Day

    def init(self, a: Node, b: Node, p: bool, q: bool, some: Set[Node]) -> None:
        self.a, self.b, self.p, self.q, self.some = a, b, p, q, some
        self.next = Map({n: a if n == b else b for n in Node})
        self.times = 1
'''
TAIL = """
    @lemma
    def never(self) -> bool:
        return {claim}
"""
CLAIMS = (
    "self.a == self.a",
    "not (self.p and self.q and self.a == self.b)",
    "self.a in self.some or self.b in self.some or not self.p",
    "any(n == self.next[n] for n in Node) or self.a != self.b",
)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a statement stands: what of the sort may be named, which names may be assigned, how much deeper it may go."""

    nodes: tuple[str, ...] = ("x", "self.a", "self.b", "self.next[self.a]", "self.next[self.b]")
    names: tuple[str, ...] = ()
    depth: int = 2
    looping: bool = False


class _Writer:
    def __init__(self, choose: Chooser) -> None:
        self.choose = choose

    def node(self, here: _Place, deep: bool = True) -> str:
        found = self.choose.pick([*here.nodes, *(n for n in here.names if n == "held")])
        if deep and self.choose.chance(15):
            return f"({found} if {self.truth(here, 1)} else {self.node(here, deep=False)})"
        return found

    def truth(self, here: _Place, depth: int = 2) -> str:
        m, n = self.choose.pick(here.nodes), self.choose.pick(here.nodes)
        asked = [
            f"{n} in self.some",
            "self.p",
            "self.q",
            f"{m} == {n}" if m != n else f"{n} != self.a",
            "True",
        ]
        found = self.choose.pick([*asked, *(n for n in here.names if n == "on")])
        if not depth or not self.choose.chance(35):
            return found
        other = self.truth(here, depth - 1)
        return self.choose.pick([f"(not {found})", f"({found} and {other})", f"({other} or {found})"])

    def statement(self, here: _Place) -> Lines:
        one = [
            (4, lambda: [f"self.{self.choose.pick('ab')} = {self.node(here)}"]),
            (2, lambda: [f"self.a, self.b = {self.node(here)}, {self.node(here)}"]),
            (2, lambda: [f"self.{self.choose.pick('pq')} = {self.truth(here)}"]),
            (1, lambda: [f"self.p, self.q = {self.truth(here)}, {self.truth(here)}"]),
            (2, lambda: [f"self.some.{self.choose.pick(['add', 'discard'])}({self.node(here)})"]),
            (2, lambda: [f"self.next[{self.choose.pick(here.nodes)}] = {self.node(here)}"]),
        ]
        if "held" in here.names:
            one.append((3, lambda: [f"held = {self.node(here)}"]))
        if "on" in here.names:
            one.append((3, lambda: [f"on = {self.truth(here)}"]))
        if here.looping:
            one.append((1, lambda: [f"self.times = min(9, self.times + (1 if {self.truth(here)} else 0))"]))
        if here.depth:
            one += [(3, lambda: self.branch(here)), (2, lambda: self.loop(here))]
        return self.choose.weighted(one)

    def branch(self, here: _Place) -> Lines:
        inside = replace(here, depth=here.depth - 1)
        found = [f"if {self.truth(here)}:", *indented(self.block(inside))]
        return found + (["else:", *indented(self.block(inside))] if self.choose.chance(40) else [])

    def loop(self, here: _Place) -> Lines:
        name = f"n{here.depth}"
        domain = self.choose.pick(["Day", "Node", "self.some"])
        nodes = here.nodes if domain == "Day" else (name, f"self.next[{name}]", *here.nodes)
        inside = replace(here, nodes=nodes, depth=here.depth - 1, looping=True)
        return [f"for {'_' if domain == 'Day' else name} in {domain}:", *indented(self.block(inside))]

    def block(self, here: _Place) -> Lines:
        return [line for _ in self.choose.several(1, 3) for line in self.statement(here)]

    def action(self, name: str) -> Lines:
        names, lines = [], []
        if self.choose.chance(50):
            lines.append(f"held = {self.node(_Place(), deep=False)}")
            names.append("held")
        if self.choose.chance(50):
            lines.append(f"on = {self.truth(_Place())}")
            names.append("on")
        here = _Place(names=tuple(names))
        for _ in self.choose.several(0, 2):
            lines += self.statement(replace(here, depth=0))
        lines += self.loop(here)
        return ["", "@action", f"def {name}(self, x: Node) -> None:", *indented(lines)]


def carrying_model(seed: int) -> GeneratedModel:
    """The proof script of a seed."""
    choose = Chooser(RandomSource(seed))
    writer = _Writer(choose)
    lines = indented([*writer.action("give"), *writer.action("take")])
    text = HEAD + "\n".join(lines) + "\n" + TAIL.format(claim=choose.pick(CLAIMS))
    return GeneratedModel(text, "Script", {"Node": 2, "Day": 2})
