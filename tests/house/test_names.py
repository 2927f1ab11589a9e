"""The front door: every public name is there, comes from where it is defined, and brings what its signature mentions."""

from __future__ import annotations

import ast
import doctest
import inspect
import math
import pydoc
import subprocess
import sys
import typing
from collections import abc, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import ratified
from ratified import language


@pytest.mark.parametrize("name", ratified.__all__)
def test_a_public_name_is_there(name: str) -> None:
    assert getattr(ratified, name) is not None
    assert name in dir(ratified)


def test_every_word_of_the_language_is_public() -> None:
    assert set(language.__all__) <= set(ratified.__all__)
    for name in language.__all__:
        assert getattr(ratified, name) is getattr(language, name)


def test_any_other_name_is_refused_as_modules_do() -> None:
    with pytest.raises(AttributeError, match=r"^module 'ratified' has no attribute 'Modle'$"):
        _ = ratified.Modle  # type: ignore[attr-defined]  # that is what is tested


def test_a_star_import_brings_them_all() -> None:
    program = f"from ratified import *; missing = set({ratified.__all__!r}) - set(globals()); assert not missing, missing"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_first_page_of_help_is_an_example_that_runs() -> None:
    examples = doctest.DocTestFinder(recurse=False).find(ratified, "ratified")
    assert [len(example.examples) for example in examples] == [6]
    assert doctest.testmod(ratified, report=True).failed == 0
    page = pydoc.plain(pydoc.render_doc(ratified))
    assert "class Lock(Model):" in page.partition("PACKAGE CONTENTS")[0]


def signatures(name: str) -> Iterator[Any]:
    """Yield what a public name can be called as: a function, or the methods of a class, and what its values are made of."""
    thing = getattr(ratified, name)
    if inspect.isfunction(thing):
        yield thing
    if not inspect.isclass(thing):
        return
    for member, value in vars(thing).items():
        made = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        mine = member == "__init__"
        if inspect.isfunction(made) and (mine or not member.startswith("_")):
            yield made


def mentioned(kind: Any) -> Iterator[type]:
    """Yield the classes in a type."""
    if isinstance(kind, type) and typing.get_origin(kind) is None:
        yield kind
    for part in (typing.get_origin(kind), *typing.get_args(kind)):
        if part is not None:
            for inner in part if isinstance(part, list) else [part]:
                yield from mentioned(inner)


@pytest.mark.parametrize("name", ratified.__all__)
def test_what_a_signature_mentions_can_be_imported(name: str) -> None:
    # Names that modules import for type checkers alone, or that stand in the annotations of another module.
    known = {n: getattr(ratified, n) for n in ratified.__all__} | {"nx": SimpleNamespace(MultiDiGraph=list)}
    public = {cls for cls in known.values() if inspect.isclass(cls)}
    known = {**vars(abc), **known}
    for signature in signatures(name):
        hints = typing.get_type_hints(signature, localns=known)
        for cls in (cls for hint in hints.values() for cls in mentioned(hint)):
            if cls.__module__.startswith("ratified."):
                assert cls in public, f"{name}: {cls.__module__}.{cls.__qualname__}"


ENGINES = (ratified.check, ratified.simulate, ratified.bounded, ratified.prove, ratified.graph)


def test_every_engine_is_given_its_limits_in_one_way() -> None:
    for engine in ENGINES:
        limits = inspect.signature(engine).parameters["limits"]
        assert typing.get_type_hints(engine)["limits"] is ratified.Limits
        assert limits.kind is inspect.Parameter.KEYWORD_ONLY
        assert limits.default == ratified.Limits()
    # Those of a trace are its tracker's business, and not of an engine.
    for name in ratified.__all__:
        function = getattr(ratified, name)
        if inspect.isfunction(function):
            assert (
                not {"seconds", "states", "memory", "depth", "timeout"}
                & inspect.signature(function).parameters.keys()
            )


def test_a_parameter_means_the_same_in_every_engine() -> None:
    """But for what a callback is told, and what a claim or a model is to an engine that has classes of them for models."""
    meanings: dict[str, set[str]] = {}
    for engine in ENGINES:
        for name, parameter in inspect.signature(engine).parameters.items():
            meanings.setdefault(name, set()).add(str(parameter.annotation))
    several = {name: kinds for name, kinds in meanings.items() if len(kinds) > 1}
    assert several == {"options": {"NativeOptions", "ProofOptions"}, "progress": meanings["progress"]}


def test_options_are_values() -> None:
    for options in (ratified.Limits, ratified.NativeOptions, ratified.ProofOptions):
        made = options()
        assert hash(made) == hash(options())
        with pytest.raises(FrozenInstanceError):
            setattr(made, fields(options)[0].name, None)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"depth": 0}, "the limit depth must be at least 1 (the initial states are level 1), and is 0"),
        ({"states": 0}, "the limit states must be at least 1, and is 0"),
        ({"seconds": -0.5}, "the limit seconds must be at least 0, and is -0.5"),
        ({"seconds": math.nan}, "the limit seconds must be at least 0, and is nan"),
        ({"memory": -1}, "the limit memory must be at least 1, and is -1"),
    ],
)
def test_limits_that_make_no_sense(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ratified.RatifiedError) as caught:
        ratified.Limits(**wrong)
    assert str(caught.value) == message


class Switch(ratified.Model):
    """On or off."""

    on: bool

    @ratified.action
    def turn(self) -> None:
        self.on = not self.on

    @ratified.lemma
    def known(self) -> bool:
        return self.on or not self.on


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: ratified.bounded(Switch(), limits=ratified.Limits(states=9)),
            "bounded model checking has no limit states\n  its limits are seconds, memory",
        ),
        (
            lambda: ratified.simulate(Switch(), limits=ratified.Limits(depth=9)),
            "a simulation has no limit depth\n  its limits are seconds, memory",
        ),
        (
            lambda: ratified.prove(Switch, limits=ratified.Limits(memory=1 << 30)),
            "the prover has no limit memory\n  its limits are seconds",
        ),
    ],
)
def test_a_limit_that_an_engine_does_not_have(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ratified.RatifiedError) as caught:
        call()
    assert str(caught.value) == message


def defined_twice(package: Path) -> dict[str, list[str]]:
    """Public classes that two files of one folder define, where a reader meets them together, and those files."""
    found = defaultdict(list)
    for file in sorted(package.rglob("*.py")):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[f"{file.parent.name}.{node.name}"].append(file.name)
    return {name: files for name, files in found.items() if len(files) > 1}


def test_a_name_has_one_meaning_in_a_folder(tmp_path: Path) -> None:
    package = Path(ratified.__file__).parent
    workbench = [folder for folder in package.iterdir() if folder.is_dir() and not folder.is_symlink()]
    assert {folder.name: twice for folder in workbench if (twice := defined_twice(folder))} == {}
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text("class _Own:\n    pass\n\n\nclass Both:\n    pass\n")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "one.py").write_text("class Both:\n    pass\n")
    assert defined_twice(tmp_path) == {f"{tmp_path.name}.Both": ["one.py", "two.py"]}
