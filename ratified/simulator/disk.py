"""A disk of the simulation: writes become durable in their order, when the schedule says so; a crash tears the rest.

Guarantees: after a crash there is what was durable, and of what was being written the first units, in order; a unit is an entry,
or another write as a whole.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from ratified.impl.contract import (
    Durable,
    Token,
    Truncate,
    Write,
    WriteEntries,
    WriteRecord,
    WriteSnapshot,
)


class Disk:
    """What is durable, and what is being written."""

    __slots__ = ("_entries", "_pending", "_record", "_snapshot", "persisted", "stages")

    def __init__(self, durable: Durable) -> None:
        self._record = durable.record
        self._entries: dict[int, Any] = dict(durable.entries)
        self._snapshot = durable.snapshot
        self._pending: deque[tuple[Token, tuple[Write, ...]]] = deque()
        self.persisted: Token = 0  # of the core that runs: every write up to here is durable
        self.stages: list[Durable] | None = (
            None  # what was there after each token, for whoever sets and empties it
        )

    @property
    def durable(self) -> Durable:
        """What would be there after a crash now that kept no unit more."""
        return Durable(self._record, dict(self._entries), self._snapshot)

    @property
    def pending(self) -> Token:
        """The last token whose writes are not durable yet; 0 if there is none."""
        return self._pending[-1][0] if self._pending else 0

    def write(self, token: Token, writes: tuple[Write, ...]) -> None:
        """Begin to write what a step asks for."""
        self._pending.append((token, writes))

    def persist(self, upto: Token) -> bool:
        """Make everything up to a token durable; whether there was anything."""
        before = self.persisted
        while self._pending and self._pending[0][0] <= upto:
            self.persisted, writes = self._pending.popleft()
            for write in writes:
                self._do(write)
            if self.stages is not None:
                self.stages.append(self.durable)
        return self.persisted != before

    def units(self) -> int:
        """Return how many units are being written."""
        return sum(_units(write) for _, writes in self._pending for write in writes)

    def crash(self, kept: int) -> None:
        """Keep so many units of what is being written, and forget the rest."""
        for _, writes in self._pending:
            for write in writes:
                if kept < _units(write):
                    if isinstance(write, WriteEntries):
                        self._do(WriteEntries(write.first, write.entries[:kept]))
                    kept = 0
                    break
                self._do(write)
                kept -= _units(write)
            else:
                continue
            break
        self._pending.clear()
        self.persisted = 0

    def _do(self, write: Write) -> None:
        match write:
            case WriteEntries(first, entries):
                self._entries.update(enumerate(entries, first))
            case WriteRecord(record):
                self._record = record
            case Truncate(first):
                for index in [index for index in self._entries if index >= first]:
                    del self._entries[index]
            case WriteSnapshot(upto, snapshot):
                self._snapshot = snapshot
                for index in [index for index in self._entries if index <= upto]:
                    del self._entries[index]


def _units(write: Write) -> int:
    return len(write.entries) if isinstance(write, WriteEntries) else 1
