"""Traces of several nodes followed as one run, where clocks tell the order of some events and not of others.

A *cut* says how much of each file has been followed. All cuts of the same number of events are held side by side, each with the
states of the model that explain what is in it, in any order that the clocks leave open; a cut that several orders lead to is held
once. The run is explained if one order explains it; the model does not allow it if none does.

Guarantees: the order within a file is kept, but for as many places as the binding lets events be `reordered`; what a clock
orders stays so. At most `most_orders` cuts are held, those nearest to the order of the clocks. If others were left out, what
nothing explains is UNDECIDED. Memory does not grow with the files.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ratified.follow.binding import Event
from ratified.follow.clocks import Clock, ClockStamp
from ratified.follow.source import TraceError
from ratified.follow.tracker import TIDY_EVERY, Meant, Mismatch, Tracker
from ratified.language.machine import Values
from ratified.results.result import Verdict

MOST_ORDERS: Final = 100
MOST_APART: Final = 1_000
"""Events by which a cut may be ahead in one file of what the clocks say."""

FileCut = tuple[tuple[int, frozenset[int]], ...]
"""For each file: the number of its first event that has not been followed, and those beyond it that have been."""


@dataclass(slots=True)
class _Read:
    """An event of a file, with its stamp, and what it means once that was asked."""

    event: Event
    stamp: ClockStamp
    meant: Meant | None = None
    counted: bool = False


@dataclass(slots=True)
class _File:
    """What has been read of a file and may still be needed."""

    events: Iterator[Event]
    clock: Clock | None
    start: int = 0
    held: deque[_Read] = field(default_factory=deque)
    over: bool = False

    def at(self, number: int) -> _Read | None:
        """The event of a number, from 0; None past the end. Raises TraceError.

        One more is read, so that a clock that runs backwards is told before what it says is held against anybody.
        """
        while not self.over and number + 1 >= self.start + len(self.held):
            event = next(self.events, None)
            if event is None:
                self.over = True
                break
            stamp = () if self.clock is None else self.clock.stamp(event)
            if self.clock and self.held and self.clock.runs_backwards(self.held[-1].stamp, stamp):
                raise TraceError(
                    f"{event.source}:{event.line}: the clock {self.clock.field!r} runs backwards",
                    remedy="each file is of one node, in the order in which it happened there"
                    + ("; --error says how far clocks may be off" if self.clock.kind == "wall" else ""),
                )
            self.held.append(_Read(event, stamp))
        return self.held[number - self.start] if number < self.start + len(self.held) else None

    def forget(self, below: int) -> None:
        """Drop what no cut needs any more. One is kept, for its clock."""
        while self.start < below and len(self.held) > 1:
            self.held.popleft()
            self.start += 1


class Merged:
    """Follows events of several files by one tracker. Use `events`, and give each to `step`; that may follow another one."""

    def __init__(
        self,
        tracker: Tracker,
        files: Sequence[Iterator[Event]],
        clock: Clock | None,
        most_orders: int = MOST_ORDERS,
    ) -> None:
        self.tracker = tracker
        self._clock = clock
        self._files = [_File(f, clock) for f in files]
        self._most = most_orders
        self._reach = tracker.binding.reordered
        none: FileCut = tuple((0, frozenset()) for _ in files)
        self._cuts: dict[FileCut, list[Values]] = {none: tracker.states}
        self._usual = none  # the cut of the order in which clocks sort events
        self._since_tidied = 0
        self.current: Event | None = None  # that is asked for what it means
        self._lost: str | None = None  # why an order could not be followed to its end, if one could not
        self.left_out = False  # whether an order was not tried
        self.most_orders = 1

    def events(self) -> Iterator[Event]:
        """Yield the events in the order of their clocks, each as it comes to be followed."""
        while (following := self._next_usual()) is not None:
            number, index, read = following
            yield read.event
            self._usual = self._with(self._usual, number, index)

    def _next_usual(self) -> tuple[int, int, _Read] | None:
        heads = [(k, base, self._files[k].at(base)) for k, (base, _) in enumerate(self._usual)]
        there = [(k, n, read) for k, n, read in heads if read is not None]
        if not there:
            return None
        order = self._clock.order if self._clock else lambda _: (0.0,)
        return min(there, key=lambda h: (order(h[2].stamp), h[0]))

    def step(self) -> bool:
        """Follow one event more, in every order that is open; whether that is explained. Raises EventError."""
        tracker, level = self.tracker, self.tracker.result.events
        found: dict[FileCut, dict[Values, None]] = {}
        failed: tuple[Mismatch | None, str | None] | None = None
        for cut, states in self._cuts.items():
            for number, index, read in self._enabled(cut):
                after, why = self._tried(read, states, level)
                if after:
                    to = self._with(cut, number, index)
                    found.setdefault(to, {}).update(dict.fromkeys(after))
                    continue
                self._lost = self._lost or why[1]
                if failed is None or (why[1] is not None and failed[1] is None):
                    failed = why
        if not found:
            return self._ended(failed)
        tracker.result.events = level + 1
        self._cuts = {cut: list(states) for cut, states in self._nearest(found).items()}
        self.most_orders = max(self.most_orders, len(self._cuts))
        tracker.states = next(iter(self._cuts.values()))
        self._tidy()
        for k, file in enumerate(self._files):
            file.forget(min(cut[k][0] for cut in (*self._cuts, self._usual)))
        return True

    def _ended(self, failed: tuple[Mismatch | None, str | None] | None) -> bool:
        result = self.tracker.result
        assert failed is not None
        result.mismatch, result.stopped = failed[0], failed[1] or self._lost
        if self.left_out and result.stopped is None:
            result.stopped = f"none of the {self._most:,} orders tried explains it, and there are more"
        result.verdict = Verdict.UNDECIDED if result.stopped else Verdict.VIOLATED
        return False

    def _tried(
        self, read: _Read, states: list[Values], level: int
    ) -> tuple[list[Values], tuple[Mismatch | None, str | None]]:
        """The states that an event leads to from some, and why not if there are none."""
        tracker = self.tracker
        result = tracker.result
        self.current = read.event
        if read.meant is None:
            read.meant = tracker.meaning(read.event)
        why: tuple[Mismatch | None, str | None]
        if read.meant is None:  # there is no room for it, in whatever order
            why = (None, result.stopped)
        else:
            actions, steps, names = result.actions.copy(), result.steps, result.names.copy()
            tracker.states, result.events = states, level
            if tracker.explain(read.event, read.meant):
                if read.counted:
                    result.actions, result.steps, result.names = actions, steps, names
                read.counted = True
                return tracker.states, (None, None)
            why = (result.mismatch, result.stopped)
            result.actions, result.steps, result.names = actions, steps, names
        result.verdict, result.mismatch, result.stopped = Verdict.HOLDS, None, None
        return [], why

    def _enabled(self, cut: FileCut) -> list[tuple[int, int, _Read]]:
        """The events that may come next: those that no event which has not been followed is known to come before."""
        open_ = [
            (k, n, read)
            for k, (base, beyond) in enumerate(cut)
            for n in range(base, base + self._reach + 1)
            if n not in beyond and (read := self._files[k].at(n)) is not None
        ]
        clock = self._clock
        if clock is None:
            return open_
        return [
            (k, n, read)
            for k, n, read in open_
            if not any(j != k and clock.before(other.stamp, read.stamp) for j, _, other in open_)
        ]

    @staticmethod
    def _with(cut: FileCut, number: int, index: int) -> FileCut:
        base, beyond = cut[number]
        beyond |= {index}
        while base in beyond:
            beyond -= {base}
            base += 1
        return (*cut[:number], (base, beyond), *cut[number + 1 :])

    def _nearest(self, found: Mapping[FileCut, dict[Values, None]]) -> Mapping[FileCut, dict[Values, None]]:
        """Of these, as many as are held: the nearest to the order of the clocks."""

        def apart(cut: FileCut) -> int:
            return max(abs(base - usual) for (base, _), (usual, _) in zip(cut, self._usual, strict=True))

        if len(found) == 1:
            return found
        kept = sorted((c for c in found if apart(c) <= MOST_APART), key=lambda c: (apart(c), repr(c)))
        if len(kept) < len(found) or len(kept) > self._most:
            self.left_out = True
        return {c: found[c] for c in kept[: self._most]} if kept else found

    def _tidy(self) -> None:
        """Where one cut is left, what binding.tidy may drop is the same in every order."""
        self._since_tidied += 1
        if self._since_tidied >= TIDY_EVERY and len(self._cuts) == 1:
            self._since_tidied = 0
            (cut,) = self._cuts
            self.tracker.tidy()
            self._cuts[cut] = self.tracker.states
