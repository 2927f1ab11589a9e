"""That an exploration was large is remembered, of this very exploration."""

from __future__ import annotations

import importlib
import linecache
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ratified.explore import check
from ratified.explore.engines import SOON
from ratified.explore.native import keys, known
from ratified.explore.native.engine import check_native
from ratified.language.model import Model
from ratified.results.result import Result

HELPER = """
def next_of(number: int) -> int:
    return (number + 1) % 4
"""

MODEL = """
from __future__ import annotations
from enum import Enum
from typing import Annotated
from ratified import Map, Model, Param, Range, Set, Sort, Symmetric, action, invariant, record, require
from helping import next_of

Digit = Annotated[int, Range(0, 3)]

class Node(Symmetric):
    pass

class Colour(Enum):
    RED = 0
    BLUE = 1

@record
class Note:
    node: Node
    digit: Digit

class Counter(Model):
    most: Param[int] = 3
    count: Map[Node, Digit]
    colour: Colour
    notes: Set[Note]

    @action
    def up(self, n: Node) -> None:
        require(self.count[n] < self.most)
        self.count[n] = next_of(self.count[n])
        self.colour = Colour.BLUE
        self.notes.add(Note(n, self.count[n]))

    @invariant
    def small(self, n: Node) -> bool:
        return self.count[n] <= self.most

    @invariant
    def red(self) -> bool:
        return self.colour != Colour.RED or not self.notes
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("RATIFIED_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "native"


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Callable[..., Model]]:
    """Write the two files, changed if asked for, always at the same place; and make the model."""
    folder = tmp_path / "source"
    folder.mkdir()
    sys.path.insert(0, str(folder))

    def make(old: str = "", new: str = "", **sizes: object) -> Model:
        assert not old or old in MODEL + HELPER
        (folder / "helping.py").write_text(HELPER.replace(old, new) if old else HELPER)
        (folder / "counting.py").write_text(MODEL.replace(old, new) if old else MODEL)
        for name in ("helping", "counting"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        linecache.clearcache()
        made: Model = importlib.import_module("counting").Counter(**{"Node": 2, **sizes})
        return made

    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    yield make
    sys.dont_write_bytecode = before
    sys.path.remove(str(folder))
    for name in ("helping", "counting"):
        sys.modules.pop(name, None)


def key(model: Model, *, symmetry: bool = False, deadlock: bool = False) -> str:
    found = keys.key_of(model, symmetry=symmetry, deadlock=deadlock)
    assert found is not None
    return found


def program_key(model: Model, *, symmetry: bool = False) -> str:
    found = keys.program_key(model, symmetry=symmetry)
    assert found is not None
    return found


def test_the_same_model_has_the_same_key(counter: Callable[..., Model]) -> None:
    assert key(counter()) == key(counter())
    assert program_key(counter()) == program_key(counter())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("self.count[n] < self.most", "self.count[n] <= self.most"),  # an action
        ("return self.count[n] <= self.most", "return self.count[n] < 4"),  # a claim
        ("(number + 1) % 4", "(number + 2) % 4"),  # a helper in another module
        ("most: Param[int] = 3", "most: Param[int] = 2"),  # the default of a parameter
        ("Range(0, 3)", "Range(0, 4)"),  # a type
        ("digit: Digit", "digit: Annotated[int, Range(0, 7)]"),  # a record
        ("BLUE = 1", "BLUE = 1\n    GREEN = 2"),  # an enumeration
        ("class Node(Symmetric)", "class Node(Sort)"),  # a sort
        ("class Node(Symmetric)", "class Node(Symmetric, prefix='k')"),  # how its values print
        ("colour: Colour\n", "colour: Colour = Colour.BLUE\n"),  # an initial value
        ("    def up(", "\n    def up("),  # a line, which messages name
    ],
)
def test_a_changed_model_has_another_key(counter: Callable[..., Model], old: str, new: str) -> None:
    before, program = key(counter()), program_key(counter())
    assert key(counter(old, new)) != before
    assert program_key(counter(old, new)) != program


def test_sizes_parameters_claims_and_options_are_in_the_key(counter: Callable[..., Model]) -> None:
    model = counter()
    keys = [
        key(model),
        key(model, symmetry=True),
        key(model, deadlock=True),
        key(model.claiming(["red"])),
        key(counter(Node=3)),
        key(counter(most=2)),
    ]
    assert len(set(keys)) == len(keys)
    programs = [
        program_key(model),
        program_key(model, symmetry=True),
        program_key(model.claiming(["red"])),
        program_key(counter(Node=3)),
        program_key(counter(most=2)),
    ]
    assert len({*programs, *keys}) == len(programs) + len(keys)


def test_what_cannot_be_written_out_has_no_key(counter: Callable[..., Model]) -> None:
    model = counter()
    variables = (replace(model.module.variables[0], doc=1.5),)  # type: ignore[arg-type]  # nothing of the language
    object.__setattr__(model, "module", replace(model.module, variables=variables))
    assert keys.key_of(model, symmetry=False, deadlock=False) is None
    assert keys.program_key(model, symmetry=False) is None


def told(result: Result) -> Result:
    return replace(result, seconds=0.0, memory=0)


def refuse(*_: object) -> None:
    raise AssertionError("it was generated again")


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RATIFIED_CACHE", str(tmp_path / "file"))
    known.remember_large("key")
    assert not known.is_large("key")


@pytest.mark.usefixtures("cache")
def test_auto_begins_where_it_ended_the_last_time(
    counter: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was large is not explored by the reference engine first; what was small still is."""
    large, small = counter(Node=6), counter(Node=2)
    assert check_native(small).distinct < SOON
    assert check(small).engine == "reference"
    first = check(large)
    assert (first.engine, first.distinct) == ("native", 4_096)
    monkeypatch.setattr("ratified.explore.engines._reference", refuse)
    assert told(check(large)) == told(first)
