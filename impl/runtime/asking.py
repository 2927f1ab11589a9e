"""Those who wait for a core's answers: commands by client and number, and reads, confirmed many at a time.

Guarantees: whoever asks is answered, in time, or told that the time is over; of what is not waited for nothing is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from ratified.impl.contract import (
    Answer,
    Busy,
    Command,
    Core,
    Done,
    Input,
    Lost,
    NodeId,
    NotLeader,
    Outcome,
    Query,
    Refused,
    Submit,
)
from ratified.impl.runtime.settings import Limits

Read = tuple[bytes | None, "asyncio.Future[Outcome]"]


class Asking:
    """Asks a core, by way of `step`. `core` says which: None while the node is not there."""

    def __init__(
        self,
        node: NodeId,
        limits: Limits,
        core: Callable[[], Core | None],
        step: Callable[[Input], None],
    ) -> None:
        self.waiting = 0
        self._reader = f"{node}/reads"
        self._limits = limits
        self._core = core
        self._step = step
        self._commands: dict[tuple[str, int], list[asyncio.Future[Outcome]]] = {}
        self._reads: list[Read] = []  # that wait for the next round
        self._confirming: list[Read] = []  # that wait for the present one
        self._round = 0

    def answer(self, answer: Answer) -> None:
        """A core answers."""
        for future in self._commands.pop((answer.client, answer.serial), ()):
            settle(future, answer.outcome)

    def lose_all(self) -> None:
        """The core is gone: what became of commands is not known, reads have not been answered."""
        commands, self._commands = self._commands, {}
        reads, self._reads, self._confirming = [*self._reads, *self._confirming], [], []
        for futures in commands.values():
            for future in futures:
                settle(future, Lost(None))
        for _, future in reads:
            settle(future, Busy())

    async def submit(self, command: Command) -> Outcome:
        """Have a command executed."""
        if self._core() is None:
            return NotLeader(None)
        if not 1 <= command.serial < 1 << 63:
            return Refused("commands are numbered from 1 to 2**63 - 1")
        if self.waiting >= self._limits.requests:
            return Busy()
        name = (command.client, command.serial)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._commands.setdefault(name, []).append(future)
        self._step(Submit(command))
        try:
            outcome = await self._within(future)
        finally:
            if not future.done() or future.cancelled():
                self._forget(name, future)
        if outcome is not None:
            return outcome
        self._forget(name, future)
        core = self._core()
        return Lost(None if core is None else core.leader)

    def _forget(self, name: tuple[str, int], future: asyncio.Future[Outcome]) -> None:
        waiting = self._commands.get(name, [])
        with contextlib.suppress(ValueError):
            waiting.remove(future)
        if not waiting:
            self._commands.pop(name, None)

    async def query(self, payload: bytes | None) -> Outcome:
        """Ask the replicated state something, linearizably; with None: up to where it is executed, in eight bytes."""
        if self._core() is None:
            return NotLeader(None)
        if self.waiting >= self._limits.requests:
            return Busy()
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._reads.append((payload, future))
        if not self._confirming:
            self._confirm()
        outcome = await self._within(future)
        return Busy() if outcome is None else outcome

    async def _within(self, future: asyncio.Future[Outcome]) -> Outcome | None:
        """What a future comes to; None if that takes too long."""
        if future.done():
            return future.result()
        self.waiting += 1
        handle = asyncio.get_running_loop().call_later(self._limits.request_seconds, settle, future, None)
        try:
            return await future
        finally:
            handle.cancel()
            self.waiting -= 1

    # Reads. One query of the core confirms all that came before it: it asks for nothing, and what they ask is answered from the
    # state machine when it is answered. By then all is executed that was committed when they came.

    def _confirm(self) -> None:
        """Begin a round, for all who wait."""
        self._confirming, self._reads = self._reads, []
        self._round += 1
        name = (self._reader, self._round)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        self._commands[name] = [future]
        late = loop.call_later(self._limits.request_seconds, self.answer, Answer(*name, Busy()))

        def confirmed(done: asyncio.Future[Outcome]) -> None:
            late.cancel()
            self._confirmed(done.result())

        future.add_done_callback(confirmed)
        self._step(Query(*name, b""))

    def _confirmed(self, outcome: Outcome) -> None:
        reads, self._confirming = self._confirming, []
        core = self._core()
        for payload, future in reads:
            if isinstance(outcome, Done):
                settle(future, NotLeader(None) if core is None else Done(_said(core, payload)))
            else:
                settle(future, outcome)
        if self._reads and core is not None:
            self._confirm()


def _said(core: Core, payload: bytes | None) -> bytes:
    return core.applied.to_bytes(8, "big") if payload is None else core.machine.query(payload)


def settle(future: asyncio.Future[Any], outcome: Any) -> None:
    """Answer one who waits, unless it was answered, or went away."""
    if not future.done():
        future.set_result(outcome)
