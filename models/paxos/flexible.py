"""Flexible Paxos: only quorums of different phases have to meet.

Paxos asks of its quorums that any two have a member in common. Its proof uses less: those that answer in phase 1 must meet
those that vote in phase 2. So a cluster may ask fewer acceptors for votes, which it does all the time, and more of them for
promises, which it does when a leader fails. (Howard, Malkhi & Spiegelman, "Flexible Paxos: Quorum intersection revisited",
2016, section 4. The protocol is that of `paxos`, whose messages these are.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from ratified.language import (
    Lifelines,
    Map,
    Model,
    Param,
    Set,
    action,
    assume,
    at_size,
    invariant,
    refines,
    require,
    step_invariant,
    subsets,
    view,
)
from ratified.models.paxos.consensus import Consensus
from ratified.models.paxos.paxos import Accepted, Prepare, Promise, Propose
from ratified.models.paxos.sorts import Acceptor, Ballot, Stage, Value, Vote, at_most


class FlexiblePaxos(Model):
    """Single-decree Paxos with a quorum system for each phase."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Acceptor": 3, "Value": 2, "Ballot": 2},
        "standard": {"Acceptor": 4, "Value": 2, "Ballot": 2},
        "large": {"Acceptor": 4, "Value": 2, "Ballot": 3},
    }

    lifelines: ClassVar[Lifelines] = Lifelines({Ballot: "leader", Acceptor: "acceptor"})

    phase1: Param[Set[Set[Acceptor]]] = at_size(lambda: subsets(Acceptor, len(Acceptor) // 2 + 1))
    phase2: Param[Set[Set[Acceptor]]] = at_size(lambda: subsets(Acceptor, (len(Acceptor) + 1) // 2))

    max_ballot: Map[Acceptor, Ballot | None]  # the largest ballot that a has answered in
    voted: Map[Acceptor, Vote | None]  # the last vote that a has cast
    messages: Set[Prepare | Promise | Propose | Accepted]

    @assume
    def quorums_meet(self) -> bool:
        """Every quorum of phase 1 must have a member in common with every quorum of phase 2.

        Make the quorums of one of the phases larger.
        """
        return all(not p.isdisjoint(q) for p in self.phase1 for q in self.phase2)

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
        """2a: the leader of b asks for votes for v, once, if the answers of a phase-1 quorum allow it."""
        require(not any(Propose(b, w) in self.messages for w in Value))
        require(any(self.allows(quorum, b, v) for quorum in self.phase1))
        self.messages.add(Propose(b, v))

    @action
    def accept(self, a: Acceptor, b: Ballot, v: Value) -> None:
        """2b: acceptor a votes as it is asked, unless it has promised not to."""
        require(Propose(b, v) in self.messages)
        require(at_most(self.max_ballot[a], b))
        self.max_ballot[a] = b
        self.voted[a] = Vote(b, v)
        self.messages.add(Accepted(a, b, v))

    def allows(self, quorum: Set[Acceptor], b: Ballot, v: Value) -> bool:
        """The whole quorum has answered in b, and of the votes it reports, if any, one with the largest ballot is for v."""
        answers = Set(
            m for m in self.messages if isinstance(m, Promise) and m.ballot == b and m.acceptor in quorum
        )
        votes = Set(m.voted for m in answers if m.voted is not None)
        return all(any(m.acceptor == a for m in answers) for a in quorum) and (
            not votes or any(w.value == v and all(x.ballot <= w.ballot for x in votes) for w in votes)
        )

    # What it comes to

    def chosen(self, v: Value) -> bool:
        """A phase-2 quorum has voted for v in some ballot."""
        return any(
            all(Accepted(a, b, v) in self.messages for a in quorum) for b in Ballot for quorum in self.phase2
        )

    # How it is pictured

    @view
    def stages(self) -> Map[Ballot, tuple[Stage, Set[Value]]]:
        """How far each ballot has come: what is promised by a phase-1 quorum, proposed, chosen."""
        return Map({b: (self.stage(b), self.proposed(b)) for b in Ballot})

    @view
    def choice(self) -> Set[Value]:
        """What is chosen in any ballot."""
        return Set(v for v in Value if self.chosen(v))

    def stage(self, b: Ballot) -> Stage:
        """The last of its stages that ballot b has come to."""
        if any(
            all(Accepted(a, b, v) in self.messages for a in quorum) for v in Value for quorum in self.phase2
        ):
            return Stage.CHOSEN
        if len(self.proposed(b)) > 0:
            return Stage.PROPOSED
        answered = Set(m.acceptor for m in self.messages if isinstance(m, Promise) and m.ballot == b)
        if any(quorum <= answered for quorum in self.phase1):
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
    def votes_were_proposed(self) -> bool:
        """Acceptors vote for nothing but proposals; so what is chosen was proposed."""
        return all(
            Propose(m.ballot, m.value) in self.messages for m in self.messages if isinstance(m, Accepted)
        )

    @step_invariant
    def chosen_for_good(self, old: Self) -> bool:
        """What has been chosen stays chosen."""
        return all(self.chosen(v) for v in Value if old.chosen(v))

    @refines(Consensus)
    def as_consensus(self, consensus: Consensus) -> None:
        """What a phase-2 quorum has voted for is chosen."""
        consensus.chosen = Set(v for v in Value if self.chosen(v))
