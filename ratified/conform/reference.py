"""A core and a plain program that is given the same: what a step must come to, held to what it does come to.

A model says what a node may do, and to do nothing is nearly always allowed. A *reference* says what is due. Comparing two
programs so is *back-to-back testing* (Vouk, "Back-to-back testing", 1990).

Guarantees: a reference sees inputs and what is durable at the start, as a core does; the first step that differs is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Protocol, TypeAlias

from ratified.impl.contract import (
    NOTHING,
    Answer,
    Core,
    Durable,
    Effects,
    Input,
    NodeId,
    Outcome,
    Send,
    Token,
    Write,
)
from ratified.impl.system import BrokenPromise

DUE = "what is due"
"""The promise that a core breaks which differs from its reference."""


def finder(broken: str) -> str:
    """Return who has found a broken promise: the reference, or whoever raised an exception."""
    return "reference" if broken.startswith(f"{DUE}: ") else "exception"


class Reference(Protocol):
    """What a core is held to, from its start to its end."""

    def step(self, event: Input) -> Sequence[str]:
        """Take one input, as the core does; return the names of the actions that it leads to, in any order."""

    def differences(self, core: Core, effects: Effects) -> list[str]:
        """Return what the core has done otherwise in this step, in words, and forget what has been said in it."""


MakeReference: TypeAlias = Callable[[Core, Durable], Reference]


class ReferenceOutput:
    """What a reference would have its host do in a step."""

    def __init__(self) -> None:
        self.writes: list[Write] = []
        self.applied: list[Any] = []
        self.actions: list[str] = []
        self._sends: list[Send] = []
        self._answers: list[Answer] = []

    def send(self, to: NodeId, message: Any, after: Token) -> None:
        """A message leaves once a token is durable."""
        self._sends.append(Send(to, message, after))

    def answer(self, client: str, serial: int, outcome: Outcome) -> None:
        """A client is told something."""
        self._answers.append(Answer(client, serial, outcome))

    def differences(self, effects: Effects, token: Token) -> list[str]:
        """Compare with what a core asks for, and begin anew. The order of messages and answers does not matter."""
        found = differing(
            [
                ("writes", tuple(self.writes), effects.writes),
                ("executes", tuple(self.applied), effects.applied),
                ("token", token if self.writes else 0, effects.token),
            ]
        )
        found += _missing("sends", self._sends, effects.sends)
        found += _missing("answers", self._answers, effects.answers)
        self.writes.clear()
        self.applied.clear()
        self.actions = []
        self._sends.clear()
        self._answers.clear()
        return found


def differing(pairs: Iterable[tuple[str, object, object]]) -> list[str]:
    """Say of each name whose two values are not the same what is due and what there is."""
    return [f"{name} is {has}, and should be {due}" for name, due, has in pairs if due != has]


def _missing(what: str, due: Iterable[Hashable], has: Iterable[Hashable]) -> list[str]:
    due, has = list(due), list(has)
    if due == has:
        return []
    wanted, given = Counter(due), Counter(has)
    return [
        *(f"it {what} {one}, and should not" for one in (given - wanted).elements()),
        *(f"what it {what} lacks {one}" for one in (wanted - given).elements()),
    ]


class BackToBack:
    """An inspector of clusters: each core has a reference, life after life.

    `actions` is where the names of those come in that the observer of the cores is told of, if somebody notes them.
    """

    def __init__(self, make: MakeReference, actions: list[str] | None = None) -> None:
        self._make = make
        self._actions = actions
        self._references: dict[NodeId, Reference] = {}

    def started(self, core: Core, durable: Durable) -> None:
        """See `ratified.impl.system.Inspector`."""
        if self._actions is not None:
            self._actions.clear()
        self._references[core.node] = self._make(core, durable)
        self._compare(core, "which starts", NOTHING)

    def stepped(self, core: Core, event: Input, effects: Effects) -> None:
        """Give the reference the same. Raises BrokenPromise where it comes to something else."""
        try:
            due = self._references[core.node].step(event)
        except Exception as error:
            raise BrokenPromise(
                DUE, f"{core.node}, given {event}: no correct node says that ({error!r})"
            ) from error
        told: list[str] = []
        if self._actions is not None:
            told = _missing("tells of", due, self._actions)
            self._actions.clear()
        self._compare(core, f"given {event}", effects, told)

    def _compare(self, core: Core, when: str, effects: Effects, told: Sequence[str] = ()) -> None:
        if found := [*self._references[core.node].differences(core, effects), *told]:
            more = f" (and {len(found) - 1} more)" if found[1:] else ""
            raise BrokenPromise(DUE, f"{core.node}, {when}: {found[0]}{more}")
