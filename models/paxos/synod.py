"""The Synod: how a value is chosen by acceptors that only exchange messages.

Messages are never taken back: a message lost is one that nobody acts on, a message twice delivered is acted on twice. Leaders,
learners and proposers have no state of their own here; all that they know is in the messages. (Lamport, "Paxos Made
Simple", 2001, section 2.2, whose two phases the four actions are; module Paxos of his specifications.)
"""

from __future__ import annotations

from typing import ClassVar, Self

from ratified.language import (
    Lifelines,
    Map,
    Model,
    Set,
    action,
    invariant,
    majorities,
    record,
    require,
    step_invariant,
    view,
)
from ratified.models.paxos.sorts import Acceptor, Ballot, Stage, Value, Vote, at_most


@record
class Prepare:
    """1a: the leader of a ballot asks for promises."""

    ballot: Ballot


@record
class Promise:
    """1b: an acceptor will not vote below the ballot any more; it reports the last vote it cast."""

    acceptor: Acceptor
    ballot: Ballot
    voted: Vote | None


@record
class Propose:
    """2a: the leader of a ballot asks for votes."""

    ballot: Ballot
    value: Value


@record
class Accepted:
    """2b: an acceptor has voted."""

    acceptor: Acceptor
    ballot: Ballot
    value: Value


