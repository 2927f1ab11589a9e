"""The proposer: tries to get a value chosen, in one ballot after another, until something is.

Guarantees: within a ballot it proposes one value, which `choose_value` takes from what a quorum has promised. Two proposers can
keep on outbidding each other (section 2.4): so one that failed waits, each time longer, for a time that nobody can foresee.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum
from random import Random

from ratified.impl.contract import Command, NodeId
from ratified.impl.paxos.ballots import Ballot, Vote, following, highest, is_quorum


class Phase(Enum):
    """How far a proposer is."""

    IDLE = "idle"
    PREPARING = "preparing"  # it waits for promises
    PREPARED = "prepared"  # it has them, and nothing to propose
    PROPOSING = "proposing"  # it waits for votes
    WAITING = "waiting"  # it gave up, and will begin again


class Proposer:
    """One node's attempts."""

    __slots__ = (
        "_random",
        "backoff",
        "ballot",
        "failures",
        "node",
        "patience",
        "phase",
        "promises",
        "proposal",
        "timer",
    )

    def __init__(self, node: NodeId, attempted: Ballot, patience: int, backoff: int, random: Random) -> None:
        self.node = node
        self.ballot = attempted  # of the present attempt or, in between, of the last
        self.phase = Phase.IDLE
        self.promises: dict[NodeId, Vote[Command] | None] = {}
        self.proposal: Command | None = None
        self.failures = 0
        self.timer = 0  # ticks until patience or waiting is over
        self.patience = patience
        self.backoff = backoff
        self._random = random

    def next_ballot(self, seen: Ballot) -> Ballot:
        """Return a ballot of this node's that is higher than its own last one, and than any that it has heard of."""
        return following(max(self.ballot, seen), self.node)

    def begin(self, seen: Ballot) -> Ballot:
        """Begin an attempt. The ballot must be durable before anybody is asked: after a restart it must not be used again."""
        self.ballot = self.next_ballot(seen)
        self.phase = Phase.PREPARING
        self.promises = {}
        self.proposal = None
        self.timer = self.patience
        return self.ballot

    def counts(self, ballot: Ballot) -> bool:
        """Whether a promise made for this ballot is one that is being waited for."""
        return self.phase is Phase.PREPARING and ballot == self.ballot

    def promised(self, acceptor: NodeId, voted: Vote[Command] | None, members: Collection[NodeId]) -> bool:
        """Count a promise; whether a quorum has now promised."""
        self.promises[acceptor] = voted
        if not is_quorum(self.promises, members):
            return False
        self.phase = Phase.PREPARED
        return True

    def choose_value(self, wish: Command | None) -> Command | None:
        """Return the value of the highest-numbered proposal among the answers; if there is none, the one wished for (P2c)."""
        vote = highest([vote for vote in self.promises.values() if vote is not None])
        return wish if vote is None else vote.value

    def propose(self, value: Command) -> None:
        """Begin phase 2."""
        self.phase = Phase.PROPOSING
        self.proposal = value
        self.timer = self.patience

    def give_up(self) -> None:
        """Abandon the attempt and wait before the next, longer after each failure, so that one of two proposers gets through."""
        self.failures += 1
        self.phase = Phase.WAITING
        self.timer = self._random.randint(1, self.backoff << min(self.failures, 6))

    def rest(self) -> None:
        """There is nothing left to do."""
        self.phase = Phase.IDLE
        self.failures = 0

    def is_due(self, ticks: int) -> bool:
        """Let time pass; whether it is up for what the proposer is doing."""
        if self.phase in (Phase.IDLE, Phase.PREPARED):
            return False
        self.timer -= ticks
        return self.timer <= 0
