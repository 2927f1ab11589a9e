"""What Python would silently drop from a model is refused: two things of one name, in one class or in what it derives from."""

from __future__ import annotations

import importlib.util
import textwrap
from pathlib import Path

import pytest

from ratified.language import ModelError

HEAD = """
from typing import Annotated, Self

from ratified import Map, Model, Param, Range, Sort, action, constraint, eventually, invariant, require, step_invariant

Small = Annotated[int, Range(0, 9)]


class Counter(Model):
    n: Small
    limit: Param[int] = 3

    @action
    def up(self) -> None:
        require(self.n < self.limit)
        self.n += 1

    @invariant
    def small(self) -> bool:
        return self.n <= 3

    def odd(self) -> bool:
        return self.n % 2 == 1


class Other(Model):
    n: bool

    @action
    def flip(self) -> None:
        self.n = not self.n


class Small2(Counter):
    n: Annotated[int, Range(0, 3)]


class Big2(Counter):
    extra: bool


class Mixed:
    def small(self) -> bool:
        return True

"""


def defined(tmp_path: Path, text: str) -> None:
    """Run a module of models."""
    file = tmp_path / "models.py"
    file.write_text(HEAD + textwrap.dedent(text), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("models", file)
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


TWICE = [
    "@invariant\n    def a(self) -> bool:\n        return True",
    "@step_invariant\n    def a(self, old: Self) -> bool:\n        return True",
    "@action\n    def a(self) -> None:\n        require(False)",
    "@constraint\n    def a(self) -> bool:\n        return True",
    "@eventually\n    def a(self) -> bool:\n        return True",
    "def a(self) -> bool:\n        return True",
    "a: bool",
    "a: Param[bool] = False",
    "a = 3",
]


@pytest.mark.parametrize("second", TWICE)
@pytest.mark.parametrize("first", TWICE)
def test_a_name_stands_for_one_thing_in_a_class(first: str, second: str, tmp_path: Path) -> None:
    text = f"\nclass Twice(Model):\n    n: bool\n\n    {first}\n\n    {second}\n"
    with pytest.raises(ModelError, match=r"`a` is defined twice in Twice; the other is at ") as refusal:
        defined(tmp_path, text)
    lines = (tmp_path / "models.py").read_text(encoding="utf-8").splitlines()
    start = lines.index("class Twice(Model):")
    own, other = [
        i for i, line in enumerate(lines, 1) if i > start and (" a(" in line or line.startswith("    a"))
    ]
    assert refusal.value.span is not None
    assert refusal.value.span.line == other
    assert f"models.py:{own}:" in refusal.value.message


REFUSED = [
    (
        "class Sub(Counter):\n    @action\n    def small(self) -> None:\n        self.n = 0",
        "`small` is marked as invariant in Counter, and as action in Sub; the other is at ",
    ),
    (
        "class Sub(Counter):\n    @step_invariant\n    def small(self, old: Self) -> bool:\n        return True",
        "`small` is marked as invariant in Counter, and as step invariant in Sub",
    ),
    (
        "class Sub(Counter):\n    @constraint\n    def up(self) -> bool:\n        return True",
        "`up` is marked as action in Counter, and as constraint in Sub",
    ),
    (
        "class Also:\n    @action\n    def small(self) -> None:\n        self.n = 0\n\n\nclass Sub(Also, Counter):\n    pass",
        "`small` is marked as invariant in Counter, and as action in Also",
    ),
    (
        "class Also:\n    def more(self) -> bool:\n        return True\n\n    def more(self) -> bool:\n        return False\n\n\n"
        "class Sub(Also, Counter):\n    pass",
        "`more` is defined twice in Also; the other is at ",
    ),
    ("class Sub(Counter, Other):\n    pass", "`n` is declared in Counter, and as something else in Other"),
    ("class Sub(Counter):\n    limit: Small", "`limit` is a parameter of a base class, and a variable here"),
    ("class Sub(Counter):\n    n: Param[int] = 3", "`n` is a variable of a base class, and a parameter here"),
    (
        "class Even(Model):\n    n: Small\n\n    @invariant\n    def small(self) -> bool:\n        return self.n < 2\n\n\n"
        "class Sub(Counter, Even):\n    pass",
        "`small` of Counter hides that of Even, from which it does not derive; the other is at ",
    ),
    ("class Sub(Counter):\n    again = Counter.up", "`again` of Sub is only another name for `up`"),
    (
        "class Sub(Counter):\n    @invariant\n    def n(self) -> bool:\n        return True",
        "`n` is both a variable and a method",
    ),
    ("class Sub(Counter):\n    up: bool", "`up` is both a variable and a method"),
    (
        "class Sub(Model):\n    n: bool\n\n    @action\n    def init(self) -> None:\n        self.n = True",
        "`init` sets the variables of Sub, and is marked as action",
    ),
    (
        "class Node(Sort):\n    pass\n\n\nclass Sub(Model):\n    up: Map[Node, bool]\n    Node: Param[int] = 3",
        "`Node` is both a sort and a parameter",
    ),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_an_override_is_what_it_overrides(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as refusal:
        defined(tmp_path, text)
    assert message in refusal.value.message
    assert refusal.value.span is not None


TAKEN = [
    "class Sub(Counter):\n    @invariant\n    def small(self) -> bool:\n        return True",
    "class Sub(Counter):\n    def small(self) -> bool:\n        return True",
    "class Sub(Counter):\n    @invariant\n    def odd(self) -> bool:\n        return True",
    "class Sub(Counter):\n    n: Annotated[int, Range(0, 5)]",
    "class Sub(Mixed, Counter):\n    pass",
    "class Sub(Small2, Big2):\n    pass",
    "class Even(Model):\n    n: Small\n\n    @invariant\n    def small(self) -> bool:\n        return self.n < 2\n\n\n"
    "class Sub(Counter, Even):\n    @invariant\n    def small(self) -> bool:\n        return self.n < 1",
    "class Sub(Counter, Other):\n    n: Annotated[int, Range(0, 3)]\n\n    def flip(self) -> None:\n        self.n = 0",
    "class Sub(Model):\n    n: bool\n    if True:\n\n        def a(self) -> bool:\n            return True\n\n    else:\n\n"
    "        def a(self) -> bool:\n            return False",
]


@pytest.mark.parametrize("text", TAKEN)
def test_what_is_meant_is_taken(text: str, tmp_path: Path) -> None:
    defined(tmp_path, text)


def test_two_sorts_of_one_name_are_refused(tmp_path: Path) -> None:
    text = """
    class Node(Sort):
        pass


    class Far:
        class Node(Sort):
            pass


    class Routes(Model):
        next_hop: Map[Node, Far.Node | None]
    """
    with pytest.raises(ModelError) as refusal:
        defined(tmp_path, text)
    assert refusal.value.message == "Routes has two sorts named Node"
    assert refusal.value.remedy == "rename one of them: sizes are given by the names of sorts"
    assert refusal.value.span is not None
    lines = (tmp_path / "models.py").read_text(encoding="utf-8").splitlines()
    assert lines[refusal.value.span.line - 1] == "class Routes(Model):"
