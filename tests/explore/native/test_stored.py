"""A program that was made before is found without generating it, and only where nothing that it depends on is another."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pytest

from ratified import Model, Param, Range, action, invariant
from ratified.explore.native import keys, stored
from ratified.explore.native.codegen import program as generating
from ratified.explore.native.codegen.program import Generated, generate
from ratified.explore.native.engine import check_native
from ratified.explore.native.preparing import made
from ratified.language.errors import RatifiedError
from ratified.models.commit.two_phase import TwoPhase
from ratified.models.paxos.paxos import Paxos
from ratified.results.result import Result
from tests.generate.models import random_model
from tests.generate.running import load


@pytest.fixture(scope="module")
def explorers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Explorers that were compiled: nothing here is about them, and they take longest."""
    return tmp_path_factory.mktemp("explorers")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, explorers: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of the test's own, but for the explorers."""
    own = tmp_path / "cache"
    monkeypatch.setenv("RATIFIED_CACHE", str(own))
    (own / "native").mkdir(parents=True)
    for kept in explorers.iterdir():
        (own / "native" / kept.name).hardlink_to(kept)
    yield own
    for made_here in own.glob("native/*.o"):
        if not (explorers / made_here.name).exists():
            (explorers / made_here.name).hardlink_to(made_here)


class Counter(Model):
    """Leaves its bound and divides: a program numbers both places."""

    most: Param[int] = 2
    number: Annotated[int, Range(0, 3)]

    @action
    def up(self) -> None:
        self.number += 1

    @invariant
    def small(self) -> bool:
        return self.number < self.most or 4 // (self.number - self.most + 1) > 0


def told(result: Result) -> Result:
    return replace(result, seconds=0.0, memory=0, notes=())


def generated(monkeypatch: pytest.MonkeyPatch) -> list[Model]:
    """The models that a program is generated for from now on."""
    found: list[Model] = []

    def note(model: Model, *symmetry: object, **how: bool) -> Generated:
        found.append(model)
        return generate(model, *symmetry, **how)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(generating, "generate", note)
    return found


