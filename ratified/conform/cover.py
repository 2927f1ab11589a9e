"""The other direction: what the model can do, the implementation does. Every step of a small graph is driven.

Walks begin in the initial state and together take every step that can be taken, in as few walks as can be found: a flow
through the graph that is at least 1 on each step and as little as possible in all. Where a graph has no way back, since a model
remembers all that was said, many walks are needed, however they are chosen. A report tells how many at least: no walk can take
two of the steps that cross from the states before some point to those after it (Dilworth).

Guarantees: after each step the implementation is compared with the state that the step leads to. A step that was not taken has a
reason that the driver declares, or begins in a state to which only such steps lead; anything else is a failure. Where `tries` is
set, each step that is declared to be impossible is asked for all the same, and it is a failure if it is taken. The same
graph gives the same walks.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Protocol, Self

from ratified.conform.ending import Over, never
from ratified.language.machine import OutOfBounds, PythonMachine, Values
from ratified.language.model import Model
from ratified.language.values import show

UNREACHED = "reached only by steps that cannot be taken"
PASSED = "the implementation continues in the same step"


@dataclass(frozen=True, slots=True)
class Edge:
    """A step of the model."""

    action: str
    arguments: Values
    target: int

    def __str__(self) -> str:
        return f"{self.action}({', '.join(map(show, self.arguments))})"


class LazyGraph:
    """A model's states, and the steps from each, which are found when they are asked for. A state has a number; 0 is initial.

    Bounds that are left are left out. Raises MemoryError past `most` states.
    """

    def __init__(self, model: Model, most: int = 1_000_000) -> None:
        self._machine = PythonMachine(model)
        self._names = [a.name for a in self._machine.actions]
        self._most = most
        self._whole = False
        self._found: dict[Values, int] = {}
        self.states: list[Values] = []
        self.edges: dict[int, list[Edge]] = {}  # of the states whose steps were asked for
        for _, state in self._machine.initial():
            if not isinstance(state, OutOfBounds):
                self._number(state)

    def of(self, index: int) -> list[Edge]:
        """The steps from a state."""
        known = self.edges.get(index)
        if known is None:
            known = self.edges[index] = [
                Edge(self._names[action], arguments, self._number(after))
                for action, arguments, after in self._machine.steps(self.states[index])
                if not isinstance(after, OutOfBounds)
            ]
        return known

    def _number(self, state: Values) -> int:
        number = self._found.get(state)
        if number is None:
            if len(self.states) >= self._most:
                raise MemoryError(f"more than {self._most:,} states")
            number = self._found[state] = len(self.states)
            self.states.append(state)
        return number

    def all(self) -> Self:
        """These, to be found with every state that there is before the first is walked to."""
        self._whole = True
        return self

    def find(self, over: Over = never) -> None:
        """Find what is to be found beforehand, or what can be until it is `over`."""
        index = 0
        while self._whole and index < len(self.states) and over() is None:
            self.of(index)
            index += 1

    @property
    def count(self) -> int:
        """How many steps were found."""
        return sum(map(len, self.edges.values()))


class NothingToTryError(Exception):
    """There is no input that would ask an implementation for a step."""


class EdgeDriver(Protocol):
    """An implementation that can be made to do a model's steps. It can be copied."""

    def reset(self) -> None:
        """Begin anew, in the initial state."""

    def impossible(self, state: Values, edge: Edge) -> str | None:
        """The reason why the implementation cannot take a step, if there is one."""

    def drive(self, state: Values, edge: Edge) -> None:
        """Make it take the step. Raises NothingToTryError, for one that is impossible."""

    def differences(self, state: Values) -> list[str]:
        """In what the implementation differs from a state."""

    def consequence(
        self, before: Values, taken: Sequence[Edge], state: Values, edges: Sequence[Edge]
    ) -> Edge | None:
        """The step that the implementation takes by itself, in the same step of its own that has led to a state from another."""


@dataclass(slots=True)
class Covered:
    """What came of it. `reasons` counts the steps that cannot be taken by why; `left_out` are those without a reason.

    `states` and `edges` are those of the graph, as far as it was looked at: all of it, or what the implementation comes to.

    `refused` counts, of these, those that were asked for in vain; `least` is how many walks there must be.
    """

    states: int = 0
    edges: int = 0
    taken: int = 0
    walks: int = 0
    least: int = 0
    driven: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    failure: str | None = None
    left_out: tuple[str, ...] = ()
    stopped: str | None = None

    @property
    def holds(self) -> bool:
        """Whether every step was taken or cannot be."""
        return self.failure is None and not self.left_out and self.stopped is None


