"""The front door: every public name is there, comes from where it is defined, and brings what its signature mentions."""

from __future__ import annotations

import doctest
import inspect
import pydoc
import subprocess
import sys
import typing
from collections.abc import Iterator
from dataclasses import is_dataclass
from types import SimpleNamespace
from typing import Any

import pytest

import ratified
from ratified import language
from ratified.follow import steps


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


NOT_FOR_PEOPLE = {
    "ratified.diagram.picture.Edge": "a part of a picture",
}
"""What signatures mention and `ratified` does not have, and why."""


def signatures(name: str) -> Iterator[Any]:
    """Yield what a public name can be called as: a function, or the methods of a class that a person calls."""
    thing = getattr(ratified, name)
    if inspect.isfunction(thing):
        yield thing
    if not inspect.isclass(thing):
        return
    for member, value in vars(thing).items():
        made = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        mine = member == "__init__" and not is_dataclass(thing) and not issubclass(thing, Exception)
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
    # Names that modules import for type checkers alone.
    known = {"Model": ratified.Model, "nx": SimpleNamespace(MultiDiGraph=list), **vars(steps)}
    public = {
        getattr(ratified, other) for other in ratified.__all__ if inspect.isclass(getattr(ratified, other))
    }
    for signature in signatures(name):
        hints = typing.get_type_hints(signature, localns=known)
        for cls in (cls for hint in hints.values() for cls in mentioned(hint)):
            place = f"{cls.__module__}.{cls.__qualname__}"
            # What an event stands for is one public name, `Steps`, and several classes.
            if (
                place.startswith("ratified.")
                and cls.__module__ != steps.__name__
                and place not in NOT_FOR_PEOPLE
            ):
                assert cls in public, f"{name}: {place}"
