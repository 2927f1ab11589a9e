"""What a model is given from outside: parameters and defaults are values of their types, at every depth, or are refused."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any

import pytest

from ratified.cli import main as cli
from ratified.cli.instances import instance
from ratified.language import (
    AtMost,
    Bag,
    Map,
    Model,
    Param,
    Range,
    Seq,
    Set,
    SizeError,
    record,
)
from ratified.language.model import given_to
from tests.shared.sorts import Light, Node, Turn

Small = Annotated[int, Range(0, 5)]


class Level(IntEnum):
    ONE = 1


@record
class Seat:
    node: Node
    row: Small


@record
class Aisle:
    row: int


class Given(Model):
    """A parameter of each type."""

    count: Param[int] = 3
    small: Param[Small] = 3
    up_to: Param[Annotated[int, Range(0, "count")]] = 0
    strict: Param[bool] = False
    light: Param[Light] = Light.RED
    node: Param[Node | None] = None
    turn: Param[Turn | None] = None
    maybe: Param[Small | None] = None
    among: Param[Annotated[Set[Node], AtMost(2)]] = Set()
    numbers: Param[Set[Small]] = Set()
    lots: Param[Set[Set[Node]]] = Set()
    table: Param[Map[Node, Small] | None] = None
    pair: Param[tuple[int, Small]] = (0, 0)
    row: Param[Annotated[Seq[Light], AtMost(2)]] = Seq()
    mail: Param[Annotated[Bag[Node], AtMost(3, copies=2)]] = Bag()
    seat: Param[Seat | None] = None
    place: Param[Seat | Aisle | None] = None
    done: bool


def given(**changed: Any) -> Given:
    return Given(Node=3, Turn=2, **changed)


N1, N2, N4 = Node(0), Node(1), Node(3)

RIGHT: list[tuple[str, Any, Any]] = [
    ("count", 7, 7),
    ("count", 10**30, 10**30),
    ("small", 5, 5),
    ("strict", True, True),
    ("light", "GREEN", Light.GREEN),
    ("node", "n2", N2),
    ("turn", Turn(1), Turn(1)),
    ("among", ["n1", N2], Set([N1, N2])),
    ("among", {N1}, Set([N1])),
    ("numbers", (n for n in range(6)), Set(range(6))),
    ("lots", [["n1"], []], Set([Set([N1]), Set()])),
    ("table", {"n1": 1, "n2": 2, "n3": 3}, Map({N1: 1, N2: 2, Node(2): 3})),
    ("pair", [-9, 5], (-9, 5)),
    ("row", ["RED", Light.GREEN], Seq([Light.RED, Light.GREEN])),
    ("mail", ["n1", "n1"], Bag([N1, N1])),
    ("seat", Seat(N2, 5), Seat(N2, 5)),
    ("place", Aisle(70), Aisle(70)),
]


@pytest.mark.parametrize(("name", "value", "made"), RIGHT)
def test_a_value_of_the_type_is_taken(name: str, value: Any, made: Any) -> None:
    found = given_to(given(**{name: value}))[name]
    assert found == made
    assert type(found) is type(made)


WRONG: list[tuple[str, Any]] = [
    ("count", 3.0),
    ("count", True),
    ("count", "3"),
    ("count", None),
    ("count", N2),
    ("count", Level.ONE),
    ("count", [3]),
    ("small", 6),
    ("small", -1),
    ("small", 2.0),
    ("small", False),
    ("up_to", 4),
    ("strict", 0.0),
    ("strict", 0),
    ("strict", 1),
    ("strict", "true"),
    ("strict", None),
    ("light", 0),
    ("light", "red"),
    ("light", Level.ONE),
    ("node", N4),
    ("node", "n4"),
    ("node", 1),
    ("node", Turn(0)),
    ("node", False),
    ("turn", N1),
    ("maybe", 6),
    ("maybe", 1.0),
    ("maybe", False),
    ("among", ["n1", "n2", "n3"]),
    ("among", [N4]),
    ("among", N1),
    ("among", "n1"),
    ("among", {"n1": 1}),
    ("among", Bag([N1])),
    ("numbers", [1, 2.0]),
    ("numbers", [True]),
    ("numbers", [6]),
    ("lots", ["n1"]),
    ("lots", [[1]]),
    ("table", {"n1": 1, "n2": 2}),
    ("table", {"n1": 1, "n2": 2, "n3": 6}),
    ("table", {"n1": 1, "n2": 2, "n3": True}),
    ("table", {"n1": 1, N1: 2, "n2": 2, "n3": 2}),
    ("table", [["n1", 1]]),
    ("pair", (1,)),
    ("pair", (1, 2, 3)),
    ("pair", (1, 6)),
    ("pair", (1.0, 2)),
    ("pair", "12"),
    ("row", ["RED", "RED", "RED"]),
    ("row", {Light.RED}),
    ("row", "RED"),
    ("mail", ["n1", "n1", "n1"]),
    ("mail", Set([N1])),
    ("seat", Seat(N2, 6)),
    ("seat", Seat(N4, 1)),
    ("seat", Seat(N2, 4.0)),  # type: ignore[arg-type]  # that is the point
    ("seat", Aisle(1)),
    ("seat", (N2, 1)),
    ("place", Aisle(0.5)),  # type: ignore[arg-type]  # likewise
    ("place", Seat(N1, -1)),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_anything_else_is_refused(name: str, value: Any) -> None:
    with pytest.raises(SizeError) as refusal:
        given(**{name: value})
    assert name in refusal.value.message
    assert refusal.value.span is not None
    assert refusal.value.remedy


TEXTS = [
    ("count", "3.0"),
    ("count", "1e1"),
    ("count", "true"),
    ("count", "three"),
    ("count", '"3"'),
    ("small", "6"),
    ("strict", "0.0"),
    ("strict", "1"),
    ("maybe", "NaN"),
    ("numbers", "[1, 2.5]"),
    ("numbers", "{true}"),
    ("among", "{n4}"),
    ("table", "{n1: 1}"),
    ("pair", "(1, 9)"),
]


@pytest.mark.parametrize(("name", "text"), TEXTS)
def test_the_same_on_the_command_line(name: str, text: str) -> None:
    with pytest.raises(SizeError):
        instance(Given, None, {"Node": "3", "Turn": "2", name: text})


MODEL = """
from typing import Annotated

