"""The learner: executes what is chosen, in order; asks others for what it missed; takes snapshots so that the log stays short.

A leader says how far the log is chosen. Where this node has voted in that leader's ballot it knows what that is, since in one
ballot and slot there is one value; a vote in an earlier ballot tells nothing. What it does not know it asks for, one request at
a time, from whoever said so, and then from each of the others.

Guarantees: what is executed is chosen, and nothing is executed twice.
"""

from __future__ import annotations

from collections.abc import Callable

from ratified.impl.contract import Applied, Command, NodeId, Restored, StateMachine
from ratified.impl.multipaxos.messages import CatchUp, Chosen, Entry, Install, Snapshot, Value
from ratified.impl.multipaxos.state import State
from ratified.impl.paxos.ballots import Ballot, Vote
from ratified.impl.sessions import Sessions


class Learner:
    """One node's knowledge of what is chosen, and what came of it.

    `on_result` is told of each command that was executed and its result.
    """

    __slots__ = (
        "_asked",
        "_before",
        "_on_result",
        "_source",
        "_state",
        "_ticks",
        "applied",
        "sessions",
        "target",
    )

    def __init__(
        self, state: State, machine: StateMachine, on_result: Callable[[Command, bytes | None], None]
    ) -> None:
        self._state = state
        self._on_result = on_result
        self.sessions = Sessions(machine)
        if state.snapshot is not None:
            self.sessions.restore(state.snapshot.sessions, state.snapshot.state)
        self.applied = state.base
        self.target = 0  # somebody knows what is chosen up to here
        self._source: NodeId | None = None  # who does
        self._asked = 0  # how often it was asked for in vain
        self._before = 0  # how far it was known when there was last cause to ask
        self._ticks = 0

    # Learning

    def told(self, upto: int, source: NodeId) -> None:
        """Note that somebody knows what is chosen up to a slot."""
        if upto > self.target:
            self.target = upto
            self._source = source

    def on_leader(self, ballot: Ballot, upto: int, leader: NodeId) -> None:
        """Take a leader's word that all is chosen up to a slot."""
        state = self._state
        if upto > state.chosen:
            self.told(upto, leader)
            slot = state.chosen
            while slot < upto and self.is_proposal_of(ballot, state.entries.get(slot + 1)):
                slot += 1
            state.choose(slot)

    def is_proposal_of(self, ballot: Ballot, entry: Entry | None) -> bool:
        """Whether it is what the leader of the ballot proposed: so if something is chosen there, it is that."""
        return isinstance(entry, Vote) and entry.ballot == ballot

    def on_chosen(self, sender: NodeId, message: Chosen) -> None:
        """Take in what is chosen, where it goes on from what is known; and ask for more, if there is more."""
        state = self._state
        self.told(message.chosen, sender)
        known = state.chosen + 1 - message.first
        if 0 <= known < len(message.values):
            state.learn(message.values[known:])
            self._ask_on(sender)

    def on_install(self, sender: NodeId, message: Install) -> None:
        """Take over a snapshot, if it is ahead of this node, and if it is one."""
        state, snapshot = self._state, message.snapshot
        self.told(message.chosen, sender)
        if snapshot.index <= state.chosen:
            return
        try:
            self.sessions.restore(snapshot.sessions, snapshot.state)
        except ValueError:
            return
        state.compact(snapshot, trailing=0)
        self.applied = snapshot.index
        state.out.applied(Restored(snapshot.index))
        if state.note:
            state.note("restore", slot=snapshot.index)
        self._ask_on(sender)

    # Asking

    def tick(self, ticks: int) -> None:
        """Ask for what is missing if nothing has come in for the time of a heartbeat."""
        self._ticks += ticks
        if self._ticks < self._state.config.heartbeat:
            return
        self._ticks = 0
        if self.target > self._state.chosen == self._before:
            self.ask()
        self._before = self._state.chosen

    def ask(self) -> None:
        """Ask whoever knows; at the next time, and the next, one of the others."""
        others = self._state.others
        if others:
            first = others.index(self._source) if self._source in others else 0
            whom = others[(first + self._asked) % len(others)]
            self._asked += 1
            self._state.out.send(whom, CatchUp(self._state.chosen + 1))

    def _ask_on(self, sender: NodeId) -> None:
        self._asked = 0
        if self.target > self._state.chosen:
            self._state.out.send(sender, CatchUp(self._state.chosen + 1))

    def on_catch_up(self, sender: NodeId, message: CatchUp) -> None:
        """Tell what is chosen, a message full of it at most; or all, as a snapshot, where the beginning is no longer kept."""
        state, first = self._state, message.first
        if first > state.chosen:
            return
        if first in state.entries:
            last = min(state.chosen, first + state.config.max_batch - 1)
            values = tuple(state.entries[slot].value for slot in range(first, last + 1))
            state.out.send(sender, Chosen(first, values, state.chosen))
        elif state.snapshot is not None:
            state.out.send(sender, Install(state.snapshot, state.chosen))

    # Executing

    def apply(self) -> None:
        """Execute what is chosen and has not been executed; then perhaps take a snapshot."""
        state = self._state
        while self.applied < state.chosen:
            self.applied += 1
            self._execute(self.applied, state.entries[self.applied].value)
        every = state.config.compact_after
        if every and self.applied - state.base >= every:
            self.compact()

    def _execute(self, slot: int, value: Value) -> None:
        result = self.sessions.apply(value) if isinstance(value, Command) else None
        self._state.out.applied(Applied(slot, value, result))
        if isinstance(value, Command):
            self._on_result(value, result)

    def compact(self) -> None:
        """Take a snapshot of what has been executed, in place of that part of the log."""
        state = self._state
        if self.applied > state.base:
            snapshot = Snapshot(self.applied, self.sessions.machine.snapshot(), self.sessions.table())
            state.compact(snapshot, state.config.trailing)
            if state.note:
                state.note("compact", slot=self.applied)
