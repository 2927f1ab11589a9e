"""Sequence diagrams: frozen values that say what a run looks like, whatever it was a run of.

Guarantees: a diagram holds text only. `runs.py` makes one of a model's run; whoever has runs of something else (a simulator's
transcript, an implementation's log) makes one by `DiagramRecorder` and gets the same pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ratified.diagram import chart, mermaid
from ratified.diagram.rows import Ending, Fate, Message, Row, SequencePicture


@dataclass(frozen=True, slots=True)
class SequenceDiagram(SequencePicture):
    """A run as a sequence diagram."""

    def to_svg(self) -> str:
        """The picture."""
        return chart.to_svg(self)

    def to_mermaid(self) -> str:
        """Mermaid text, which GitHub and many Markdown viewers draw."""
        return mermaid.to_mermaid(self)

    def save(self, file: str | Path) -> None:
        """Write it to a file: .svg, .mmd, .md (a Mermaid block) or .html. Raises RatifiedError if it cannot be written."""
        chart.save(self, Path(file))

    def _repr_svg_(self) -> str:
        return self.to_svg()


# --- making one, event by event ---


@dataclass(slots=True)
class _Sending:
    """A message that is under way."""

    label: str
    sender: int
    receiver: int | None
    sent: int
    copy: bool = False
    delivered: list[tuple[int, int]] = field(default_factory=list)  # to whom, in which row
    lost: int | None = None
    gone: bool = False


class DiagramRecorder:
    """Puts a diagram together: open a row with `step`, then say what happens in it.

    Lifelines appear in the order in which they are named, here or in events. Messages are told apart by the number that `send`
    returns.
    """

    def __init__(self, title: str, lifelines: Sequence[str] = ()) -> None:
        self.title = title
        self._lifelines = list(lifelines)
        self._calls: list[tuple[str, int | None]] = []
        self._changes: list[dict[int, list[str]]] = []
        self._messages: list[_Sending] = []

    def lifeline(self, name: str) -> int:
        """The number of a lifeline, which is there from now on."""
        if name not in self._lifelines:
            self._lifelines.append(name)
        return self._lifelines.index(name)

    def step(self, call: str, actor: str | None = None) -> int:
        """Begin the next row; returns its number, from 1."""
        self._calls.append((call, None if actor is None else self.lifeline(actor)))
        self._changes.append({})
        return len(self._calls)

    def change(self, process: str, text: str) -> None:
        """Something changes at a process, in this row."""
        self._changes[-1].setdefault(self.lifeline(process), []).append(text)

    def send(self, label: str, sender: str, receiver: str | None = None, *, copy: bool = False) -> int:
        """A message sets out in this row (before the first row: it was there from the beginning)."""
        to = None if receiver is None else self.lifeline(receiver)
        self._messages.append(_Sending(label, self.lifeline(sender), to, len(self._calls), copy))
        return len(self._messages) - 1

    def receive(self, message: int, process: str, *, consumed: bool = True) -> None:
        """A message arrives at a process in this row; if it is not consumed, it may arrive elsewhere too."""
        sending = self._messages[message]
        place = self.lifeline(process)
        if all(at != place for at, _ in sending.delivered):
            sending.delivered.append((place, len(self._calls)))
        sending.gone = sending.gone or consumed

    def lose(self, message: int) -> None:
        """The network loses a message in this row."""
        self._messages[message].lost = len(self._calls)
        self._messages[message].gone = True

    def ends(self, message: int) -> tuple[str, str | None]:
        """Who sent a message, and for whom, as far as that is known."""
        sending = self._messages[message]
        receiver = None if sending.receiver is None else self._lifelines[sending.receiver]
        return self._lifelines[sending.sender], receiver

    def arrived(self, message: int) -> bool:
        """Whether a message has arrived anywhere yet."""
        return bool(self._messages[message].delivered)

    def diagram(
        self, ending: Ending | None = None, *, loop: int | None = None, notes: Sequence[str] = ()
    ) -> SequenceDiagram:
        """All of it."""
        last = len(self._calls)
        messages: list[Message] = []
        for s in self._messages:
            for place, row in s.delivered:
                messages.append(Message(s.label, s.sender, place, s.sent, row, Fate.RECEIVED, s.copy))
            if s.lost is not None and not s.delivered:
                messages.append(Message(s.label, s.sender, s.receiver, s.sent, s.lost, Fate.LOST, s.copy))
            elif not s.delivered:
                messages.append(Message(s.label, s.sender, s.receiver, s.sent, last, Fate.IN_FLIGHT, s.copy))
        rows = tuple(
            Row(call, actor, tuple((place, tuple(lines)) for place, lines in sorted(changes.items())))
            for (call, actor), changes in zip(self._calls, self._changes, strict=True)
        )
        return SequenceDiagram(
            self.title, tuple(self._lifelines), rows, _overtaking(messages), ending, loop, tuple(notes)
        )


def _overtaking(messages: list[Message]) -> tuple[Message, ...]:
    """The messages, with those marked that arrive before an earlier one of the same sender to the same receiver."""
    arrived = [m for m in messages if m.fate is Fate.RECEIVED]

    def overtakes(m: Message) -> bool:
        return m.fate is Fate.RECEIVED and any(
            (o.sender, o.receiver) == (m.sender, m.receiver) and o.sent < m.sent and o.ended > m.ended
            for o in arrived
        )

    return tuple(replace(m, overtakes=overtakes(m)) for m in messages)
