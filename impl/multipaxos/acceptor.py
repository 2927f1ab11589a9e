"""The acceptor: one promise for all slots, and the last vote in each. Its two rules are `may_promise` and `may_accept`.

Guarantees: what it answers leaves only once the promise and the votes that it speaks of are durable.
"""

from __future__ import annotations

from ratified.impl.contract import NodeId, Token
from ratified.impl.multipaxos.messages import Accept, Accepted, Prepare, Promise, Rejected, Value
from ratified.impl.multipaxos.state import State
from ratified.impl.paxos.ballots import Ballot, Vote


class Acceptor:
    """One node's part in phases 1b and 2b."""

    __slots__ = ("_state",)

    def __init__(self, state: State) -> None:
        self._state = state

    def may_promise(self, ballot: Ballot) -> bool:
        """Whether the ballot is higher than any that was promised or voted in."""
        return ballot > self._state.promised

    def may_accept(self, ballot: Ballot) -> bool:
        """Whether no higher ballot was promised (P1a)."""
        return ballot >= self._state.promised

    def once_durable(self) -> Token:
        """Return when an answer may leave: when the disk has all that has been promised and voted."""
        return self._state.out.once_durable

    def on_prepare(self, candidate: NodeId, message: Prepare) -> bool:
        """Promise, if it may be; whether it did now. The same request is answered again: the answer may have been lost."""
        state = self._state
        ballot = message.ballot
        promises = self.may_promise(ballot)
        if promises:
            state.promise(ballot)
        if state.promised != ballot:
            self.reject(candidate, ballot)
            return False
        state.keep()
        # What this node knows to be chosen it need not report: the candidate is told how far that goes, and will ask for it.
        votes = state.votes_above(max(state.chosen, message.first - 1))
        if promises and state.note:
            state.note("promise", ballot=ballot, chosen=state.chosen, votes=dict(votes))
        state.out.send(candidate, Promise(ballot, state.chosen, votes), self.once_durable())
        return promises

    def on_accept(self, leader: NodeId, message: Accept) -> bool:
        """Vote, if it may be; whether it did."""
        state = self._state
        ballot = message.ballot
        if not self.may_accept(ballot):
            self.reject(leader, ballot)
            return False
        if not self.is_consistent(ballot, message.first, message.values):
            return False
        if ballot > state.promised:
            state.promise(ballot)
        state.vote(ballot, message.first, message.values)
        state.out.send(leader, Accepted(ballot, message.first, len(message.values)), self.once_durable())
        return True

    def is_consistent(self, ballot: Ballot, first: int, values: tuple[Value, ...]) -> bool:
        """Whether in no slot another value is known to be chosen (an old leader may not know yet), or has this ballot's vote."""
        state = self._state
        for slot, value in enumerate(values, first):
            entry = state.entries.get(slot)
            if entry is None or entry.value == value:
                continue
            if slot <= state.chosen or (isinstance(entry, Vote) and entry.ballot == ballot):
                return False
        return True

    def reject(self, who: NodeId, ballot: Ballot) -> None:
        """Tell that a higher ballot is promised."""
        self._state.out.send(who, Rejected(ballot, self._state.promised), self.once_durable())
