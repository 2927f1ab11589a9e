"""The time of leases: kept by the node that leads, and by nobody else.

The store knows leases without their time. Whoever comes to lead begins a *tenure* by a command, and gives each lease its whole
time anew from there; a lease ends by a command that names the tenure, and has no effect once another has begun. So none ends
early by a change of leader, and what a deposed leader thinks of the time revokes nothing (etcd, issues 15247 and 12528).

A renewal is answered only after the cluster has confirmed, since it came in, that this node leads: whoever is elected later
counts from later. Its client counts from when it asked, so that the lease is over for it first.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Protocol

from ratified.impl.contract import Command, Done, Lost, NodeId, NotLeader, Outcome
from ratified.impl.etcd.errors import fault, no_leader
from ratified.impl.runtime.replica import Status
from ratified.impl.store import values
from ratified.impl.store.store import Store
from ratified.impl.store.values import Answer, Compact, Expire, Happened, Lead, LeaseIs, LookAtLease, Problem

TICK_MS = 100


class NotHere(Exception):
    """This node does not lead."""

    def __init__(self, leader: str | None) -> None:
        super().__init__("this node is not the leader")
        self.leader = leader


class Led(Protocol):
    """What a lessor needs of its `Replica`."""

    @property
    def leader(self) -> NodeId | None:
        """Who leads, as far as it knows."""

    @property
    def term(self) -> int:
        """The latest attempt to lead that it knows of."""

    def status(self) -> Status:
        """Return what it knows now."""

    async def submit(self, command: Command) -> Outcome:
        """Have a command executed."""

    async def query(self, payload: bytes) -> Outcome:
        """Ask the replicated state something, linearizably."""


class Lessor:
    """One node's. `step` is to be called some times a second."""

    def __init__(
        self,
        replica: Led,
        store: Callable[[], Store],
        *,
        revisions: int = 0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._replica = replica
        self._node = replica.status().node
        self._store = store
        self._revisions = revisions
        self._now = now
        self._term = 0
        self.tenure = 0  # 0: this node has none
        self.deadlines: dict[int, float] = {}
        self._expiring: dict[int, asyncio.Event] = {}
        self._session = ""
        self._serial = 0

    async def step(self) -> None:
        """See who leads; begin a tenure, end leases that are over, forget old history."""
        term = self._replica.term
        if self._replica.leader != self._node:
            self.retire()
            return
        if not self.tenure or term != self._term:
            await self._begin(term)
            return
        self.look()
        await self._expire()
        if self._revisions:
            versions = self._store().versions
            if versions.revision - versions.compacted > 2 * self._revisions:
                await self._do(Compact(versions.revision - self._revisions))

    def retire(self) -> None:
        """Another leads, or nobody: this node knows nothing of the time any more."""
        self.tenure = 0
        self.deadlines = {}

    async def _begin(self, term: int) -> None:
        self.retire()
        self._session, self._serial = f"{self._node}/lessor/{secrets.token_hex(8)}", 0
        answer = await self._do(Lead(self._node))
        if isinstance(answer, Happened):
            self.tenure, self._term = answer.number, term
            self.look()

    def look(self) -> None:
        """Take up new leases, each for its whole time from now, and leave those that are gone."""
        leases, now = self._store().leases, self._now()
        for number in leases.keys() - self.deadlines.keys():
            self.deadlines[number] = now + leases[number].ttl
        for number in self.deadlines.keys() - leases.keys():
            del self.deadlines[number]

    async def _expire(self) -> None:
        now, tenure = self._now(), self.tenure
        over = tuple(sorted(n for n, deadline in self.deadlines.items() if deadline <= now))
        if not over:
            return
        decided = asyncio.Event()
        self._expiring |= {number: decided for number in over}
        try:
            answer = await self._do(Expire(over, tenure))
            if not isinstance(answer, Happened):
                # Another tenure has begun; or it is not known what came of this, and it may be executed yet: a new tenure of
                # this node's own keeps it from ending what was renewed meanwhile.
                self.retire()
        finally:
            for number in over:
                del self._expiring[number]
            decided.set()

    async def _do(self, op: Lead | Expire | Compact) -> Answer | None:
        """Have a command executed by this node as leader: never passed on, for another leader knows the time better."""
        self._serial += 1
        outcome: Outcome = await self._replica.submit(
            Command(self._session, self._serial, values.encode((op,)))
        )
        if isinstance(outcome, Done):
            return values.answers(outcome.result)[0]
        if isinstance(outcome, Lost):  # it may be executed yet, and this session has a command on the way
            self._session, self._serial = f"{self._session.rsplit('/', 1)[0]}/{secrets.token_hex(8)}", 0
        return None

    async def renew(self, number: int) -> tuple[int, int]:
        """Give a lease its whole time again; the seconds, 0 if there is no such lease, and the revision.

        Raises:
            NotHere: this node does not lead, or does not know the time yet.
            Fault: nobody could say.
        """
        while True:
            known = await self._confirmed(number, keys=False)
            decided = self._expiring.get(number)
            if decided is None:
                break
            await decided.wait()  # whether it is over is being decided
        if known.ttl and number in self._store().leases:
            self.deadlines[number] = self._now() + known.ttl
        return known.ttl, known.revision

    async def left(self, number: int, keys: bool) -> tuple[int, LeaseIs]:
        """Return the seconds that a lease has left, -1 if there is no such lease, and what the store knows of it.

        Raises: as `renew`.
        """
        known = await self._confirmed(number, keys)
        if not known.ttl:
            return -1, known
        left = self.deadlines.get(number, self._now() + known.ttl) - self._now()
        return max(0, int(left)), known

    async def _confirmed(self, number: int, keys: bool) -> LeaseIs:
        tenure = self.tenure
        if not tenure:
            raise NotHere(self._replica.leader)
        outcome = await self._replica.query(values.encode((LookAtLease(number, keys),)))
        match outcome:
            case Done(result):
                answer = values.answers(result)[0]
                if not isinstance(answer, LeaseIs):
                    raise fault(Problem.UNKNOWN)
                if answer.tenure == tenure == self.tenure:
                    return answer
                raise NotHere(None)
            case NotLeader(leader) | Lost(leader):
                raise NotHere(leader)
        raise no_leader()
