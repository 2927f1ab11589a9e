"""A name of a class means one thing in the workbench: who reads a line of imports knows what comes.

Rooms are left out: a protocol's own `Message`, `State` or `Entry` is asked for at the protocol.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

TREES = (
    "language/ir/expressions.py",
    "language/ir/statements.py",
    "smt/terms.py",
    "tla/syntax.py",
    "tla/formulas.py",
    "explore/native/codegen/nodes.py",
    "explore/native/codegen/code.py",
)
"""The trees of four languages: each says `And`, `If` or `Let` as its field does, and is asked at its own module."""

NODES = {"And", "Apply", "Arithmetic", "Equal", "If", "Let", "Not", "Number", "Or"}
"""Nodes of more than one of these languages."""

OTHERS = {
    "Clause": "what runs through a domain in a comprehension; a disjunction of literals, to the checker of certificates",
    "Do": "a statement of the intermediate form; a step that an event stands for, which is public",
    "Symbol": "a function or constant of logic, also to that checker, which imports nothing of the workbench",
}


def classes(text: str) -> Iterator[str]:
    """The classes of a module, and its names for types."""
    tree = ast.parse(text)
    yield from (node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(name)]) | ast.AnnAssign(target=ast.Name(name)):
                if re.match("_?[A-Z][a-z]", name):
                    yield name


def in_several(sources: Mapping[str, str]) -> dict[str, list[str]]:
    """Names of classes that more than one file defines, with these files."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for file, text in sources.items():
        for name in sorted(set(classes(text))):
            places[name].append(file)
    return {name: files for name, files in places.items() if len(files) > 1}


@pytest.fixture(scope="module")
def sources(checkout: Path) -> dict[str, str]:
    """The files of the workbench, without the rooms, which are links in it."""
    workbench = checkout / "ratified"
    rooms = [f for f in workbench.iterdir() if f.is_symlink()]
    files = [f for f in sorted(workbench.rglob("*.py")) if not any(f.is_relative_to(room) for room in rooms)]
    assert len(rooms) == 4
    assert len(files) > 300
    return {f.relative_to(workbench).as_posix(): f.read_text("utf-8") for f in files}


def test_a_name_means_one_thing(sources: dict[str, str]) -> None:
    found = in_several(sources)
    nodes = {name for name, files in found.items() if set(files) <= set(TREES)}
    assert {name: found[name] for name in found if name not in nodes | OTHERS.keys()} == {}
    assert nodes == NODES
    assert found.keys() == NODES | OTHERS.keys()


@pytest.mark.parametrize(
    "text", ["class Run:\n    pass\n", "Run = tuple[int, ...]\n", "Run: TypeAlias = int\n"]
)
def test_a_second_meaning_is_found(text: str) -> None:
    assert in_several({"a.py": "class Run:\n    pass\n", "b.py": text}) == {"Run": ["a.py", "b.py"]}
    assert in_several({"a.py": text, "b.py": "from a import Run\nRUN = 1\n"}) == {}
