"""Phase 1: a node that wants to lead asks for promises, and finds out what it must propose.

Guarantees: only promises of its own ballot count; in a slot that votes are reported for it takes the value of the highest (P2c).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ratified.impl.contract import NodeId
from ratified.impl.multipaxos.messages import NO_OP, Prepare, Promise, Value
from ratified.impl.multipaxos.state import State
from ratified.impl.paxos.ballots import Ballot, Vote, highest, is_quorum


@dataclass(frozen=True, slots=True)
class Mandate:
    """What a quorum's promises come to: values to propose in the slots above `floor`."""

    supporters: tuple[NodeId, ...]
    floor: int  # up to here all is chosen
    source: NodeId  # which knows what
    values: tuple[tuple[Value, bool], ...]  # and whether it fills a gap


class Candidate:
    """One attempt to become leader."""

    __slots__ = ("_state", "ballot", "promises", "request")

    def __init__(self, state: State, ballot: Ballot, insist: bool) -> None:
        self._state = state
        self.ballot = ballot
        self.request = Prepare(ballot, state.chosen + 1, insist)
        self.promises: dict[NodeId, Promise] = {}

    def ask(self) -> None:
        """Send the request to those who have not answered; its ballot must be durable by then, to be never used again."""
        state = self._state
        for other in state.others:
            if other not in self.promises:
                state.out.send(other, self.request, state.out.once_durable)

    def counts(self, promise: Promise) -> bool:
        """Whether it was made to this attempt: one to an earlier says nothing of the votes since."""
        return promise.ballot == self.ballot

    def on_promise(self, acceptor: NodeId, promise: Promise) -> bool:
        """Count a promise; whether a quorum has now promised."""
        if self.counts(promise):
            self.promises.setdefault(acceptor, promise)
        return is_quorum(self.promises, self._state.members)

    def mandate(self) -> Mandate:
        """Return what to propose now that a quorum has promised."""
        source = max(self.promises, key=lambda node: self.promises[node].chosen)
        floor = self.promises[source].chosen
        if self._state.chosen > floor:
            source, floor = self._state.node, self._state.chosen
        votes: dict[int, list[Vote[Value]]] = {}
        for promise in self.promises.values():
            for slot, vote in promise.votes:
                if slot > floor:
                    votes.setdefault(slot, []).append(vote)
        last = self.last_plausible(floor, sorted(votes))
        slots = range(floor + 1, last + 1)
        return Mandate(
            tuple(self.promises),
            floor,
            source,
            tuple((self.choose_value(votes.get(slot, [])), slot not in votes) for slot in slots),
        )

    def last_plausible(self, floor: int, slots: Sequence[int]) -> int:
        """Return the last slot that somebody can have proposed in.

        A leader proposes at most a window beyond what is chosen, and what is chosen is reported by any quorum: so there are no
        more gaps than that. A vote beyond is nobody's; without this the log would be filled with no-ops up to wherever it is.
        """
        last = floor
        for number, slot in enumerate(slots, 1):
            if slot - floor - number > self._state.config.window:
                break
            last = slot
        return last

    def choose_value(self, votes: Sequence[Vote[Value]]) -> Value:
        """Return the value of the vote with the highest ballot; nothing in a gap, which nobody in the quorum has voted in."""
        vote = highest(votes)
        return NO_OP if vote is None else vote.value
