"""An instance of a model: sizes, parameters, assumptions, initial states, and methods that run by themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest

from ratified import (
    AtMost,
    Bag,
    Map,
    Model,
    ModelError,
    Param,
    Range,
    Seq,
    Set,
    SizeError,
    action,
    assume,
    invariant,
    majorities,
    record,
    replace,
    require,
    subsets,
)
from ratified.language.evaluate import TreeMachine
from ratified.language.machine import Machine, OutOfBounds, PythonMachine, StepError
from ratified.language.model import given_to
from tests.generate.agreement import agree
from tests.shared.sorts import Light, Slot, Turn
from tests.shared.symmetric import Node


class Everything(Model):
    """A variable of each type, and parameters."""

    limit: Param[int] = 2
    strict: Param[bool] = False
    start: Param[Light] = Light.RED
    quorums: Param[Set[Set[Node]]]

    flag: bool
    light: Light
    count: Annotated[int, Range("0 - limit", "limit")]
    turn: Turn
    holder: Node | None
    table: Map[Node, Map[Slot, Set[Turn]]]
    grid: Map[Annotated[int, Range(1, 3)], Light]
    mail: Annotated[Bag[Node], AtMost(2, copies=1)]
    log: Annotated[Seq[Turn], AtMost("limit")]

    @assume
    def quorums_meet(self) -> bool:
        """Any two quorums have a member in common."""
        return all(len(p & q) > 0 for p in self.quorums for q in self.quorums)

    @action
    def fill(self, n: Node, s: Slot, t: Turn) -> None:
        before = self.table[n]
        self.table[n][s].add(t)
        assert t not in before[s] or before == self.table[n]
        self.log.append(t)

    @action
    def post(self, n: Node) -> None:
        self.mail.add(n)

    @action
    def advance(self) -> None:
        self.turn += 1
        self.count -= 1

    def total(self, n: Node) -> int:
        return sum(len(self.table[n][s]) for s in Slot)

    @invariant
    def small(self) -> bool:
        return all(self.total(n) <= len(Slot) * len(Turn) for n in Node)


PAIRS = [["n1", "n2"], ["n2", "n3"], ["n1", "n3"]]


def everything(**changed: Any) -> Everything:
    return Everything(**{"Node": 3, "Slot": 1, "Turn": 2, "quorums": PAIRS, **changed})


def test_zeros() -> None:
    model = everything()
    ((_, state),) = PythonMachine(model).initial()
    assert not isinstance(state, OutOfBounds)
    flag, light, count, turn, holder, table, grid, mail, log = state
    assert (flag, light, count, turn, holder) == (False, Light.RED, 0, Turn(0), None)
    assert table == Map({Node(i): Map({Slot(0): Set()}) for i in range(3)})
    assert grid == Map({1: Light.RED, 2: Light.RED, 3: Light.RED})
    assert (mail, log) == (Bag(), Seq())


def test_a_step_by_hand() -> None:
    model = everything()
    model.fill(Node(1), Slot(0), Turn(1))
    assert model.table[Node(1)][Slot(0)] == Set([Turn(1)])
    assert model.table[Node(0)][Slot(0)] == Set()
    assert model.log == Seq([Turn(1)])
    assert model.small()
    with model:
        assert model.total(Node(1)) == 1
        assert len(Node) == 3


def test_values_of_parameters_may_be_named_and_listed() -> None:
    model = everything(limit=1, strict=True, start="GREEN", quorums=[["n1"]])
    assert given_to(model) == {
        "Node": 3,
        "Slot": 1,
        "Turn": 2,
        "limit": 1,
        "strict": True,
        "start": Light.GREEN,
        "quorums": Set([Set([Node(0)])]),
    }
    assert repr(model).startswith("Everything(Turn=2, Node=3, Slot=1, limit=1, ")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"Node": 0}, "the size of Node must be at least 1, not 0"),
        ({"Node": -1}, "the size of Node must be at least 1, not -1"),
        ({"Node": True}, "the size of Node is a number, not True"),
        ({"Node": "3"}, "the size of Node is a number, not '3'"),
        ({"Node": 10**9}, "no model of that size can be explored"),
        ({"Nodes": 3}, "Everything has no sort or parameter 'Nodes'"),
        ({"limit": "many"}, "limit=many is not a value of type int"),
        ({"strict": 1}, "strict=1 is not a value of type bool"),
        ({"start": "BLUE"}, "start=BLUE is not a value of type Light"),
        ({"quorums": [["n1", "n9"]]}, "is not a value of type Set"),
        ({"quorums": [["n1"], ["n2"]]}, "violates an assumption: Any two quorums have a member in common"),
    ],
)
def test_sizes_that_make_no_sense_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(SizeError) as caught:
        everything(**changed)
    assert message in str(caught.value)
    assert caught.value.remedy


def test_missing_sizes_and_parameters_are_named() -> None:
    with pytest.raises(SizeError, match="Everything needs a size for Slot"):
        Everything(Node=3, Turn=2, quorums=PAIRS)
    with pytest.raises(SizeError, match="Everything needs a value for quorums"):
        Everything(Node=3, Turn=2, Slot=1)


MACHINES: list[Callable[[Model], Machine]] = [PythonMachine, TreeMachine]


@pytest.mark.parametrize("machine_of", MACHINES)
def test_bounds_that_are_left_are_told_with_their_place(machine_of: Callable[[Model], Machine]) -> None:
    machine = machine_of(everything(limit=0))
    ((_, state),) = machine.initial()
    assert not isinstance(state, OutOfBounds)
    left = {
        (machine.actions[i].name, t.what) for i, _, t in machine.steps(state) if isinstance(t, OutOfBounds)
    }
    assert left == {("fill", "the limit of 0 elements in log"), ("advance", "the range 0..0 of count")}
    places = {t.span.line for _, _, t in machine.steps(state) if isinstance(t, OutOfBounds) and t.span}
    assert len(places) == 2
    (posted,) = [
        t for i, a, t in machine.steps(state) if machine.actions[i].name == "post" and a == (Node(0),)
    ]
    assert not isinstance(posted, OutOfBounds)
    again = [t for i, a, t in machine.steps(posted) if machine.actions[i].name == "post" and a == (Node(0),)]
    assert [t.what for t in again if isinstance(t, OutOfBounds)] == ["the limit of 1 equal elements in mail"]


@record
class Level:
    """How high."""

    high: Annotated[int, Range(0, 1)]


class Leaving(Model):
    """Each action leaves a bound; marked is where."""

    one: Annotated[int, Range(0, 1)]
    each: Map[Node, Annotated[int, Range(0, 1)]]
    two: Map[Node, Map[Node, Annotated[int, Range(0, 1)]]]
    row: Map[Node, Annotated[Seq[Node], AtMost(0)]]
    level: Level | None = None

    @action
    def augmented(self, n: Node) -> None:
        self.each[n] += 2  # self.each[n]

    @action
    def lowered(self) -> None:
        self.one -= 1  # self.one

    @action
    def assigned(self, n: Node) -> None:
        self.two[n][n] = 2 + len(self.row[n])  # self.two[n][n]

    @action
    def changed_by_a_call(self, n: Node) -> None:
        self.row[n].append(n)  # self.row[n].append(n)

    @action
    def made(self) -> None:
        self.level = Level(self.one + 2)  # Level(self.one + 2)

    @action
    def replaced(self) -> None:
        self.level = replace(Level(0), high=self.one + 2)  # replace(Level(0), high=self.one + 2)


@pytest.mark.parametrize("machine_of", MACHINES)
def test_the_place_where_a_bound_is_left_is_the_same_to_the_column(
    machine_of: Callable[[Model], Machine],
) -> None:
    machine = machine_of(Leaving(Node=1))
    ((_, state),) = machine.initial()
    assert not isinstance(state, OutOfBounds)
    steps = machine.steps(state)
    assert len(steps) == 6
    for _, _, target in steps:
        assert isinstance(target, OutOfBounds)
        assert target.span is not None
        line = Path(target.span.file).read_text(encoding="utf-8").splitlines()[target.span.line - 1]
        assert line[target.span.column : target.span.end_column] == line.split("  # ")[1]


class Choosing(Model):
    """Initial states by choice."""

    first: Node
    second: Node
    seed: Annotated[int, Range(0, 9)]

    def init(self, first: Node, second: Node, seed: Annotated[int, Range(0, 4)]) -> None:
        require(first != second)
        require(seed % 2 == 1)
        self.first = first
        self.second = second
        self.seed = seed * 3

    @action
    def swap(self) -> None:
        first, second = self.second, self.first
        self.first = first
        self.second = second


@pytest.mark.parametrize("machine_of", MACHINES)
def test_init_chooses(machine_of: Callable[[Model], Machine]) -> None:
    machine = machine_of(Choosing(Node=2))
    a, b = Node(0), Node(1)
    found = machine.initial()
    assert found[0] == ((a, b, 1), (a, b, 3))
    assert found[1] == ((a, b, 3), (a, b, 9))
    assert [arguments for arguments, _ in found] == [(a, b, 1), (a, b, 3), (b, a, 1), (b, a, 3)]
    assert machine.steps((a, b, 3)) == [(0, (), (b, a, 3))]


class Together(Model):
    """Several places that get their values at once."""

    low: Annotated[int, Range(0, 5)] = 1
    high: Annotated[int, Range(0, 9)] = 3
    lit: Map[Node, Light | None]
    last: Node | None

    @action
    def exchange(self) -> None:
        self.low, self.high = self.high, self.low

    @action
    def light(self, n: Node, m: Node) -> None:
        self.lit[n], self.lit[m], self.last = self.lit[m], Light.GREEN, n

    @action
    def move(self) -> None:
        new_low, self.low = self.low, 0
        self.low, self.high = self.low + 2, new_low
        self.low, self.last = self.pair()

    def pair(self) -> tuple[int, Node | None]:
        return self.high + self.low, None

    @action
    def either(self, n: Node, m: Node) -> None:
        height, who = self.pair()
        if n != m:
            height, who = 1, n  # `who` stays what it may be, though this is a Node
        self.low, self.last = height, who

    @action
    def same(self) -> None:
        self.low = self.high = self.low + self.high


@pytest.mark.parametrize("machine_of", MACHINES)
def test_places_that_are_assigned_together(machine_of: Callable[[Model], Machine]) -> None:
    machine = machine_of(Together(Node=2))
    a, b = Node(0), Node(1)
    dark = Map({a: None, b: None})
    after = {(action, arguments): state for action, arguments, state in machine.steps((1, 3, dark, b))}
    green = Light.GREEN
    assert after == {
        (0, ()): (3, 1, dark, b),
        (1, (a, a)): (1, 3, Map({a: green, b: None}), a),
        (1, (a, b)): (1, 3, Map({a: None, b: green}), a),
        (1, (b, a)): (1, 3, Map({a: green, b: None}), b),
        (1, (b, b)): (1, 3, Map({a: None, b: green}), b),
        (2, ()): (3, 1, dark, None),
        (3, (a, a)): (4, 3, dark, None),
        (3, (a, b)): (1, 3, dark, a),
        (3, (b, a)): (1, 3, dark, b),
        (3, (b, b)): (4, 3, dark, None),
        (4, ()): (4, 4, dark, b),
    }
    assert [s for i, _, s in machine.steps((1, 6, dark, b)) if isinstance(s, OutOfBounds)] != []


class Wrong(Model):
    """Every way for a step to have no answer."""

    index: Param[int] = 0
    grid: Map[Annotated[int, Range(0, 1)], Light]
    log: Annotated[Seq[Turn], AtMost(2)]
    mail: Annotated[Bag[Node], AtMost(2)]
    seen: Set[Node]
    turn: Turn
    what: Param[int]

    @action
    def act(self, n: Node) -> None:
        if self.what == 0:
            self.grid[self.index] = Light.GREEN
        if self.what == 1:
            require(self.log[self.index] == self.turn)
        if self.what == 2:
            self.mail.remove(n)
        if self.what == 3:
            self.seen.remove(n)
        if self.what == 4:
            self.log.pop()
        if self.what == 5:
            assert n in self.seen
        if self.what == 6:
            require(1 // self.index == 1)
        if self.what == 7:
            require(max(self.log) == self.turn)
        if self.what == 8:
            self.turn -= 1
        if self.what == 9:
            require(self.grid[self.index] == Light.RED)


WRONG = {
    0: ("the map has no key 7", "self.grid[self.index] = Light.GREEN"),
    1: ("the sequence has length 0, and no index 7", "require(self.log[self.index] == self.turn)"),
    2: ("no copy of n1 to remove", "self.mail.remove(n)"),
    3: ("no element n1 to remove", "self.seen.remove(n)"),
    4: ("the sequence has length 0, and no index -1", "self.log.pop()"),
    5: ("the assertion is false", "assert n in self.seen"),
    6: ("division by zero", "require(1 // self.index == 1)"),
    7: ("max() of an empty container", "require(max(self.log) == self.turn)"),
    8: ("there is no Turn before the first", "self.turn -= 1"),
    9: ("the map has no key 7", "require(self.grid[self.index] == Light.RED)"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_step_without_an_answer_is_an_error_with_its_place(what: int) -> None:
    """CPython and the evaluator stop at the same step and line."""
    model = Wrong(Node=1, Turn=2, index=0 if what == 6 else 7, what=what)
    message, line = WRONG[what]
    for machine_of in MACHINES:
        machine = machine_of(model)
        ((_, state),) = machine.initial()
        assert not isinstance(state, OutOfBounds)
        with pytest.raises(StepError) as caught:
            machine.steps(state)
        error = caught.value
        assert (error.function, error.arguments, error.state) == ("act", (Node(0),), state)
        assert error.span is not None
        assert line in error.span.excerpt()
        assert error.remedy
        if machine_of is PythonMachine:
            assert message in error.message


class Unset(Model):
    """Variables that init may leave without a value."""

    early: Param[bool]
    node: Node
    other: Node

    def init(self, n: Node) -> None:
        if self.early:
            self.other = self.node
        self.node = n


@pytest.mark.parametrize("machine_of", MACHINES)
@pytest.mark.parametrize(("early", "message"), [(False, "init does not assign `other`"), (True, "node")])
def test_init_must_give_every_variable_a_value(
    machine_of: Callable[[Model], Machine], early: bool, message: str
) -> None:
    with pytest.raises(StepError, match=message):
        machine_of(Unset(Node=1, early=early)).initial()


class Quorums(Model):
    """Quorum systems as values."""

    majority: Set[Node]

    @action
    def choose(self, q: Set[Node]) -> None:
        require(q in majorities(Node))
        require(q in subsets(Node, 2))
        self.majority = q

    @invariant
    def two_each(self) -> bool:
        return all(len(q) == 2 for q in majorities(Node)) and len(subsets(Node)) == 8


@pytest.mark.parametrize("machine_of", MACHINES)
def test_quorums_are_values(machine_of: Callable[[Model], Machine]) -> None:
    machine = machine_of(Quorums(Node=3))
    ((_, state),) = machine.initial()
    assert not isinstance(state, OutOfBounds)
    a, b, c = Node(0), Node(1), Node(2)
    assert [t for _, _, t in machine.steps(state)] == [(Set(q),) for q in ([a, b], [a, c], [b, c])]
    assert machine.refuted_by("two_each", state) is None


def test_a_claim_alone() -> None:
    with pytest.raises(ModelError, match="Quorums has no claim 'two'"):
        Quorums(Node=3).claiming(["two"])
    assert not Quorums(Node=3).claiming([]).module.of_kind(Quorums.module.functions["two_each"].kind)


class Bounded(Model):
    """A sort that only a bound names, and defaults that hold empty containers and bounded records."""

    seats: Annotated[int, Range(0, "len(Node)")]
    table: Map[bool, Set[Turn]] = Map({False: Set(), True: Set()})

    @action
    def sit(self) -> None:
        require(self.seats < 9)
        self.seats += 1


def test_a_sort_that_only_a_bound_names_has_a_size() -> None:
    machine = PythonMachine(Bounded(Node=1, Turn=1))
    ((_, state),) = machine.initial()
    assert not isinstance(state, OutOfBounds)
    ((_, _, one),) = machine.steps(state)
    assert not isinstance(one, OutOfBounds)
    assert one == (1, Map({False: Set(), True: Set()}))
    ((_, _, two),) = machine.steps(one)
    assert isinstance(two, OutOfBounds)
    assert two.what == "the range 0..1 of seats"


class Shelves(Model):
    inner: Map[Node, Map[Node, Annotated[int, Range(0, 2)]]]
    perhaps: Map[Node, Map[Node, Annotated[int, Range(0, 2)]] | None]

    @action
    def add(self, i: Node, j: Node, n: Annotated[int, Range(0, 3)]) -> None:
        self.inner[i][j] += n

    @action
    def place(self, i: Node, n: Annotated[int, Range(0, 3)]) -> None:
        self.perhaps[i] = Map({j: n for j in Node})


def test_a_bound_is_kept_at_every_depth_of_maps() -> None:
    machine = PythonMachine(Shelves(Node=2))
    ((_, state),) = machine.initial()
    assert isinstance(state, tuple)
    left = [after.what for _, _, after in machine.steps(state) if isinstance(after, OutOfBounds)]
    assert left == ["the range 0..2 of inner"] * 4 + ["the range 0..2 of perhaps"] * 2


class Counting(Model):
    n: Annotated[int, Range(0, 3)]

    @property
    def low(self) -> bool:
        return self.n < 1

    @action
    def up(self) -> None:
        require(self.low)
        self.n += 1


class CountingOn(Counting):
    @property
    def low(self) -> bool:
        return super().low or self.n == 1


def test_a_property_reads_that_of_its_base_class() -> None:
    assert agree(CountingOn(), 9) == 3
