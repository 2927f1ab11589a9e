"""The other direction: what the model can do, the implementation does. Every step of the model's graph at a small size is driven.

A walk begins in the initial state and takes, wherever it is, a step that was not taken yet; where there is none, it goes the
shortest way to one; where there is no way, it begins anew. So a few long walks cover all that can be covered.

Guarantees: after each step the implementation is compared with the state that the step leads to. A step that was not taken has a
reason that the driver declares, or begins in a state to which only such steps lead; anything else is a failure. The same graph
gives the same walks.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ratified.models.language.machine import Left, PythonMachine, Values
from ratified.models.language.model import Model
from ratified.models.language.values import show

NEARBY = 500  # states that are looked at for a step that was not taken, before it is begun anew
UNREACHED = "only steps that cannot be taken lead to where it begins"


@dataclass(frozen=True, slots=True)
class Edge:
    """A step of the model."""

    action: str
    arguments: Values
    target: int

    def __str__(self) -> str:
        return f"{self.action}({', '.join(map(show, self.arguments))})"


@dataclass(slots=True)
class Steps:
    """A model's states, and the steps from each."""

    states: list[Values]
    edges: list[list[Edge]]

    @property
    def count(self) -> int:
        """How many steps there are."""
        return sum(map(len, self.edges))


class Driver(Protocol):
    """An implementation that can be made to do a model's steps."""

    def reset(self) -> None:
        """Begin anew, in the initial state."""

    def impossible(self, state: Values, edge: Edge) -> str | None:
        """The reason why the implementation cannot take a step, if there is one."""

    def drive(self, state: Values, edge: Edge) -> None:
        """Make it take the step."""

    def differences(self, state: Values) -> list[str]:
        """In what the implementation differs from a state."""

    def consequence(self, state: Values, edges: Sequence[Edge]) -> Edge | None:
        """The step that the implementation takes by itself in a state, in the same step of its own that led there."""


@dataclass(slots=True)
class Covered:
    """What came of it. `reasons` counts the steps that cannot be taken by why; `left_out` are those without a reason."""

    states: int
    edges: int
    taken: int = 0
    walks: int = 0
    driven: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    failure: str | None = None
    left_out: tuple[str, ...] = ()
    stopped: str | None = None

    @property
    def holds(self) -> bool:
        """Whether every step was taken or cannot be."""
        return self.failure is None and not self.left_out and self.stopped is None


def steps_of(model: Model, most: int = 1_000_000) -> Steps:
    """Every state of a model and every step, left bounds left out. Raises MemoryError past `most` states."""
    machine = PythonMachine(model)
    names = [a.name for a in machine.actions]
    found: dict[Values, int] = {}
    for _, state in machine.initial():
        if not isinstance(state, Left):
            found.setdefault(state, len(found))
    states = list(found)
    edges: list[list[Edge]] = []
    while len(edges) < len(states):
        mine = []
        for index, arguments, after in machine.steps(states[len(edges)]):
            if isinstance(after, Left):
                continue
            target = found.get(after)
            if target is None:
                if len(found) >= most:
                    raise MemoryError(f"more than {most:,} states")
                target = found[after] = len(found)
                states.append(after)
            mine.append(Edge(names[index], arguments, target))
        edges.append(mine)
    return Steps(states, edges)


