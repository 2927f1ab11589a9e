"""The Raft core: takes one input at a time, dispatches it to the rules, and returns what the host has to do.

`election` and `replication` have the protocol of the Raft paper's Figure 2 and of its sections 5 to 7; `clients` (with `reads`)
and `operators` what a node does for people. See `ratified.impl.contract` for what inputs and effects mean.

Guarantees: `step` never raises; what no correct node can have said is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from ratified.impl.contract import (
    Control,
    Durable,
    Effects,
    Input,
    NodeId,
    Observer,
    Persisted,
    Query,
    Receive,
    StateMachine,
    Submit,
    Tick,
    Token,
)
from ratified.impl.raft.clients import Clients
from ratified.impl.raft.config import Config
from ratified.impl.raft.election import Election
from ratified.impl.raft.log import Log
from ratified.impl.raft.membership import Membership
from ratified.impl.raft.messages import (
    AppendEntries,
    AppendResponse,
    InstallSnapshot,
    PreVote,
    PreVoteResponse,
    RequestVote,
    TimeoutNow,
    VoteResponse,
    well_formed,
)
from ratified.impl.raft.operators import Operators
from ratified.impl.raft.reads import Reads
from ratified.impl.raft.replication import Replication
from ratified.impl.raft.state import Role, State


class RaftCore:
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
        self.state = State(node, durable, config, random, machine, observer)
        self.reads = Reads(self.state)
        self.replication = Replication(self.state, self.reads)
        self.election = Election(self.state, self.replication)
        self.clients = Clients(self.state, self.replication, self.reads)
        self.operators = Operators(self.state, self.replication, self.election)
        self.state.report("start")

    def step(self, event: Input) -> Effects:
        """Take one input."""
        match event:
            case Receive(sender, message):
                self.receive(sender, message)
            case Tick(ticks):
                if ticks > 0:
                    self.election.tick(ticks)
            case Persisted(token):
                self.take_persisted(token)
            case Submit(command):
                self.clients.submit(command)
            case Query():
                self.clients.query(event)
            case Control():
                self.operators.control(event)
        return self.state.take_effects()

    def take_persisted(self, token: Token) -> None:
        """Writes are durable: they count where they are counted."""
        news = self.state.persisted(token)
        if news:
            self.state.report("persisted", token=token)
        if news and self.state.role is Role.LEADER:
            self.replication.advance_commit()
        if (
            self.state.role is Role.CANDIDATE
            and self.state.record_is_durable()
            and self.state.node not in self.state.votes
        ):
            self.election.own_vote_is_durable()

    def receive(self, sender: NodeId, message: object) -> None:
        """Take a message, if it can be one: of a newer term, first begin that term."""
        if sender == self.state.node or not well_formed(message):
            return
        if message.term > self.state.term and not self.election.handle_newer_term(sender, message):
            return
        match message:
            case AppendEntries():
                self.replication.handle_append_entries(sender, message)
            case AppendResponse():
                self.replication.handle_append_response(sender, message)
            case RequestVote():
                self.election.handle_request_vote(sender, message)
            case VoteResponse():
                self.election.handle_vote_response(sender, message)
            case PreVote():
                self.election.handle_pre_vote(sender, message)
            case PreVoteResponse():
                self.election.handle_pre_vote_response(sender, message)
            case InstallSnapshot():
                self.replication.handle_install_snapshot(sender, message)
            case TimeoutNow():
                self.election.handle_timeout_now(sender, message)

    # What may be looked at

    @property
    def node(self) -> NodeId:
        """Its name."""
        return self.state.node

    @property
    def term(self) -> int:
        """The term that it is in."""
        return self.state.term

    @property
    def role(self) -> Role:
        """What it is at the moment."""
        return self.state.role

    @property
    def leader(self) -> NodeId | None:
        """Whom it follows; itself, if it leads."""
        return self.state.leader

    @property
    def commit(self) -> int:
        """Up to where the log is known to be committed."""
        return self.state.commit

    @property
    def applied(self) -> int:
        """Up to where it is executed."""
        return self.state.applied

    @property
    def log(self) -> Log:
        """The log."""
        return self.state.log

    @property
    def membership(self) -> Membership:
        """The latest configuration in the log."""
        return self.state.membership

    @property
    def machine(self) -> StateMachine:
        """The state machine, for looking only."""
        return self.state.machine

    def observe(self) -> Mapping[str, Any]:
        """Return the observable variables; see `State.observe`."""
        return self.state.observe()
