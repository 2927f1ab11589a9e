"""Where things stand in source files: syntax trees by file, functions and classes by line, spans for messages.

Guarantees: a file is parsed once; every span is in whole-file coordinates, columns in characters.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import sysconfig
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import FunctionType

from ratified.language.errors import ModelError, Span
from ratified.language.fields import code_of, says_whole_records, with_whole_records


@lru_cache(maxsize=256)
def _parsed(file: str, text: str) -> ast.Module:
    return ast.parse(text, file)


def tree_of(file: str) -> ast.Module | None:
    """The syntax tree of a file; None if its source cannot be had."""
    lines = linecache.getlines(file)
    return _parsed(file, "".join(lines)) if lines else None


@lru_cache(maxsize=256)
def _functions(tree: ast.Module) -> dict[int, ast.FunctionDef]:
    return {
        min([node.lineno, *(d.lineno for d in node.decorator_list)]): with_whole_records(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    }


@lru_cache(maxsize=256)
def _classes(tree: ast.Module) -> dict[str, list[ast.ClassDef]]:
    found: dict[str, list[ast.ClassDef]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            found.setdefault(node.name, []).append(node)
    return found


@lru_cache(maxsize=4096)
def names_in(node: ast.FunctionDef) -> tuple[Mapping[str, int], frozenset[str]]:
    """How often each name is assigned in a function, and all names that it has, arguments included."""
    names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
    arguments = (a.arg for a in ast.walk(node.args) if isinstance(a, ast.arg))
    return Counter(n.id for n in names if isinstance(n.ctx, ast.Store)), frozenset(n.id for n in names) | {
        *arguments
    }


_LANGUAGE = Path(__file__).resolve().parent
_STANDARD = Path(sysconfig.get_paths()["stdlib"]).resolve()


@lru_cache(maxsize=1024)
def of_the_author(file: str) -> bool:
    """Whether a source file may hold parts of a model: it is neither this package's nor Python's own."""
    path = Path(file).resolve()
    pythons = path.is_relative_to(_STANDARD) and not {"site-packages", "dist-packages"} & set(path.parts)
    return not file.startswith("<") and not path.is_relative_to(_LANGUAGE) and not pythons


def definition(function: FunctionType) -> tuple[ast.FunctionDef, str]:
    """A function's syntax tree and its file. Raises ModelError if the source is not at hand."""
    file = inspect.getsourcefile(function) or function.__code__.co_filename
    tree = tree_of(file)
    if function.__code__.co_flags & inspect.CO_COROUTINE:
        line = function.__code__.co_firstlineno
        raise ModelError(
            f"`{function.__name__}` is async, which is not part of the modelling language",
            span=Span(file, line, 0, line, len(linecache.getline(file, line).rstrip())),
            remedy="write def",
        )
    node = _functions(tree).get(function.__code__.co_firstlineno) if tree else None
    if node is None or node.name != function.__name__:
        raise ModelError(
            f"the source of {function.__qualname__} cannot be read",
            remedy="keep models in files (not in an interactive prompt)",
        )
    return node, file


def say_with_whole_records(function: FunctionType) -> None:
    """Let CPython too run a method that assigns to fields of records as the compiler reads it: see `fields.py`."""
    tree = tree_of(function.__code__.co_filename)
    node = _functions(tree).get(function.__code__.co_firstlineno) if tree else None
    if node is not None and node.name == function.__name__ and says_whole_records(node):
        function.__code__ = code_of(function, node, function.__code__.co_filename)


def span_of(node: ast.AST, file: str) -> Span:
    """The stretch of source a syntax node covers."""
    line: int = getattr(node, "lineno", 1)
    end_line: int = getattr(node, "end_lineno", None) or line
    start: int = getattr(node, "col_offset", 0)
    end: int = getattr(node, "end_col_offset", None) or 0
    return Span(file, line, _characters(file, line, start), end_line, _characters(file, end_line, end))


def _characters(file: str, line: int, column: int) -> int:
    """Syntax trees count UTF-8 bytes; people count characters."""
    text = linecache.getline(file, line)
    return column if text.isascii() else len(text.encode()[:column].decode(errors="replace"))


def head_span(node: ast.FunctionDef | ast.ClassDef, file: str) -> Span:
    """The `def name` or `class Name` of a definition."""
    span = span_of(node, file)
    word = "def " if isinstance(node, ast.FunctionDef) else "class "
    return Span(file, span.line, span.column, span.line, span.column + len(word) + len(node.name))


def class_node(file: str, name: str, line: int) -> ast.ClassDef | None:
    """The definition of a class, by name and a line in its decorators, head or body."""
    tree = tree_of(file)
    found = _classes(tree).get(name, ()) if tree else ()
    return min(found, key=lambda n: abs(n.lineno - line), default=None)


def class_field_span(file: str, name: str, field: str, line: int) -> Span | None:
    """Where a class annotates or assigns a name."""
    node = class_node(file, name, line)
    for statement in node.body if node else ():
        match statement:
            case ast.AnnAssign(target=ast.Name(id=target)) if target == field:
                return span_of(statement, file)
            case ast.Assign(targets=[ast.Name(id=target)]) if target == field:
                return span_of(statement, file)
    return head_span(node, file) if node else None
