"""Multi-Paxos: a log of slots, in each of which Paxos chooses a value; phase 1 is run once for all of them.

A leader prepares its ballot once. The promises tell what acceptors have voted for in any slot, and from then on the leader needs
only phase 2: in slots that a vote is reported for it must propose again what it finds; in those before the last of them for
which there is none, the gaps, it proposes a value that does nothing; and beyond, what clients ask for, slot after slot.
(Lamport, "Paxos Made Simple", 2001, section 3.)

Seen at one slot this is single-decree Paxos, and `slot` chooses which is looked at. There an acceptor counts as having come to a
ballot when it has promised it, or voted in it in that very slot: its votes in other slots are not to be seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from ratified.language import (
    Lifelines,
    Map,
    Model,
    Param,
    Range,
    Set,
    action,
    assume,
    at_size,
    invariant,
    majorities,
    record,
    refines,
    require,
    step_invariant,
    view,
)
from ratified.models.paxos import synod as single
from ratified.models.paxos.paxos import Paxos
from ratified.models.paxos.sorts import Acceptor, Ballot, Value, Vote, at_most

Message = single.Prepare | single.Promise | single.Propose | single.Accepted
Slot = Annotated[int, Range(1, "slots")]


@record
class Prepare:
    """1a: the leader of a ballot asks for promises, for all slots."""

    ballot: Ballot


@record
class Promise:
    """1b: an acceptor will not vote below the ballot any more, in any slot; it reports the last vote it cast in each."""

    acceptor: Acceptor
    ballot: Ballot
    voted: Map[Slot, Vote | None]


@record
class Propose:
    """2a: the leader of a ballot asks for votes in a slot."""

    ballot: Ballot
    slot: Slot
    value: Value


@record
class Accepted:
    """2b: an acceptor has voted in a slot."""

    acceptor: Acceptor
    ballot: Ballot
    slot: Slot
    value: Value


class MultiPaxos(Model):
    """A log, each slot of which Paxos fills."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Acceptor": 2, "Value": 1, "Ballot": 2, "slots": 2},
        "standard": {"Acceptor": 2, "Value": 2, "Ballot": 2, "slots": 2},
        "large": {"Acceptor": 3, "Value": 1, "Ballot": 2, "slots": 2},
    }

    lifelines: ClassVar[Lifelines] = Lifelines({Ballot: "leader", Acceptor: "acceptor"})

    quorums: Param[Set[Set[Acceptor]]] = majorities(Acceptor)
    slots: Param[int] = 2
    slot: Param[int] = 1  # at which the refinement looks
    no_op: Param[Value] = at_size(lambda: Value(0))  # fills gaps

    max_ballot: Map[Acceptor, Ballot | None]  # the largest ballot that a has answered in, for all slots
    voted: Map[Acceptor, Map[Slot, Vote | None]]  # the last vote that a has cast in a slot
    messages: Set[Prepare | Promise | Propose | Accepted]

    @assume
    def quorums_meet(self) -> bool:
        """Any two quorums must have a member in common.

        Make the quorums larger, or leave `quorums` out for majorities.
        """
        return all(not p.isdisjoint(q) for p in self.quorums for q in self.quorums)

    @assume
    def there_is_such_a_slot(self) -> bool:
        """The slot to look at must be one of the log's.

        Give a `slot` from 1 to `slots`.
        """
        return 1 <= self.slot <= self.slots

    # Phase 1, for all slots

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

    # Phase 2, in each slot

    @action
    def propose_again(self, b: Ballot, s: Slot, v: Value) -> None:
        """2a: in a slot that a vote is reported for, the leader of b must propose the value of the latest."""
        require(not self.has_proposed(b, s))
        require(any(self.reports(q, b, s) and self.allows(q, b, s, v) for q in self.quorums))
        self.messages.add(Propose(b, s, v))

    @action
    def fill_gap(self, b: Ballot, s: Slot) -> None:
        """2a: in a slot that no vote is reported for, though one is for a later slot, it proposes to do nothing."""
        require(not self.has_proposed(b, s))
        require(
            any(
                not self.reports(q, b, s)
                and not self.is_free_from(q, b, s + 1)
                and self.allows(q, b, s, self.no_op)
                for q in self.quorums
            )
        )
        self.messages.add(Propose(b, s, self.no_op))

    @action
    def propose(self, b: Ballot, s: Slot, v: Value) -> None:
        """2a: in the first slot that is free it proposes what a client asks for, without another phase 1."""
        require(not self.has_proposed(b, s))
        require(all(self.has_proposed(b, t) for t in range(1, s)))
        require(any(self.is_free_from(q, b, s) and self.allows(q, b, s, v) for q in self.quorums))
        self.messages.add(Propose(b, s, v))

    @action
    def accept(self, a: Acceptor, b: Ballot, s: Slot, v: Value) -> None:
        """2b: acceptor a votes as it is asked, unless it has promised not to."""
        require(Propose(b, s, v) in self.messages)
        require(at_most(self.max_ballot[a], b))
        self.max_ballot[a] = b
        self.voted[a][s] = Vote(b, v)
        self.messages.add(Accepted(a, b, s, v))

    def has_proposed(self, b: Ballot, s: int) -> bool:
        """The leader of b has asked for votes in slot s."""
        return any(Propose(b, s, v) in self.messages for v in Value)

    def answers(self, quorum: Set[Acceptor], b: Ballot) -> Set[Promise]:
        """What members of the quorum have answered to the leader of b."""
        return Set(
            m for m in self.messages if isinstance(m, Promise) and m.ballot == b and m.acceptor in quorum
        )

    def votes(self, quorum: Set[Acceptor], b: Ballot, s: int) -> Set[Vote]:
        """The votes in slot s that these answers report."""
        reported = Set(m.voted[s] for m in self.answers(quorum, b))
        return Set(vote for vote in reported if vote is not None)

    def reports(self, quorum: Set[Acceptor], b: Ballot, s: int) -> bool:
        """There is one."""
        return len(self.votes(quorum, b, s)) > 0

    def is_free_from(self, quorum: Set[Acceptor], b: Ballot, s: int) -> bool:
        """These answers report no vote in slot s or later."""
        return all(m.voted[t] is None for m in self.answers(quorum, b) for t in range(s, self.slots + 1))

    def allows(self, quorum: Set[Acceptor], b: Ballot, s: int, v: Value) -> bool:
        """The whole quorum has answered in b, and v is what the latest vote in slot s is for, or there is no vote (P2c)."""
        answers = self.answers(quorum, b)
        votes = self.votes(quorum, b, s)
        return all(any(m.acceptor == a for m in answers) for a in quorum) and (
            not votes or any(w.value == v and all(x.ballot <= w.ballot for x in votes) for w in votes)
        )

    # What it comes to

    def chosen(self, s: Slot, v: Value) -> bool:
        """A quorum has voted for v in slot s in some ballot."""
        return any(
            all(Accepted(a, b, s, v) in self.messages for a in quorum)
            for b in Ballot
            for quorum in self.quorums
        )

    # How it is pictured

    @view
    def filled(self) -> Map[Slot, tuple[Set[Value], Set[Value]]]:
        """In each slot, what votes have been asked for, and what is chosen."""
        return Map(
            {
                s: (
                    Set(v for v in Value if any(Propose(b, s, v) in self.messages for b in Ballot)),
                    Set(v for v in Value if self.chosen(s, v)),
                )
                for s in range(1, self.slots + 1)
            }
        )

    @view
    def ballots(self) -> Map[Acceptor, Ballot | None]:
        """The largest ballot that each acceptor has answered in."""
        return self.max_ballot

    @invariant
    def agreement(self, s: Slot) -> bool:
        """Only a single value is chosen in a slot."""
        return all(v == w for v in Value if self.chosen(s, v) for w in Value if self.chosen(s, w))

    @invariant
    def one_value_per_ballot(self, b: Ballot, s: Slot) -> bool:
        """A leader never asks for votes for two values in one slot and ballot."""
        return all(
            v == w
            for v in Value
            if Propose(b, s, v) in self.messages
            for w in Value
            if Propose(b, s, w) in self.messages
        )

    @step_invariant
    def chosen_for_good(self, old: Self) -> bool:
        """What has been chosen stays chosen."""
        return all(self.chosen(s, v) for s in range(1, self.slots + 1) for v in Value if old.chosen(s, v))

    def has_come_to(self, a: Acceptor, b: Ballot) -> bool:
        """Acceptor a has promised ballot b, or voted in it in the slot that is looked at."""
        return any(
            (isinstance(m, Promise) and m.acceptor == a and m.ballot == b)
            or (isinstance(m, Accepted) and m.acceptor == a and m.ballot == b and m.slot == self.slot)
            for m in self.messages
        )

    def seen(self, m: Prepare | Promise | Propose | Accepted) -> Set[Message]:
        """What the message is at the slot that is looked at, if it is anything there."""
        match m:
            case Prepare(ballot):
                return Set([single.Prepare(ballot)])
            case Promise(acceptor, ballot, voted):
                return Set([single.Promise(acceptor, ballot, voted[self.slot])])
            case Propose(ballot, slot, value):
                return Set([single.Propose(ballot, value)]) if slot == self.slot else Set()
            case Accepted(acceptor, ballot, slot, value):
                return Set([single.Accepted(acceptor, ballot, value)]) if slot == self.slot else Set()

    @refines(Paxos)
    def as_paxos(self, paxos: Paxos) -> None:
        """One slot of the log."""
        paxos.max_ballot = Map(
            {a: max((b for b in Ballot if self.has_come_to(a, b)), default=None) for a in Acceptor}
        )
        paxos.voted = Map({a: self.voted[a][self.slot] for a in Acceptor})
        paxos.messages = Set(seen for m in self.messages for seen in self.seen(m))
