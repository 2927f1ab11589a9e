"""What stands between calls and the replicated store: it puts what many callers ask into one command or one query.

Questions are answered from the node's own copy, once whoever leads has confirmed that it leads and this node has executed what
was committed by then; one confirmation is for all who asked before it began. So each node of a cluster answers questions, and the
one that leads is asked for no more than a number.

Whatever comes in while a command is on its way waits for the next one, so that a batch grows with the load by itself. Commands go
by *lanes*: each has a session of its own (see `ratified.impl.sessions`) and one command on the way, which is sent again, here or
to whoever leads, under the same number until it is known what became of it.

Guarantees: an operation is executed at most once, whoever leads; a question is put to the cluster after it was asked; what has
not been decided in time is told as such, and the session of its lane is not used any more.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, Protocol, TypeVar

from ratified.impl.contract import Busy, Command, Done, Lost, NodeId, NotLeader, Outcome, Refused
from ratified.impl.etcd.errors import Fault, no_leader, timed_out, too_many_requests
from ratified.impl.runtime.asking import settle
from ratified.impl.runtime.replica import Operated
from ratified.impl.store import values
from ratified.impl.store.store import Store
from ratified.impl.store.values import Answer, Question

LANES: Final = 2
"""While one command is made durable the next one fills; more lanes make smaller batches."""

BATCH_MOST: Final = 512
BATCH_BYTES_MOST: Final = 1_000_000
PAUSE_MS: Final = 20

GATHER_MS: Final = 2
"""Confirmations begin no sooner one after the other, where the one before was for more than one caller: each costs the whole
cluster about what ten callers do."""

Q = TypeVar("Q")


class Passing(Protocol):
    """What can ask another node, in one hop. Never raises; `Lost` if the answer did not come."""

    async def submit(self, address: str, command: Command, wait_ms: int) -> Outcome:
        """Have it submit a command."""

    async def order(self, address: str, command: Command, wait_ms: int) -> Outcome:
        """Have it give an order, whose words are the payload."""

    async def confirm(self, address: str, command: Command, wait_ms: int) -> Outcome:
        """Have it confirm that it leads; see `Replica.confirm`. Of the command nothing is looked at."""


class _Refusal(Fault):
    """Whoever leads does not do it."""

    def __init__(self, reason: str) -> None:
        super().__init__(timed_out().code, f"ratified: {reason}")
        self.reason = reason


class _Lanes(Generic[Q]):
    """Callers, and the batches that their questions go in."""

    def __init__(
        self,
        send: Callable[[int, tuple[Q, ...]], Awaitable[tuple[Answer, ...]]],
        size: Callable[[Q], int],
        pending: int,
    ) -> None:
        self._send = send
        self._size = size
        self._pending_most = pending
        self._waiting: list[tuple[Q, asyncio.Future[Answer]]] = []
        self._on_the_way = 0
        self._free = list(range(LANES))
        self._tasks: set[asyncio.Task[None]] = set()
        self._scheduled = False

    async def ask(self, question: Q) -> Answer:
        """Wait for an answer. Raises Fault."""
        if len(self._waiting) + self._on_the_way >= self._pending_most:
            raise too_many_requests()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((question, future))
        if not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._start)  # what else comes in this turn of the loop goes along
        return await future

    def _start(self) -> None:
        """Begin batches, as long as those that wait are as many as those on the way: smaller ones cost as much."""
        self._scheduled = False
        while self._waiting and self._free and len(self._waiting) >= self._on_the_way:
            taken = bytes_taken = 0
            for question, _ in self._waiting[:BATCH_MOST]:
                bytes_taken += self._size(question)
                if taken and bytes_taken > BATCH_BYTES_MOST:
                    break
                taken += 1
            batch, self._waiting = self._waiting[:taken], self._waiting[taken:]
            self._on_the_way += taken
            task = asyncio.get_running_loop().create_task(self._run(self._free.pop(), batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, lane: int, batch: list[tuple[Q, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._send(lane, tuple([question for question, _ in batch]))
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)
        except Fault as fault:
            for _, future in batch:
                if not future.done():
                    future.set_exception(Fault(fault.code, fault.text))
        finally:
            for _, future in batch:
                future.cancel()  # if it was not answered above, this task was cancelled
            self._on_the_way -= len(batch)
            self._free.append(lane)
            self._start()

    async def close(self) -> None:
        """End what is on the way."""
        self._waiting, waiting = [], self._waiting
        for _, future in waiting:
            future.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Batcher:
    """One node's."""

    def __init__(
        self, replica: Operated, passing: Passing, *, pending: int = 8_192, wait_ms: int = 5_000
    ) -> None:
        self.replica = replica
        self._passing = passing
        self._wait_ms = wait_ms
        self._names = [self._name() for _ in range(LANES)]
        self._serials = [0] * LANES
        self._commands: _Lanes[values.Command] = _Lanes(self._submit, _size, pending)
        self._pending_most = pending
        self._readers: list[asyncio.Future[None]] = []  # who wait for the next confirmation
        self._confirming: asyncio.Task[None] | None = None
        self._not_before = 0.0  # when the next confirmation may begin
        self._asking = 0
        self._behind: list[asyncio.Future[None]] = []  # who wait until more is executed here

    def _name(self) -> str:
        return f"{self.replica.status().node}/{secrets.token_hex(8)}"

    async def propose(self, op: values.Command) -> Answer:
        """Have an operation executed. Raises Fault."""
        return await self._commands.ask(op)

    async def ask(self, question: Question) -> Answer:
        """Answer a question, linearizably. Raises Fault."""
        if self._asking >= self._pending_most:
            raise too_many_requests()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._readers.append(future)
        if self._confirming is None:
            self._confirming = asyncio.get_running_loop().create_task(self._confirm())
        self._asking += 1
        try:
            await future
        finally:
            self._asking -= 1
        machine = self.replica.machine
        assert isinstance(machine, Store)
        return machine.ask(question)

    async def _confirm(self) -> None:
        """Confirm for all who wait, and then for those who came meanwhile."""
        waiting: list[asyncio.Future[None]] = []
        loop = asyncio.get_running_loop()
        try:
            while self._readers:
                if (now := loop.time()) < self._not_before:
                    await asyncio.sleep(self._not_before - now)
                waiting, self._readers = self._readers, []
                self._not_before = loop.time() + GATHER_MS / 1000 if len(waiting) > 1 else 0.0
                try:
                    result = await self._settled(
                        Command("", 0, b""), lambda _: self.replica.confirm(), self._passing.confirm
                    )
                    await self._executed(int.from_bytes(result, "big"))
                except Fault as fault:
                    for future in waiting:
                        if not future.done():
                            future.set_exception(Fault(fault.code, fault.text))
                    continue
                for future in waiting:
                    settle(future, None)
        finally:
            self._confirming = None
            for future in (*waiting, *self._readers):
                future.cancel()  # if it was not answered above, this task was cancelled

    async def _executed(self, index: int) -> None:
        """Wait until this node has executed the log up to an index. Raises Fault."""
        try:
            async with asyncio.timeout(self._wait_ms / 1000):
                while self.replica.applied < index:
                    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                    self._behind.append(future)
                    await future
        except TimeoutError:
            raise timed_out() from None

    def advanced(self) -> None:
        """This node has executed more."""
        if self._behind:
            behind, self._behind = self._behind, []
            for future in behind:
                settle(future, None)

    async def order(self, words: Sequence[str]) -> Outcome:
        """Give an order to whoever leads: `Done` when it was given, `Refused` where it makes no sense. Raises Fault."""
        command = Command("", 0, " ".join(words).encode())

        async def here(_: Command) -> Outcome:
            return self.replica.order(words)

        try:
            return Done(await self._settled(command, here, self._passing.order))
        except _Refusal as refusal:
            return Refused(refusal.reason)

    async def close(self) -> None:
        """End what is on the way."""
        await self._commands.close()
        if self._confirming is not None:
            self._confirming.cancel()
            await asyncio.gather(self._confirming, return_exceptions=True)

    async def _submit(self, lane: int, ops: tuple[values.Command, ...]) -> tuple[Answer, ...]:
        self._serials[lane] += 1
        command = Command(self._names[lane], self._serials[lane], values.encode(ops))
        try:
            result = await self._settled(command, self.replica.submit, self._passing.submit)
        except (Fault, asyncio.CancelledError):
            # It may be executed yet: a later command of this session would have to come after it.
            self._names[lane], self._serials[lane] = self._name(), 0
            raise
        return _answers(result, len(ops))

    async def _settled(
        self,
        command: Command,
        here: Callable[[Command], Awaitable[Outcome]],
        there: Callable[[str, Command, int], Awaitable[Outcome]],
    ) -> bytes:
        """Ask whoever leads until there is an answer. Raises Fault."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._wait_ms / 1000
        unknown = False  # whether it may have been executed
        hint: NodeId | None = None
        while True:
            address = self._address(hint)
            left_ms = int((until - loop.time()) * 1000)
            if left_ms <= 0:
                raise timed_out() if unknown else no_leader()
            hint = None
            if address is None:
                try:
                    async with asyncio.timeout(left_ms / 1000):
                        outcome = await here(command)
                except TimeoutError:
                    outcome = Lost(None)
            else:
                outcome = await there(address, command, left_ms)
            match outcome:
                case Done(result):
                    return result
                case Refused(reason):
                    raise _Refusal(reason)
                case NotLeader(leader):
                    if leader is not None and leader != self.replica.status().node and address is None:
                        hint = leader
                        continue
                    if leader is None and not self._is_member():
                        raise timed_out() if unknown else no_leader()  # nobody will tell this node who leads
                case Lost():
                    unknown = True
                case Busy():
                    pass
            await asyncio.sleep(PAUSE_MS / 1000)

    def _is_member(self) -> bool:
        status = self.replica.status()
        return any(member.node == status.node for member in status.members)

    def _address(self, leader: NodeId | None) -> str | None:
        """Return where that node answers clients; None: ask here."""
        if leader is None:
            return None
        return next((m.client for m in self.replica.status().members if m.node == leader), None)


def _answers(result: bytes, count: int) -> tuple[Answer, ...]:
    answers = values.answers(result)
    if len(answers) != count:  # nobody understood the batch
        return answers[:1] * count
    return answers


def _size(op: object) -> int:
    """Return about how many bytes an operation takes in the log."""
    match op:
        case values.Put(key, value):
            return len(key) + len(value) + 16
        case values.Txn(compare, success, failure):
            return 32 * len(compare) + sum(_size(each) for each in (*success, *failure))
        case values.Once():
            return 32 + _size(op.operation)
    return 64