def cover(
    steps: LazyGraph,
    driver: EdgeDriver,
    *,
    tries: bool = False,
    over: Over = never,
) -> Covered:
    """Drive an implementation along every step that it can take, or until it is `over`.

    Where the graph has not been found as a whole (`LazyGraph.all`), only states that the implementation comes to are looked at.
    """
    return _Cover(steps, driver, tries, over).run()


@dataclass(frozen=True, slots=True)
class Move:
    """A step that can be taken, those that the implementation takes by itself after it, and where it then rests."""

    source: int
    numbers: tuple[tuple[int, int], ...]  # states and steps
    target: int


class _Cover:
    """One covering of a graph."""

    def __init__(self, steps: LazyGraph, driver: EdgeDriver, tries: bool, over: Over) -> None:
        self.steps, self.driver, self.tries, self.over = steps, driver, tries, over
        self.result = Covered()
        self.passed: set[int] = set()
        self.moves: dict[int, list[Move]] = {}
        steps.find(over)
        queue = deque([0])
        while queue and self.result.stopped is None:
            state = queue.popleft()
            if state not in self.moves:
                self.result.stopped = over()
                self.moves[state] = list(self._moves(state))
                queue.extend(move.target for move in self.moves[state])
        self.taken: set[tuple[int, int]] = set()
        self.tried: set[int] = set()

    def _moves(self, state: int) -> Iterator[Move]:
        steps, driver = self.steps, self.driver
        before = steps.states[state]
        for number, edge in enumerate(steps.of(state)):
            if driver.impossible(before, edge):
                continue
            numbers, taken, at = [(state, number)], [edge], edge.target
            while own := driver.consequence(before, taken, steps.states[at], steps.of(at)):
                self.passed.add(at)
                numbers.append((at, steps.of(at).index(own)))
                taken.append(own)
                at = own.target
            yield Move(state, tuple(numbers), at)

    def run(self) -> Covered:
        result = self.result
        if result.stopped is not None:
            return result
        plan = CoverPlan(self.moves)
        result.least = plan.least
        for walk in plan.walks():
            self.driver.reset()
            result.walks += 1
            self._try(0)
            for move in walk:
                if result.failure is not None:
                    break
                result.stopped = self.over()
                if result.stopped is not None:
                    break
                self._take(move)
            if result.failure is not None or result.stopped is not None:
                break
        result.states, result.edges = len(self.steps.edges), self.steps.count
        result.taken = len(self.taken)
        if result.failure is None and result.stopped is None:
            self._account()
        return result

    def _take(self, move: Move) -> None:
        edge = self.steps.of(move.source)[move.numbers[0][1]]
        self.driver.drive(self.steps.states[move.source], edge)
        self.result.driven += 1
        self.taken.update(move.numbers)
        differences = self.driver.differences(self.steps.states[move.target])
        if differences:
            self.result.failure = f"after {edge}: " + "; ".join(differences)
        else:
            self._try(move.target)

    def _try(self, index: int) -> None:
        """Ask, in a state that was come to for the first time, for each step that is declared to be impossible."""
        if not self.tries or index in self.tried:
            return
        self.tried.add(index)
        state = self.steps.states[index]
        for edge in self.steps.of(index):
            reason, target = self.driver.impossible(state, edge), self.steps.states[edge.target]
            if reason is None or not self.driver.differences(target):
                continue  # nobody could tell whether it was taken
            other = deepcopy(self.driver)
            try:
                other.drive(state, edge)
            except NothingToTryError:
                continue
            if not other.differences(target):
                self.result.failure = f"{edge} is taken, although it is declared that {reason}"
                return
            self.result.refused[reason] += 1

    def _account(self) -> None:
        """Why each step that was not taken was not."""
        left_out = []
        for index, edges in self.steps.edges.items():
            state = self.steps.states[index]
            for number, edge in enumerate(edges):
                if (index, number) in self.taken:
                    continue
                reason = self.driver.impossible(state, edge)
                if reason is None and index not in self.moves:
                    reason = PASSED if index in self.passed else UNREACHED
                if reason is None:
                    left_out.append(str(edge))
                else:
                    self.result.reasons[reason] += 1
        self.result.left_out = tuple(left_out[:10])


