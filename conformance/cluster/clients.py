"""What clients of a cluster do, and what they saw: a history, to be decided.

Each client asks one thing at a time of some node, follows hints to the leader, and says it again under the same number while
nobody knows what became of it. Now and then an answer is lost on its way to the client, who then asks again, a little later; and
now and then a copy of a command that has its answer arrives late. When a client has lost patience its operation stays open, for
ever, and it goes on under another name.

Guarantees: the history has every operation, in the order of its events as this process saw them; no two values that are written
are equal.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from ratified.follow.linearizability.history import HistoryRecorder
from ratified.impl.contract import Command, Done, Lost, NodeId, NotLeader, Outcome, Refused
from ratified.impl.runtime.remote import Remote

LOSS, COPIES, LOOKS = 0.1, 0.4, 0.5
"""The shares of answers to commands that are lost, of commands of which a copy arrives late, and of those after which the key is
read at once: a node that has not heard of what is acknowledged must not answer as if it had."""


@dataclass(slots=True)
class Ended:
    """An operation that is over, for the picture: when it began and ended, in seconds, and how often it was sent."""

    node: NodeId | None  # that was asked last
    began: float
    ended: float
    ok: bool
    sends: int


@dataclass(slots=True)
class History:
    """What clients saw, kept as it happens, and written to a file."""

    out: TextIO
    recorder: HistoryRecorder = field(default_factory=HistoryRecorder)
    ended: list[Ended] = field(default_factory=list)
    acknowledged: int = 0

    def call(self, process: str, function: str, key: str, value: Any) -> None:
        """A client asks."""
        self.recorder.call(process, function, value, key)
        self._line(process, "invoke", function, key, value)

    def end(self, process: str, function: str, key: str, value: Any) -> None:
        """It has its answer."""
        self.recorder.end(process, value)
        self.acknowledged += 1
        self._line(process, "ok", function, key, value)

    def lose(self, process: str, function: str, key: str) -> None:
        """It gave up."""
        self.recorder.lose(process)
        self._line(process, "info", function, key, None)

    def _line(self, process: str, kind: str, function: str, key: str, value: Any) -> None:
        event = {"process": process, "type": kind, "f": function, "key": key, "value": value}
        self.out.write(json.dumps(event) + "\n")


class Client:
    """One client."""

    def __init__(
        self,
        number: int,
        places: Callable[[], Sequence[tuple[NodeId, str]]],
        cluster: str,
        keys: Sequence[str],
        history: History,
        seed: str,
        began: float,
        every: float,
        patience: float,
    ) -> None:
        self._number = number
        self._places = places
        self._cluster = cluster
        self._keys = keys
        self._history = history
        self._random = random.Random(f"{seed}/client/{number}")  # noqa: S311 - to repeat runs, not to keep secrets
        self._began = began
        self._every = every
        self._patience = patience
        # Some wait long, so that a node that was stopped finds their requests when it goes on; others have gone elsewhere.
        self._attempt_s = 0.4 * 2.5 ** (number % 4)
        self._lives = itertools.count(1)
        self._values = itertools.count(1)
        self._known: dict[str, str] = {}  # what this client saw last, for its cas
        self._remotes: dict[NodeId, Remote] = {}
        self._made: list[Remote] = []  # all that there were
        self._at: NodeId | None = None
        self._copies: set[asyncio.Task[None]] = set()
        self._begin_life()

    def _begin_life(self) -> None:
        self._name = f"c{self._number}.{next(self._lives)}"
        self._serial = 0

    async def run(self, over: asyncio.Event) -> None:
        """Ask until it is over."""
        while not over.is_set():
            function, key, value = self._drawn()
            await self._one(function, key, value)
            if function != "get" and self._random.random() < LOOKS:
                await self._one("get", key, None)
            if self._every:
                await asyncio.sleep(self._every * self._random.uniform(0.5, 1.5))

    async def read_all(self) -> None:
        """Read every key, at the end."""
        for key in self._keys:
            await self._one("get", key, None)

    async def close(self) -> None:
        """End its connections."""
        for task in tuple(self._copies):
            task.cancel()
        for remote in self._made:
            await remote.close()

    def _drawn(self) -> tuple[str, str, Any]:
        key = self._random.choice(self._keys)
        function = self._random.choices(("get", "put", "cas", "delete"), (4, 3, 4, 0.3))[0]
        new = f"{self._name}-{next(self._values)}"
        match function:
            case "put":
                return function, key, new
            case "cas":
                return function, key, [self._known.get(key, "none"), new]
            case _:
                return function, key, None

    async def _one(self, function: str, key: str, value: Any) -> None:
        """One operation, from its call to its end."""
        self._history.call(self._name, function, key, value)
        began = time.monotonic()
        result, sends = await self._asked(function, key, value, began + self._patience)
        now = time.monotonic() - self._began
        self._history.ended.append(Ended(self._at, began - self._began, now, result is not None, sends))
        if result is None:
            self._history.lose(self._name, function, key)
            self._begin_life()
            return
        seen: Any = value
        if function == "get":
            seen = result.decode() or None
        elif function == "cas":
            seen = result == b"true"
        self._history.end(self._name, function, key, seen)
        if function == "get":
            self._known[key] = seen or "none"
        elif function == "put":
            self._known[key] = value
        elif function == "cas" and seen:
            self._known[key] = value[1]

    async def _asked(self, function: str, key: str, value: Any, until: float) -> tuple[bytes | None, int]:
        """Ask for something until there is an answer, or it is too late; the answer, and how often it was asked."""
        words = value if isinstance(value, list) else [] if value is None else [value]
        payload = " ".join([function, key, *words]).encode()
        if function == "get":
            return await self._repeated(function, payload, until)
        self._serial += 1
        result, sends = await self._repeated(function, payload, until)
        if result is not None and self._random.random() < COPIES:
            late = self._copy(Command(self._name, self._serial, payload), self._random.uniform(0.2, 8.0))
            task = asyncio.create_task(late)
            self._copies.add(task)
            task.add_done_callback(self._copies.discard)
        return result, sends

    async def _repeated(self, function: str, payload: bytes, until: float) -> tuple[bytes | None, int]:
        sends = 0
        while time.monotonic() < until:
            sends += 1
            result = await self._sent(function, payload)
            if result is not None:
                if function == "get" or self._random.random() >= LOSS:
                    return result, sends
                await asyncio.sleep(self._random.uniform(0.0, 2.0))
        return None, sends

    async def _copy(self, command: Command, after: float) -> None:
        """A copy of a command, that was on its way all the time, arrives."""
        await asyncio.sleep(after)
        for _ in range(20):
            self._at = None if self._random.random() < 0.3 else self._at
            remote = await self._remote()
            if remote is not None and isinstance(await remote.submit(command), Done):
                return
            await asyncio.sleep(0.2)

    async def _sent(self, function: str, payload: bytes) -> bytes | None:
        """Send it to some node, once; what that says, if it is an end."""
        remote = await self._remote()
        if remote is None:
            self._at = None
            await asyncio.sleep(0.05)
            return None
        if function == "get":
            outcome: Outcome = await remote.query(payload)
        else:
            outcome = await remote.submit(Command(self._name, self._serial, payload))
        match outcome:
            case Done(result):
                return result
            case NotLeader(leader) | Lost(leader):
                self._at = leader if leader != self._at else None
            case Refused(reason):
                raise AssertionError(f"{payload!r} was refused: {reason}")
            case _:
                self._at = None
        await asyncio.sleep(self._random.uniform(0.01, 0.05))
        return None

    async def _remote(self) -> Remote | None:
        places = dict(self._places())
        if self._at not in places:
            self._at = self._random.choice(sorted(places))
        node = self._at
        known = self._remotes.get(node)
        if known is not None and not known.over:
            return known
        made = Remote(places[node], self._cluster, node, seconds=self._attempt_s)
        self._made.append(made)
        try:
            async with asyncio.timeout(1):
                await made.__aenter__()
        except (OSError, TimeoutError):
            return None
        self._remotes[node] = made
        return made


def opened(path: Path) -> TextIO:
    """Return the file of a history, written line by line."""
    return path.open("w", encoding="utf-8", buffering=1)
