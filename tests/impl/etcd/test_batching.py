"""Batches: each operation once, whatever becomes of what carries it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from ratified.impl.contract import Busy, Command, Done, Lost, NotLeader, Outcome
from ratified.impl.etcd.batching import Batcher
from ratified.impl.etcd.errors import Fault
from ratified.impl.runtime.replica import Member, Status
from ratified.impl.store.store import Store
from ratified.impl.store.values import Found, HasPut, Put, Range, commands


class Scripted:
    """A replica that does what a script says, over a store with sessions."""

    def __init__(self, *outcomes: str) -> None:
        self.store = Store()
        self.script = list(outcomes)
        self.commands: list[Command] = []
        self.confirmed: list[str] = []
        self.members: tuple[Member, ...] = (Member("n1", "p1", "c1"), Member("n2", "p2", "c2"))
        self.index = self.applied = 0
        self.done: dict[str, tuple[int, bytes]] = {}

    @property
    def machine(self) -> Store:
        """Its store."""
        return self.store

    def status(self) -> Status:
        """Another node leads."""
        return Status("n1", "n2", 1, 0, 0, 0, self.members)

    leader, term = "n2", 1

    def known_at(self, peer: str) -> str | None:
        """Nobody is."""
        return None

    def order(self, words: Sequence[str]) -> Outcome:
        """Another node leads."""
        return NotLeader("n2")

    def execute(self, command: Command) -> bytes:
        """As a core with sessions does."""
        serial, result = self.done.get(command.client, (0, b""))
        if command.serial > serial:
            result = self.store.apply(command.payload)
            self.done[command.client] = (command.serial, result)
        return result

    async def submit(self, command: Command) -> Outcome:
        """Do what comes next in the script."""
        self.commands.append(command)
        match self.script.pop(0) if self.script else "done":
            case "lost after it was executed":
                self.execute(command)
                return Lost(None)
            case "lost":
                return Lost(None)
            case "busy":
                return Busy()
            case "elsewhere":
                return NotLeader("n2")
            case "nobody":
                return NotLeader(None)
        return Done(self.execute(command))

    async def query(self, payload: bytes) -> Outcome:
        """Answer."""
        return Done(self.store.query(payload))

    async def confirm(self) -> Outcome:
        """As it is scripted, and then up to an index."""
        if self.confirmed and self.confirmed.pop() == "elsewhere":
            return NotLeader("n2")
        return Done(self.index.to_bytes(8, "big"))

    def subscribe(self, told: Any) -> Any:
        """Nobody does."""
        return lambda: told


class There:
    """The other node, which is asked in one hop."""

    def __init__(self, replica: Scripted) -> None:
        self.replica = replica
        self.asked: list[str] = []

    async def submit(self, address: str, command: Command, wait_ms: int) -> Outcome:
        """As it is scripted."""
        self.asked.append(address)
        return await self.replica.submit(command)

    async def order(self, address: str, command: Command, wait_ms: int) -> Outcome:
        """Nobody gives orders here."""
        raise AssertionError(address, command)

    async def confirm(self, address: str, command: Command, wait_ms: int) -> Outcome:
        """The same."""
        self.asked.append(address)
        return await self.replica.confirm()


def made(*outcomes: str, **how: Any) -> tuple[Batcher, Scripted, There]:
    """A front end over a script."""
    replica = Scripted(*outcomes)
    there = There(replica)
    return Batcher(replica, there, **how), replica, there


@pytest.mark.parametrize(
    ("outcomes", "asked"),
    [
        ((), []),
        (("busy", "nobody"), []),
        (("lost", "lost after it was executed", "lost after it was executed"), []),
        (("elsewhere",), ["c2"]),
        (("elsewhere", "lost after it was executed", "elsewhere"), ["c2", "c2"]),
    ],
)
def test_what_is_sent_again_happens_once(outcomes: tuple[str, ...], asked: list[str]) -> None:
    async def main() -> None:
        front, replica, there = made(*outcomes)
        assert await front.propose(Put(b"k", b"1")) == HasPut(2)
        assert replica.store.revision == 2
        assert {(c.client, c.serial) for c in replica.commands} == {(replica.commands[0].client, 1)}
        assert there.asked == asked
        await front.close()

    asyncio.run(main())


def test_what_comes_in_together_goes_in_one_command_and_each_has_its_answer() -> None:
    async def main() -> None:
        front, replica, _ = made()
        answers = await asyncio.gather(*(front.propose(Put(b"k%d" % n, b"")) for n in range(50)))
        assert answers == [HasPut(2 + n) for n in range(50)]
        assert [len(commands(each.payload)) for each in replica.commands] == [50]
        found = await front.ask(Range(b"k0", b"\0", count_only=True))
        assert found == Found(51, (), 50)
        await front.close()

    asyncio.run(main())


async def turns() -> None:
    """Let whatever can go on go on."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_batch_that_would_be_smaller_than_those_on_the_way_waits_for_company() -> None:
    async def main() -> None:
        front, replica, _ = made()
        execute, go = replica.submit, asyncio.Event()
        sizes: list[int] = []

        async def held(command: Command) -> Outcome:
            sizes.append(len(commands(command.payload)))
            await go.wait()
            return await execute(command)

        replica.submit = held  # type: ignore[method-assign]
        asked: list[asyncio.Future[Any]] = []
        for more, expected in ((3, [3]), (2, [3]), (1, [3, 3]), (1, [3, 3])):
            asked += [asyncio.ensure_future(front.propose(Put(b"k", b""))) for _ in range(more)]
            await turns()
            assert sizes == expected
        go.set()
        assert [answer.revision for answer in await asyncio.gather(*asked)] == list(range(2, 9))
        assert sizes == [3, 3, 1]
        await front.close()

    asyncio.run(main())