def cover(
    steps: Steps,
    driver: Driver,
    *,
    seconds: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Covered:
    """Drive an implementation along every step that it can take."""
    return _Cover(steps, driver, None if seconds is None else clock() + seconds, clock).run()


class _Cover:
    """One covering of a graph."""

    def __init__(self, steps: Steps, driver: Driver, until: float | None, clock: Callable[[], float]) -> None:
        self.steps, self.driver, self.until, self.clock = steps, driver, until, clock
        self.result = Covered(len(steps.states), steps.count)
        self.taken: list[set[int]] = [set() for _ in steps.states]
        self.own: list[int | None] = []  # by state, the step that the implementation takes by itself there
        self.open: list[list[int]] = []  # by state, the steps that can be taken and were not yet
        self.ways: list[list[int]] = []  # by state, all the steps that can be taken
        for state, edges in zip(steps.states, steps.edges, strict=True):
            own = driver.consequence(state, edges)
            self.own.append(None if own is None else edges.index(own))
            possible = [] if own else [n for n, e in enumerate(edges) if not driver.impossible(state, e)]
            self.ways.append(possible)
            self.open.append(list(reversed(possible)))
        self._grow_tree()

    def run(self) -> Covered:
        result = self.result
        at = self._begin()
        while not self._failed():
            if self.until is not None and self.clock() > self.until:
                result.stopped = "out of time"
                break
            path = self._nearest(at)
            if path is None:
                path = self._from_the_beginning()
                if path is None:
                    break
                at = self._begin()
            for number in path:
                at = self._take(at, number)
                if self._failed():
                    break
        result.taken = sum(map(len, self.taken))
        if result.failure is None and result.stopped is None:
            self._account()
        return result

    def _failed(self) -> bool:
        return self.result.failure is not None

    def _begin(self) -> int:
        self.driver.reset()
        self.result.walks += 1
        return 0

    def _nearest(self, at: int) -> list[int] | None:
        """The steps of a shortest way to, and through, one that was not taken; None if there is none nearby."""
        if self.open[at]:
            return [self.open[at][-1]]
        before: dict[int, tuple[int, int]] = {at: (-1, -1)}
        queue = deque([at])
        while queue and len(before) < NEARBY:
            state = queue.popleft()
            for number in self.ways[state]:
                target = self._rest(self.steps.edges[state][number].target)
                if target in before:
                    continue
                before[target] = (state, number)
                if self.open[target]:
                    return _path(before, at, target, self.open[target][-1])
                queue.append(target)
        return None

    def _from_the_beginning(self) -> list[int] | None:
        """The way to a state with steps that were not taken, the furthest first: what lies before is met on the way."""
        while self.far:
            state = self.far[-1]
            if self.open[state]:
                return _path(self.tree, 0, state, self.open[state][-1])
            self.far.pop()
        return None

    def _grow_tree(self) -> None:
        """Shortest ways from the initial state, and where they lead, the furthest last."""
        self.tree: dict[int, tuple[int, int]] = {0: (-1, -1)}
        queue = deque([0])
        while queue:
            state = queue.popleft()
            for number in self.ways[state]:
                target = self._rest(self.steps.edges[state][number].target)
                if target not in self.tree:
                    self.tree[target] = (state, number)
                    queue.append(target)
        self.far = list(self.tree)

    def _rest(self, state: int) -> int:
        """Where the implementation comes to rest that has come to a state."""
        while (number := self.own[state]) is not None:
            state = self.steps.edges[state][number].target
        return state

    def _take(self, at: int, number: int) -> int:
        edge = self.steps.edges[at][number]
        self.driver.drive(self.steps.states[at], edge)
        self.result.driven += 1
        self.taken[at].add(number)
        if number in self.open[at]:
            self.open[at].remove(number)
        target = edge.target
        while (own := self.own[target]) is not None:
            self.taken[target].add(own)
            target = self.steps.edges[target][own].target
        differences = self.driver.differences(self.steps.states[target])
        if differences:
            self.result.failure = f"after {edge}: " + "; ".join(differences)
        return target

    def _account(self) -> None:
        """Why each step that was not taken was not."""
        left_out = []
        for index, (state, edges) in enumerate(zip(self.steps.states, self.steps.edges, strict=True)):
            for number, edge in enumerate(edges):
                if number in self.taken[index]:
                    continue
                reason = self.driver.impossible(state, edge)
                if reason is None and index not in self.tree:
                    reason = UNREACHED
                if reason is None:
                    left_out.append(str(edge))
                else:
                    self.result.reasons[reason] += 1
        self.result.left_out = tuple(left_out[:10])


def _path(before: dict[int, tuple[int, int]], start: int, end: int, last: int) -> list[int]:
    """The steps from a state to another, and one more."""
    path = [last]
    while end != start:
        end, number = before[end]
        path.append(number)
    return path[::-1]
