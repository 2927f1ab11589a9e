"""Values as TLC prints them.

Guarantees: a text that is not a value is refused; one that is gives what stands there, each part once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ratified.interchange.raw import Raw, RawFunction, RawName, RawRecord, RawSequence, RawSet
from ratified.interchange.typing import BadValue

_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|\|->|:>|@@|<<|>>|\.\.|-?\d+|[A-Za-z_0-9]+|[\[\]{}(),])')


def parse_value(text: str) -> Raw:
    """A value as TLC prints it. Raises BadValue."""
    reader = _ValueReader(text)
    made = reader.value()
    reader.end()
    return made


class _ValueReader:
    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if found is None:
                raise BadValue(f"TLC's value cannot be read: {text[at : at + 40]!r}")
            self._tokens.append(found[1])
            at = found.end()
        self._at = 0

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self, wanted: str | None = None) -> str:
        token = self._peek()
        if not token or (wanted is not None and token != wanted):
            raise BadValue(f"TLC's value cannot be read: {wanted or 'more'} was expected at {token!r}")
        self._at += 1
        return token

    def end(self) -> None:
        """That nothing is left."""
        if self._peek():
            raise BadValue(f"TLC's value cannot be read: {self._peek()!r} is left over")

    def _until(self, close: str) -> Iterator[None]:
        while self._peek() != close:
            yield
            if self._peek() != close:
                self._next(",")
        self._next(close)

    def value(self) -> Raw:
        """One value."""
        token = self._next()
        if token == "{":  # noqa: S105  # no secret
            return RawSet(tuple(self.value() for _ in self._until("}")))
        if token == "<<":  # noqa: S105  # no secret
            return RawSequence(tuple(self.value() for _ in self._until(">>")))
        if token == "(":  # noqa: S105  # no secret
            return self._function()
        if token == "[":  # noqa: S105  # no secret
            fields: dict[str, Raw] = {}
            for _ in self._until("]"):
                name = self._next()
                self._next("|->")
                fields[name] = self.value()
            return RawRecord(fields)
        if token[0] == '"':
            return RawName(re.sub(r"\\(.)", r"\1", token[1:-1]))
        if token in ("TRUE", "FALSE"):
            return token == "TRUE"  # noqa: S105  # no secret
        if re.fullmatch(r"-?\d+", token):
            number = int(token)
            if self._peek() == "..":
                self._next()
                return RawSet(tuple(range(number, int(self._next()) + 1)))
            return number
        return RawName(token)

    def _function(self) -> Raw:
        pairs: list[tuple[Raw, Raw]] = []
        while True:
            key = self.value()
            self._next(":>")
            pairs.append((key, self.value()))
            if self._peek() == ")":
                self._next()
                return RawFunction(tuple(pairs))
            self._next("@@")
