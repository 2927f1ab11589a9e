"""Remedies that are one edit: what could be written in the place of what is refused.

Guarantees: nothing is offered by its words alone. A candidate is an edit; whoever offers it compiles the text with it first
(`removes`), so that what is offered makes the problem go away and puts no other in its place.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ratified import language
from ratified.editor.analysis import TextRange, lines_of

MOST = 4
"""How many candidates are tried for one problem."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """A text in the place of another; `title` says what it does."""

    title: str
    place: TextRange
    text: str


def candidates(text: str, problem: Mapping[str, Any]) -> list[Replacement]:
    """Return edits that may be what a remedy says, the likeliest first."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return []
    at: TextRange = tuple(problem["place"])
    found = dict.fromkeys(_candidates(lines_of(text), tree, problem["message"], problem["remedy"], at))
    return list(found)[:MOST]


def applied(text: str, edit: Replacement) -> str:
    """Return a text with an edit."""
    lines = lines_of(text)
    line, column, end_line, end = edit.place
    before = "".join(lines[:line]) + (lines[line][:column] if line < len(lines) else "")
    after = (lines[end_line][end:] if end_line < len(lines) else "") + "".join(lines[end_line + 1 :])
    return before + edit.text + after


def removes(
    edit: Replacement,
    before: Sequence[Mapping[str, Any]],
    after: Sequence[Mapping[str, Any]],
    problem: Mapping[str, Any],
) -> bool:
    """Whether a problem is gone with an edit, and none is new where the edit was."""
    added = edit.text.count("\n")

    def there(problems: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
        return [(p["message"], p["place"][0]) for p in problems]

    old, new = there(before), there(after)
    first, last = edit.place[0], edit.place[2] + added
    gone = new.count(
        (problem["message"], problem["place"][0] + (added if first < problem["place"][0] else 0))
    )
    same = old.count((problem["message"], problem["place"][0]))
    fresh = [p for p in new if first <= p[1] <= last and p not in old]
    return gone < same and not fresh


def _candidates(
    lines: list[str], tree: ast.Module, message: str, remedy: str, at: TextRange
) -> Iterator[Replacement]:
    yield from _imported(tree, message)
    said = _text(lines, at)
    if said is None:
        return
    yield from _nearest(said, message, remedy, at)
    node = _function_at(tree, at)
    for returned in re.findall(r"`-> ([^`]+)`", remedy):
        if node is not None:
            yield from _returning(lines, node, returned)
    if (header := re.match(r"write (def .+? -> \w+)", remedy)) and node is not None:
        yield _edit(_header(node), f"{header[1]}:")
    if remedy == "write `is not None`":
        yield _edit(at, f"{said} is not None")
    if re.search(r"\bleave it out$|^delete it\b", remedy):
        yield Replacement("Leave it out", at, "pass")
    yield from _written(said, remedy, at)


def _written(said: str, remedy: str, at: TextRange) -> Iterator[Replacement]:
    """What a remedy says to write, where it is code or the shape of code."""
    if not remedy.startswith("write "):
        return
    for piece in re.split(r", or | or |; |: (?=[a-z]+ )", remedy.removeprefix("write ")):
        code = re.sub(r" \([a-z ]+\)$", "", piece.strip()).strip("`")  # without what it is good for
        if shape := re.fullmatch(r"([A-Za-z]+)\(\.\.\.\)", code):
            yield _edit(at, f"{shape[1]}({said})")
            yield _edit(at, f"{shape[1]}({said[1:-1]})")
        elif shape := re.fullmatch(r"([A-Za-z]+)\[[A-Z](, [A-Z])*\]", code):
            if old := re.search(r"\b(dict|set|frozenset)\[", said):
                yield _edit(at, said[: old.start()] + f"{shape[1]}[" + said[old.end() :])
        elif re.match(r"(Partial)?Map\[", code) and (old := re.search(r"\bdict\[.*\]", said)):
            yield _edit(at, said[: old.start()] + code + said[old.end() :])
        elif _is_expression(code) and "..." not in code:
            yield _edit(at, code)
            if value := re.fullmatch(r"\w+=(.+)", code):
                yield _edit(at, value[1])
        elif value := re.fullmatch(r"\w+=([^.]+)", code):
            yield _edit(at, value[1])


def _nearest(said: str, message: str, remedy: str, at: TextRange) -> Iterator[Replacement]:
    """The nearest of the names that a remedy lists, in place of the one that there is not."""
    unknown = re.search(r"['`](\w+)['`]$", message)
    listed = re.search(r"(?:its \w+|the fields): (.+)$", remedy)
    if unknown is None or listed is None:
        return
    position = max((m.start() for m in re.finditer(rf"\b{unknown[1]}\b", said)), default=-1)
    if position < 0:
        return
    names = re.findall(r"\b[A-Za-z_]\w*\b", listed[1])
    for name in difflib.get_close_matches(unknown[1], names, n=2, cutoff=0.6):
        text = said[:position] + name + said[position + len(unknown[1]) :]
        yield Replacement(f"Write {name}", at, text)


def _imported(tree: ast.Module, message: str) -> Iterator[Replacement]:
    """The import of a name of Ratified's that is used and not there."""
    named = re.search(r"name ['`](\w+)['`]", message)
    if named is None or named[1] not in language.__all__:
        return
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "ratified" and node.end_lineno:
            last = node.names[-1]
            line, end = (last.end_lineno or 1) - 1, last.end_col_offset or 0
            yield Replacement(f"Import {named[1]}", (line, end, line, end), f", {named[1]}")
            return
    line = next((n.lineno - 1 for n in tree.body if isinstance(n, ast.Import)), 0)
    yield Replacement(f"Import {named[1]}", (line, 0, line, 0), f"from ratified import {named[1]}\n")


def _returning(lines: list[str], node: ast.FunctionDef, returned: str) -> Iterator[Replacement]:
    if node.returns is not None:
        place = _of(node.returns)
        yield Replacement(f"Write -> {returned}", place, returned)
        return
    line = max([node.lineno, *(a.end_lineno or 0 for a in ast.walk(node.args) if isinstance(a, ast.arg))]) - 1
    if (close := re.search(r"\)\s*:", lines[line])) is not None:
        yield Replacement(
            f"Write -> {returned}", (line, close.start() + 1, line, close.start() + 1), f" -> {returned}"
        )


def _header(node: ast.FunctionDef) -> TextRange:
    """From `def` to the colon, where a body on a line of its own follows."""
    return node.lineno - 1, node.col_offset, node.body[0].lineno - 2, 10**6


def _function_at(tree: ast.Module, at: TextRange) -> ast.FunctionDef | None:
    """The function whose head holds a place."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.lineno - 1 <= at[0] < max(
            node.body[0].lineno - 1, node.lineno
        ):
            return node
    return None


def _edit(place: TextRange, text: str) -> Replacement:
    return Replacement(
        f"Write {text}" if len(text) <= 60 and "\n" not in text else "Write what it says", place, text
    )


def _of(node: ast.expr) -> TextRange:
    return node.lineno - 1, node.col_offset, (node.end_lineno or node.lineno) - 1, node.end_col_offset or 0


def _text(lines: list[str], at: TextRange) -> str | None:
    """What stands at a place of one line."""
    line, column, end_line, end = at
    return lines[line][column:end] if line == end_line and line < len(lines) else None


def _is_expression(code: str) -> bool:
    try:
        ast.parse(code, mode="eval")
    except SyntaxError:
        return False
    return True
