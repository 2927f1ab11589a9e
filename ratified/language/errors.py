"""Errors of models, told the way a compiler tells them: what, where (file, line, caret) and what to write instead.

Guarantees: `str(error)` is the whole message a person needs; nothing here prints or exits.
"""

from __future__ import annotations

import linecache
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A range of source text: lines from 1, columns from 0 (in characters), the end exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{_shown(self.file)}:{self.line}:{self.column + 1}"

    def excerpt(self) -> str:
        """The source line with carets under the span; empty if the file can no longer be read."""
        text = linecache.getline(self.file, self.line).rstrip("\n").expandtabs(1)
        if not text.strip():
            return ""
        end = self.end_column if self.end_line == self.line else len(text)
        carets = " " * self.column + "^" * max(1, min(end, len(text)) - self.column)
        # The first line of a statement is enough: the caret is there to point, not to quote.
        return f"{self.line:5d} | {text}\n      | {carets}"


def _shown(path: str) -> str:
    """A path as short as it can be said from here."""
    try:
        relative = os.path.relpath(path)
    except (OSError, ValueError):
        return path
    return path if relative.startswith("..") else relative


class RatifiedError(Exception):
    """An error in what the user gave. The message is complete: what, where, and what to do.

    `others` are further errors of the same model, for those who show all at once, such as editors.
    """

    exit_status = 2
    """Of a command that ends so."""

    def __init__(self, message: str, *, span: Span | None = None, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.remedy = remedy
        self.others: tuple[RatifiedError, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.span}: {self.message}" if self.span else self.message]
        if self.span and (excerpt := self.span.excerpt()):
            lines.append(excerpt)
        if self.remedy:
            lines.append(f"  {self.remedy}")
        return "\n".join(lines)


class ModelError(RatifiedError):
    """A model that cannot be compiled, or whose steps fail when they run."""


class Refusals:
    """Collects what is wrong with one part of a model after another.

    A mistake is told once, where it stands, however many parts use what it is in.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[Span | None, str], ModelError] = {}

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Within this, a ModelError is kept for later."""
        try:
            yield
        except ModelError as error:
            self._found.setdefault((error.span, error.message), error)

    def raise_any(self) -> None:
        """Raise the first of what was found, with all others; nothing if there is nothing."""
        if self._found:
            error, *others = self._found.values()
            error.others = (*error.others, *others)
            raise error


class SizeError(RatifiedError):
    """A size or parameter that is missing, unknown or invalid."""
