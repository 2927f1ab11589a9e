"""Where keys and values stand in a TOML file, which the standard library's parser does not tell.

Guarantees: for text that `tomllib` accepts, every key and every value has its place, under the path by which it is found in what
`tomllib` returns.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ratified.language.errors import Span

KeyPath = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|' + r"'''.*?'{3,5}|" + r'"(?:[^"\\\n]|\\.)*"|' + r"'[^'\n]*'", re.DOTALL
)
_SCALAR = re.compile(r"[^,\]}#\n]*[^,\]}#\s]")


@dataclass(frozen=True, slots=True)
class SourcePlaces:
    """The places of keys, and of the values that they have, by path. Arrays have numbers in paths."""

    keys: Mapping[KeyPath, Span]
    values: Mapping[KeyPath, Span]


def places(text: str, file: str) -> SourcePlaces:
    """Return where everything stands in a text that `tomllib` accepts."""
    scan = _Scan(text, file)
    scan.document()
    return SourcePlaces(scan.keys, scan.values)


class _Scan:
    """One pass over the text. What is no TOML is none of its business."""

    def __init__(self, text: str, file: str) -> None:
        self.keys: dict[KeyPath, Span] = {}
        self.values: dict[KeyPath, Span] = {}
        self._text, self._file, self._at = text, file, 0
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self._tables: dict[KeyPath, int] = {}  # arrays of tables, with the number of the last one

    def document(self) -> None:
        here: KeyPath = ()
        while not self._ended():
            if self._text[self._at] == "[":
                here = self._header()
            else:
                self._pair(here)

    def _ended(self) -> bool:
        self._blank()
        return self._at >= len(self._text)

    def _blank(self) -> None:
        found = _BLANK.match(self._text, self._at)
        assert found is not None  # it matches nothing too
        self._at = found.end()

    def _header(self) -> KeyPath:
        several = self._text.startswith("[[", self._at)
        self._at += 2 if several else 1
        names = self._names()
        path: KeyPath = ()
        for number, (name, span) in enumerate(names, start=1):
            path = (*path, name)
            self.keys.setdefault(path, span)
            if several and number == len(names):
                self._tables[path] = self._tables.get(path, -1) + 1
            if path in self._tables:
                path = (*path, self._tables[path])
            self.keys.setdefault(path, span)
        self._at = self._text.index("]", self._at) + (2 if several else 1)
        return path

    def _pair(self, here: KeyPath) -> None:
        path = here
        for name, span in self._names():
            path = (*path, name)
            self.keys.setdefault(path, span)
        self._at = self._text.index("=", self._at) + 1
        self._value(path)

    def _names(self) -> list[tuple[str, Span]]:
        """A key, which may have dots."""
        names = []
        while True:
            self._blank()
            start = self._at
            found = (_STRING if self._text[start] in "\"'" else _BARE).match(self._text, start)
            assert found is not None, self._text[start : start + 20]
            self._at = found.end()
            names.append((found[0].strip("\"'"), self._span(start)))
            self._blank()
            if not self._text.startswith(".", self._at):
                return names
            self._at += 1

    def _value(self, path: KeyPath) -> None:
        self._blank()
        start, first = self._at, self._text[self._at]
        if first == "[":
            self._inside("]", lambda number: self._value((*path, number)))
        elif first == "{":
            self._inside("}", lambda _: self._pair(path))
        else:
            found = (_STRING if first in "\"'" else _SCALAR).match(self._text, start)
            assert found is not None, self._text[start : start + 20]
            self._at = found.end()
        self.values[path] = self._span(start)

    def _inside(self, closing: str, one: Callable[[int], None]) -> None:
        """What stands between brackets, with commas between."""
        self._at += 1
        number = 0
        while True:
            self._blank()
            if self._text[self._at] == closing:
                self._at += 1
                return
            one(number)
            number += 1
            self._blank()
            if self._text[self._at] == ",":
                self._at += 1

    def _span(self, start: int) -> Span:
        """From a position to where the scan has come."""
        line, column = self._line(start)
        end_line, end_column = self._line(self._at)
        return Span(self._file, line, column, end_line, end_column)

    def _line(self, position: int) -> tuple[int, int]:
        line = bisect_right(self._starts, position)
        return line, position - self._starts[line - 1]