@pytest.mark.parametrize(
    "model", [Paxos(Acceptor=2, Value=2, Ballot=2), TwoPhase(ResourceManager=3), Counter()]
)
def test_what_was_made_is_found(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = generated(monkeypatch)
    first, tables = told(check_native(model)), made(model)[0]
    assert len(seen) == 1
    assert told(check_native(model)) == first
    assert made(model)[0].written == tables.written == generate(model).program.written
    assert len(seen) == 1
    symmetric = told(check_native(model, symmetry=True))
    assert told(check_native(model, symmetry=True)) == symmetric
    assert len(seen) == (1 if symmetric.distinct == first.distinct else 2)


def test_who_wants_to_see_the_text_gets_it(tmp_path: Path) -> None:
    model = Counter()
    check_native(model)
    check_native(model, dump=tmp_path / "counter.c")
    assert (tmp_path / "counter.c").read_text() == generate(model).text


def only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


DAMAGES = {
    "nothing": "",
    "half": '["abc", [[',
    "something else": "[1, 2]",
    "wrong kinds": '["abc", [[1], [2], [3], [4]]]',
    "of another text": json.dumps(["0" * 64, [[], [], [], []]]),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_what_is_damaged_is_made_anew(damage: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, seen = Counter(), generated(monkeypatch)
    first = told(check_native(model))
    record = only(cache, "programs/*.json")
    whole = record.read_text()
    record.write_text(damage)
    assert told(check_native(model)) == first
    assert len(seen) == 2
    assert record.read_text() == whole


def test_tables_that_do_not_fit_the_library_are_made_anew(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, seen = Counter(), generated(monkeypatch)
    first = told(check_native(model))
    record = only(cache, "programs/*.json")
    digest, (_, *others) = json.loads(record.read_text())
    record.write_text(json.dumps([digest, [[], *others]]))
    assert told(check_native(model)) == first
    assert len(seen) == 2


@pytest.mark.parametrize("damage", ["gone", "no library"])
def test_a_library_that_is_gone_is_made_anew(
    damage: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, seen = Counter(), generated(monkeypatch)
    check_native(model)
    # A library that this process has loaded is not looked at again under its path.
    shutil.copytree(cache, cache.with_name("other"))
    monkeypatch.setenv("RATIFIED_CACHE", str(cache.with_name("other")))
    library = only(cache.with_name("other"), "native/*.so")
    library.unlink()
    if damage == "no library":
        library.write_bytes(b"no library")
    key = keys.program_key(model, symmetry=False)
    assert stored.recall(key, model, ()) is None
    made(model)
    assert len(seen) == 2
    assert stored.recall(key, model, ()) is not None


def test_another_compiler_has_libraries_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Counter()
    made(model)
    key = keys.program_key(model, symmetry=False)
    assert stored.recall(key, model, ()) is not None
    assert stored.recall(key, model, ("-O0",)) is None
    other = tmp_path / "cc"
    other.write_text('#!/bin/sh\nexec cc "$@"\n')
    other.chmod(0o755)
    monkeypatch.setenv("CC", str(other))
    assert stored.recall(key, model, ()) is None


def test_every_source_is_in_the_key(tmp_path: Path) -> None:
    """One source of each folder changed, one more, one less, one that has another name."""
    package = tmp_path / "ratified"
    for name in keys.SOURCES:
        whole = keys.PACKAGE / name
        if whole.is_dir():
            shutil.copytree(whole, package / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            package.mkdir(exist_ok=True)
            shutil.copy(whole, package / name)
    fresh = keys._sources_digest.__wrapped__
    before = fresh(package)
    assert before == keys.sources_digest(keys.PACKAGE) is not None
    seen = {before}
    for name in ("version.py", "language/types/forms.py", "explore/symmetry.py", "results/result.py"):
        with (package / name).open("a") as file:
            file.write("#")
        seen.add(fresh(package))
    codegen = package / "explore" / "native" / "codegen"
    with (codegen / "support.h").open("a") as file:
        file.write("/* */")
    seen.add(fresh(package))
    (codegen / "more.py").write_text("")
    seen.add(fresh(package))
    (codegen / "more.py").rename(codegen / "other.py")
    seen.add(fresh(package))
    (codegen / "logic.py").unlink()
    seen.add(fresh(package))
    assert len(seen) == 9
    (codegen / "loop.py").symlink_to("loop.py")
    assert fresh(package) is None


IMPORTED = """
import sys
import ratified.explore.native.codegen.program
print(*(m.__file__ for name, m in sys.modules.items() if name.partition(".")[0] == "ratified"))
"""


def test_nothing_else_generates() -> None:
    """Every module of this package that generating imports is among the sources of the key."""
    files = subprocess.run(
        [sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True
    ).stdout.split()
    parts = {Path(file).resolve().relative_to(keys.PACKAGE).parts[0] for file in files}
    assert parts <= {*keys.SOURCES}
    assert len(files) > 100


def test_sources_that_change_meanwhile_keep_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "sources_changed", lambda: True)
    made(Counter())
    assert not (cache / "programs").exists()
    monkeypatch.undo()
    assert not keys.sources_changed()


def test_the_key_of_a_python_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    before = keys.program_key(Counter(), symmetry=False)
    monkeypatch.setattr(sys, "version", "3.99")
    assert keys.program_key(Counter(), symmetry=False) != before


COLOURED = """
from enum import Enum
from ratified import Model, Param, Set, action

class Colour(Enum):
    RED = 0
    BLUE = 1
    GREEN = 2

class Painted(Model):
    among: Param[Set[Colour]] = Set()
    colour: Colour

    @action
    def paint(self, c: Colour) -> None:
        self.colour = c

from ratified.explore.native import keys
print(keys.program_key(Painted(among=["RED", "BLUE"]), symmetry=False))
"""


def test_every_process_has_the_same_key(tmp_path: Path) -> None:
    """The order of a set of an Enum's members is another in each."""
    (tmp_path / "coloured.py").write_text(COLOURED)
    found = [
        subprocess.run(
            [sys.executable, str(tmp_path / "coloured.py")],
            env={"PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in range(4)
    ]
    assert len(set(found)) == 1


def test_models_of_one_key_have_one_text(tmp_path: Path) -> None:
    """Random models, each made twice: those of one key have the same program, and those of another key another place or text."""
    texts: dict[str, str] = {}
    for seed in range(20):
        for _ in range(2):
            try:
                model = load(random_model(seed), tmp_path)
                text = generate(model).text
            except RatifiedError:
                continue
            key = keys.program_key(model, symmetry=False)
            assert key is not None
            assert texts.setdefault(key, text) == text
    assert len(texts) >= 15
