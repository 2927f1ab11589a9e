"""Paxos with one thing wrong: each of these is a mistake that somebody has made, and none of them survives an exploration.

Each class is Paxos but for what it overrides or adds. Its small size is the smallest at which `agreement` fails: two values
are chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ratified.language import Set, action, at_size, subsets
from ratified.models.paxos.paxos import Paxos
from ratified.models.paxos.sorts import Acceptor, Ballot, Value, Vote
from ratified.models.paxos.synod import Promise


class IgnoredPromise(Paxos):
    """An acceptor votes below its promise.

    Breaks `promises_only_rise` first, and then `agreement`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Acceptor": 1, "Value": 2, "Ballot": 2},
        "standard": {"Acceptor": 3, "Value": 2, "Ballot": 2},
        "large": {"Acceptor": 3, "Value": 2, "Ballot": 3},
    }

    def may_vote(self, a: Acceptor, b: Ballot) -> bool:
        """Always: the promise is forgotten as soon as it is given."""
        return True


class IgnoredVotes(Paxos):
    """A proposer proposes its own value although an answer carries a vote.

    Breaks `proposals_are_safe` first, and then `agreement`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Acceptor": 1, "Value": 2, "Ballot": 2},
        "standard": {"Acceptor": 3, "Value": 2, "Ballot": 2},
        "large": {"Acceptor": 3, "Value": 2, "Ballot": 3},
    }

    def follows(self, v: Value, votes: Set[Vote]) -> bool:
        """Any value will do."""
        return True


class SmallestVote(Paxos):
    """A proposer takes the vote with the smallest ballot, not the largest.

    Breaks `proposals_are_safe` first, and then `agreement`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Acceptor": 3, "Value": 2, "Ballot": 3},
        "standard": {"Acceptor": 3, "Value": 2, "Ballot": 3},
        "large": {"Acceptor": 3, "Value": 2, "Ballot": 3},
    }

    def follows(self, v: Value, votes: Set[Vote]) -> bool:
        """Value v is what a vote with the smallest ballot is for, or there is no vote."""
        return not votes or any(w.value == v and all(w.ballot <= x.ballot for x in votes) for w in votes)


class HalfQuorums(Paxos):
    """A quorum is counted as n/2 acceptors, so that two quorums need not intersect.

    Breaks `agreement`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Acceptor": 2, "Value": 2, "Ballot": 2},  # half of a single acceptor would be nobody
        "standard": {"Acceptor": 3, "Value": 2, "Ballot": 2},
        "large": {"Acceptor": 3, "Value": 2, "Ballot": 3},
    }

    quorums = at_size(lambda: subsets(Acceptor, len(Acceptor) // 2))

    def quorums_meet(self) -> bool:
        """Nobody has looked."""
        return True


class StalePromise(Paxos):
    """A promise of an older ballot is counted towards a newer one, as in MyPaxos.

    Breaks `proposals_are_safe` first, and then `agreement`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Acceptor": 1, "Value": 2, "Ballot": 2},
        "standard": {"Acceptor": 3, "Value": 2, "Ballot": 2},
        "large": {"Acceptor": 3, "Value": 2, "Ballot": 3},
    }

    def answers(self, b: Ballot) -> Set[Promise]:
        """Whatever has been answered up to b."""
        return Set(m for m in self.messages if isinstance(m, Promise) and m.ballot <= b)


class ReusedBallot(Paxos):
    """A proposer that restarts begins its ballot once more, since it did not write down that it had used it.

    Breaks `one_value_per_ballot` first, and then `agreement`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Acceptor": 1, "Value": 2, "Ballot": 2},
        "standard": {"Acceptor": 3, "Value": 2, "Ballot": 2},
        "large": {"Acceptor": 3, "Value": 2, "Ballot": 3},
    }

    def has_proposed(self, b: Ballot) -> bool:
        """The proposer does not remember."""
        return False


class ForgottenPromise(Paxos):
    """An acceptor keeps its vote on disk but not its promise.

    Breaks `promises_only_rise` first, and then `agreement`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Acceptor": 1, "Value": 2, "Ballot": 2},
        "standard": {"Acceptor": 3, "Value": 2, "Ballot": 2},
        "large": {"Acceptor": 3, "Value": 2, "Ballot": 3},
    }

    @action
    def restart(self, a: Acceptor) -> None:
        """Acceptor a knows of no ballot but the one it voted in last."""
        vote = self.voted[a]
        self.max_ballot[a] = None if vote is None else vote.ballot


class ForgottenVote(Paxos):
    """An acceptor keeps its promise on disk but not its vote.

    Breaks `proposals_are_safe` first, and then `agreement`.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Acceptor": 1, "Value": 2, "Ballot": 2},
        "standard": {"Acceptor": 3, "Value": 2, "Ballot": 2},
        "large": {"Acceptor": 3, "Value": 2, "Ballot": 3},
    }

    @action
    def restart(self, a: Acceptor) -> None:
        """Acceptor a has not voted, as far as it knows."""
        self.voted[a] = None
