"""Text around definitions: comments, boxes, headings, declarations.

Guarantees: nothing here is wider than a page of TLA+, but for words that cannot be broken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ratified.tla import comments
from ratified.tla.syntax import WIDTH, TextLines, indent

LINE = "-" * WIDTH


def commented(text: str, width: int = WIDTH) -> TextLines:
    """Lines of comment."""
    return [f"\\* {line}".rstrip() for line in comments.wrapped(text, width - 3)]


def boxed(text: str) -> TextLines:
    """A comment in a box, as above modules."""
    text = text.replace("(*", "( *").replace("*)", "* )")
    rule = "(" + "*" * (WIDTH - 2) + ")"
    return [rule, *(f"(* {line:{WIDTH - 6}} *)" for line in comments.wrapped(text, WIDTH - 6)), rule]


def section(lines: Iterable[str]) -> TextLines:
    """The heading of a part of a module."""
    return [LINE, *(line for text in lines for line in commented(text)), ""]


def declared(word: str, entries: Sequence[tuple[str, str]]) -> TextLines:
    """`CONSTANTS a, b` with what they are beside them."""
    if not entries:
        return []
    lines = [f"{word}S" if len(entries) > 1 else word]
    width = max(len(name) for name, _ in entries) + 1
    for place, (name, about) in enumerate(entries):
        text = name + ("," if place < len(entries) - 1 else "")
        beside = f"    {text:{width}}  \\* {about}"
        if about and len(beside) <= WIDTH:
            lines.append(beside)
        else:
            lines += [*(indent(4, commented(about, WIDTH - 4)) if about else []), f"    {text}"]
    return [*lines, ""]


def spaced(lines: Sequence[str]) -> TextLines:
    """No two empty lines together, none before the end."""
    made: TextLines = []
    for line in lines:
        if line or (made and made[-1]):
            made.append(line)
    return made
