"""Multi-Paxos as its nodes' logs show it: what has been said is kept by ballot and slot, and can be forgotten.

What an implementation is held to over a long run. It is `MultiPaxos` step by step: the same actions under the same guards; but
where that has one set of messages, which only grows, here each ballot has what acceptors promised it, what its leader has asked
for in each slot, and who has voted for that. So a question about a ballot looks at that ballot, not at all that was ever said.

Slots up to `base` and ballots before `first` are left out. No action changes these two: who follows a run may, once nothing
in them can matter any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from ratified.language import (
    AtMost,
    Map,
    Model,
    Param,
    Range,
    Seq,
    Set,
    action,
    assume,
    at_size,
    invariant,
    majorities,
    record,
    refines,
    require,
)
from ratified.models.paxos import multi
from ratified.models.paxos.sorts import Acceptor, Ballot, Value, Vote

Message = multi.Prepare | multi.Promise | multi.Propose | multi.Accepted
Slot = Annotated[int, Range(1, "slots")]
Number = Annotated[int, Range(0, "ballots - 1")]


@record
class Cast:
    """A vote, in a ballot that goes by its number."""

    ballot: Number
    value: Value


Votes = Annotated[Seq[Cast | None], AtMost("slots")]
Values = Annotated[Seq[Value | None], AtMost("slots")]
Voters = Annotated[Seq[Set[Acceptor]], AtMost("slots")]


def at_most(earlier: int | None, later: int | None) -> bool:
    """Whether one ballot is no larger than another, None being before every ballot."""
    return earlier is None or (later is not None and earlier <= later)


def vote_in(votes: Seq[Cast | None], slot: int) -> Vote | None:
    """The vote in a slot, if there is one."""
    vote = votes[slot - 1] if slot <= len(votes) else None
    return None if vote is None else Vote(Ballot(vote.ballot), vote.value)


class MultiPaxosServers(Model):
    """The logs of acceptors, and of each ballot what was promised, asked for and voted."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = multi.MultiPaxos.sizes

    quorums: Param[Set[Set[Acceptor]]] = majorities(Acceptor)
    slots: Param[int] = 2
    ballots: Param[int] = at_size(lambda: len(Ballot))
    slot: Param[int] = 1  # at which the refinement of what this refines looks
    no_op: Param[Value] = at_size(lambda: Value(0))  # fills gaps

    # By acceptor
    max_ballot: Map[Acceptor, Number | None]  # the largest ballot that a has answered in, for all slots
    voted: Map[Acceptor, Votes]  # the last vote that a has cast in each slot after `base`

    # By ballot, from `first` on
    begun: Set[Number]
    promises: Annotated[Seq[Map[Acceptor, Votes | None]], AtMost("ballots")]  # votes that a has reported
    asked: Annotated[Seq[Values], AtMost("ballots")]  # what the leader has asked for in each slot
    voters: Annotated[Seq[Voters], AtMost("ballots")]  # and who has voted for it

    base: Annotated[int, Range(0, "slots")]
    first: Annotated[int, Range(0, "ballots")]

    @assume
    def quorums_meet(self) -> bool:
        """Any two quorums must have a member in common."""
        return all(not p.isdisjoint(q) for p in self.quorums for q in self.quorums)

    # Phase 1, for all slots

    @action
    def prepare(self, b: Number) -> None:
        """1a: a leader begins ballot b."""
        require(b >= self.first)
        self.begun.add(b)
        for _ in range(len(self.asked), b - self.first + 1):
            self.promises.append(Map({a: None for a in Acceptor}))
            self.asked.append(Seq())
            self.voters.append(Seq())

    @action
    def promise(self, a: Acceptor, b: Number) -> None:
        """1b: acceptor a answers a ballot larger than any that it has answered in, and reports its votes."""
        require(b in self.begun)
        require(not at_most(b, self.max_ballot[a]))
        self.max_ballot[a] = b
        k = b - self.first
        self.promises[k] = self.promises[k] | {a: self.voted[a]}

    # Phase 2, in each slot

    @action
    def propose_again(self, b: Number, s: Slot, v: Value) -> None:
        """2a: in a slot that a vote is reported for, the leader of b must propose the value of the latest."""
        require(b in self.begun)
        require(s in self.reported(b))
        require(not self.has_proposed(b, s))
        require(any(self.reports(q, b, s) and self.allows(q, b, s, v) for q in self.quorums))
        self.ask(b, s, v)

    @action
    def fill_gap(self, b: Number, s: Slot) -> None:
        """2a: in a slot that no vote is reported for, though one is for a later slot, it proposes to do nothing."""
        require(b in self.begun)
        require(s in self.reported(b))
        require(not self.has_proposed(b, s))
        require(
            any(
                self.have_promised(q, b) and not self.reports(q, b, s) and not self.is_free_from(q, b, s + 1)
                for q in self.quorums
            )
        )
        self.ask(b, s, self.no_op)

    @action
    def propose(self, b: Number, s: Slot, v: Value) -> None:
        """2a: in the first slot that is free it proposes what a client asks for, without another phase 1."""
        require(b in self.begun)
        require(s in self.next_slot(b))
        require(any(self.have_promised(q, b) and self.is_free_from(q, b, s) for q in self.quorums))
        self.ask(b, s, v)

    @action
    def accept(self, a: Acceptor, b: Number, s: Slot, v: Value) -> None:
        """2b: acceptor a votes as it is asked, unless it has promised not to."""
        require(b in self.begun)
        require(s in self.slots_asked(b))
        require(self.asked[b - self.first][s - self.base - 1] == v)
        require(at_most(self.max_ballot[a], b))
        self.vote(a, b, s, v)

    def vote(self, a: Acceptor, b: Number, s: int, v: Value) -> None:
        """Acceptor a votes for v in slot s."""
        k, at = b - self.first, s - self.base - 1
        self.max_ballot[a] = b
        votes = self.voted[a]
        gap = [None for _ in range(len(votes), at)]
        self.voted[a] = votes[:at] + gap + [Cast(b, v)] + votes[at + 1 :]
        voters = self.voters[k]
        self.voters[k] = voters[:at] + Seq([voters[at] | Set([a])]) + voters[at + 1 :]

    def slots_asked(self, b: Number) -> Set[int]:
        """The slots up to the last that the leader of b has asked for votes in."""
        return Set(range(self.base + 1, self.base + 1 + len(self.asked[b - self.first])))

    def next_slot(self, b: Number) -> Set[int]:
        """The slot after these, if it has asked in all of them."""
        asked = self.asked[b - self.first]
        return Set([self.base + 1 + len(asked)]) if None not in asked and len(asked) < self.slots else Set()

    def reported(self, b: Number) -> Set[int]:
        """The slots up to the last that a vote has been reported for to the leader of b."""
        promises = self.promises[b - self.first]
        most = max((len(votes) for votes in promises.values() if votes is not None), default=0)
        return Set(range(self.base + 1, self.base + 1 + most))

    def has_proposed(self, b: Number, s: int) -> bool:
        """The leader of b has asked for votes in slot s; or that does not matter any more."""
        asked = self.asked[b - self.first]
        at = s - self.base - 1
        return at < 0 or (at < len(asked) and asked[at] is not None)

    def ask(self, b: Number, s: int, v: Value) -> None:
        """The leader of b asks for votes for v in slot s."""
        k, at = b - self.first, s - self.base - 1
        asked, voters = self.asked[k], self.voters[k]
        gap = range(len(asked), at)
        self.asked[k] = asked[:at] + [None for _ in gap] + [v] + asked[at + 1 :]
        self.voters[k] = voters[:at] + [Set() for _ in gap] + [Set()] + voters[at + 1 :]

    def have_promised(self, quorum: Set[Acceptor], b: Number) -> bool:
        """The whole quorum has answered in b."""
        promises = self.promises[b - self.first]
        return all(promises[a] is not None for a in quorum)

    def votes(self, quorum: Set[Acceptor], b: Number, s: int) -> Set[Cast]:
        """The votes in slot s that members of the quorum have reported to the leader of b."""
        at = s - self.base - 1
        reported = Set(
            votes[at]
            for a, votes in self.promises[b - self.first].items()
            if a in quorum and votes is not None and at < len(votes)
        )
        return Set(vote for vote in reported if vote is not None)

    def reports(self, quorum: Set[Acceptor], b: Number, s: int) -> bool:
        """There is one."""
        return len(self.votes(quorum, b, s)) > 0

    def is_free_from(self, quorum: Set[Acceptor], b: Number, s: int) -> bool:
        """None is for slot s or later."""
        promises = self.promises[b - self.first]
        return all(
            votes is None or len(votes) < s - self.base for a, votes in promises.items() if a in quorum
        )

    def allows(self, quorum: Set[Acceptor], b: Number, s: int, v: Value) -> bool:
        """The whole quorum has answered in b, and v is what the latest vote in slot s is for, or there is no vote (P2c)."""
        votes = self.votes(quorum, b, s)
        return self.have_promised(quorum, b) and (
            not votes or any(w.value == v and all(x.ballot <= w.ballot for x in votes) for w in votes)
        )

    # What it comes to

    def chosen(self, s: Slot, v: Value) -> bool:
        """A quorum has voted for v in slot s in some ballot."""
        at = s - self.base - 1
        return any(self.asked[k][at] == v for k in self.deciding(at))

    def deciding(self, at: int) -> Seq[int]:
        """The ballots, counted from `first`, in which a quorum has voted in a slot, counted from `base`."""
        return Seq(
            k
            for k in range(len(self.asked))
            if at < len(self.asked[k]) and any(quorum <= self.voters[k][at] for quorum in self.quorums)
        )

    def votes_after(self, a: Acceptor, s: int) -> Seq[Cast | None]:
        """The last votes of acceptor a in the slots after s, as far as there are any."""
        return self.voted[a][max(0, s - self.base) :]

    @invariant
    def agreement(self) -> bool:
        """Only a single value is chosen in a slot."""
        return all(
            len(Set(self.asked[k][at] for k in self.deciding(at))) <= 1
            for at in range(max((len(asked) for asked in self.asked), default=0))
        )

    @refines(multi.MultiPaxos)
    def as_messages(self, messages: multi.MultiPaxos) -> None:
        """As long as nothing is left out: what each ballot has is the messages that were sent in it."""
        messages.max_ballot = Map({a: None if b is None else Ballot(b) for a, b in self.max_ballot.items()})
        messages.voted = Map(
            {a: Map({s: vote_in(self.voted[a], s) for s in range(1, self.slots + 1)}) for a in Acceptor}
        )
        said: Set[Message] = Set(multi.Prepare(Ballot(b)) for b in self.begun)
        for b in self.begun:
            said |= Set(
                multi.Promise(a, Ballot(b), Map({s: vote_in(votes, s) for s in range(1, self.slots + 1)}))
                for a, votes in self.promises[b].items()
                if votes is not None
            )
            for at, v in enumerate(self.asked[b]):
                if v is not None:
                    said |= Set([multi.Propose(Ballot(b), at + 1, v)])
                    said |= Set(multi.Accepted(a, Ballot(b), at + 1, v) for a in self.voters[b][at])
        messages.messages = said
