"""State machines to replicate: a small key-value store, for simulations, tests and examples.

Guarantees: deterministic; what makes no sense has a result that says so; nothing raises but `restore`.
"""

from __future__ import annotations

import json


class KeyValue:
    """Texts by key. Commands: `put K V` (returns the value before), `delete K`, `cas K OLD NEW` (returns true or false).

    The query `get K` returns the value. No value is the empty text; words are separated by single spaces.
    """

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}

    def apply(self, payload: bytes) -> bytes:
        """Execute a command."""
        match payload.split(b" "):
            case [b"put", key, value]:
                before = self._values.get(key, b"")
                self._values[key] = value
                return before
            case [b"delete", key]:
                return self._values.pop(key, b"")
            case [b"cas", key, old, new]:
                if self._values.get(key, b"") != old:
                    return b"false"
                self._values[key] = new
                return b"true"
        return b"no such command"

    def query(self, payload: bytes) -> bytes:
        """Answer a question."""
        match payload.split(b" "):
            case [b"get", key]:
                return self._values.get(key, b"")
        return b"no such query"

    def snapshot(self) -> bytes:
        """Return the keys and values as JSON, in the order of the keys."""
        texts = {key.decode("latin-1"): value.decode("latin-1") for key, value in self._values.items()}
        return json.dumps(texts, sort_keys=True).encode()

    def restore(self, snapshot: bytes) -> None:
        """Take on the state that was a snapshot.

        Raises:
            ValueError: it is none.
        """
        try:
            texts = json.loads(snapshot)
            self._values = {key.encode("latin-1"): value.encode("latin-1") for key, value in texts.items()}
        except (AttributeError, UnicodeError, RecursionError) as error:
            raise ValueError(f"no snapshot of a key-value store: {error}") from None
