"""Why Paxos is right, for every number of acceptors, values and ballots and every quorum system: the lemmas, and what they prove.

The argument is Lamport's ("Paxos Made Simple", 2001, section 2.2): a value is proposed in a ballot only if no other value has
been or can ever be chosen in an earlier one (P2c), because a quorum that promised the ballot reports the last votes of its
members, and any quorum that could choose otherwise has a member in common with it.
"""

from __future__ import annotations

from typing import ClassVar

from ratified.language import assume
from ratified.models.paxos.consensus import Consensus
from ratified.models.paxos.flexible import FlexiblePaxos
from ratified.models.paxos.multi import Accepted as SlotAccepted
from ratified.models.paxos.multi import MultiPaxos, Slot
from ratified.models.paxos.multi import Promise as SlotPromise
from ratified.models.paxos.multi import Propose as SlotPropose
from ratified.models.paxos.paxos import Paxos
from ratified.models.paxos.sorts import Acceptor, Ballot, Value, at_most
from ratified.models.paxos.synod import Accepted, Promise, Synod
from ratified.models.paxos.voting import Voting
from ratified.smt.script import Goals, lemma


class ConsensusSafety(Consensus):
    """That one value is chosen is inductive as it stands."""

    goals: ClassVar[Goals] = {"chosen_for_good": ()}

    @lemma
    def agreement(self) -> bool:
        """Only a single value is chosen."""
        return super().agreement()


class VotingSafety(Voting):
    """Votes are safe where they are cast, and stay so."""

    goals: ClassVar[Goals] = {
        "agreement": ("votes_are_safe", "one_value_per_ballot"),
        "promises_only_rise": (),
        "chosen_for_good": (),
    }

    @assume
    def quorums_meet(self) -> bool:
        """Any two quorums have a member in common."""
        return all(not p.isdisjoint(q) for p in self.quorums for q in self.quorums)

    @lemma(uses=("one_value_per_ballot",))
    def votes_are_safe(self) -> bool:
        """Whatever an acceptor votes for is safe in that ballot."""
        return super().votes_are_safe()

    @lemma(uses=())
    def one_value_per_ballot(self) -> bool:
        """All votes of a ballot are for the same value."""
        return super().one_value_per_ballot()


class SynodSafety(Synod):
    """The Synod at message level, whatever its quorums are: those of phase 1 meet those of phase 2."""

    goals: ClassVar[Goals] = {
        "agreement": ("one_value_per_ballot", "proposals_are_safe", "votes_were_proposed"),
        "promises_only_rise": (),
        "chosen_for_good": (),
    }

    @lemma(uses=())
    def one_value_per_ballot(self) -> bool:
        """A leader never asks for votes for two values in one ballot."""
        return super().one_value_per_ballot()

    @lemma(
        uses=(
            "one_value_per_ballot",
            "votes_were_proposed",
            "promises_are_kept",
            "promises_report_the_last_vote",
        )
    )
    def proposals_are_safe(self) -> bool:
        """Votes are asked for only where no other value can have been chosen before."""
        return super().proposals_are_safe()

    @lemma(uses=())
    def votes_were_proposed(self) -> bool:
        """Acceptors vote for nothing but proposals."""
        return super().votes_were_proposed()

    @lemma(uses=())
    def promises_are_kept(self) -> bool:
        """An acceptor that has promised a ballot has come to it, or further."""
        return all(
            at_most(m.ballot, self.max_ballot[m.acceptor]) for m in self.messages if isinstance(m, Promise)
        )

    @lemma(uses=())
    def last_vote_is_a_vote(self) -> bool:
        """What an acceptor remembers as its last vote is one."""
        return all(self.has_cast_its_last_vote(a) for a in Acceptor)

    def has_cast_its_last_vote(self, a: Acceptor) -> bool:
        """There is none, or it was sent."""
        vote = self.voted[a]
        return vote is None or Accepted(a, vote.ballot, vote.value) in self.messages

    @lemma(uses=("last_vote_is_below_the_promise",))
    def last_vote_is_the_last(self) -> bool:
        """An acceptor has voted in no ballot larger than that of the last vote it remembers."""
        return all(self.last_vote_in(m.acceptor, m.ballot) for m in self.messages if isinstance(m, Accepted))

    def last_vote_in(self, a: Acceptor, b: Ballot) -> bool:
        """The last vote of a that it remembers is in b or a later ballot."""
        vote = self.voted[a]
        return vote is not None and b <= vote.ballot

    @lemma(uses=())
    def last_vote_is_below_the_promise(self) -> bool:
        """Whoever votes in a ballot has come to it."""
        return all(self.has_come_to_its_last_vote(a) for a in Acceptor)

    def has_come_to_its_last_vote(self, a: Acceptor) -> bool:
        """There is none, or its ballot is no larger than the largest that a has come to."""
        vote = self.voted[a]
        return vote is None or at_most(vote.ballot, self.max_ballot[a])

    @lemma(
        uses=(
            "promises_are_kept",
            "last_vote_is_a_vote",
            "last_vote_is_the_last",
            "last_vote_is_below_the_promise",
        )
    )
    def promises_report_the_last_vote(self) -> bool:
        """A promise tells of the acceptor's last vote before the ballot: it is one, and none came between."""
        return all(self.reports_the_last_vote(m) for m in self.messages if isinstance(m, Promise))

    def reports_the_last_vote(self, m: Promise) -> bool:
        """What the promise says of votes before its ballot is so."""
        vote = m.voted
        if vote is None:
            return not any(self.voted_in(m.acceptor, c) for c in Ballot if c < m.ballot)
        return (
            vote.ballot < m.ballot
            and Accepted(m.acceptor, vote.ballot, vote.value) in self.messages
            and not any(self.voted_in(m.acceptor, c) for c in Ballot if vote.ballot < c < m.ballot)
        )

    def voted_in(self, a: Acceptor, b: Ballot) -> bool:
        """Acceptor a has voted in b."""
        return any(Accepted(a, b, v) in self.messages for v in Value)


