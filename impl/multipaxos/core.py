"""A node of a cluster that replicates a state machine: acceptor, learner and, in its time, candidate and leader, in one.

Lamport, "Paxos Made Simple" (2001), section 3. One node is elected to be the distinguished proposer. That is a matter of
time-outs, and of progress only: safety does not depend on there being one leader. What the paper leaves open is filled in so:

- followers that hear from a leader do not answer others that want to be it, so that one that was cut off does not disturb;
- a leader that no quorum follows any more resigns, so that its clients do not wait for ever;
- reads are confirmed by a round of heartbeats; there are no leases, since clocks drift.

Guarantees:
- promises, votes and the node's own ballot are durable before anybody hears of them, the node itself included;
- what clients are told is done is chosen and executed, once;
- `step` never raises; what makes no sense is ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType
from typing import Any

from ratified.impl.contract import (
    Campaign,
    Command,
    Compact,
    Done,
    Durable,
    Effects,
    Input,
    NodeId,
    NotLeader,
    Observation,
    Observer,
    Persisted,
    Query,
    Receive,
    StateMachine,
    Submit,
    Tick,
    Token,
)
from ratified.impl.multipaxos.acceptor import Acceptor
from ratified.impl.multipaxos.candidate import Candidate
from ratified.impl.multipaxos.leader import Leader
from ratified.impl.multipaxos.learner import Learner
from ratified.impl.multipaxos.messages import (
    Accept,
    Accepted,
    Alive,
    CatchUp,
    Chosen,
    Heartbeat,
    Install,
    Prepare,
    Promise,
    Rejected,
    is_sound,
)
from ratified.impl.multipaxos.state import Config, State
from ratified.impl.paxos.ballots import Ballot, following, is_command


class MultiPaxosCore:
    """A node of a replicated state machine."""

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
        self.node = node
        self.leader: NodeId | None = None
        self._observer = observer
        self._random = random
        self._config = config
        self._state = State(node, durable, config, None if observer is None else self._note)
        self._out = self._state.out
        self._acceptor = Acceptor(self._state)
        self._learner = Learner(self._state, machine, self._on_result)
        self._candidate: Candidate | None = None
        self._leading: Leader | None = None
        self._elapsed = 0  # ticks since a leader was heard of, or since this node last tried
        self._attempts = 0  # since a leader was heard of
        self._patience = self._draw()
        self._since_asked = 0  # ticks since the candidate asked

    @property
    def term(self) -> int:
        """The highest round heard of."""
        return self._state.seen.round

    @property
    def applied(self) -> int:
        """The slot up to which the log is executed."""
        return self._learner.applied

    @property
    def machine(self) -> StateMachine:
        """The state machine."""
        return self._learner.sessions.machine

    @property
    def token(self) -> Token:
        """After this token everything that was done so far is durable."""
        return self._out.once_durable

    def step(self, event: Input) -> Effects:
        """Take one input; see the contract. Never raises."""
        match event:
            case Receive(sender, message):
                handle = _HANDLERS.get(type(message))
                if handle and sender in self._state.others and is_sound(sender, self.node, message):
                    handle(self, sender, message)
            case Tick(ticks) if type(ticks) is int and ticks > 0:
                self._tick(ticks)
            case Persisted(token):
                self._out.persisted(token)
            case Submit(command) if is_command(command):
                self._submit(command)
            case Query(client, serial, payload) if is_command(Command(client, serial, payload)):
                self._query(event)
            case Campaign():
                if self._leading is None:
                    self._campaign(insist=True)
            case Compact():
                self._learner.compact()
        self._settle()
        return self._out.take()

    def _settle(self) -> None:
        """Handle what the node says to itself, and do what follows from all that has come in."""
        for message in self._out.to_itself():
            _HANDLERS[type(message)](self, self.node, message)
        if self._leading is not None:
            self._leading.advance()
            if self._leading.is_overtaken():
                self._follow(None)
        self._learner.apply()
        if self._leading is not None:
            self._leading.serve()
            self._leading.flush()

    # Who leads

    def _draw(self) -> int:
        """Return how long to wait for a leader before trying to be it: longer after each attempt, so that one gets through."""
        election = self._config.election
        return self._random.randint(election, election * min(2 + self._attempts, 6))

    def next_ballot(self) -> Ballot:
        """Return a ballot of this node's, above all that it has heard of. It has promised each of its own before it used it."""
        return following(max(self._state.seen, self._state.promised), self.node)

    def _campaign(self, insist: bool = False) -> None:
        """Phase 1a, in a new ballot. The node's own promise makes it durable before anybody is asked."""
        self._resign(None)
        ballot = self.next_ballot()
        self._state.see(ballot)
        self._candidate = Candidate(self._state, ballot, insist)
        self._elapsed = self._since_asked = 0
        self._attempts += 1
        self._patience = self._draw()
        if self._state.note:
            self._state.note("prepare", ballot=ballot, first=self._candidate.request.first)
        self._acceptor.on_prepare(self.node, self._candidate.request)
        self._candidate.ask()

    def _lead(self, candidate: Candidate) -> None:
        self._candidate = None
        self.leader = self.node
        self._attempts = 0
        mandate = candidate.mandate()
        self._leading = Leader(self._state, self._acceptor, self._learner, candidate.ballot, mandate)
        if self._state.note:
            self._state.note("lead", ballot=candidate.ballot)
        self._leading.begin(mandate)

    def _follow(self, leader: NodeId | None) -> None:
        """Follow a leader, or wait for one."""
        self._elapsed = 0
        if leader is not None:
            self._attempts = 0
        if self._candidate is not None or self._leading is not None or self.leader != leader:
            self._resign(leader)
            self._patience = self._draw()

    def _resign(self, leader: NodeId | None) -> None:
        self.leader = leader
        self._candidate = None
        if self._leading is not None:
            resigning, self._leading = self._leading, None
            resigning.resign(leader)
            if self._state.note:
                self._state.note("resign", ballot=resigning.ballot)

    def _is_led(self) -> bool:
        """Whether there is a leader, as far as this node can know: then others need not try."""
        if self._leading is not None:
            return self._leading.is_followed()
        return self.leader is not None and self._elapsed < self._config.election

    def _tick(self, ticks: int) -> None:
        self._learner.tick(ticks)
        if self._leading is not None:
            if not self._leading.tick(ticks):
                self._follow(None)
            return
        self._elapsed += ticks
        if self._elapsed >= self._patience:
            self._campaign()
        elif self._candidate is not None:
            self._since_asked += ticks
            if self._since_asked >= self._config.heartbeat:
                self._since_asked = 0
                self._candidate.ask()

    # Messages

    def _on_prepare(self, sender: NodeId, message: Prepare) -> None:
        self._state.see(message.ballot)
        if self._is_led() and sender != self.leader and not message.insist:
            return
        if self._acceptor.on_prepare(sender, message):
            self._follow(None)

    def _on_promise(self, sender: NodeId, message: Promise) -> None:
        candidate = self._candidate
        if candidate is not None and candidate.on_promise(sender, message):
            self._lead(candidate)

    def _on_accept(self, sender: NodeId, message: Accept) -> None:
        self._state.see(message.ballot)
        if self._acceptor.on_accept(sender, message):
            self._heard_from(sender, message.ballot, message.chosen)

    def _on_accepted(self, sender: NodeId, message: Accepted) -> None:
        if self._leading is not None:
            self._leading.on_accepted(sender, message)

    def _on_rejected(self, sender: NodeId, message: Rejected) -> None:
        self._state.see(message.promised)
        trying = self._candidate or self._leading
        if sender != self.node and trying is not None and trying.ballot == message.ballot:
            self._follow(None)

    def _on_heartbeat(self, sender: NodeId, message: Heartbeat) -> None:
        self._state.see(message.ballot)
        if not self._acceptor.may_accept(message.ballot):
            self._acceptor.reject(sender, message.ballot)
            return
        self._heard_from(sender, message.ballot, message.chosen)
        self._out.send(sender, Alive(message.ballot, message.round))

    def _heard_from(self, leader: NodeId, ballot: Ballot, chosen: int) -> None:
        if leader != self.node:
            self._follow(leader)
            self._learner.on_leader(ballot, chosen, leader)

    def _on_alive(self, sender: NodeId, message: Alive) -> None:
        if self._leading is not None:
            self._leading.on_alive(sender, message)

    # Clients

    def _submit(self, command: Command) -> None:
        sessions = self._learner.sessions
        if sessions.is_repeated(command):
            result = sessions.remembered(command)
            if result is not None:
                self._out.answer(command.client, command.serial, Done(result))
        elif self._leading is not None:
            self._leading.submit(command)
        else:
            self._out.answer(command.client, command.serial, NotLeader(self.leader))

    def _query(self, query: Query) -> None:
        if self._leading is not None:
            self._leading.query(query)
        else:
            self._out.answer(query.client, query.serial, NotLeader(self.leader))

    def _on_result(self, command: Command, result: bytes | None) -> None:
        if self._leading is not None:
            self._leading.on_result(command, result)

    # Those who watch

    def _note(self, action: str, **arguments: Any) -> None:
        if self._observer is not None:
            self._observer(Observation(self.node, action, MappingProxyType(arguments), self.observe()))

    def observe(self) -> Mapping[str, Any]:
        """Return the observable variables: ballots are None where there is none, `log` is what follows the snapshot."""
        trying = self._candidate or self._leading
        role = "leader" if self._leading else "candidate" if self._candidate else "follower"
        return MappingProxyType(
            {
                "role": role,
                "ballot": None if trying is None else trying.ballot,
                **self._state.variables(),
            }
        )


_HANDLERS: dict[type[Any], Callable[[MultiPaxosCore, NodeId, Any], None]] = {
    Prepare: MultiPaxosCore._on_prepare,
    Promise: MultiPaxosCore._on_promise,
    Accept: MultiPaxosCore._on_accept,
    Accepted: MultiPaxosCore._on_accepted,
    Rejected: MultiPaxosCore._on_rejected,
    Heartbeat: MultiPaxosCore._on_heartbeat,
    Alive: MultiPaxosCore._on_alive,
    CatchUp: lambda core, sender, message: core._learner.on_catch_up(sender, message),
    Chosen: lambda core, sender, message: core._learner.on_chosen(sender, message),
    Install: lambda core, sender, message: core._learner.on_install(sender, message),
}
