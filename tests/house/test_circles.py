"""No file imports itself by way of others, imports inside functions and for type checkers included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import grimp
import pytest


def circles(imports: Mapping[str, Iterable[str]]) -> set[frozenset[str]]:
    """The sets of two and more files that all import each other, directly or not (Kosaraju's algorithm)."""
    importers: dict[str, list[str]] = {name: [] for name in imports}
    for name, several in imports.items():
        for other in several:
            importers[other].append(name)
    finished: dict[str, None] = {}
    for start in imports:
        _visit(start, imports, finished)
    found: set[frozenset[str]] = set()
    reached: dict[str, None] = {}
    for name in reversed(list(finished)):
        before = len(reached)
        _visit(name, importers, reached)
        if len(circle := list(reached)[before:]) > 1:
            found.add(frozenset(circle))
    return found


def _visit(start: str, edges: Mapping[str, Iterable[str]], finished: dict[str, None]) -> None:
    """Add what can be reached and is not among the finished, each after all that it leads to."""
    seen = set(finished)
    path = [(start, iter(edges[start]))] if start not in seen else []
    seen.add(start)
    while path:
        name, rest = path[-1]
        for other in rest:
            if other not in seen:
                seen.add(other)
                path.append((other, iter(edges[other])))
                break
        else:
            finished[name] = None
            path.pop()


def imports_of(package: str) -> dict[str, list[str]]:
    """By file, the files of a package that it imports."""
    graph = grimp.build_graph(package, cache_dir=None)
    return {name: sorted(graph.find_modules_directly_imported_by(name)) for name in sorted(graph.modules)}


def test_no_file_imports_itself_by_way_of_others() -> None:
    assert circles(imports_of("ratified")) == set()


def test_circles_are_found() -> None:
    assert circles({"a": ["b"], "b": ["c", "d"], "c": ["a"], "d": ["e"], "e": ["d"], "f": ["a"]}) == {
        frozenset("abc"),
        frozenset("de"),
    }


def test_imports_in_functions_and_for_type_checkers_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "planted"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("def later():\n    from planted import two\n")
    (package / "two.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import planted.one\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert circles(imports_of("planted")) == {frozenset({"planted.one", "planted.two"})}