class PaxosSafety(SynodSafety, Paxos):
    """The same quorums in both phases, any two of which meet."""


class FlexiblePaxosSafety(SynodSafety, FlexiblePaxos):
    """The same argument, where only quorums of different phases meet."""

    @assume
    def phase_1_has_a_quorum(self) -> bool:
        """There is a quorum of phase 1: without one, no quorum of phase 2 has to have a member."""
        return any(len(quorum) >= 0 for quorum in self.phase1)


class MultiPaxosSafety(MultiPaxos):
    """The argument of Paxos in each slot; one promise speaks of all of them."""

    goals: ClassVar[Goals] = {
        "agreement": ("one_value_per_ballot", "proposals_are_safe", "votes_were_proposed"),
        "chosen_for_good": (),
    }

    @lemma(uses=())
    def one_value_per_ballot(self, b: Ballot, s: Slot) -> bool:
        """A leader never asks for votes for two values in one slot and ballot."""
        return super().one_value_per_ballot(b, s)

    @lemma(
        uses=(
            "one_value_per_ballot",
            "votes_were_proposed",
            "promises_are_kept",
            "promises_report_the_last_vote",
        )
    )
    def proposals_are_safe(self) -> bool:
        """Votes are asked for only where no other value can have been chosen before in that slot."""
        return all(
            self.safe_at(m.ballot, m.slot, m.value) for m in self.messages if isinstance(m, SlotPropose)
        )

    def safe_at(self, b: Ballot, s: int, v: Value) -> bool:
        """No value but v has been or can ever be chosen in the slot in a ballot before b."""
        return all(
            any(
                all(SlotAccepted(a, c, s, v) in self.messages or self.cannot_vote_in(a, c, s) for a in q)
                for q in self.quorums
            )
            for c in Ballot
            if c < b
        )

    def cannot_vote_in(self, a: Acceptor, b: Ballot, s: int) -> bool:
        """Acceptor a has cast no vote in b in the slot and never will."""
        return not at_most(self.max_ballot[a], b) and not self.voted_in(a, b, s)

    @lemma(uses=())
    def votes_were_proposed(self) -> bool:
        """Acceptors vote for nothing but proposals."""
        return all(
            SlotPropose(m.ballot, m.slot, m.value) in self.messages
            for m in self.messages
            if isinstance(m, SlotAccepted)
        )

    @lemma(uses=())
    def promises_are_kept(self) -> bool:
        """An acceptor that has promised a ballot has come to it, or further."""
        return all(
            at_most(m.ballot, self.max_ballot[m.acceptor])
            for m in self.messages
            if isinstance(m, SlotPromise)
        )

    @lemma(uses=())
    def last_vote_is_a_vote(self, a: Acceptor, s: Slot) -> bool:
        """What an acceptor remembers as its last vote in a slot is one."""
        vote = self.voted[a][s]
        return vote is None or SlotAccepted(a, vote.ballot, s, vote.value) in self.messages

    @lemma(uses=("last_vote_is_below_the_promise",))
    def last_vote_is_the_last(self) -> bool:
        """An acceptor has voted in no ballot larger than that of the last vote it remembers in that slot."""
        return all(
            self.last_vote_in(m.acceptor, m.ballot, m.slot)
            for m in self.messages
            if isinstance(m, SlotAccepted)
        )

    def last_vote_in(self, a: Acceptor, b: Ballot, s: int) -> bool:
        """The last vote of a in the slot that it remembers is in b or a later ballot."""
        vote = self.voted[a][s]
        return vote is not None and b <= vote.ballot

    @lemma(uses=())
    def last_vote_is_below_the_promise(self, a: Acceptor, s: Slot) -> bool:
        """Whoever votes in a ballot has come to it."""
        vote = self.voted[a][s]
        return vote is None or at_most(vote.ballot, self.max_ballot[a])

    @lemma(
        uses=(
            "promises_are_kept",
            "last_vote_is_a_vote",
            "last_vote_is_the_last",
            "last_vote_is_below_the_promise",
        )
    )
    def promises_report_the_last_vote(self, s: Slot) -> bool:
        """A promise tells of the acceptor's last vote in each slot before the ballot: it is one, and none came between."""
        return all(self.reports_the_last_vote(m, s) for m in self.messages if isinstance(m, SlotPromise))

    def reports_the_last_vote(self, m: SlotPromise, s: int) -> bool:
        """What the promise says of votes in the slot before its ballot is so."""
        vote = m.voted[s]
        if vote is None:
            return not any(self.voted_in(m.acceptor, c, s) for c in Ballot if c < m.ballot)
        return (
            vote.ballot < m.ballot
            and SlotAccepted(m.acceptor, vote.ballot, s, vote.value) in self.messages
            and not any(self.voted_in(m.acceptor, c, s) for c in Ballot if vote.ballot < c < m.ballot)
        )

    def voted_in(self, a: Acceptor, b: Ballot, s: int) -> bool:
        """Acceptor a has voted in b in the slot."""
        return any(SlotAccepted(a, b, s, v) in self.messages for v in Value)
