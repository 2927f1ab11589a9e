"""Mistakes to plant into Multi-Paxos, each by replacing one function by name: what real systems got wrong, and what one could."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ratified.impl.contract import WriteEntries
from ratified.impl.multipaxos.messages import NO_OP
from ratified.impl.outbox import Outbox
from ratified.impl.paxos.ballots import Vote, following

CORE = "ratified.impl.multipaxos"


def half(some: Any, members: Any) -> bool:
    return 2 * len(some) >= len(members)


def a_third(some: Any, members: Any) -> bool:
    return 3 * len(some) >= len(members)


def lowest(self: Any, votes: Any) -> Any:
    return min(votes, key=lambda vote: vote.ballot).value if votes else NO_OP


def reused(self: Any) -> Any:
    state = self._state
    if state.promised.node == self.node and state.seen == state.promised:
        return state.promised
    return following(max(state.seen, state.promised), self.node)


def vote_in_memory(self: Any, ballot: Any, first: int, values: Any) -> None:
    for slot, value in enumerate(values, first):
        if slot > self.chosen:
            self.entries[slot] = Vote(ballot, value)


def promise_in_memory(self: Any, ballot: Any) -> None:
    self.promised = ballot


def learn_as_votes(self: Any, values: Any) -> None:
    votes = tuple(Vote(self.promised, value) for value in values)
    self.out.write(WriteEntries(self.chosen + 1, votes))
    for vote in votes:
        self.entries[self.chosen + 1] = vote
        self.choose(self.chosen + 1)


MUTANTS: Mapping[str, tuple[int, tuple[tuple[str, Any], ...]]] = {
    "votes and promises answered before they are durable": (
        3,
        ((f"{CORE}.acceptor.Acceptor.once_durable", lambda self: 0),),
    ),
    "nothing waits for the disk": (3, (("ratified.impl.outbox.Outbox.once_durable", 0),)),
    "promise not durable": (3, ((f"{CORE}.state.State.promise", promise_in_memory),)),
    "vote not durable": (3, ((f"{CORE}.state.State.vote", vote_in_memory),)),
    "votes not reported": (3, ((f"{CORE}.state.State.votes_above", lambda self, slot: ()),)),
    "promise of an older ballot counted": (
        3,
        ((f"{CORE}.candidate.Candidate.counts", lambda self, promise: True),),
    ),
    "accepts below its promise": (
        3,
        ((f"{CORE}.acceptor.Acceptor.may_accept", lambda self, ballot: True),),
    ),
    "proposes what it likes": (
        3,
        ((f"{CORE}.candidate.Candidate.choose_value", lambda self, votes: NO_OP),),
    ),
    "takes the lowest vote": (3, ((f"{CORE}.candidate.Candidate.choose_value", lowest),)),
    "ballot reused after a restart": (3, ((f"{CORE}.core.MultiPaxosCore.next_ballot", reused),)),
    "half is a quorum for promises": (4, ((f"{CORE}.candidate.is_quorum", half),)),
    "half is a quorum for votes": (4, ((f"{CORE}.leader.is_quorum", half),)),
    "a third is a quorum": (
        3,
        ((f"{CORE}.candidate.is_quorum", a_third), (f"{CORE}.leader.is_quorum", a_third)),
    ),
    "one vote is enough": (
        3,
        ((f"{CORE}.leader.Leader.is_chosen", lambda self, proposal: bool(proposal.voters)),),
    ),
    "a vote of an earlier ballot taken for the chosen value": (
        3,
        ((f"{CORE}.learner.Learner.is_proposal_of", lambda self, ballot, entry: entry is not None),),
    ),
    "what was learned written as a vote": (3, ((f"{CORE}.state.State.learn", learn_as_votes),)),
    "repeated commands executed again": (
        3,
        (("ratified.impl.sessions.Sessions.is_repeated", lambda self, command: False),),
    ),
    "sessions left out of snapshots": (3, (("ratified.impl.sessions.Sessions.table", lambda self: ()),)),
    "reads without a round": (
        3,
        ((f"{CORE}.leader.Leader.may_serve", lambda self, number, index: index <= self._learner.applied),),
    ),
    "reads before all is executed": (
        3,
        ((f"{CORE}.leader.Leader.may_serve", lambda self, number, index: number <= self._confirmed),),
    ),
}
