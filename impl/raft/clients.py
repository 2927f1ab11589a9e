"""What a node does for clients (Raft paper, section 8; dissertation, chapter 6).

Guarantees: a command is appended once, by a leader that hands over to nobody; its client is answered when it is executed.
"""

from __future__ import annotations

from ratified.impl.contract import Busy, Command, Done, Query, Refused
from ratified.impl.raft.messages import NoOp
from ratified.impl.raft.reads import Reads
from ratified.impl.raft.replication import Replication
from ratified.impl.raft.state import Role, State


class Clients:
    """Takes commands and queries."""

    def __init__(self, state: State, replication: Replication, reads: Reads) -> None:
        self.state = state
        self.replication = replication
        self.reads = reads

    def submit(self, command: Command) -> None:
        """Append a client's command, if this node leads; its answer is given when it is executed."""
        client, serial = command.client, command.serial
        if serial < 1:
            self.state.answer(client, serial, Refused("commands are numbered from 1"))
        elif self.state.role is not Role.LEADER or self.state.transferee is not None:
            self.state.answer(client, serial, self.state.not_leader())
        elif self.state.config.sessions and self.state.sessions.is_repeated(command):
            result = self.state.sessions.remembered(command)
            if result is not None:  # otherwise the client has had its answer, or it would not have gone on
                self.state.answer(client, serial, Done(result))
        elif (client, serial) in self.state.on_the_way:
            return  # it is on the way
        elif not self.has_room():
            self.state.answer(client, serial, Busy())
        else:
            self.replication.append_as_leader(command)
            self.state.waiting[self.state.log.last] = command
            self.state.on_the_way.add((client, serial))
            self.replication.broadcast()
            self.replication.advance_commit()

    def has_room(self) -> bool:
        """Whether another command may wait. The first of a term always may: what is before it commits only with it (5.4.2)."""
        state = self.state
        waiting = state.log.last - state.commit
        return waiting < state.config.max_uncommitted or state.log.last_term < state.term

    def query(self, query: Query) -> None:
        """Begin a read without the log (dissertation, section 6.4), if this node leads."""
        if self.state.role is not Role.LEADER:
            self.state.answer(query.client, query.serial, self.state.not_leader())
        elif self.reads.take(query):
            if not self.state.committed_in_term() and self.state.log.last_term != self.state.term:
                self.replication.append_as_leader(NoOp())  # the term did not begin with one
            self.replication.begin_reads()
            self.reads.answer()
