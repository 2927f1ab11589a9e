"""The Raft core: takes one input at a time, dispatches it to the rules, and returns what the host has to do.

`election` and `replication` have the protocol of the Raft paper's Figure 2 and of its sections 5 to 7; here are clients
(section 8) and operators. See `ratified.impl.contract` for what inputs and effects mean.

Guarantees: `step` never raises; what no correct node can have said is ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from ratified.impl.contract import (
    Busy,
    Campaign,
    Command,
    Compact,
    Control,
    Done,
    Durable,
    Effects,
    Input,
    NodeId,
    NotLeader,
    Observer,
    Persisted,
    Query,
    Receive,
    Refused,
    StateMachine,
    Submit,
    Tick,
    Token,
)
from ratified.impl.raft.config import Config
from ratified.impl.raft.election import Election
from ratified.impl.raft.membership import change
from ratified.impl.raft.messages import (
    AppendEntries,
    AppendResponse,
    InstallSnapshot,
    NoOp,
    PreVote,
    PreVoteResponse,
    RequestVote,
    TimeoutNow,
    VoteResponse,
    well_formed,
)
from ratified.impl.raft.state import Role


@dataclass(frozen=True, slots=True)
class ChangeMembership(Control):
    """Have these voters and learners from now on; given to the leader."""

    voters: tuple[NodeId, ...]
    learners: tuple[NodeId, ...] = ()


@dataclass(frozen=True, slots=True)
class AddVoter(Control):
    """Have one more voter; given to the leader. If it was a learner it is none any more."""

    node: NodeId


@dataclass(frozen=True, slots=True)
class RemoveNode(Control):
    """Have one voter or learner less; given to the leader, which may be the one."""

    node: NodeId


@dataclass(frozen=True, slots=True)
class TransferLeadership(Control):
    """Let another voter lead; given to the leader (dissertation, section 3.10)."""

    to: NodeId


@dataclass(slots=True)
class Read:
    """A query on its way: what must be applied before it is answered, and in which round the leader makes sure that it leads.

    Both are 0 while the leader does not know yet what is committed.
    """

    query: Query
    index: int = 0
    round: int = 0


class RaftCore(Election):
    """A Raft node without clock, network or disk."""

    def __init__(
        self,
        node: NodeId,
        durable: Durable,
        config: Config,
        random: Random,
        machine: StateMachine,
        observer: Observer | None = None,
    ) -> None:
        self._reads: list[Read] = []
        super().__init__(node, durable, config, random, machine, observer)
        if observer is not None:
            self.report("start")

    def step(self, event: Input) -> Effects:
        """Take one input."""
        match event:
            case Receive(sender, message):
                self.receive(sender, message)
            case Tick(ticks):
                if ticks > 0:
                    self.tick(ticks)
            case Persisted(token):
                self.take_persisted(token)
            case Submit(command):
                self.submit(command)
            case Query():
                self.query(event)
            case Control():
                self.control(event)
        return self.take_effects()

    def take_persisted(self, token: Token) -> None:
        """Writes are durable: they count where they are counted."""
        news = self.persisted(token)
        if news and self._observer is not None:
            self.report("persisted", token=token)
        if news and self.role is Role.LEADER:
            self.advance_commit()
        if self.role is Role.CANDIDATE and self.record_is_durable() and self.node not in self.votes:
            self.own_vote_is_durable()

    def receive(self, sender: NodeId, message: object) -> None:
        """Take a message, if it can be one: of a newer term, first begin that term."""
        if sender == self.node or not well_formed(message):
            return
        if message.term > self.term and not self.handle_newer_term(sender, message):
            return
        match message:
            case AppendEntries():
                self.handle_append_entries(sender, message)
            case AppendResponse():
                self.handle_append_response(sender, message)
            case RequestVote():
                self.handle_request_vote(sender, message)
            case VoteResponse():
                self.handle_vote_response(sender, message)
            case PreVote():
                self.handle_pre_vote(sender, message)
            case PreVoteResponse():
                self.handle_pre_vote_response(sender, message)
            case InstallSnapshot():
                self.handle_install_snapshot(sender, message)
            case TimeoutNow():
                self.handle_timeout_now(sender, message)

    # Clients (Raft paper, section 8; dissertation, chapter 6)

    def submit(self, command: Command) -> None:
        """Append a client's command, if this node leads; its answer is given when it is executed."""
        client, serial = command.client, command.serial
        if serial < 1:
            self.answer(client, serial, Refused("commands are numbered from 1"))
        elif self.role is not Role.LEADER or self.transferee is not None:
            self.answer(client, serial, self.not_leader())
        elif self.config.sessions and self.sessions.is_repeated(command):
            result = self.sessions.remembered(command)
            if result is not None:  # otherwise the client has had its answer, or it would not have gone on
                self.answer(client, serial, Done(result))
        elif (client, serial) in self._on_the_way:
            return  # it is on the way
        elif self.log.last - self.commit >= self.config.max_uncommitted:
            self.answer(client, serial, Busy())
        else:
            self.append_as_leader(command)
            self._waiting[self.log.last] = command
            self._on_the_way.add((client, serial))
            self.broadcast()
            self.advance_commit()

    def query(self, query: Query) -> None:
        """Begin a read without the log (dissertation, section 6.4), if this node leads."""
        if self.role is not Role.LEADER:
            self.answer(query.client, query.serial, self.not_leader())
        elif all(read.query != query for read in self._reads):
            self._reads.append(Read(query))
            if not self.committed_in_term() and self.log.last_term != self.term:
                self.append_as_leader(NoOp())  # the term did not begin with one
            self.begin_reads()
            self.answer_reads()

    def begin_reads(self) -> None:
        """Fix what reads have to show: all that is committed now, as a leader knows it that has committed an entry of its term.

        Then ask whether this node still leads, once for all reads that begin.
        """
        new = [read for read in self._reads if not read.round]
        if not new or not self.committed_in_term():
            return
        self.read_round += 1
        for read in new:
            read.index, read.round = self.commit, self.read_round
        self.broadcast(heartbeat=True)

    def answer_reads(self) -> None:
        """Answer the reads that are confirmed, from a state machine that has executed enough."""
        waiting = []
        for read in self._reads:
            if read.round and self.applied >= read.index and self.is_confirmed(read):
                result = self.machine.query(read.query.payload)
                self.answer(read.query.client, read.query.serial, Done(result))
            else:
                waiting.append(read)
        self._reads = waiting

    def is_confirmed(self, read: Read) -> bool:
        """Whether a quorum has agreed, since the read began, that this node leads."""
        confirmed = {peer for peer, progress in self.progress.items() if progress.read >= read.round}
        return self.membership.is_quorum(confirmed | {self.node})

    def drop_reads(self, leader: NodeId | None) -> None:
        """This node leads no more: clients ask elsewhere."""
        for read in self._reads:
            self.answer(read.query.client, read.query.serial, NotLeader(leader))
        self._reads = []

    # Operators

    def control(self, control: Control) -> None:
        """Do what an operator orders, if it makes sense here."""
        match control:
            case Campaign():
                self.start_election()
            case Compact():
                self.compact()
            case ChangeMembership(voters, learners):
                self.change_membership(voters, learners)
            case AddVoter(node):
                voters, learners = self._without(node)
                self.change_membership((*voters, node), learners)
            case RemoveNode(node):
                self.change_membership(*self._without(node))
            case TransferLeadership(to):
                self.transfer_leadership(to)

    def _without(self, node: NodeId) -> tuple[tuple[NodeId, ...], tuple[NodeId, ...]]:
        """Return the voters and the learners but for one node."""
        now = self.membership
        return tuple(v for v in now.voters if v != node), tuple(n for n in now.learners if n != node)

    def change_membership(self, voters: tuple[NodeId, ...], learners: tuple[NodeId, ...]) -> None:
        """Append a new configuration, which counts from now on."""
        if not self.may_change_membership():
            return
        new = change(self.membership, voters, learners)
        if isinstance(new, str):
            if self._observer is not None:
                self.report("refuse_membership", reason=new)
            return
        self.append_as_leader(new)
        self.broadcast()
        self.advance_commit()

    def may_change_membership(self) -> bool:
        """One change at a time, by a leader that has committed an entry of its term.

        The latter was found missing after publication (Ongaro, "bug in single-server membership changes", raft-dev, 2015).
        """
        return (
            self.role is Role.LEADER
            and self.transferee is None
            and self.membership_index <= self.commit
            and self.committed_in_term()
        )

    def transfer_leadership(self, to: NodeId) -> None:
        """Stop taking commands until a voter has the whole log, and tell it to campaign."""
        if (
            self.role is Role.LEADER
            and to != self.node
            and to in self.progress
            and self.membership.is_voter(to)
        ):
            self.transferee = to
            self._quorum_elapsed = 0
            if self._observer is not None:
                self.report("transfer_leadership", to=to)
            self.continue_transfer(to)
            self.send_append(to, self.progress[to])
