"""A node of a cluster that chooses one command: proposer, acceptor and learner in one.

Lamport, "Paxos Made Simple" (2001), section 2. The command that is chosen is the whole log, at index 1. Whoever submitted it is
told its result; whoever submitted another is told that another was chosen. A query makes sure of what it says: while nothing is
known to be chosen it runs a ballot of its own, which either finds that nothing was chosen when it was asked, or gets what it
finds chosen.

Guarantees:
- promises, votes and the node's own ballot are durable before anybody hears of them, the node itself included;
- `step` never raises; what makes no sense is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from types import MappingProxyType
from typing import Any

from ratified.impl.contract import (
    Applied,
    Campaign,
    Command,
    Done,
    Durable,
    Effects,
    Input,
    NodeId,
    Observation,
    Observer,
    Outcome,
    Persisted,
    Query,
    Receive,
    Refused,
    StateMachine,
    Submit,
    Tick,
    Token,
    WriteRecord,
)
from ratified.impl.outbox import Outbox
from ratified.impl.paxos.acceptor import Acceptor
from ratified.impl.paxos.ballots import NO_BALLOT, Ballot, Vote, is_command
from ratified.impl.paxos.learner import Learner
from ratified.impl.paxos.messages import (
    Accept,
    Accepted,
    Chosen,
    Inquire,
    Message,
    Prepare,
    Promise,
    Rejected,
    is_sound,
)
from ratified.impl.paxos.proposer import Phase, Proposer


@dataclass(frozen=True, slots=True)
class Config:
    """How patient a node is, in ticks."""

    patience: int = 8  # for a quorum to promise, or to vote
    backoff: int = 4  # how long to wait, at most, after the first attempt that failed; doubled after each
    inquire: int = 16  # between a learner's questions

    def __post_init__(self) -> None:
        if min(self.patience, self.backoff, self.inquire) < 1:
            raise ValueError("patience, backoff and inquire must be at least one tick each")


@dataclass(frozen=True, slots=True)
class Record:
    """What a node keeps on its disk: its cluster, and what it must not forget. Written in one piece."""

    members: tuple[NodeId, ...]
    promised: Ballot = NO_BALLOT
    voted: Vote[Command] | None = None
    attempted: Ballot = NO_BALLOT  # the last ballot of the node's own
    chosen: Command | None = None


def bootstrap(members: tuple[NodeId, ...]) -> Durable:
    """Return what is on a node's disk before it starts for the first time."""
    return Durable(record=Record(members))