class CoverPlan:
    """Walks that together make every move.

    In a part of the graph in which there is a way from everywhere to everywhere, one walk makes all moves. Between the parts
    there is no way back: how often each move is made there is a flow, at least 1, and what flows out of a part has
    flowed into it.
    """

    def __init__(self, moves: dict[int, list[Move]]) -> None:
        self.moves = moves
        self.part, parts = _parts(moves)  # the last first
        self.inside: dict[int, list[Move]] = {}  # by part, moves that do not leave it
        self.out: list[list[Move]] = [[] for _ in parts]
        into: list[list[Move]] = [[] for _ in parts]
        for state, some in moves.items():
            for move in some:
                here, there = self.part[state], self.part[move.target]
                if here == there:
                    self.inside.setdefault(here, []).append(move)
                else:
                    self.out[here].append(move)
                    into[there].append(move)
        self.flow: dict[Move, int] = {}
        spare = [len(into[p]) - len(self.out[p]) for p in range(len(parts))]
        for p in range(
            len(parts)
        ):  # what a part lacks is had from those before it: where more comes in than goes out
            for _ in range(-spare[p] if into[p] else 0):
                move = max(into[p], key=lambda m: (spare[self.part[m.source]], self.part[m.source]))
                self.flow[move] = self.flow.get(move, 1) + 1
                spare[self.part[move.source]] -= 1
        self.least = self._least(parts)

    def _least(self, parts: Sequence[Sequence[int]]) -> int:
        """How many walks there must be: moves that cross from before some point to after it are made by different walks.

        Points are counted from the beginning, and from the end; each gives a bound.
        """
        early, late = [0] * len(parts), [0] * len(parts)
        for p in reversed(range(len(parts))):
            for move in self.out[p]:
                there = self.part[move.target]
                early[there] = max(early[there], early[p] + 1)
        for p in range(len(parts)):
            late[p] = min((late[self.part[m.target]] for m in self.out[p]), default=0) - 1
        best = 1 if self.moves[0] else 0
        for height in (early, late):
            crossing: Counter[int] = Counter()
            for p in range(len(parts)):
                for move in self.out[p]:
                    crossing[height[p]] += 1
                    crossing[height[self.part[move.target]]] -= 1
            count = 0
            for point in sorted(crossing):
                count += crossing[point]
                best = max(best, count)
        return best

    def walks(self) -> Iterator[Iterator[Move]]:
        """Yield walks, each to its end before the next."""
        left = {move: self.flow.get(move, 1) for moves in self.out for move in moves}
        inside = {p: set(moves) for p, moves in self.inside.items()}
        yield self._walk(left, inside)
        first = self.part[0]
        while any(left[move] for move in self.out[first]):
            yield self._walk(left, inside)

    def _walk(self, left: dict[Move, int], inside: dict[int, set[Move]]) -> Iterator[Move]:
        at = 0
        while True:
            here = self.part[at]
            while inside.get(here):
                for move in self._way(at, inside[here]):
                    inside[here].discard(move)
                    yield move
                    at = move.target
            wanted = {move for move in self.out[here] if left[move]}
            if not wanted:
                return
            for move in self._way(at, wanted):
                yield move
                at = move.target
            left[move] -= 1

    def _way(self, at: int, wanted: set[Move]) -> list[Move]:
        """The moves of a shortest way, inside a part, to one that is wanted, and that one."""
        before: dict[int, Move | None] = {at: None}
        queue = deque([at])
        while True:
            state = queue.popleft()
            for move in self.moves[state]:
                if move in wanted:
                    way = [move]
                    while (came := before[way[-1].source]) is not None:
                        way.append(came)
                    return way[::-1]
                if self.part[move.target] == self.part[at] and move.target not in before:
                    before[move.target] = move
                    queue.append(move.target)


def _parts(moves: dict[int, list[Move]]) -> tuple[dict[int, int], list[list[int]]]:
    """The strongly connected parts of a graph (Tarjan 1972), each after those that it leads to; and by state, which it is in."""
    found: dict[int, int] = {}
    low: dict[int, int] = {}
    part: dict[int, int] = {}
    parts: list[list[int]] = []
    stack: list[int] = []
    found[0] = low[0] = 0
    stack.append(0)
    path = [(0, iter(moves[0]))]
    while path:
        state, rest = path[-1]
        for move in rest:
            to = move.target
            if to not in found:
                found[to] = low[to] = len(found)
                stack.append(to)
                path.append((to, iter(moves[to])))
                break
            if to not in part:
                low[state] = min(low[state], found[to])
        else:
            path.pop()
            if path:
                low[path[-1][0]] = min(low[path[-1][0]], low[state])
            if low[state] == found[state]:
                at = stack.index(state, 0)
                parts.append(stack[at:])
                del stack[at:]
                part.update(dict.fromkeys(parts[-1], len(parts) - 1))
    return part, parts
