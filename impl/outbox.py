"""What a step has to say, collected while it is taken; and what a node says to itself.

A node plays several roles, which speak to each other as they would to those of another node: what a proposer asks of the
acceptor in the same node, and what that one answers, are messages too. They do not pass through the network, but they wait as all
others do: an acceptor's promise counts, for its own node as well, from when it is durable.

Guarantees: tokens grow; no message to the node itself is in the effects.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from ratified.impl.contract import (
    NOTHING,
    Answer,
    Applied,
    Effects,
    NodeId,
    Outcome,
    Restored,
    Send,
    Token,
    Write,
)


class Outbox:
    """Collects the effects of a step."""

    __slots__ = ("_answers", "_applied", "_durable", "_issued", "_own", "_sends", "_writes", "node")

    def __init__(self, node: NodeId) -> None:
        self.node = node
        self._issued: Token = 0  # the last token given out: steps that write have one each
        self._durable: Token = 0  # everything up to this one is on the disk
        self._writes: list[Write] = []
        self._sends: list[Send] = []
        self._answers: list[Answer] = []
        self._applied: list[Applied | Restored] = []
        self._own: deque[tuple[Token, Any]] = deque()  # tokens never fall along it

    def write(self, write: Write) -> None:
        """Have something made durable, after all that was asked for before."""
        if not self._writes:
            self._issued += 1
        self._writes.append(write)

    @property
    def once_durable(self) -> Token:
        """The token after which all that has been written so far is durable, the writes of this step included."""
        return self._issued

    def send(self, to: NodeId, message: Any, after: Token = 0) -> None:
        """Have a message sent, at once or after a token; to the node itself, too."""
        if to == self.node:
            self._own.append((max(after, self._own[-1][0]) if self._own else after, message))
        else:
            self._sends.append(Send(to, message, after))

    def answer(self, client: str, serial: int, outcome: Outcome) -> None:
        """Have a client told something. What it is told is chosen, so it is durable where it must be."""
        self._answers.append(Answer(client, serial, outcome))

    def applied(self, what: Applied | Restored) -> None:
        """Report what the state machine went through."""
        self._applied.append(what)

    def persisted(self, token: Any) -> None:
        """Note that everything up to a token is durable. One that was never given out says nothing."""
        if type(token) is int and self._durable < token <= self._issued:
            self._durable = token

    def to_itself(self) -> Iterator[Any]:
        """Yield, and forget, the messages from the node to itself whose time has come; new ones too, while they are handled."""
        while self._own and self._own[0][0] <= self._durable:
            yield self._own.popleft()[1]

    def take(self) -> Effects:
        """Return the effects collected since this was last asked for."""
        if not (self._writes or self._sends or self._answers or self._applied):
            return NOTHING
        effects = Effects(
            tuple(self._writes),
            self._issued if self._writes else 0,
            tuple(self._sends),
            tuple(self._answers),
            tuple(self._applied),
        )
        self._writes.clear()
        self._sends.clear()
        self._answers.clear()
        self._applied.clear()
        return effects
