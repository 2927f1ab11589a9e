"""What a run looks like, whatever it was a run of: lifelines, rows, messages, how it ends. Frozen values that hold text only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Self


class Fate(Enum):
    """What happened to a message."""

    RECEIVED = "received"
    LOST = "lost"
    IN_FLIGHT = "in flight"


@dataclass(frozen=True, slots=True)
class Message:
    """A message from one lifeline to another, or to no particular receiver (`receiver` is None).

    `sent` and `ended` are numbers of rows; for a message still in flight, `ended` is the last row. `copy` if the network
    duplicated another message; `overtakes` if it arrives before an earlier message of the same sender to the same receiver.
    """

    label: str
    sender: int
    receiver: int | None
    sent: int
    ended: int
    fate: Fate
    copy: bool = False
    overtakes: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One step of a diagram: its name, its lifeline (None: the network's, or everybody's), and what it changed, by lifeline."""

    call: str
    actor: int | None
    changes: tuple[tuple[int, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a diagram: a headline, and sentences. `bad` if something went wrong."""

    headline: str
    lines: tuple[str, ...] = ()
    bad: bool = True


@dataclass(frozen=True, slots=True)
class SequencePicture:
    """A run: a lifeline for each process, rows from the first step to the last, messages between them.

    `loop` is the number of the row after which the run repeats for ever (0: from the beginning), if it does.
    """

    title: str
    lifelines: tuple[str, ...]
    rows: tuple[Row, ...]
    messages: tuple[Message, ...]
    ending: Ending | None = None
    loop: int | None = None
    notes: tuple[str, ...] = ()

    def last(self, rows: int) -> Self:
        """The end of it: so many rows, and the messages that are under way in them."""
        cut = len(self.rows) - rows
        if cut <= 0:
            return self
        messages = tuple(
            replace(m, sent=max(m.sent - cut, 0), ended=m.ended - cut) for m in self.messages if m.ended > cut
        )
        loop = None if self.loop is None else max(self.loop - cut, 0)
        notes = (*self.notes, f"the first {cut:,} of {len(self.rows):,} rows are left out")
        return replace(self, rows=self.rows[cut:], messages=messages, loop=loop, notes=notes)
