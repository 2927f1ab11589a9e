"""The sources that a model is made from: its own, and those of all that it imports.

Guarantees: `closure` returns every file of the project whose text can change what a class means, or says why that cannot be
known: a model that looks at anything but sources (files, the environment, the clock, installed packages) has no closure.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from ratified.cli.folders import imported_name

PURE = frozenset(
    {
        *(
            "__future__",
            "abc",
            "bisect",
            "collections",
            "copy",
            "dataclasses",
            "enum",
            "fractions",
            "functools",
        ),
        *("heapq", "itertools", "math", "operator", "re", "string", "textwrap", "types", "typing"),
        "ratified",
    }
)
"""What may be imported without a look at it: what these say depends on Python's and Ratified's own version alone."""

IMPURE = frozenset(
    {
        *(
            "open",
            "exec",
            "eval",
            "compile",
            "__import__",
            "input",
            "breakpoint",
            "globals",
            "vars",
            "id",
            "hash",
        ),
        *("__builtins__", "__loader__", "__spec__", "__file__", "__dict__", "__globals__", "__subclasses__"),
        *("builtins", "environ", "os", "_os", "sys", "_sys"),  # which others have among their names
    }
)
"""Names by which a module can look at more than its sources."""


class UnknownSourcesError(Exception):
    """Why it cannot be said what a model is made from: a phrase."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One source file of the project, and its content."""

    file: Path
    content: bytes


def closure(cls: type) -> tuple[SourceFile, ...]:
    """Return the project's own sources that a class is made from, in the order of their names.

    Raises:
        UnknownSourcesError: they may depend on something else.
    """
    found: dict[str, SourceFile] = {}
    waiting = [c.__module__ for c in cls.__mro__ if c.__module__ != "builtins" and not _pure(c.__module__)]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        module = sys.modules.get(name)
        if module is None:
            raise UnknownSourcesError(f"it imports {name}, which is not there")
        source = _source(module, name)
        if source is None:  # a package without a file of its own
            continue
        found[name] = source
        waiting += _imports(module, source)
    return tuple(sorted(found.values(), key=lambda source: source.file))


def _source(module: ModuleType, name: str) -> SourceFile | None:
    place = getattr(module, "__file__", None)
    if place is None and hasattr(module, "__path__"):
        return None
    if place is None or not place.endswith(".py") or _installed(Path(place)):
        raise UnknownSourcesError(f"it imports {name}, which is not the project's own")
    file = Path(place)
    try:
        return SourceFile(file, file.read_bytes())
    except OSError as error:
        raise UnknownSourcesError(f"{file.name} cannot be read: {error.strerror}") from None


def _installed(file: Path) -> bool:
    """Whether a file is Python's, or that of a package that is installed."""
    return any(part in ("site-packages", "dist-packages") for part in file.parts) or file.is_relative_to(
        Path(ast.__file__).parent
    )


def _imports(module: ModuleType, source: SourceFile) -> list[str]:
    """The modules of the project that a source imports, wherever in it. Raises UnknownSourcesError."""
    try:
        tree = ast.parse(source.content)
    except (SyntaxError, ValueError):
        raise UnknownSourcesError(f"{source.file.name} is not valid Python any more") from None
    names: list[str] = []
    for node in ast.walk(tree):
        for used in _used(node):
            if used in IMPURE:
                raise UnknownSourcesError(f"{source.file.name} uses {used} in line {node.lineno}")  # type: ignore[attr-defined]  # those have one
        if isinstance(node, ast.Import):
            for alias in node.names:
                names += _and_above(imported_name(alias.name, vars(module)))
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            names += _and_above(base)
            names += [
                inner for alias in node.names if (inner := f"{base}.{alias.name}") in sys.modules and base
            ]
    return [name for name in names if not _pure(name)]


def _pure(name: str) -> bool:
    """Whether what a module says is a matter of versions. A file of the project may stand in the place of one of Python's."""
    top = name.partition(".")[0]
    place = getattr(sys.modules.get(top), "__file__", None)
    return top in PURE and (top == "ratified" or place is None or _installed(Path(place)))


def _used(node: ast.AST) -> list[str]:
    """Names that a node reads, of its own module or of another."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        return [node.attr]
    return [alias.name for alias in node.names] if isinstance(node, ast.ImportFrom) else []


def _base(module: ModuleType, node: ast.ImportFrom) -> str:
    """The module that names are imported from."""
    if not node.level:
        return imported_name(node.module or "", vars(module))
    package = (getattr(module, "__package__", None) or "").split(".")
    above = package[: len(package) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def _and_above(name: str) -> list[str]:
    """A module and the packages that it lies in, whose sources run first."""
    parts = name.split(".")
    return [".".join(parts[: n + 1]) for n in range(len(parts))]
