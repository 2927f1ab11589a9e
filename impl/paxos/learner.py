"""The learner: finds out that a value has been chosen.

Acceptors tell the proposer whose proposal they accepted, which tells everybody else: it is a distinguished learner. These
messages may get lost, so a learner that knows nothing asks from time to time (section 2.3).

Guarantees: what is learned has been accepted, in one ballot, by a quorum; it is learned once and for all.
"""

from __future__ import annotations

from collections.abc import Collection

from ratified.impl.contract import Command, NodeId
from ratified.impl.paxos.ballots import Ballot, is_quorum


class Learner:
    """What one node knows of votes, and of what they came to."""

    __slots__ = ("_votes", "chosen", "timer", "unanswered")

    def __init__(self, chosen: Command | None) -> None:
        self.chosen = chosen
        self.timer = 0  # ticks since it asked
        self.unanswered = 0  # how often it has asked in vain since it first heard of a vote
        self._votes: dict[Ballot, set[NodeId]] = {}

    @property
    def has_heard(self) -> bool:
        """Whether it knows of a vote, so that something may have been chosen."""
        return bool(self._votes)

    def accepted(self, acceptor: NodeId, ballot: Ballot, members: Collection[NodeId]) -> bool:
        """Count a vote; whether a quorum has now voted in that ballot."""
        voters = self._votes.setdefault(ballot, set())
        voters.add(acceptor)
        return is_quorum(voters, members)

    def learn(self, value: Command) -> None:
        """Keep what has been chosen."""
        self.chosen = value
        self._votes.clear()
