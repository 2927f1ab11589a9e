"""Values of a model are written as JSON and read again as the same values; what is no value of a type is refused."""

from __future__ import annotations

import json
from enum import Enum
from typing import Annotated, Any

import pytest

from ratified import AtMost, Bag, Map, Model, Ordered, Range, Seq, Set, Symmetric, action, record
from ratified.interchange.plain import NotOfType, read, written
from ratified.language.scope import running


class Node(Symmetric):
    """A node."""


class Term(Ordered):
    """A term."""


class Mood(Enum):
    """How one is."""

    CALM = "calm"
    BUSY = "busy"


Number = Annotated[int, Range(0, 9)]


@record
class Ping:
    """Has a number."""

    source: Node
    number: Number


@record
class Typed:
    """Has a field that is called like its class's name is told."""

    type: Mood


class Everything(Model):
    """A variable of each kind."""

    flag: bool
    number: Annotated[int, Range(-5, 1 << 40)]
    node: Node
    leader: Node | None
    term: Term
    mood: Mood
    ping: Ping | Typed
    single: Ping
    pair: tuple[Node, Number]
    voters: Set[Node]
    queue: Annotated[Seq[Node], AtMost(3)]
    wire: Annotated[Bag[Ping], AtMost(3)]
    votes: Map[Node, Term | None]
    log: Map[Number, bool]
    by: Map[bool, Number]
    nested: Map[Node, Map[Node, Number]]
    links: Map[tuple[Node, Node], bool]

    def init(self, n: Node, p: Ping | Typed, s: Ping, m: Mood, t: Term) -> None:
        self.node, self.ping, self.single, self.mood, self.pair, self.term = n, p, s, m, (n, 1), t

    @action
    def stay(self) -> None:
        """Nothing happens."""


WRITTEN: dict[str, Any] = {
    "flag": True,
    "number": -3,
    "node": "n1",
    "leader": None,
    "term": 1,
    "mood": "BUSY",
    "ping": {"type_": "Typed", "type": "CALM"},
    "single": {"type": "Ping", "source": "n2", "number": 9},
    "pair": ["n2", 4],
    "voters": ["n1", "n2"],
    "queue": ["n2", "n1", "n2"],
    "wire": [{"type": "Ping", "source": "n1", "number": 1}, {"type": "Ping", "source": "n1", "number": 1}],
    "votes": {"n1": 0, "n2": None},
    "log": {str(n): n > 5 for n in range(10)},
    "by": {"false": 7, "true": 7},
    "nested": {"n1": {"n1": 3, "n2": 3}, "n2": {"n1": 3, "n2": 3}},
    "links": [[["n1", "n1"], True], [["n1", "n2"], False], [["n2", "n1"], False], [["n2", "n2"], True]],
}


def values() -> dict[str, Any]:
    """A value of each kind; call it where the model runs."""
    one, two = Node(0), Node(1)
    return {
        "flag": True,
        "number": -3,
        "node": one,
        "leader": None,
        "term": Term(1),
        "mood": Mood.BUSY,
        "ping": Typed(Mood.CALM),
        "single": Ping(two, 9),
        "pair": (two, 4),
        "voters": Set({two, one}),
        "queue": Seq([two, one, two]),
        "wire": Bag([Ping(one, 1), Ping(one, 1)]),
        "votes": Map({one: Term(0), two: None}),
        "log": Map({n: n > 5 for n in range(10)}),
        "by": Map({b: 7 for b in (False, True)}),
        "nested": Map({n: Map({m: 3 for m in Node}) for n in Node}),
        "links": Map({(n, m): n == m for n in Node for m in Node}),
    }


def test_a_value_of_each_kind_is_written_and_read_again() -> None:
    model = Everything(Node=2, Term=2)
    with running(model.scope):
        made = values()
        assert list(made) == list(WRITTEN) == [d.name for d in model.module.variables]
        for declared in model.module.variables:
            value = made[declared.name]
            told = written(declared.type, value)
            assert told == WRITTEN[declared.name], declared.name
            assert read(declared.type, json.loads(json.dumps(told)), model.scope) == value
            assert read(declared.type, value, model.scope) == value  # a value stands for itself


WRONG: list[tuple[str, Any]] = [
    ("flag", 1),
    ("flag", None),
    ("number", True),
    ("number", 1.0),
    ("number", "3"),
    ("node", "n3"),
    ("node", "n01"),
    ("node", "t1"),
    ("node", 0),
    ("leader", "none"),
    ("term", 2),
    ("term", "t1"),
    ("term", -1),
    ("mood", "calm"),
    ("ping", {"source": "n1", "number": 1}),
    ("ping", {"type": "Pong", "source": "n1", "number": 1}),
    ("single", {"type": "Ping", "source": "n1"}),
    ("single", {"source": "n1", "number": 10}),
    ("single", {"source": "n1", "number": 1, "more": 2}),
    ("pair", ["n1"]),
    ("pair", "n1"),
    ("voters", "n1"),
    ("voters", {"n1": True}),
    ("queue", {"n1"}),
    ("wire", ["n1"]),
    ("votes", {"n3": 0}),
    ("votes", ["n1"]),
    ("log", {"one": True}),
    ("by", {"maybe": 7}),
    ("links", {"n1": True}),
]


@pytest.mark.parametrize(("variable", "value"), WRONG)
def test_what_is_no_value_of_a_type_is_refused(variable: str, value: Any) -> None:
    model = Everything(Node=2, Term=2)
    declared = next(d.type for d in model.module.variables if d.name == variable)
    with running(model.scope), pytest.raises(NotOfType, match="is not a value of type"):
        read(declared, value, model.scope)


def test_a_record_may_leave_out_its_class_where_no_other_could_stand_there() -> None:
    model = Everything(Node=2, Term=2)
    declared = {d.name: d.type for d in model.module.variables}
    with running(model.scope):
        assert read(declared["single"], {"source": "n1", "number": 1}, model.scope) == Ping(Node(0), 1)