def test_a_confirmation_waits_for_callers_after_one_that_was_for_several(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        front, _, _ = made()
        for callers in (1, 1, 2):
            await asyncio.gather(*(front.ask(Range(b"k")) for _ in range(callers)))
        asked = asyncio.ensure_future(front.ask(Range(b"k")))
        await turns()
        assert not asked.done()
        await front.close()
        with pytest.raises(asyncio.CancelledError):
            await asked

    monkeypatch.setattr("ratified.impl.etcd.batching.GATHER_MS", 3_600_000)
    asyncio.run(main())


def test_a_question_waits_until_what_was_committed_is_executed_here() -> None:
    async def main() -> None:
        front, replica, there = made()
        replica.confirmed = ["elsewhere"]
        replica.index = 7
        asked = [asyncio.ensure_future(front.ask(Range(b"k"))) for _ in range(3)]
        for replica.applied in (5, 6):
            front.advanced()
            await turns()
            assert not any(each.done() for each in asked)
        replica.store.execute(Put(b"k", b"1"))
        replica.applied = 7
        front.advanced()
        assert [answer.revision for answer in await asyncio.gather(*asked)] == [2, 2, 2]
        assert there.asked == ["c2"]  # once for all of them
        await front.close()

    asyncio.run(main())


def test_a_node_that_does_not_catch_up_says_so_in_time() -> None:
    async def main() -> None:
        front, replica, _ = made(wait_ms=30)
        replica.index = 7
        with pytest.raises(Fault, match=r"^etcdserver: request timed out$"):
            await front.ask(Range(b"k"))
        await front.close()

    asyncio.run(main())


def test_a_batch_is_not_larger_than_a_megabyte() -> None:
    async def main() -> None:
        front, replica, _ = made()
        await asyncio.gather(*(front.propose(Put(b"k", bytes(400_000))) for _ in range(5)))
        assert [len(commands(each.payload)) for each in replica.commands] == [2, 2, 1]
        await front.close()

    asyncio.run(main())


def test_a_session_of_which_a_command_is_not_decided_in_time_is_left() -> None:
    async def main() -> None:
        front, replica, _ = made(*["lost"] * 1_000, wait_ms=60)
        with pytest.raises(Fault, match=r"^etcdserver: request timed out$"):
            await front.propose(Put(b"k", b"late"))
        late = replica.commands[-1]
        replica.script.clear()
        assert await front.propose(Put(b"k", b"1")) == HasPut(2)
        assert replica.commands[-1].client != late.client  # whose late execution answers nobody
        replica.execute(late)
        assert await front.propose(Put(b"k", b"2")) == HasPut(4)
        await front.close()

    asyncio.run(main())


def test_a_node_that_is_no_member_says_so_at_once() -> None:
    async def main() -> None:
        front, replica, _ = made(*["nobody"] * 1_000)
        replica.members = replica.members[1:]
        with pytest.raises(Fault, match=r"^etcdserver: no leader$"):
            await front.propose(Put(b"k", b"1"))
        assert len(replica.commands) == 1
        await front.close()

    asyncio.run(main())


def test_where_nobody_leads_that_is_said() -> None:
    async def main() -> None:
        front, _, _ = made(*["nobody"] * 1_000, wait_ms=60)
        with pytest.raises(Fault, match=r"^etcdserver: no leader$"):
            await front.propose(Put(b"k", b""))
        await front.close()

    asyncio.run(main())
