"""What acceptors' disks say, for simulations: it knows what is chosen before any node does, and when a rule of Paxos is broken.

A vote is cast, and a promise given, when it is durable. From that follows, whatever nodes believe, what is chosen.

Guarantees: raises BrokenPromise at the first step after which one of these does not hold.

- A promise never falls, and no vote is cast below it.
- A ballot is prepared once it is durable, in one life of its owner, and proposed in once a quorum has promised it.
- In a ballot and slot one value is proposed.
- What acceptors say of themselves is durable when it leaves.
- Nobody votes otherwise than for what is chosen, in a later ballot; nothing is executed but what is chosen.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from ratified.impl.contract import (
    Applied,
    Core,
    Durable,
    Effects,
    Input,
    NodeId,
    Persisted,
    Restored,
    Send,
    Token,
    Write,
)
from ratified.impl.paxos.ballots import NO_BALLOT, Ballot
from ratified.impl.system import BrokenPromise


class Disk:
    """What one acceptor has made durable, and what waits for that."""

    __slots__ = ("persisted", "promised", "sends", "used", "votes", "writes")

    def __init__(self) -> None:
        self.persisted: Token = 0
        self.writes: deque[tuple[Token, tuple[Write, ...]]] = deque()
        self.sends: deque[Send] = deque()
        self.promised = NO_BALLOT
        self.votes: dict[int, Ballot] = {}  # by slot
        self.used: set[Ballot] = set()  # in earlier lives

    def crash(self) -> None:
        """Forget what waited."""
        self.persisted = 0
        self.writes.clear()
        self.sends.clear()


class Ledger:
    """An inspector of what is common to Paxos and Multi-Paxos. A subclass reads their records and messages."""

    def __init__(self) -> None:
        self.disks: dict[NodeId, Disk] = {}
        self.chosen: dict[int, tuple[Ballot, Any]] = {}
        self._quorum = 0
        self._prepared: dict[NodeId, set[Ballot]] = {}  # in this life of each
        self._promised: dict[Ballot, set[NodeId]] = {}
        self._proposed: dict[int, dict[Ballot, Any]] = {}  # by slot
        self._votes: dict[tuple[int, Ballot], set[NodeId]] = {}

    # Called by the simulator

    def started(self, core: Core, durable: Durable) -> None:
        """A core was made from what is durable."""
        node = core.node
        self._quorum = len(durable.record.members) // 2 + 1
        disk = self.disks.setdefault(node, Disk())
        disk.crash()
        disk.used |= self._prepared.pop(node, set())
        self.read(node, durable)

    def stepped(self, core: Core, event: Input, effects: Effects) -> None:
        """A core took a step."""
        node = core.node
        disk = self.disks[node]
        if isinstance(event, Persisted):
            disk.persisted = max(disk.persisted, event.token)
            while disk.writes and disk.writes[0][0] <= disk.persisted:
                for write in disk.writes.popleft()[1]:
                    self.written(node, write)
            held, disk.sends = disk.sends, deque()
            self._send(node, disk, held)
        if effects.writes:
            disk.writes.append((effects.token, effects.writes))
        self._send(node, disk, effects.sends)
        for what in effects.applied:
            self._applied(node, what)

    def _send(self, node: NodeId, disk: Disk, sends: Any) -> None:
        for send in sends:
            if send.after <= disk.persisted:
                self.left(node, send.message)
            else:
                disk.sends.append(send)

    # What a subclass tells

    def read(self, node: NodeId, durable: Durable) -> None:
        """Say what is on a disk, by `promise` and `vote`."""
        raise NotImplementedError

    def written(self, node: NodeId, write: Write) -> None:
        """Say what a write has made durable, by `promise` and `vote`."""
        raise NotImplementedError

    def left(self, node: NodeId, message: Any) -> None:
        """Say what a message that leaves says, by the methods below."""
        raise NotImplementedError

    def promise(self, node: NodeId, ballot: Ballot) -> None:
        """A promise is durable."""
        disk = self.disks[node]
        if ballot < disk.promised:
            raise BrokenPromise(
                "promises only rise", f"{node} had promised {disk.promised}, and now {ballot}"
            )
        disk.promised = ballot
        self._promised.setdefault(ballot, set()).add(node)

    def vote(self, node: NodeId, ballot: Ballot, slot: int, value: Any) -> None:
        """A vote is durable."""
        disk = self.disks[node]
        voters = self._votes.setdefault((slot, ballot), set())
        if node in voters:
            return
        if ballot < disk.promised:
            raise BrokenPromise("promises are kept", f"{node} promised {disk.promised} and votes in {ballot}")
        other = self._proposed.setdefault(slot, {}).setdefault(ballot, value)
        if other != value:
            raise BrokenPromise(
                "one value in a ballot",
                f"{node} votes for {value} at {slot} in {ballot}; {other} was proposed",
            )
        chosen = self.chosen.get(slot)
        if chosen is not None and chosen[0] < ballot and chosen[1] != value:
            raise BrokenPromise(
                "one value is chosen",
                f"{node} votes for {value} at {slot} in {ballot}; chosen was {chosen[1]}",
            )
        voters.add(node)
        disk.votes[slot] = ballot
        if chosen is None and len(voters) >= self._quorum:
            self._choose(slot, ballot, value)

    def _choose(self, slot: int, ballot: Ballot, value: Any) -> None:
        self.chosen[slot] = (ballot, value)
        for later, other in self._proposed[slot].items():
            if later > ballot and other != value:
                raise BrokenPromise(
                    "one value is chosen",
                    f"{value} is chosen at {slot} in {ballot}; {other} was proposed in {later}",
                )

    def preparing(self, node: NodeId, ballot: Ballot, durable: Ballot) -> None:
        """A node asks for promises; of its ballots, `durable` is the last that it cannot forget."""
        if durable < ballot:
            raise BrokenPromise(
                "ballots are durable", f"{node} prepares {ballot}; after a crash it would know of {durable}"
            )
        if ballot in self.disks[node].used:
            raise BrokenPromise(
                "ballots are used once", f"{node} prepares {ballot}, as it did before it restarted"
            )
        self._prepared.setdefault(node, set()).add(ballot)

    def proposing(self, node: NodeId, ballot: Ballot, slot: int, value: Any) -> None:
        """A node asks for votes."""
        if len(self._promised.get(ballot, ())) < self._quorum:
            raise BrokenPromise(
                "a quorum has promised", f"{node} proposes in {ballot}, which no quorum has promised"
            )
        other = self._proposed.setdefault(slot, {}).setdefault(ballot, value)
        if other != value:
            raise BrokenPromise(
                "one value in a ballot", f"{node} proposes {value} at {slot} in {ballot}, and {other} as well"
            )
        chosen = self.chosen.get(slot)
        if chosen is not None and chosen[0] < ballot and chosen[1] != value:
            raise BrokenPromise(
                "one value is chosen",
                f"{node} proposes {value} at {slot} in {ballot}; {chosen[1]} is chosen",
            )

    def promising(self, node: NodeId, ballot: Ballot) -> None:
        """A node says that it has promised a ballot."""
        if self.disks[node].promised < ballot:
            raise BrokenPromise(
                "promises are durable", f"{node} promises {ballot}; after a crash it would not know"
            )

    def voting(self, node: NodeId, ballot: Ballot, slot: int) -> None:
        """A node says that it has voted, and does not know what is chosen by other means."""
        if self.disks[node].votes.get(slot, NO_BALLOT) < ballot:
            raise BrokenPromise(
                "votes are durable", f"{node} votes at {slot} in {ballot}; after a crash it would not know"
            )

    def _applied(self, node: NodeId, what: Applied | Restored) -> None:
        if isinstance(what, Applied):
            chosen = self.chosen.get(what.index)
            if chosen is None:
                raise BrokenPromise(
                    "what is executed is chosen",
                    f"{node} executes {what.entry} at {what.index}; nothing is chosen",
                )
            if chosen[1] != what.entry:
                raise BrokenPromise(
                    "what is executed is chosen",
                    f"{node} executes {what.entry} at {what.index}; {chosen[1]} is chosen",
                )
