"""Egalitarian Paxos: one variable holds both the ballot that was joined and that of the last vote, and two decisions are taken.

Moraru, Andersen, Kaminsky: *There is more consensus in egalitarian parliaments* (SOSP 2013), whose replicas keep one
ballot a command. Sutra: *On the correctness of Egalitarian Paxos* (Information Processing Letters, 2020) found that
recovery then takes an old vote for a new one, once its replica has joined a later ballot. Here is one command: what is
decided is what it depends on, or that nothing is to be done. Ballots may begin at any time; the command's own leader
needs nobody's word for the first.
"""

from __future__ import annotations

from typing import ClassVar

from ratified import Lifelines, Map, Model, Ordered, Set, Symmetric, action, first, invariant, record, require


class Replica(Symmetric):
    """Keeps commands, and recovers those of others."""


class Ballot(Ordered):
    """An attempt to decide."""


class Outcome(Symmetric):
    """What the command depends on, or no command at all."""


@record
class Vote:
    """For an outcome, in a ballot."""

    ballot: Ballot
    outcome: Outcome


@record
class Joined:
    """The sender takes part in no earlier ballot, and has voted for this last."""

    sender: Replica
    ballot: Ballot
    voted: Vote | None


@record
class Accept:
    """The outcome that this ballot is for."""

    ballot: Ballot
    outcome: Outcome


@record
class Accepted:
    """A vote."""

    sender: Replica
    ballot: Ballot
    outcome: Outcome


class OneBallot(Model):
    """As published: the ballot of the last vote is not kept apart."""

    sizes: ClassVar = {"standard": {"Replica": 3, "Ballot": 4, "Outcome": 2}}
    symmetric_sizes: ClassVar[tuple[str, ...]] = ("standard",)
    lifelines: ClassVar = Lifelines({Replica: "replica"}, network=("messages",))

    ballot: Map[Replica, Ballot]
    voted: Map[Replica, Vote | None]
    messages: Set[Joined | Accept | Accepted]

    def last_vote(self, r: Replica) -> Vote | None:
        """What a replica says that it has voted for."""
        vote = self.voted[r]
        return None if vote is None else Vote(self.ballot[r], vote.outcome)

    @action
    def join(self, r: Replica, b: Ballot) -> None:
        """A replica is asked for a later ballot."""
        require(b > self.ballot[r])
        self.messages.add(Joined(r, b, self.last_vote(r)))
        self.ballot[r] = b

    @action
    def propose(self, b: Ballot, v: Outcome) -> None:
        """With the word of a majority (the first ballot needs none): the newest outcome that was voted for, else any."""
        require(not any(isinstance(m, Accept) and m.ballot == b for m in self.messages))
        words = Set(m for m in self.messages if isinstance(m, Joined) and m.ballot == b)
        require(b == first(Ballot) or 2 * len(words) > len(Replica))
        newest = max((int(m.voted.ballot) for m in words if m.voted is not None), default=-1)
        require(
            newest == -1
            or any(
                m.voted is not None and m.voted.outcome == v and int(m.voted.ballot) == newest for m in words
            )
        )
        self.messages.add(Accept(b, v))

    @action
    def accept(self, r: Replica, b: Ballot, v: Outcome) -> None:
        """A replica votes."""
        require(Accept(b, v) in self.messages and self.ballot[r] <= b)
        self.ballot[r] = b
        self.voted[r] = Vote(b, v)
        self.messages.add(Accepted(r, b, v))

    def decided(self, v: Outcome) -> bool:
        return any(
            2 * len(Set(r for r in Replica if Accepted(r, b, v) in self.messages)) > len(Replica)
            for b in Ballot
        )

    @invariant
    def agreement(self) -> bool:
        """No two outcomes are decided."""
        return len({v for v in Outcome if self.decided(v)}) <= 1


class TwoBallots(OneBallot):
    """Mended: a vote keeps the ballot that it was given in."""

    sizes: ClassVar = {
        "standard": {"Replica": 3, "Ballot": 3, "Outcome": 2},
        "large": {"Replica": 3, "Ballot": 4, "Outcome": 2},
    }
    symmetric_sizes: ClassVar[tuple[str, ...]] = ("standard", "large")

    def last_vote(self, r: Replica) -> Vote | None:
        """The vote as it was."""
        return self.voted[r]
