"""Voting: how acceptors that see each other's votes choose a value.

No messages yet. Acceptors vote in numbered ballots; a value is chosen when a quorum has voted for it in one ballot. What
keeps two ballots from choosing differently is that nobody votes in a ballot before it is **safe** there: no other value has
been or can ever be chosen in an earlier ballot. (Lamport, "Paxos Made Simple", 2001, section 2.2; module Voting of his
specifications, whose names these are.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from ratified.language import (
    Map,
    Model,
    Param,
    Set,
    action,
    invariant,
    majorities,
    refines,
    require,
    step_invariant,
    view,
)
from ratified.models.paxos.consensus import Consensus
from ratified.models.paxos.sorts import Acceptor, Ballot, Value, Vote, at_most


class Voting(Model):
    """Acceptors raise their ballots and vote."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Acceptor": 3, "Value": 2, "Ballot": 2},
        "standard": {"Acceptor": 3, "Value": 2, "Ballot": 3},
        "large": {"Acceptor": 3, "Value": 2, "Ballot": 5},
    }

    quorums: Param[Set[Set[Acceptor]]] = majorities(Acceptor)  # any two must meet, or there is no agreement

    votes: Map[Acceptor, Set[Vote]]
    max_ballot: Map[Acceptor, Ballot | None]  # a will cast no more votes in ballots below this

    def chosen_at(self, b: Ballot, v: Value) -> bool:
        """A quorum has voted for v in b."""
        return any(all(Vote(b, v) in self.votes[a] for a in quorum) for quorum in self.quorums)

    def chosen(self, v: Value) -> bool:
        """Value v has been chosen in some ballot."""
        return any(self.chosen_at(b, v) for b in Ballot)

    @view
    def outcomes(self) -> Map[Ballot, tuple[Set[Value], Set[Value]]]:
        """In each ballot, what has been voted for, and what is chosen."""
        return Map(
            {
                b: (
                    Set(v for v in Value if any(Vote(b, v) in self.votes[a] for a in Acceptor)),
                    Set(v for v in Value if self.chosen_at(b, v)),
                )
                for b in Ballot
            }
        )

    @view
    def choice(self) -> Set[Value]:
        """What is chosen in any ballot."""
        return Set(v for v in Value if self.chosen(v))

    def did_not_vote_in(self, a: Acceptor, b: Ballot) -> bool:
        """Acceptor a has cast no vote in b."""
        return not any(Vote(b, v) in self.votes[a] for v in Value)

    def cannot_vote_in(self, a: Acceptor, b: Ballot) -> bool:
        """Acceptor a has cast no vote in b and never will."""
        return not at_most(self.max_ballot[a], b) and self.did_not_vote_in(a, b)

    def none_other_choosable_at(self, b: Ballot, v: Value) -> bool:
        """No value but v has been or can ever be chosen in b."""
        return any(
            all(Vote(b, v) in self.votes[a] or self.cannot_vote_in(a, b) for a in quorum)
            for quorum in self.quorums
        )

    def safe_at(self, b: Ballot, v: Value) -> bool:
        """No value but v has been or can ever be chosen in a ballot before b."""
        return all(self.none_other_choosable_at(c, v) for c in Ballot if c < b)

    def shows_safe_at(self, quorum: Set[Acceptor], b: Ballot, v: Value) -> bool:
        """The quorum has come to b, and of its votes before b, if there are any, one with the largest ballot is for v."""
        earlier = Set(vote for a in quorum for vote in self.votes[a] if vote.ballot < b)
        return all(at_most(b, self.max_ballot[a]) for a in quorum) and (
            not earlier or any(w.value == v and all(x.ballot <= w.ballot for x in earlier) for w in earlier)
        )

    @action
    def increase_max_ballot(self, a: Acceptor, b: Ballot) -> None:
        """Acceptor a promises to vote in no ballot below b."""
        require(not at_most(b, self.max_ballot[a]))
        self.max_ballot[a] = b

    @action
    def vote_for(self, a: Acceptor, b: Ballot, v: Value) -> None:
        """Acceptor a votes for v in b."""
        require(at_most(self.max_ballot[a], b))
        require(self.did_not_vote_in(a, b))
        require(all(vote.value == v for c in Acceptor for vote in self.votes[c] if vote.ballot == b))
        require(any(self.shows_safe_at(quorum, b, v) for quorum in self.quorums))
        self.votes[a].add(Vote(b, v))
        self.max_ballot[a] = b

    @invariant
    def agreement(self) -> bool:
        """Only a single value is chosen."""
        return all(v == w for v in Value if self.chosen(v) for w in Value if self.chosen(w))

    @invariant
    def votes_are_safe(self) -> bool:
        """Whatever an acceptor votes for is safe in that ballot."""
        return all(self.safe_at(vote.ballot, vote.value) for a in Acceptor for vote in self.votes[a])

    @invariant
    def one_value_per_ballot(self) -> bool:
        """All votes of a ballot are for the same value."""
        return all(
            v.value == w.value
            for a in Acceptor
            for v in self.votes[a]
            for c in Acceptor
            for w in self.votes[c]
            if v.ballot == w.ballot
        )

    @step_invariant
    def promises_only_rise(self, old: Self) -> bool:
        """No acceptor goes back to a lower ballot."""
        return all(at_most(old.max_ballot[a], self.max_ballot[a]) for a in Acceptor)

    @step_invariant
    def chosen_for_good(self, old: Self) -> bool:
        """What has been chosen stays chosen."""
        return all(self.chosen(v) for v in Value if old.chosen(v))

    @refines(Consensus)
    def as_consensus(self, consensus: Consensus) -> None:
        """What a quorum has voted for is chosen."""
        consensus.chosen = Set(v for v in Value if self.chosen(v))
