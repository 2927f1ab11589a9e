"""What clients saw: when each operation was called, when it returned, with what. The input of a linearizability checker.

Guarantees: times only grow; an operation has one call, however often it was sent, and at most one return.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from ratified.impl.contract import Answer, Command, Done, Refused
from ratified.impl.text import shown


@dataclass(slots=True)
class ClientOperation:
    """A client's operation. `result` is None while nothing is known of it; `refused` if it certainly had no effect."""

    client: str
    serial: int
    payload: bytes
    query: bool
    called: int
    returned: int | None = None
    result: bytes | None = None
    refused: bool = False


class ClientHistory:
    """The operations of a run, in the order of their calls."""

    def __init__(self) -> None:
        self._operations: dict[tuple[str, int], ClientOperation] = {}
        self._last: dict[str, ClientOperation] = {}  # of each client

    def __iter__(self) -> Iterator[ClientOperation]:
        return iter(self._operations.values())

    def __len__(self) -> int:
        return len(self._operations)

    def may_ask(self, command: Command) -> bool:
        """Whether a client that keeps to the contract may ask this: its last again, or the next when that is answered."""
        last = self._last.get(command.client)
        if last is None or last.serial == command.serial:
            return True
        return command.serial > last.serial and last.returned is not None

    def invoke(self, now: int, command: Command, query: bool) -> bool:
        """A client calls; whether that is a new operation and not an old one sent again."""
        name = (command.client, command.serial)
        if name in self._operations:
            return False
        operation = ClientOperation(command.client, command.serial, command.payload, query, now)
        self._operations[name] = self._last[command.client] = operation
        return True

    def is_open(self, name: tuple[str, int]) -> bool:
        """Whether that operation was called and has not returned."""
        operation = self._operations.get(name)
        return operation is not None and operation.returned is None

    def respond(self, now: int, answer: Answer) -> bool:
        """A client is told something; whether that ends an operation."""
        name = (answer.client, answer.serial)
        if not self.is_open(name) or not isinstance(answer.outcome, Done | Refused):
            return False
        operation = self._operations[name]
        operation.returned = now
        operation.refused = isinstance(answer.outcome, Refused)
        operation.result = answer.outcome.result if isinstance(answer.outcome, Done) else None
        return True

    def open(self) -> list[ClientOperation]:
        """Return the operations that have not returned."""
        return [operation for operation in self if operation.returned is None]

    def events(self) -> Iterator[dict[str, object]]:
        """Yield calls and returns in their order, in the words of Jepsen; for the key-value store of `ratified.impl.machines`.

        Each has process (the client), type (invoke, ok or fail), f (put, get, delete, cas), key and value: what is written
        ([old, new] for a cas), in the end what was found (None: nothing; a cas: whether it was done). Calls without an end
        have no answer.
        """
        moments: list[tuple[int, int, dict[str, object]]] = []
        for number, operation in enumerate(self):
            function, key, *values = shown(operation.payload).split(" ")
            event: dict[str, object] = {"process": operation.client, "f": function, "key": key}
            value: object = values if len(values) > 1 else values[0] if values else None
            moments.append((operation.called, number, {**event, "type": "invoke", "value": value}))
            if operation.returned is not None:
                kind = "fail" if operation.refused else "ok"
                end = {**event, "type": kind, "value": _result(function, value, operation.result)}
                moments.append((operation.returned, number, end))
        for _, _, event in sorted(moments, key=lambda moment: moment[:2]):
            yield event

    def ndjson(self) -> str:
        """Return the events as lines of JSON."""
        return "".join(f"{json.dumps(event)}\n" for event in self.events())


def _result(function: str, value: object, result: bytes | None) -> object:
    match function, result:
        case "get", bytes():
            return shown(result) or None
        case "cas", bytes():
            return result == b"true"
    return value
