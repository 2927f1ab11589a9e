"""Client sessions: a command that a client has repeated is executed once (Ongaro's dissertation, section 6.3).

The table of sessions is part of the replicated state: it changes only by what is applied, in the order of the log, so that every
replica knows the same repetitions. Since a client has one command at a time on the way, its last number and result are enough.

Guarantees: deterministic; equal states give equal snapshots.
"""

from __future__ import annotations

from typing import TypeAlias

from ratified.impl.contract import Command, StateMachine

Session: TypeAlias = tuple[str, int, bytes]
"""A client, the number of its last command that was executed, and the result."""


class Sessions:
    """A state machine that executes each command of a client once."""

    __slots__ = ("_last", "machine")

    def __init__(self, machine: StateMachine) -> None:
        self.machine = machine
        self._last: dict[str, tuple[int, bytes]] = {}

    def apply(self, command: Command) -> bytes | None:
        """Execute a command, unless it has been; its result, or None for one before the client's last: nobody awaits it."""
        if self.is_repeated(command):
            return self.remembered(command)
        result = self.machine.apply(command.payload)
        self._last[command.client] = (command.serial, result)
        return result

    def is_repeated(self, command: Command) -> bool:
        """Whether this command, or a later one of the client, has been executed."""
        last = self._last.get(command.client)
        return last is not None and command.serial <= last[0]

    def remembered(self, command: Command) -> bytes | None:
        """Return the result of a command that has been executed, if it is the client's last."""
        last = self._last.get(command.client)
        return last[1] if last is not None and last[0] == command.serial else None

    def table(self) -> tuple[Session, ...]:
        """Return the sessions, in the order of the clients' names."""
        return tuple((client, *last) for client, last in sorted(self._last.items()))

    def restore(self, table: tuple[Session, ...], snapshot: bytes) -> None:
        """Take on a state.

        Raises:
            ValueError: the snapshot is none of the machine's; the state is then as before.
        """
        self.machine.restore(snapshot)
        self._last = {client: (serial, result) for client, serial, result in table}