class PaxosCore:
    """A node of a cluster that chooses one command."""

    leader = None  # there is none

    def __init__(
        self,
        node: NodeId,
        durable: Durable,
        config: Config,
        *,
        random: Random,
        machine: StateMachine,
        observer: Observer | None = None,
    ) -> None:
        record: Record = durable.record
        self.node = node
        self.members = record.members
        self.machine = machine
        self.applied = 0
        self.acceptor = Acceptor(record.promised, record.voted)
        self.proposer = Proposer(node, record.attempted, config.patience, config.backoff, random)
        self.learner = Learner(record.chosen)
        self._config = config
        self._observer = observer
        self._seen = max(record.promised, record.attempted)  # the highest ballot heard of
        self._record = record
        self._out = Outbox(node)
        self._result = b""  # of the chosen command
        self._commands: dict[tuple[str, int], Command] = {}  # wanted by clients of this node, oldest first
        self._queries: list[Query] = []  # for the next attempt to answer
        self._asking: list[Query] = []  # for the present one

    @property
    def term(self) -> int:
        """The highest round heard of."""
        return self._seen.round

    @property
    def token(self) -> Token:
        """After this token everything that was done so far is durable."""
        return self._out.once_durable

    def step(self, event: Input) -> Effects:
        """Take one input; see the contract. Never raises."""
        self._apply()
        match event:
            case Receive(sender, message):
                if sender != self.node and sender in self.members and is_sound(sender, self.node, message):
                    self._receive(sender, message)
            case Persisted(token):
                self._out.persisted(token)
            case Tick(ticks) if type(ticks) is int and ticks > 0:
                self._tick(ticks)
            case Submit(command) if is_command(command):
                self._submit(command)
            case Query(client, serial, payload) if is_command(Command(client, serial, payload)):
                self._query(event)
            case Campaign():
                if self.learner.chosen is None:
                    self._prepare()
        for message in self._out.to_itself():
            self._receive(self.node, message)
        return self._out.take()

    def _receive(self, sender: NodeId, message: Any) -> None:
        match message:
            case Prepare(ballot):
                self._on_prepare(sender, ballot)
            case Promise(ballot, voted):
                self._on_promise(sender, ballot, voted)
            case Accept(ballot, value):
                self._on_accept(sender, ballot, value)
            case Accepted(ballot, value):
                self._on_accepted(sender, ballot, value)
            case Rejected(ballot, promised):
                self._on_rejected(ballot, promised)
            case Inquire():
                self._on_inquire(sender)
            case Chosen(value):
                self._learn(value)

    # The acceptor

    def _on_prepare(self, sender: NodeId, ballot: Ballot) -> None:
        self._see(ballot)
        acceptor = self.acceptor
        if acceptor.may_promise(ballot):
            acceptor.promise(ballot)
            self._keep(promised=ballot)
            self._observe("promise", ballot=ballot, voted=acceptor.voted)
        if acceptor.promised == ballot:  # now, or by the same request before: the answer may have been lost
            self._out.send(sender, Promise(ballot, acceptor.voted), self._out.once_durable)
        else:
            self._out.send(sender, Rejected(ballot, acceptor.promised), self._out.once_durable)

    def _on_accept(self, sender: NodeId, ballot: Ballot, value: Command) -> None:
        self._see(ballot)
        acceptor = self.acceptor
        if not acceptor.may_accept(ballot):
            self._out.send(sender, Rejected(ballot, acceptor.promised), self._out.once_durable)
            return
        if not acceptor.is_vote_of(ballot, value):
            return  # two proposals in one ballot: no proposer makes them
        if acceptor.voted != Vote(ballot, value):
            acceptor.accept(ballot, value)
            self._keep(promised=ballot, voted=acceptor.voted)
            self._observe("accept", ballot=ballot, value=value)
        self._out.send(sender, Accepted(ballot, value), self._out.once_durable)

    # The proposer

    def _prepare(self) -> None:
        """Phase 1a, with a new ballot: it must be durable before anybody is asked."""
        ballot = self.proposer.begin(self._seen)
        self._see(ballot)
        self._keep(attempted=ballot)
        self._asking += self._queries
        self._queries = []
        self._observe("prepare", ballot=ballot)
        self._to_all(Prepare(ballot))

    def _on_promise(self, sender: NodeId, ballot: Ballot, voted: Vote[Command] | None) -> None:
        if self.proposer.counts(ballot) and self.proposer.promised(sender, voted, self.members):
            self._propose()

    def _propose(self) -> None:
        """Phase 2a, if there is anything to propose."""
        wish = next(iter(self._commands.values()), None)
        value = self.proposer.choose_value(wish)
        if value is None:
            # Nobody in a quorum had voted when it promised, later than these were asked: nothing was chosen then.
            for query in self._asking:
                self._answer(query, Done(self.machine.query(query.payload)))
            self._asking = []
            if self._queries:
                self._prepare()
            return
        self.proposer.propose(value)
        self._observe("propose", ballot=self.proposer.ballot, value=value)
        self._to_all(Accept(self.proposer.ballot, value))

    def _on_rejected(self, ballot: Ballot, promised: Ballot) -> None:
        self._see(promised)
        if ballot == self.proposer.ballot and self.proposer.phase in (Phase.PREPARING, Phase.PROPOSING):
            self._give_up()

    def _give_up(self) -> None:
        self.proposer.give_up()
        self._observe("give_up", ballot=self.proposer.ballot)

    # The learner

    def _on_accepted(self, sender: NodeId, ballot: Ballot, value: Command) -> None:
        if self.learner.chosen is None and self.learner.accepted(sender, ballot, self.members):
            self._learn(value)
            for other in self._others():
                self._out.send(other, Chosen(value))

    def _on_inquire(self, sender: NodeId) -> None:
        if self.learner.chosen is not None:
            self._out.send(sender, Chosen(self.learner.chosen))
        elif self.acceptor.voted is not None:
            voted = self.acceptor.voted
            self._out.send(sender, Accepted(voted.ballot, voted.value), self._out.once_durable)

    def _learn(self, value: Command) -> None:
        if self.learner.chosen is not None:
            return
        self.learner.learn(value)
        self._keep(chosen=value)
        self._observe("learn", value=value)
        self._apply()
        self.proposer.rest()
        for query in (*self._asking, *self._queries):
            self._answer(query, Done(self.machine.query(query.payload)))
        for command in self._commands.values():
            self._answer(command, self._outcome(command))
        self._asking, self._queries, self._commands = [], [], {}

    def _apply(self) -> None:
        """Execute what has been chosen; after a restart, once more."""
        chosen = self.learner.chosen
        if chosen is not None and not self.applied:
            self._result = self.machine.apply(chosen.payload)
            self.applied = 1
            self._out.applied(Applied(1, chosen, self._result))

    # Clients

    def _submit(self, command: Command) -> None:
        if self.learner.chosen is not None:
            self._answer(command, self._outcome(command))
            return
        self._commands.setdefault((command.client, command.serial), command)
        if self.proposer.phase is Phase.IDLE:
            self._prepare()
        elif self.proposer.phase is Phase.PREPARED:
            self._propose()

    def _query(self, query: Query) -> None:
        if self.learner.chosen is not None:
            self._answer(query, Done(self.machine.query(query.payload)))
            return
        # The present attempt will not do: it may be overtaken already by one in which something was chosen.
        if query not in self._queries:
            self._queries.append(query)
        if self.proposer.phase in (Phase.IDLE, Phase.PREPARED):
            self._prepare()

    def _outcome(self, command: Command) -> Outcome:
        if command == self.learner.chosen:
            return Done(self._result)
        return Refused("another command has been chosen")

    def _answer(self, asked: Command | Query, outcome: Outcome) -> None:
        self._out.answer(asked.client, asked.serial, outcome)

    # Time

    def _tick(self, ticks: int) -> None:
        if self.learner.chosen is not None:
            return
        if self.proposer.is_due(ticks):
            if self.proposer.phase is Phase.WAITING:
                self._prepare()
            else:
                self._give_up()
        self.learner.timer += ticks
        if self.learner.timer >= self._config.inquire:
            self._inquire()

    def _inquire(self) -> None:
        """Ask the others what they know. If that does not tell whether votes are enough, a ballot of one's own does."""
        learner = self.learner
        learner.timer = 0
        learner.unanswered += learner.has_heard
        for member in self.members:
            self._out.send(member, Inquire())
        if learner.unanswered > 2 and self.proposer.phase is Phase.IDLE:
            learner.unanswered = 0
            self._prepare()

    # What all of them need

    def _see(self, ballot: Ballot) -> None:
        self._seen = max(self._seen, ballot)

    def _keep(self, **changed: Any) -> None:
        """Change the record. Nothing that says so may leave before the disk has it: see `once_durable`."""
        self._record = replace(self._record, **changed)
        self._out.write(WriteRecord(self._record))

    def _others(self) -> list[NodeId]:
        return [member for member in self.members if member != self.node]

    def _to_all(self, message: Message) -> None:
        for member in self.members:
            self._out.send(member, message, self._out.once_durable)

    def _observe(self, action: str, **arguments: Any) -> None:
        if self._observer is not None:
            self._observer(Observation(self.node, action, MappingProxyType(arguments), self.observe()))

    def observe(self) -> Mapping[str, Any]:
        """Return the observable variables: ballots are None where there is none."""
        return MappingProxyType(
            {
                "promised": self.acceptor.promised if self.acceptor.promised.round else None,
                "voted": self.acceptor.voted,
                "attempted": self.proposer.ballot if self.proposer.ballot.round else None,
                "phase": self.proposer.phase.value,
                "proposal": self.proposer.proposal,
                "chosen": self.learner.chosen,
            }
        )