class Synod(Model):
    """What Paxos is with any quorums: which acceptors must answer a leader, and which must vote, is for subclasses to say."""

    lifelines: ClassVar[Lifelines] = Lifelines({Ballot: "leader", Acceptor: "acceptor"})

    max_ballot: Map[Acceptor, Ballot | None]  # the largest ballot that a has answered in
    voted: Map[Acceptor, Vote | None]  # the last vote that a has cast
    messages: Set[Prepare | Promise | Propose | Accepted]

    def phase1_quorums(self) -> Set[Set[Acceptor]]:
        """Those who must have answered before votes are asked for: majorities, where nothing else is said."""
        return majorities(Acceptor)

    def phase2_quorums(self) -> Set[Set[Acceptor]]:
        """Those whose votes choose a value."""
        return majorities(Acceptor)

    # Phase 1

    @action
    def prepare(self, b: Ballot) -> None:
        """1a: a leader begins ballot b."""
        self.messages.add(Prepare(b))

    @action
    def promise(self, a: Acceptor, b: Ballot) -> None:
        """1b: acceptor a answers a ballot larger than any that it has answered in."""
        require(Prepare(b) in self.messages)
        require(not at_most(b, self.max_ballot[a]))
        self.max_ballot[a] = b
        self.messages.add(Promise(a, b, self.voted[a]))

    # Phase 2

    @action
    def propose(self, b: Ballot, v: Value) -> None:
        """2a: the leader of b asks for votes for v, once, if the answers of a quorum allow it."""
        require(not self.has_proposed(b))
        require(any(self.allows(quorum, b, v) for quorum in self.phase1_quorums()))
        self.messages.add(Propose(b, v))

    @action
    def accept(self, a: Acceptor, b: Ballot, v: Value) -> None:
        """2b: acceptor a votes as it is asked, unless it has promised not to."""
        require(Propose(b, v) in self.messages)
        require(self.may_vote(a, b))
        self.max_ballot[a] = b
        self.voted[a] = Vote(b, v)
        self.messages.add(Accepted(a, b, v))

    def has_proposed(self, b: Ballot) -> bool:
        """The leader of b has asked for votes."""
        return any(Propose(b, v) in self.messages for v in Value)

    def answers(self, b: Ballot) -> Set[Promise]:
        """What acceptors have answered to the leader of b."""
        return Set(m for m in self.messages if isinstance(m, Promise) and m.ballot == b)

    def allows(self, quorum: Set[Acceptor], b: Ballot, v: Value) -> bool:
        """The whole quorum has answered in b, and its answers leave v to be proposed."""
        answers = Set(m for m in self.answers(b) if m.acceptor in quorum)
        votes = Set(m.voted for m in answers if m.voted is not None)
        return all(any(m.acceptor == a for m in answers) for a in quorum) and self.follows(v, votes)

    def follows(self, v: Value, votes: Set[Vote]) -> bool:
        """Value v is what the vote with the largest ballot is for, or there is no vote (P2c)."""
        return not votes or any(w.value == v and all(x.ballot <= w.ballot for x in votes) for w in votes)

    def may_vote(self, a: Acceptor, b: Ballot) -> bool:
        """Acceptor a has not answered in any ballot larger than b (P1a)."""
        return at_most(self.max_ballot[a], b)

    # What it comes to

    def chosen_at(self, b: Ballot, v: Value) -> bool:
        """A quorum has voted for v in b."""
        return any(
            all(Accepted(a, b, v) in self.messages for a in quorum) for quorum in self.phase2_quorums()
        )

    def chosen(self, v: Value) -> bool:
        """Value v has been chosen in some ballot."""
        return any(self.chosen_at(b, v) for b in Ballot)

    def votes(self, a: Acceptor) -> Set[Vote]:
        """All that acceptor a has voted for."""
        return Set(Vote(b, v) for b in Ballot for v in Value if Accepted(a, b, v) in self.messages)

    def safe_at(self, b: Ballot, v: Value) -> bool:
        """No value but v has been or can ever be chosen in a ballot before b."""
        return all(
            any(
                all(Accepted(a, c, v) in self.messages or self.cannot_vote_in(a, c) for a in q)
                for q in self.phase1_quorums()
            )
            for c in Ballot
            if c < b
        )

    def cannot_vote_in(self, a: Acceptor, b: Ballot) -> bool:
        """Acceptor a has cast no vote in b and never will."""
        return not at_most(self.max_ballot[a], b) and all(vote.ballot != b for vote in self.votes(a))

    # How it is pictured

    @view
    def stages(self) -> Map[Ballot, tuple[Stage, Set[Value]]]:
        """How far each ballot has come: what is promised by a quorum, proposed, chosen."""
        return Map({b: (self.stage(b), self.proposed(b)) for b in Ballot})

    @view
    def choice(self) -> Set[Value]:
        """What is chosen in any ballot."""
        return Set(v for v in Value if self.chosen(v))

    def stage(self, b: Ballot) -> Stage:
        """The last of its stages that ballot b has come to."""
        if any(self.chosen_at(b, v) for v in Value):
            return Stage.CHOSEN
        if len(self.proposed(b)) > 0:
            return Stage.PROPOSED
        if any(
            all(any(m.acceptor == a for m in self.answers(b)) for a in quorum)
            for quorum in self.phase1_quorums()
        ):
            return Stage.PROMISED
        return Stage.PREPARED if Prepare(b) in self.messages else Stage.IDLE

    def proposed(self, b: Ballot) -> Set[Value]:
        """The value that votes have been asked for in ballot b, if any have."""
        return Set(v for v in Value if Propose(b, v) in self.messages)

    @invariant
    def agreement(self) -> bool:
        """Only a single value is chosen."""
        return all(v == w for v in Value if self.chosen(v) for w in Value if self.chosen(w))

    @invariant
    def one_value_per_ballot(self) -> bool:
        """A leader never asks for votes for two values in one ballot."""
        return all(
            v == w
            for b in Ballot
            for v in Value
            if Propose(b, v) in self.messages
            for w in Value
            if Propose(b, w) in self.messages
        )

    @invariant
    def proposals_are_safe(self) -> bool:
        """Votes are asked for only where no other value can have been chosen before."""
        return all(self.safe_at(m.ballot, m.value) for m in self.messages if isinstance(m, Propose))

    @invariant
    def votes_were_proposed(self) -> bool:
        """Acceptors vote for nothing but proposals; so what is chosen was proposed."""
        return all(
            Propose(m.ballot, m.value) in self.messages for m in self.messages if isinstance(m, Accepted)
        )

    @step_invariant
    def promises_only_rise(self, old: Self) -> bool:
        """No acceptor goes back to a lower ballot."""
        return all(at_most(old.max_ballot[a], self.max_ballot[a]) for a in Acceptor)

    @step_invariant
    def chosen_for_good(self, old: Self) -> bool:
        """What has been chosen stays chosen."""
        return all(self.chosen(v) for v in Value if old.chosen(v))
