"""Reads without the log, by a leader that makes sure that it still leads (dissertation, section 6.4).

Guarantees: a read is answered from a state machine that has executed all that was committed when the read began, as a leader
knows it that has committed an entry of its term, and after a quorum has agreed, since then, that this node leads.
"""

from __future__ import annotations

from ratified.impl.contract import Done, Query
from ratified.impl.raft.state import Read, State


class Reads:
    """The reads on the way. They are kept in the state, which drops them when this node leads no more."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.round = 0  # the last one

    def take(self, query: Query) -> bool:
        """Take a query; False if it is on the way already."""
        if any(read.query == query for read in self.state.reads):
            return False
        self.state.reads.append(Read(query))
        return True

    def begin(self) -> bool:
        """Fix what new reads have to show: all that is committed now. Whether a round begins, in which followers are asked."""
        new = [read for read in self.state.reads if not read.round]
        if not new or not self.state.committed_in_term():
            return False
        self.round += 1
        for read in new:
            read.index, read.round = self.state.commit, self.round
        return True

    def answer(self) -> None:
        """Answer the reads that are confirmed, from a state machine that has executed enough."""
        waiting = []
        for read in self.state.reads:
            if read.round and self.state.applied >= read.index and self.is_confirmed(read):
                result = self.state.machine.query(read.query.payload)
                self.state.answer(read.query.client, read.query.serial, Done(result))
            else:
                waiting.append(read)
        self.state.reads = waiting

    def is_confirmed(self, read: Read) -> bool:
        """Whether a quorum has agreed, since the read began, that this node leads."""
        confirmed = {peer for peer, progress in self.state.progress.items() if progress.read >= read.round}
        return self.state.membership.is_quorum(confirmed | {self.state.node})
