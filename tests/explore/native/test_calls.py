"""Actions that call what they override, or helpers that change variables: parameters keep their ranges, and the C stays short."""

from __future__ import annotations

from typing import Annotated

import pytest

from ratified.explore.native.codegen.functions import LISTED_MOST
from ratified.explore.native.codegen.program import generate
from ratified.explore.native.codegen.shapes import Unsupported
from ratified.language import AtMost, Bag, Map, Model, Range, Set, action, record, require
from ratified.language.evaluate import TreeMachine
from ratified.language.machine import OutOfBounds, PythonMachine
from ratified.models.raft.raft import Raft
from ratified.models.raft.sorts import AppendEntries, Message
from tests.explore.native.differential import differences
from tests.shared.symmetric import Node

Number = Annotated[int, Range(0, 3)]


@record
class Letter:
    """From one to another."""

    source: Node
    dest: Node
    number: Number


class Post(Model):
    """Letters in flight, consumed by a helper."""

    letters: Annotated[Bag[Letter], AtMost(2)]
    got: Map[Node, Number]

    @action
    def send(self, a: Node, b: Node) -> None:
        require(len(self.letters) < 2)
        self.letters.add(Letter(a, b, self.got[a]))

    @action
    def receive(self, m: Letter) -> None:
        self.take(m)
        self.got[m.dest] = max(self.got[m.dest], m.number)

    def take(self, letter: Letter) -> None:
        require(letter in self.letters)
        self.letters.remove(letter)


class Answering(Post):
    """Consumes a letter with the base class's action, then changes more, by conditions on the state in between."""

    sent: Map[Node, Number]

    @action
    def receive(self, m: Letter) -> None:
        super().receive(m)
        if self.got[m.dest] == m.number and m.number < 3:
            self.got[m.dest] = m.number + 1
            if len(self.letters) == 0:
                self.letters.add(Letter(m.dest, m.source, self.got[m.dest]))
        else:
            self.sent[m.source] = self.got[m.source]
        self.sent[m.dest] = min(3, self.sent[m.dest] + len(self.letters))

    @action
    def swap(self, m: Letter, n: Letter) -> None:
        """Two letters, of which the helper's guard is asked one by one."""
        self.take(m)
        self.take(n)
        require(m != n)
        self.letters.add(Letter(m.source, n.dest, n.number))


class Renamed(Post):
    """A guard about another value under the parameter's name says nothing about the parameter."""

    @action
    def receive(self, m: Letter) -> None:
        m = Letter(m.dest, m.source, m.number)
        require(m in self.letters)
        self.letters.remove(m)
        self.got[m.source] = m.number


class Leaving(Post):
    """A helper with two ends, whose guard may not be reached."""

    @action
    def receive(self, m: Letter) -> None:
        self.maybe(m)
        self.got[m.source] = 3 - self.got[m.source]

    def maybe(self, m: Letter) -> None:
        if m.number == 0:
            self.got[m.dest] = 1
            return
        self.take(m)


class Unpacking(Post):
    """Names that get their values together, narrower ones in one way than in the other."""

    known: Map[Node, tuple[Number, Node | None]]

    def init(self) -> None:
        self.known = Map({n: (0, None) for n in Node})

    @action
    def learn(self, a: Node, b: Node) -> None:
        number, who = self.known[a]
        if a != b and number < 3:
            number, who = number + 1, b
        self.known[a], self.got[b] = (number, who), self.got[a]


@pytest.mark.parametrize("model", [Post, Answering, Renamed, Leaving, Unpacking])
def test_engines_agree(model: type[Post]) -> None:
    assert differences(model(Node=2), 60_000, flags=("-O0",)) == []


@pytest.mark.parametrize("model", [Post, Answering, Renamed, Leaving])
def test_machines_agree(model: type[Post]) -> None:
    machines = PythonMachine(model(Node=2)), TreeMachine(model(Node=2))
    level = {s for _, s in machines[0].initial() if not isinstance(s, OutOfBounds)}
    seen = set(level)
    for _ in range(4):
        after = set()
        for state in level:
            python, tree = (machine.steps(state) for machine in machines)
            assert python == tree
            after |= {s for *_, s in python if not isinstance(s, OutOfBounds)}
        level = after - seen
        seen |= level
    assert len(seen) > 10


@pytest.mark.parametrize(
    ("model", "name", "ranged"),
    [
        (Post, "receive", [True]),
        (Answering, "receive", [True]),
        (Answering, "swap", [True, False]),  # by the second call the letters are no longer those of the state
        (Renamed, "receive", [False]),
        (Leaving, "receive", [False]),
    ],
)
def test_a_guard_in_a_procedure_gives_a_parameter_its_range(
    model: type[Post], name: str, ranged: list[bool]
) -> None:
    arguments = model.module.functions[name].arguments
    assert [a.domain is not None for a in arguments] == ranged


class Remembering(Raft):
    """Raft whose actions consume a message in the base class and change more afterwards."""

    heard: Map[Annotated[int, Range(0, "max_term + 1")], Set[Node]]
    count: Annotated[int, Range(0, 3)]

    @action
    def accept_entries(self, m: AppendEntries) -> None:
        super().accept_entries(m)
        if self.commit_index[m.dest] > 0:
            self.count = min(3, self.count + len(m.entries))

    @action
    def drop(self, m: Message) -> None:
        super().drop(m)
        self.count = 0


def test_raft_that_changes_more_after_its_actions_is_no_longer_than_raft() -> None:
    sizes = {"Server": 2, "Value": 1, "max_term": 2, "max_log": 1, "max_messages": 2}
    plain, more = generate(Raft(**sizes)).text, generate(Remembering(Node=1, **sizes)).text
    assert len(more) < 1.1 * len(plain)


class Wide(Model):
    """A parameter of many values, which no guard restricts and no bits number."""

    seen: Set[Annotated[int, Range(0, 5)]]
    last: Number

    @action
    def look(self, among: Set[Annotated[int, Range(0, 10)]], n: Number) -> None:
        require(n in among and len(among) == 2)
        self.last = n
        self.seen = Set(k for k in range(6) if k in among and k >= n)


class TooWide(Model):
    """More still."""

    last: Number

    @action
    def look(self, among: Set[Annotated[int, Range(0, 15)]]) -> None:
        require(3 in among)
        self.last = 3


def test_a_parameter_of_many_values_is_a_loop() -> None:
    model = Wide()
    assert differences(model, flags=("-O0",)) == []
    assert len(generate(model).text) < 60_000


def test_a_parameter_of_too_many_values_is_refused() -> None:
    with pytest.raises(Unsupported) as refused:
        generate(TooWide())
    assert refused.value.message == (
        f"the parameter `among` ranges over 65,536 values, and the native explorer takes {LISTED_MOST:,} (in `look`)"
    )
    assert refused.value.span is not None
