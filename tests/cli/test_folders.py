"""Files from several folders in one process: each sees the modules of its own folder, and they stay as they are."""

from __future__ import annotations

import builtins
import importlib
import inspect
import pickle
import re
import sys
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest

from ratified.cli import folders
from ratified.cli.gate.sources import closure
from ratified.cli.loading import TargetError, load, load_class, load_module
from ratified.cli.main import run

COUNTER = """\
from typing import Annotated

from ratified.language import Model, Range, action, invariant
{}


class Counter(Model):
    n: Annotated[int, Range(0, 9)] = 0

    @action
    def up(self) -> None:
        self.n = (self.n + 1) % limit

    @invariant
    def small(self) -> bool:
        return self.n < 5
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Two folders, `first` and `second`; what is imported from them is forgotten afterwards."""
    modules, path = dict(sys.modules), list(sys.path)
    monkeypatch.setattr(builtins, "__import__", builtins.__import__)
    monkeypatch.setattr(importlib, "import_module", importlib.import_module)
    monkeypatch.setattr(folders, "_PACKAGES", {})
    monkeypatch.setattr(folders, "_FILES", {})
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - set(modules):
        del sys.modules[name]


def write(place: Path, **files: str) -> None:
    """Write `first__lock` as first/lock.py."""
    for name, text in files.items():
        file = place / f"{name.replace('__', '/', 1)}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def both(place: Path, **files: str) -> None:
    """Write the same files into both folders, with their own folder's number in the place of `{}`."""
    for n, folder in enumerate(("first", "second"), 1):
        for name, text in files.items():
            file = place / folder / f"{name.replace('__in__', '/')}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text.replace("{}", str(n)))


def values(expression: str) -> list[object]:
    """What an expression is in the file of each folder, once both are loaded."""
    loaded = [load_module(f"{folder}/m.py") for folder in ("first", "second")]
    return [eval(expression, vars(module)) for module in loaded]  # noqa: S307 - it stands in this file


@pytest.mark.parametrize(
    ("imports", "expression"),
    [
        ("import helper", "helper.value"),
        ("from helper import value", "value"),
        ("from helper import *", "value"),
        ("import helper as h", "h.value"),
        ("import importlib\nhelper = importlib.import_module('helper')", "helper.value"),
        ("from importlib import import_module", "import_module('helper').value"),
        ("def late():\n    from helper import value\n    return value", "late()"),
        ("import parts.inner", "parts.inner.value"),
        ("import parts.inner as inner", "inner.value"),
        ("from parts import inner", "inner.value"),
        ("from parts.inner import value", "value"),
        ("from parts.relative import value", "value"),
        ("from parts.absolute import value", "value"),
        ("from parts.up import value", "value"),
        ("from parts.late import late", "late()"),
        ("import unpacked.inner", "unpacked.inner.value"),
        ("from unpacked import inner", "inner.value"),
        ("from unpacked.relative import value", "value"),
    ],
)
def test_each_file_sees_the_modules_of_its_folder(imports: str, expression: str, place: Path) -> None:
    both(
        place,
        m=imports,
        helper="value = {}",
        parts__in____init__="",
        parts__in__inner="value = {}",
        parts__in__relative="from .inner import value",
        parts__in__absolute="import parts.inner\nvalue = parts.inner.value",
        parts__in__up="from helper import value",
        parts__in__late="def late():\n    from . import inner\n    import helper\n    return inner.value * helper.value // {}",
        unpacked__in__inner="value = {}",
        unpacked__in__relative="from .inner import value",
    )
    assert values(expression) == [1, 2]


def test_a_module_that_somebody_else_imported_is_not_taken_for_the_folders(place: Path) -> None:
    both(place, m="import helper", helper="value = {}")
    sys.path.insert(0, str(place / "first"))
    assert importlib.import_module("helper").value == 1
    assert load_module("second/m.py").helper.value == 2
    assert sys.modules["helper"].value == 1


def test_a_name_without_a_conflict_is_the_plain_one(place: Path) -> None:
    both(place, m="import only_{}\nvalue = only_{}.__name__")
    write(place, first__only_1="", second__only_2="")
    assert values("value") == ["only_1", "only_2"]


