"""What a node did, as NDJSON for `ratified trace`: each action of its core, and what is on its disk whenever that changes.

Each event has a stamp of the node's hybrid clock, `hlc`, which messages carry to others: so the traces of all nodes are one run,
`--clock hlc:hlc`. A line is written before anything that it speaks of leaves the node, and what the disk has when it has it.
So a node may be killed at any moment: what is in its trace is what others can know of it. At a start it is told what the disk has
then, so that what was written and not told is told late, but before anything that follows from it.

Where a protocol's model knows of no disks, an event counts from when what it wrote is durable (`HeldTrace`): it is told then,
and is in a file beside until then. What a crash may have undone is told at the next start, as not certain, before what the
node then has.

Guarantees: stamps grow, across restarts too; a line that a crash has cut is taken away, and nothing had followed from it.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Collection, Mapping
from typing import Any

from ratified.impl.contract import (
    Core,
    Durable,
    Observation,
    Token,
    Truncate,
    Write,
    WriteEntries,
    WriteRecord,
    WriteSnapshot,
)
from ratified.impl.runtime.clock import BITS, Hybrid, pair
from ratified.impl.runtime.errors import DiskFault, RefusedData
from ratified.impl.runtime.settings import Settings
from ratified.impl.services.extras import missing
from ratified.impl.text import plain

try:
    import msgspec
except ModuleNotFoundError as error:
    raise missing("msgspec", "msgspec", "serve", error) from None

CONSEQUENCES = ("advance_commit", "apply", "compact", "append")
"""What a core reports before the handler that it follows from."""

TAIL = 1 << 20


class Trace:
    """The trace of one node, in a file that is gone on with. Raises DiskFault where it cannot be written."""

    def __init__(self, settings: Settings, clock: Hybrid) -> None:
        assert settings.trace is not None
        self._path = settings.trace
        self._node = settings.node
        self._clock = clock
        self._encode = msgspec.json.Encoder().encode
        self._step: list[Observation] = []
        self._record: Any = None
        self._entries: dict[int, Any] = {}
        self._snapshot: Any = None
        self._pending: list[tuple[Token, tuple[Write, ...]]] = []
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            clock.merge(self._continued())
        except OSError as error:
            raise DiskFault(f"{self._path} cannot be written: {error.strerror}") from None
        if os.fstat(self._file).st_size == 0:
            heading = {
                "trace": settings.protocol,
                "nodes": list(settings.nodes),
                "voters": list(settings.voters),
            }
            self._write([heading])

    def _continued(self) -> int:
        """Take away a line that was cut, and return the last stamp."""
        size = os.fstat(self._file).st_size
        tail = os.pread(self._file, TAIL, max(0, size - TAIL))
        end = tail.rfind(b"\n") + 1
        if end < len(tail):
            os.ftruncate(self._file, size - len(tail) + end)
        last = tail[:end].rstrip(b"\n").rpartition(b"\n")[2]
        if not last:
            return 0
        try:
            milliseconds, counter = json.loads(last).get("hlc", (0, 0))
        except (ValueError, AttributeError, TypeError):
            raise RefusedData(f"{self._path} does not end with an event; move it away") from None
        return int(milliseconds) << BITS | int(counter)

    # What the node tells

    def begin(self, durable: Durable) -> None:
        """The node starts with this on its disk."""
        self._record, self._entries, self._snapshot = durable.record, dict(durable.entries), durable.snapshot
        self._tell_disk()

    def started(self, core: Core) -> None:  # noqa: ARG002 - it has told of itself
        """The core is there."""
        self.stepped()

    def observed(self, observation: Observation) -> None:
        """A core acted."""
        self._step.append(observation)

    def stepped(self) -> None:
        """A step is over, and what follows from it is about to leave.

        Handlers report when they are done, after what they have led to; they are told first. What could be seen is told last.
        """
        if not self._step:
            return
        step, self._step = self._step, []
        ordered: list[Observation] = []
        for observation in step:
            at = len(ordered)
            if observation.action.startswith("handle_"):
                at = next((n for n, o in enumerate(ordered) if o.action in CONSEQUENCES), at)
            ordered.insert(at, observation)
        lines = [self._event(o.action, o.arguments) for o in ordered]
        lines[-1]["variables"] = plain(step[-1].variables)
        self._write(lines)

    def writing(self, token: Token, writes: tuple[Write, ...]) -> None:
        """This is being written."""
        self._pending.append((token, writes))

    def durable(self, token: Token) -> None:
        """All up to a token is on the disk; nobody has heard of it yet."""
        done = [writes for at, writes in self._pending if at <= token]
        self._pending = [(at, writes) for at, writes in self._pending if at > token]
        for writes in done:
            for write in writes:
                self._apply(write)
        if done:
            self._tell_disk()

    def close(self) -> None:
        """The node ends."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    # Lines

    def _apply(self, write: Write) -> None:
        match write:
            case WriteRecord(record):
                self._record = record
            case WriteEntries(first, entries):
                self._entries.update(enumerate(entries, first))
            case Truncate(first):
                self._entries = {at: entry for at, entry in self._entries.items() if at < first}
            case WriteSnapshot(index, snapshot):
                self._snapshot = snapshot
                self._entries = {at: entry for at, entry in self._entries.items() if at > index}

    def _tell_disk(self) -> None:
        entries = [plain(self._entries[at]) for at in sorted(self._entries)]
        arguments = {
            "record": plain(self._record),
            "first": min(self._entries, default=1),
            "entries": entries,
            "snapshot": getattr(self._snapshot, "index", 0),
        }
        self._write([self._event("durable", arguments)])

    def _event(self, action: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        event = {"node": self._node, "action": action, "hlc": pair(self._clock.tick())}
        if arguments:
            event["arguments"] = plain(arguments)
        return event

    def _write(self, lines: list[dict[str, Any]]) -> None:
        self._append(self._file, b"".join(self._encode(line) + b"\n" for line in lines))

    def _append(self, file: int, data: bytes) -> None:
        try:
            if os.write(file, data) != len(data):
                raise DiskFault(f"{self._path}: the disk is full")
        except OSError as error:
            raise DiskFault(f"{self._path}: {error.strerror}") from None


class HeldTrace(Trace):
    """A trace whose events wait, in order, for their writes; those named in `at_once` need nothing written, and do not wait."""

    def __init__(self, settings: Settings, clock: Hybrid, at_once: Collection[str]) -> None:
        super().__init__(settings, clock)
        self._at_once = at_once
        self._core: Any = None
        self._persisted: Token = 0
        self._happened: list[tuple[Token, Observation]] = []  # in the step under way
        self._waits: deque[tuple[Token, dict[str, Any]]] = deque()
        path = self._path.with_name(self._path.name + ".waiting")
        try:
            self._beside = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            with self._path.open("rb") as file:
                actions = [json.loads(line).get("action", "start") for line in file]
        except OSError as error:
            raise DiskFault(f"{path} cannot be written: {error.strerror}") from None
        # How many events have waited, and were told; by it those that were not are known.
        self._count = sum(action != "start" and action not in at_once for action in actions)

    def begin(self, durable: Durable) -> None:  # noqa: ARG002 - what there is on the disk the core will show
        """Tell what waited when the node ended."""
        kept = os.pread(self._beside, os.fstat(self._beside).st_size, 0)
        for line in kept.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break  # it was cut, and so nothing was written for it
            number, event = json.loads(line)
            if number == self._count:
                self._told({**event, "certain": False})
                self._count += 1
        os.ftruncate(self._beside, 0)

    def started(self, core: Core) -> None:
        """The core is there."""
        self._core = core
        self._told({"action": "start", "variables": plain(self._core.observe())})

    def observed(self, observation: Observation) -> None:
        """A core acted. It waits for what was written up to now, and not for what the same step writes later."""
        if self._core is not None:
            self._happened.append((self._core.token, observation))

    def stepped(self) -> None:
        """A step is over: what needs nothing written is told, and what else happened is kept."""
        happened, self._happened = self._happened, []
        for token, observation in happened:
            event: dict[str, Any] = {"action": observation.action, "arguments": plain(observation.arguments)}
            if observation.action in self._at_once:
                self._settle()
                self._told(event)  # without variables, which would show what waits, too
                continue
            event["variables"] = plain(observation.variables)
            self._append(self._beside, self._encode((self._count + len(self._waits), event)) + b"\n")
            self._waits.append((max(token, self._waits[-1][0]) if self._waits else token, event))
        self._settle()

    def writing(self, token: Token, writes: tuple[Write, ...]) -> None:
        """What is written is not told."""

    def durable(self, token: Token) -> None:
        """All up to a token is on the disk; nobody has heard of it yet."""
        self._persisted = token
        self._settle()

    def _settle(self) -> None:
        """Tell what is durable."""
        told = False
        while self._waits and self._waits[0][0] <= self._persisted:
            self._told(self._waits.popleft()[1])
            self._count += 1
            told = True
        if told and not self._waits:
            os.ftruncate(self._beside, 0)

    def _told(self, event: dict[str, Any]) -> None:
        self._write([{"node": self._node, "hlc": pair(self._clock.tick()), **event}])

    def close(self) -> None:
        """The node ends."""
        super().close()
        if self._beside >= 0:
            os.close(self._beside)
            self._beside = -1
