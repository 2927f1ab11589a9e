"""The comments of a model's source, by where they stand.

Guarantees: only what its author wrote; a source that cannot be read any more has no comments.
"""

from __future__ import annotations

import io
import linecache
import textwrap
import tokenize
from functools import lru_cache

from ratified.language.errors import Span


@lru_cache(maxsize=64)
def _of(file: str) -> dict[int, tuple[str, bool]]:
    """Each line's comment, and whether it stands alone."""
    lines = linecache.getlines(file)
    found: dict[int, tuple[str, bool]] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO("".join(lines)).readline):
            if token.type == tokenize.COMMENT:
                line, column = token.start
                text = token.string.lstrip("#").strip()
                if text and not text.startswith(("noqa", "type:", "ruff:")):
                    found[line] = text.split("  # ")[0], not token.line[:column].strip()
    except (tokenize.TokenError, SyntaxError):
        return {}
    return found


def beside(span: Span | None) -> tuple[str, ...]:
    """The comment at the end of a line."""
    if span is None:
        return ()
    text, alone = _of(span.file).get(span.end_line, ("", True))
    return () if alone else (text,)


def above(span: Span | None) -> tuple[str, ...]:
    """The comment lines directly above, if they stand alone."""
    found: list[str] = []
    if span is not None:
        line = span.line - 1
        while line in (comments := _of(span.file)) and comments[line][1]:
            found.insert(0, comments[line][0])
            line -= 1
    return tuple(found)


def around(span: Span | None) -> tuple[str, ...]:
    """The comments that belong to a statement, in lines."""
    return tuple(line for text in (*above(span), *beside(span)) for line in wrapped(text, 68))


def heading(span: Span | None) -> tuple[str, ...]:
    """The comment above a definition: above its decorators and empty lines."""
    if span is None:
        return ()
    line = span.line - 1
    while (text := linecache.getline(span.file, line).strip()) == "" or text.startswith(("@", ")")):
        if line <= 1:
            return ()
        line -= 1
    return above(Span(span.file, line + 1, 0, line + 1, 0))


def wrapped(text: str, width: int) -> list[str]:
    """A text in lines, its paragraphs kept apart."""
    lines: list[str] = []
    for number, paragraph in enumerate(text.split("\n\n")):
        lines += [""] if number else []
        lines += textwrap.wrap(" ".join(paragraph.split()), width, break_long_words=False) or [""]
    return lines