from ratified import Model, Param, Range, action, invariant, require


class Counter(Model):
    limit: Param[int] = 3
    n: Annotated[int, Range(0, 9)]

    @action
    def step(self) -> None:
        require(self.n < self.limit)
        self.n += 1

    @invariant
    def small(self) -> bool:
        return self.n <= self.limit
"""


@pytest.mark.parametrize("command", [["check"], ["bmc"], ["graph"], ["simulate"], ["export", "tla"]])
def test_every_command_refuses_alike(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "counter.py").write_text(MODEL, encoding="utf-8")
    verb, *more = command
    status = cli.run([verb, *more, str(tmp_path / "counter.py"), "limit=2.5"])
    assert status == 2
    assert "limit='2.5' is not a value of type int" in capsys.readouterr().err


class Capacity(Model):
    """A variable whose bounds depend on a parameter."""

    limit: Param[int] = 5
    x: Annotated[int, Range(0, "limit")] = 4


class Full(Model):
    most: Param[int] = 1
    some: Annotated[Set[Node], AtMost("most")]


class Held(Model):
    by: Node | None = Node(2)
    seat: Seat | None = Seat(Node(0), 3)


class Wrong(Model):
    seat: Seat | None = Seat(Node(0), 7)


class Partly(Model):
    table: Map[Node, Small] = Map({Node(0): 1})


def test_a_default_outside_its_bounds_is_refused() -> None:
    """Generated code would pack it into too few bits, and forget it."""
    assert Capacity(limit=4).x == 4
    with pytest.raises(SizeError, match=r"the default of `x`, 4, exceeds the range 0..3 of x"):
        Capacity(limit=3)
    with pytest.raises(SizeError, match=r"the default of `seat`.* exceeds the range 0..5 of Seat.row"):
        Wrong(Node=1)


def test_a_bound_that_nothing_fits_is_refused() -> None:
    with pytest.raises(
        SizeError, match=r"the first value of `some`.* exceeds the limit of -1 elements in some"
    ):
        Full(Node=1, most=-1)


def test_a_default_that_does_not_exist_at_the_size_is_refused() -> None:
    assert Held(Node=3).by == Node(2)
    with pytest.raises(
        SizeError, match=r"the default of `by`, n3, is not a value of type Node \| None at this size"
    ):
        Held(Node=2)


def test_a_default_that_is_partial_is_refused() -> None:
    with pytest.raises(SizeError, match=r"the default of `table` is not .*: a map has no value for n2"):
        Partly(Node=2)
