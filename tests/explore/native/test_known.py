"""What was compiled before is used without generating its text, and only where nothing that matters has changed."""

from __future__ import annotations

import importlib
import json
import linecache
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ratified.explore import check
from ratified.explore.engines import SOON
from ratified.explore.native import known, preparing
from ratified.explore.native.engine import check_native
from ratified.language.model import Model
from ratified.models.paxos.broken import ForgottenPromise
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
    found = known.key_of(model, symmetry=symmetry, deadlock=deadlock)
    assert found is not None
    return found


def test_the_same_model_has_the_same_key(counter: Callable[..., Model]) -> None:
    assert key(counter()) == key(counter())


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
        ("colour: Colour\n", "colour: Colour = Colour.BLUE\n"),  # an initial value
        ("    def up(", "\n    def up("),  # a line, which messages name
    ],
)
def test_a_changed_model_has_another_key(counter: Callable[..., Model], old: str, new: str) -> None:
    before = key(counter())
    assert key(counter(old, new)) != before


def test_sizes_parameters_claims_and_options_are_in_the_key(
    counter: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = counter()
    keys = [
        key(model),
        key(model, symmetry=True),
        key(model, deadlock=True),
        key(model.claiming(["red"])),
        key(counter(Node=3)),
        key(counter(most=2)),
        known.key_of(model, symmetry=False, deadlock=False, flags=("-O0",)),
    ]
    monkeypatch.setenv("CC", "cc -DOTHER")
    keys.append(key(model))
    assert len(set(keys)) == len(keys)


def test_the_generator_is_in_the_key(
    counter: Callable[..., Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = counter()
    before = key(model)
    for name in (
        "ratified/explore/native/codegen/values.py",
        "ratified/language/types.py",
        "ratified/explore/native/run.h",
    ):
        monkeypatch.setattr(known, "_ROOT", tmp_path / "changed")
        file = tmp_path / "changed" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("changed")
        known.generator.cache_clear()
        assert key(model) != before
        before = key(model)
    monkeypatch.undo()
    known.generator.cache_clear()


def test_what_cannot_be_written_out_has_no_key(counter: Callable[..., Model]) -> None:
    model = counter()
    variables = (replace(model.module.variables[0], doc=1.5),)  # type: ignore[arg-type]  # nothing of the language
    object.__setattr__(model, "module", replace(model.module, variables=variables))
    assert known.key_of(model, symmetry=False, deadlock=False) is None


def told(result: Result) -> Result:
    return replace(result, seconds=0.0, memory=0)


def refuse(*_: object) -> None:
    raise AssertionError("it was generated again")


@pytest.mark.usefixtures("cache")
def test_what_is_known_is_told_as_what_was_generated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds, claims put to the test, counterexamples: all that a program's tables are for."""
    model = ForgottenPromise(**ForgottenPromise.sizes["small"])
    first = check_native(model, flags=("-O0",))
    monkeypatch.setattr(preparing, "generate", refuse)
    assert told(check_native(model, flags=("-O0",))) == told(first)
    assert first.violation is not None


def test_damaged_records_are_made_again(cache: Path, counter: Callable[..., Model]) -> None:
    model = counter()
    first = check_native(model, flags=("-O0",))
    (record,) = cache.glob("*.json")
    good = json.loads(record.read_text())
    for damage in ("", "{", "[]", "{}", '{"library": 3}', json.dumps({**good, "digest": "another"})):
        record.write_text(damage)
        assert told(check_native(model, flags=("-O0",))) == told(first)
        assert json.loads(record.read_text()) == good
    (library,) = cache.glob("*.so")
    library.unlink()
    assert told(check_native(model, flags=("-O0",))) == told(first)
    library.write_bytes(b"no library")
    assert told(check_native(model, flags=("-O0",))) == told(first)


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
