"""What must hold in every run of any protocol, watched as the run goes on.

- No two nodes apply different commands at an index, and each applies them in order.
- What is applied has the result that one state machine, executing the same log once over, gives; so a repeated command has no
  effect.
- A command that a client was told is done is in the log, with that result.
- A read shows a state that was current at some moment between its call and its answer.

Guarantees: raises BrokenPromise at the first step that breaks one of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ratified.impl.contract import Answer, Applied, Command, Done, NodeId, Restored, StateMachine
from ratified.impl.sessions import Sessions
from ratified.impl.system import BrokenPromise, System
from ratified.impl.text import shown
from ratified.simulator.history import ClientHistory


@dataclass(slots=True)
class PendingQuery:
    """A query on its way: from which index on a state may answer it, and what the states since then answer."""

    payload: bytes
    answers: list[tuple[int, bytes]]


class Checks:
    """Watches one run."""

    def __init__(self, system: System) -> None:
        self._sessions = system.sessions
        self._log: list[Applied] = []  # what was applied at 1, 2, ..., by whoever was first
        self._shadow: StateMachine = system.machine()  # executes the same
        self._memory = Sessions(self._shadow)
        self._first: dict[tuple[str, int], int] = {}  # where each command was first
        self._at: dict[NodeId, int] = {}
        self._acknowledged = 0  # clients know that the log is at least as long
        self._past: StateMachine = system.machine()  # the state there
        self._readings: dict[tuple[str, int], PendingQuery] = {}
        self.history = ClientHistory()

    @property
    def length(self) -> int:
        """How much of the log is known to be applied anywhere."""
        return len(self._log)

    def entry(self, index: int) -> Any:
        """Return what was applied at an index."""
        return self._log[index - 1].entry

    def started(self, node: NodeId, applied: int) -> None:
        """A node starts, its state machine standing at an index (that of its snapshot)."""
        if applied > len(self._log):
            raise BrokenPromise(
                "order", f"{node} starts with a snapshot up to {applied}; only {len(self._log)} are applied"
            )
        self._at[node] = applied

    def applied(self, node: NodeId, what: Applied | Restored) -> None:
        """A node applied an entry, or took over a snapshot."""
        before = self._at[node]
        if isinstance(what, Restored):
            if not before <= what.index <= len(self._log):
                raise BrokenPromise(
                    "order", f"{node}, at {before}, takes a snapshot up to {what.index} of {len(self._log)}"
                )
        elif what.index != before + 1:
            raise BrokenPromise("order", f"{node} applies {what.index} after {before}")
        elif what.index <= len(self._log):
            known = self._log[what.index - 1]
            if known != what:
                raise BrokenPromise(
                    "agreement",
                    f"{node} applies at {what.index} {described(what)}; another node applied {described(known)}",
                )
        else:
            self._extend(node, what)
        self._at[node] = what.index

    def _extend(self, node: NodeId, what: Applied) -> None:
        self._log.append(what)
        if not isinstance(what.entry, Command):
            return
        self._first.setdefault((what.entry.client, what.entry.serial), what.index)
        due = self._memory.apply(what.entry) if self._sessions else self._shadow.apply(what.entry.payload)
        if what.result != due:
            raise BrokenPromise(
                "result",
                f"{node} applies at {what.index} {described(what)}; executed once, in order, gives {due!r}",
            )
        for reading in self._readings.values():
            reading.answers.append((what.index, self._shadow.query(reading.payload)))

    def asked(self, now: int, command: Command, query: bool) -> None:
        """A client asked something, perhaps not for the first time."""
        if self.history.invoke(now, command, query) and query:
            answers = [(self._acknowledged, self._past.query(command.payload))]
            state, snapshot = self._past, self._past.snapshot()
            for index in range(self._acknowledged + 1, len(self._log) + 1):
                self._execute(state, index)
                answers.append((index, state.query(command.payload)))
            state.restore(snapshot)
            self._readings[command.client, command.serial] = PendingQuery(command.payload, answers)

    def answered(self, now: int, answer: Answer) -> bool:
        """A client was told something; whether that ends its operation."""
        name = (answer.client, answer.serial)
        if not isinstance(answer.outcome, Done) or not self.history.is_open(name):
            return self.history.respond(now, answer)
        result = answer.outcome.result
        reading = self._readings.pop(name, None)
        if reading is not None:
            index = next((index for index, due in reading.answers if due == result), None)
            if index is None:
                dues = sorted({shown(due) for _, due in reading.answers})
                raise BrokenPromise(
                    "linearizability",
                    f"{answer.client} is told {shown(result)!r} for its query {answer.serial} ({shown(reading.payload)}); "
                    f"since it asked the answer has been {' or '.join(map(repr, dues))}",
                )
        else:
            index = self._first.get(name)
            if index is None:
                raise BrokenPromise(
                    "acknowledged",
                    f"{answer.client} is told that {answer.serial} is done; nobody has applied it",
                )
            if self._log[index - 1].result != result:
                due = self._log[index - 1].result
                raise BrokenPromise(
                    "acknowledged",
                    f"{answer.client} is told {result!r} for {answer.serial}; its result is {due!r}",
                )
        self._acknowledge(index)
        return self.history.respond(now, answer)

    def _acknowledge(self, upto: int) -> None:
        for index in range(self._acknowledged + 1, upto + 1):
            self._execute(self._past, index)
        self._acknowledged = max(self._acknowledged, upto)

    def _execute(self, state: StateMachine, index: int) -> None:
        """Execute the entry at an index where it had an effect."""
        entry = self._log[index - 1].entry
        if isinstance(entry, Command) and (
            not self._sessions or self._first[entry.client, entry.serial] == index
        ):
            state.apply(entry.payload)

    def settled(self, node: NodeId, machine: StateMachine) -> None:
        """Everything has come to rest: a node that has applied everything has the state that the log gives."""
        if self._at[node] != len(self._log):
            raise BrokenPromise(
                "all is applied", f"{node} has applied {self._at[node]} of {len(self._log)} when all is calm"
            )
        if machine.snapshot() != self._shadow.snapshot():
            raise BrokenPromise(
                "state", f"{node} has another state than the log gives: {machine.snapshot()!r}"
            )


def described(what: Applied) -> str:
    """Return an applied entry as people read it."""
    if isinstance(what.entry, Command):
        entry = what.entry
        result = "nothing" if what.result is None else repr(shown(what.result))
        return f"{entry.client}'s {entry.serial} ({shown(entry.payload)}) with result {result}"
    return str(what.entry)
