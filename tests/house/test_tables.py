"""What is different for each kind of type is a table of rules, which tells of a new kind that it has no rule for it.

A chain of cases does not: it takes a new kind for its last case, or ends where nobody expects it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ratified.language.types import KINDS

MOST = 4
"""So many kinds of types a function may name in cases: what tells apart more is about all of them."""


def kinds_in_cases(function: ast.AST) -> set[str]:
    """The kinds of types that a function tells apart, by `case` or isinstance."""
    found: set[str] = set()
    for node in ast.walk(function):
        match node:
            case ast.MatchClass(cls):
                found |= {n.id for n in ast.walk(cls) if isinstance(n, ast.Name)}
            case ast.Call(ast.Name("isinstance"), [_, kinds]):
                found |= {n.id for n in ast.walk(kinds) if isinstance(n, ast.Name)}
    return found & {kind.__name__ for kind in KINDS}


def chains(text: str) -> Iterator[str]:
    """The functions that name more kinds than they may."""
    if sum(kind.__name__ in text for kind in KINDS) <= MOST:
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and len(kinds_in_cases(node)) > MOST:
            yield node.name


def test_no_function_of_the_workbench_has_a_case_for_many_kinds(checkout: Path) -> None:
    workbench = checkout / "ratified"
    folders = [f for f in workbench.iterdir() if f.is_dir() and not f.is_symlink()]
    files = [file for folder in folders for file in folder.rglob("*.py")]
    assert len(files) > 200
    found = [f"{f.relative_to(checkout)}: {name}" for f in files for name in chains(f.read_text("utf-8"))]
    assert found == [], "write a table of rules"


@pytest.mark.parametrize(
    ("how", "found"),
    [
        (
            "    match t:\n"
            + "".join(f"        case {k.__name__}():\n            pass\n" for k in KINDS[:5]),
            ["f"],
        ),
        ("".join(f"    isinstance(t, {k.__name__})\n" for k in KINDS[:5]), ["f"]),
        (f"    isinstance(t, {' | '.join(k.__name__ for k in KINDS[:5])})\n", ["f"]),
        (f"    isinstance(t, ({', '.join(k.__name__ for k in KINDS[:4])}, list))\n", []),
    ],
)
def test_one_that_is_planted_is_found(how: str, found: list[str]) -> None:
    assert list(chains(f"def f(t):\n{how}")) == found