def test_the_standard_library_and_ratified_come_before_the_folder(place: Path) -> None:
    both(
        place,
        m="import queue, ratified\nvalue = [queue.__file__, ratified.__file__]",
        queue="{}",
        ratified="{}",
    )
    first, second = values("value")
    assert first == second
    assert not any(str(place) in file for file in typing.cast("list[str]", first))


@pytest.mark.parametrize("targets", [("first/m.py", "second/m.py"), ("second/m.py", "first/m.py")])
def test_two_models_in_one_command(
    targets: tuple[str, str], place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(place, first__m=COUNTER.format("from bound import limit"), first__bound="limit = 4")
    write(place, second__m=COUNTER.format("from bound import limit"), second__bound="limit = 7")
    alone = [run(["check", "-q", "first/m.py"]), run(["check", "-q", "second/m.py"])]
    assert alone == [0, 1]
    capsys.readouterr()
    assert run(["check", *targets]) == 1
    told = capsys.readouterr().out
    for line in ("first/m.py +holds +4 ", "second/m.py +VIOLATED: small, 5 steps +6 "):
        assert re.search(f"^{line}", told, re.MULTILINE)


def test_a_model_that_is_given_as_a_module_of_the_folder_one_is_in(place: Path) -> None:
    write(place, first__m=COUNTER.format("limit = 4"), second__m="import m")
    (place / "m.py").write_text(COUNTER.format("limit = 7"))
    load_module("second/m.py")
    load("first/m.py:Counter")
    for _ in range(2):
        assert inspect.getfile(load("m:Counter")) == str(place / "m.py")


def test_two_files_of_one_name_are_two_modules(place: Path) -> None:
    text = "class Held:\n    at: 'Place'\nclass Place:\n    number = {}\n"
    both(place, m=text)
    first, second = (load_class(f"{folder}/m.py:Held") for folder in ("first", "second"))
    for cls, folder in ((first, "first"), (second, "second")):
        assert inspect.getfile(cls) == str(place / folder / "m.py")
        assert inspect.getsource(cls) == "class Held:\n    at: 'Place'\n"
        assert typing.get_type_hints(cls)["at"] is sys.modules[cls.__module__].Place
        assert type(pickle.loads(pickle.dumps(cls()))) is cls  # noqa: S301 - it was pickled here


def test_what_helpers_define_can_be_pickled(place: Path) -> None:
    both(place, m="from helper import Held", helper="class Held:\n    number = {}\n")
    for cls in values("Held"):
        assert isinstance(cls, type)
        assert type(pickle.loads(pickle.dumps(cls()))) is cls  # noqa: S301 - it was pickled here


def test_what_a_verdict_depends_on_are_the_files_of_the_models_own_folder(place: Path) -> None:
    both(
        place,
        m=COUNTER.format("from bound import limit\nimport parts.inner"),
        bound="limit = 4",
        parts__in__inner="",
    )
    for folder in ("first", "second"):
        files = [source.file for source in closure(load(f"{folder}/m.py"))]
        assert files == [place / folder / name for name in ("bound.py", "m.py", "parts/inner.py")]


def test_a_module_that_is_not_there_is_told_by_the_name_that_was_written(place: Path) -> None:
    both(place, m="import parts.nothing", parts__in____init__="value = {}")
    for folder in ("first", "second"):
        with pytest.raises(TargetError) as caught:
            load(f"{folder}/m.py")
        assert str(caught.value) == (
            f"{folder}/m.py:1:1: importing {folder}/m.py fails with ModuleNotFoundError: "
            "No module named 'parts.nothing'\n    1 | import parts.nothing\n      | ^^^^^^^^^^^^^^^^^^^^"
        )


def test_a_module_keeps_its_folder_when_it_is_loaded_again(place: Path) -> None:
    both(place, m="import helper", helper="value = {}")
    for folder, value in (("first", 1), ("second", 2), ("first", 1), ("second", 2)):
        assert load_module(f"{folder}/m.py").helper.value == value
