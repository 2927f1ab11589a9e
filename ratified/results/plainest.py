"""Of all shortest runs to what went wrong the plainest: what a person is shown does not depend on how the search went.

A search that has found something wrong knows, level by level, which states a shortest run can be in (`Layers`). The runs
through them are compared here, with the reference machine, in an order that speaks of the model alone: fewest distinct actions,
then fewest distinct values among the arguments, then fewest changes of subject (to another process, to a value of which the step
before did not speak: so of steps that commute those of one process stand together), then by the steps themselves, in the order
of the model's actions and of their arguments.

Guarantees: the run is one that the reference machine takes; the same layers give the same run, whichever engine found them, in
whatever order, with whatever number of threads, and with symmetry too (a state stands in a layer if its orbit does). What is
compared is bounded: where there are very many such runs, only the most promising are followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from ratified.language.machine import Machine, OutOfBounds, Values
from ratified.language.sorts import Ordered, Sort
from ratified.language.values import order_key, values_in

MOST_STEPS = 10_000
"""So many steps are computed, about, to find the plainest run."""

MOST_STATES = 1 << 18
"""An engine gives up looking for layers that have more states than this in all, and keeps the run that it has."""

_RUNS_TO_A_STATE = 6
"""So many of the plainest ways to a state are kept: the plainest way there need not be the beginning of the plainest run."""

RECEIVERS = ("receiver", "recipient", "dest", "destination", "dst", "to", "target")
"""Fields of a message that say who receives it."""

RunStep = tuple[int, Values, Values]
"""The number of an action, its arguments, and the state after it."""


class Layers(Protocol):
    """The states that a shortest run to something wrong can be in, by level."""

    @property
    def count(self) -> int:
        """How many levels there are: the states of a run."""

    def has(self, level: int, state: Values) -> bool:
        """Whether a shortest run can be in this state at this level (0: an initial state)."""


@dataclass(frozen=True, slots=True)
class _Way:
    """A way to a state. `key` begins with what counts, least first, and ends with the steps themselves."""

    actions: frozenset[int]
    values: frozenset[object]
    turns: int
    subject: tuple[object, frozenset[object]]
    path: tuple[object, ...]
    start: Values
    steps: tuple[RunStep, ...]

    @property
    def key(self) -> tuple[int, int, int, tuple[object, ...]]:
        return len(self.actions), len(self.values), self.turns, self.path

    def then(self, step: RunStep) -> _Way:
        """One step further."""
        action, arguments, _ = step
        subject = subject_of(arguments)
        return _Way(
            self.actions | {action},
            self.values | subject[1],
            self.turns + (turns(self.subject, subject) if self.steps else 0),
            subject,
            (*self.path, (action, tuple(map(order_key, arguments)))),
            self.start,
            (*self.steps, step),
        )


def plainest(
    machine: Machine,
    layers: Layers,
    shows: Callable[[Values, Values], bool] | None = None,
    *,
    begins: Callable[[Values], bool] | None = None,
    tick: Callable[[], object] = lambda: None,
) -> tuple[Values, list[RunStep]] | None:
    """The plainest run through the layers, with one more step that `shows` what is wrong, if that is about a step.

    `begins` is what else is asked of an initial state.

    None if there is none after all: the layers are not this machine's. `tick` is called now and then, and may raise.
    """
    ways: dict[Values, list[_Way]] = {}
    for _, state in machine.initial():
        if isinstance(state, OutOfBounds) or state in ways or not layers.has(0, state):
            continue
        if begins is None or begins(state):
            start = order_key(state)
            ways[state] = [_Way(frozenset(), frozenset(), 0, (None, frozenset()), (start,), state, ())]
    levels = layers.count + (shows is not None)
    left = MOST_STEPS
    for level in range(1, levels):
        # What this level may cost; at least one state is followed.
        room = left // (levels - level)
        before, ways = ways, {}
        for state in sorted(before, key=lambda s: before[s][0].key):
            tick()
            taken = machine.steps(state)
            room, left = room - len(taken), left - len(taken)
            for action, arguments, target in taken:
                if isinstance(target, OutOfBounds):
                    continue
                if (
                    layers.has(level, target)
                    if level < layers.count
                    else shows is None or shows(state, target)
                ):
                    found = ways.setdefault(target, [])
                    found += (way.then((action, arguments, target)) for way in before[state])
            if room <= 0 and ways:
                break
        for target, found in ways.items():
            ways[target] = _best(found)
    if not ways:
        return None
    best = min((found[0] for found in ways.values()), key=lambda way: way.key)
    return best.start, list(best.steps)


def _best(ways: list[_Way]) -> list[_Way]:
    """The plainest ways, of those that have used the same the first."""
    found: dict[object, _Way] = {}
    for way in sorted(ways, key=lambda way: way.key):
        found.setdefault((way.actions, way.values, way.subject), way)
        if len(found) == _RUNS_TO_A_STATE:
            break
    return list(found.values())


def subject_of(arguments: Values) -> tuple[object, frozenset[object]]:
    """Whose step it is, and of which values it speaks."""
    return process_of(arguments), frozenset(_told_of(arguments))


def turns(before: tuple[object, frozenset[object]], after: tuple[object, frozenset[object]]) -> int:
    """How much a step changes the subject."""
    return (before[0] != after[0]) + len(after[1] - before[1])


def process_of(arguments: Values) -> object:
    """Whose step it is, as far as its arguments say: the first value of a sort among them, or who receives a message.

    A value of an ordered sort (a ballot) stands for the process only where nothing else does.
    """
    sorts = [value for value in arguments if isinstance(value, Sort)]
    receivers = (
        getattr(message, word, None)
        for message in arguments
        if hasattr(type(message), "__record_types__")
        for word in RECEIVERS
    )
    found = (
        *(value for value in sorts if not isinstance(value, Ordered)),
        *(value for value in receivers if isinstance(value, Sort)),
        *sorts,
    )
    return (type(found[0]), found[0]) if found else None


def _told_of(value: Any) -> Iterator[object]:
    """The values that a reader meets in an argument: of sorts and enumerations, numbers and texts, each with its type."""
    if value is None:
        return
    if isinstance(value, Sort | int | str | Enum):
        yield type(value), value
    else:
        for part in values_in(value):
            yield from _told_of(part)
