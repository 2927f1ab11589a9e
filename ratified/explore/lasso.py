"""Fair runs that never get anywhere: a path and a loop in a state graph along which a goal is never reached.

A run may stay in a state for ever unless fairness forbids it. An action (or an action with some of its arguments) that is
*weakly* fair is taken again and again, or is impossible again and again; one that is *strongly* fair is taken again and again,
or is possible only finitely often. A step that changes nothing is no step: it neither satisfies fairness nor makes it demand
anything (so it is with WF_vars and SF_vars in TLA+: Lamport, "The Temporal Logic of Actions", 1994).

Guarantees: a lasso that is returned is a run of the graph and fair, what was cut off taken to be possible; if none is returned
there is none among the expanded states. The same lasso on every run, and a shortest one where the search for that is not too
large. (Fair components: Emerson & Lei, "Modalities for Model Checking: Branching Time Strikes Back", 1987.)
"""

from __future__ import annotations

import copy
import heapq
import itertools
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ratified.explore.graph import Graph, GraphSteps, components

FAR = -1
"""In place of a number, where there is none."""

MOST_LOOKED_AT = 200_000
"""How many places the search for a shortest loop looks at before it is content with the one that it has."""

_BETWEEN_TICKS = 1 << 12

EdgeNumbers = list[int]


@dataclass(frozen=True, slots=True)
class FairnessDemand:
    """One thing that fairness demands: that some of `instances` is taken, if they stay possible (`strong`: recur)."""

    strong: bool
    instances: frozenset[int]


@dataclass(frozen=True, slots=True)
class Lasso:
    """A run as states and the edges between them. It goes on for ever from state number `loop`, by the edges from there on.

    If there are none, it stays in its last state.
    """

    states: tuple[int, ...]
    edges: tuple[int, ...]
    loop: int

    def __len__(self) -> int:
        return len(self.edges)


@dataclass(frozen=True, slots=True)
class Goal:
    """What is to be reached, by state. `wanted` is where it begins to be wanted; None: in initial states, and nowhere else."""

    reached: Sequence[int]
    wanted: Sequence[int] | None = None


@dataclass(frozen=True, slots=True)
class Ways:
    """Shortest ways to some states. `order` has these, nearest first; the rest is by state, and FAR for all others.

    `depth` is how long a way is, `before` and `edge` are its last state but one and its last step (FAR if it begins here).
    """

    order: Sequence[int]
    depth: Sequence[int]
    before: Sequence[int]
    edge: Sequence[int]


@dataclass(frozen=True, slots=True)
class FairLoop:
    """A component in which a fair run can go round, and what it has to attend to: bits of demands."""

    weak: int
    strong: int


@dataclass(frozen=True, slots=True)
class Loops:
    """Components that fair runs can stay in; `of` is the number of a state's, FAR for a state in none of them."""

    of: Sequence[int]
    found: Sequence[FairLoop]


class ComponentParts(Protocol):
    """What is computed of a whole graph, in Python (`ListedParts`) or elsewhere: the part of a search that takes long."""

    @property
    def graph(self) -> GraphSteps:
        """The graph."""

    def enabled(self, state: int) -> int:
        """The bits of the demands that have a possible instance in a state."""

    def served(self, instance: int) -> int:
        """The bits of the demands that an instance serves."""

    def fails(self, goal: Goal) -> bool:
        """Whether there is a fair lasso on which the goal is wanted and never reached from then on."""

    def leaving(self, goal: Goal, number: int) -> ComponentParts:
        """The same with one more weak demand, of that number: that a goal is left again and again. No step attends to it."""

    def shortest(self) -> Ways:
        """Ways from initial states to all that can be reached."""

    def pending(self, goal: Goal) -> Ways:
        """Ways to where the goal has come to be wanted and was not reached since, from there on where it came to be."""

    def loops(self, goal: Goal) -> Loops:
        """The components of more than one such state in which a fair run can stay."""


def _never() -> None:
    """Nobody is waiting."""


class ListedParts:
    """The parts of a graph that is there as arrays. `tick` is called now and then, and may raise to end the search."""

    def __init__(
        self, graph: Graph, demands: Sequence[FairnessDemand], tick: Callable[[], None] = _never
    ) -> None:
        self.graph: Graph = graph
        self._tick = tick
        self._weak = self._strong = 0
        self._enabled: list[int] = []
        instances = 1 + max(
            max(graph.instances, default=-1), max((i for c in graph.cut.values() for i in c), default=-1)
        )
        self._served = [0] * instances
        for number, demand in enumerate(demands):
            bit = 1 << number
            self._weak |= 0 if demand.strong else bit
            self._strong |= bit if demand.strong else 0
            for instance in demand.instances:
                if instance < instances:
                    self._served[instance] |= bit
        for state in range(graph.size):
            enabled = 0
            for edge in graph.edges(state):
                if graph.targets[edge] != state:
                    enabled |= self._served[graph.instances[edge]]
            for instance in graph.cut.get(state, ()):
                enabled |= self._served[instance]
            self._enabled.append(enabled)
        self._shortest = self._walk([(state, 0) for state in graph.initial], lambda _: True)

    def leaving(self, goal: Goal, number: int) -> ListedParts:
        """The same with one more weak demand, of that number: that a goal is left again and again. No step attends to it."""
        made = copy.copy(self)
        made._weak |= 1 << number
        made._enabled = [
            bits | bool(reached) << number for bits, reached in zip(self._enabled, goal.reached, strict=True)
        ]
        return made

    def enabled(self, state: int) -> int:
        """The bits of the demands that have a possible instance in a state."""
        return self._enabled[state]

    def served(self, instance: int) -> int:
        """The bits of the demands that an instance serves."""
        return self._served[instance]

    def shortest(self) -> Ways:
        """Ways from initial states to all that can be reached."""
        return self._shortest

    def fails(self, goal: Goal) -> bool:
        """Whether there is a fair lasso on which the goal is wanted and never reached from then on."""
        pending = self.pending(goal).order
        stays = any(state < self.graph.expanded and not self._enabled[state] for state in pending)
        return stays or next(self._fair_components(set(pending)), None) is not None

    def pending(self, goal: Goal) -> Ways:
        """Where the goal has come to be wanted and was not reached since, nearest first."""
        if goal.wanted is None:
            begins = [(state, 0) for state in self.graph.initial if not goal.reached[state]]
        else:
            begins = [
                (state, self._shortest.depth[state])
                for state in self._shortest.order
                if goal.wanted[state] and not goal.reached[state]
            ]
        return self._walk(begins, lambda state: not goal.reached[state])

    def loops(self, goal: Goal) -> Loops:
        """The components (of more than one state) of where the goal is pending in which a fair run can stay."""
        of = array("q", [FAR]) * self.graph.size
        found: list[FairLoop] = []
        for component, loop in self._fair_components(set(self.pending(goal).order)):
            for state in component:
                of[state] = len(found)
            found.append(loop)
        return Loops(of, found)

    def _walk(self, begins: Sequence[tuple[int, int]], inside: Callable[[int], bool]) -> Ways:
        """Shortest ways from states that are themselves so far away (nearest first), through states inside."""
        graph = self.graph
        order: list[int] = []
        depths, before, edges = (array("q", [FAR]) * graph.size for _ in range(3))
        level: list[int] = []
        depth = taken = 0
        while level or taken < len(begins):
            if not level:
                depth = begins[taken][1]
            while taken < len(begins) and begins[taken][1] == depth:
                state = begins[taken][0]
                taken += 1
                if depths[state] == FAR:
                    depths[state] = depth
                    level.append(state)
            order += level
            depth += 1
            after = []
            for state in level:
                for edge in graph.edges(state):
                    target = graph.targets[edge]
                    if depths[target] == FAR and inside(target):
                        depths[target], before[target], edges[target] = depth, state, edge
                        after.append(target)
            level = after
        return Ways(order, depths, before, edges)

    def _fair_components(self, region: set[int]) -> Iterator[tuple[list[int], FairLoop]]:
        """The components of a region in which a fair run can go round."""
        waiting = [region]
        while waiting:
            for component in components(self.graph, waiting.pop()):
                if len(component) == 1:
                    continue  # staying in one state is looked at on its own
                self._tick()
                always, ever = -1, 0
                for state in component:
                    always &= self._enabled[state]
                    ever |= self._enabled[state]
                taken = self._taken(component)
                if always & self._weak & ~taken:
                    continue  # and so in every part of it
                starved = ever & self._strong & ~taken
                if starved:
                    waiting.append({state for state in component if not self._enabled[state] & starved})
                else:
                    yield component, FairLoop(ever & self._weak, ever & self._strong)

    def _taken(self, component: list[int]) -> int:
        """The demands that steps within a component serve."""
        graph, members, taken = self.graph, frozenset(component), 0
        for state in component:
            for edge in graph.edges(state):
                if graph.targets[edge] != state and graph.targets[edge] in members:
                    taken |= self._served[graph.instances[edge]]
        return taken


class LassoSearch:
    """Looks for lassos in one graph. `demands` is how many there are, `tick` is called now and then, and may raise to end it."""

    def __init__(self, parts: ComponentParts, demands: int, tick: Callable[[], None] = _never) -> None:
        self.parts = parts
        self.graph = parts.graph
        self.tick = tick
        self._demands = demands
        self._loops = Loops((), ())
        self._looked_at = 0

    # --- finding ---

    def find(self, goal: Goal, shorter_than: int | None = None) -> Lasso | None:
        """Return a fair lasso on which the goal is wanted and never reached from then on; None if there is none.

        With `shorter_than`, only one of fewer steps, as far as the search for a shortest one goes.
        """
        self.tick()
        parts = self.parts
        pending = parts.pending(goal)
        bound = shorter_than if shorter_than is not None else 1 << 62
        best: Lasso | None = None
        for state in pending.order:
            if state < self.graph.expanded and not parts.enabled(state):
                if pending.depth[state] < bound:
                    best = self._lasso(pending, state, [])
                    bound = pending.depth[state]
                break  # they come in order of depth
        self._loops = loops = parts.loops(goal)
        self._looked_at, any_will_do = 0, best is None
        for depth, state, wanting in self._starts(loops, pending, goal):
            if depth + 2 >= bound:  # a loop changes something, and back
                break
            paths = parts.shortest() if wanting else pending
            wanted = goal.wanted if wanting else None
            loop = loops.found[loops.of[state]]
            if any_will_do and not wanting:
                any_will_do = False
                around = self._some_loop(loop, state)
                if depth + len(around) < bound:
                    best = self._lasso(paths, state, around)
                    bound = depth + len(around)
            shortest = self._shortest_loop(loop, state, wanted, bound - depth)
            if shortest is not None:
                best = self._lasso(paths, state, shortest)
                bound = depth + len(shortest)
            if self._looked_at > MOST_LOOKED_AT and not any_will_do:
                break
        return best

    def _starts(self, loops: Loops, pending: Ways, goal: Goal) -> Iterator[tuple[int, int, bool]]:
        """Where a loop may be entered, nearest first: how far it is, the state, and whether the goal is first wanted there."""
        inside = _by_depth(pending, loops)
        if goal.wanted is None:
            yield from ((depth, state, False) for depth, state in inside)
            return
        shortest = self.parts.shortest()
        nearer = (
            (depth, state) for depth, state in _by_depth(shortest, loops) if depth < pending.depth[state]
        )
        starts = heapq.merge(
            ((depth, False, state) for depth, state in inside),
            ((depth, True, state) for depth, state in nearer),
        )
        yield from ((depth, state, wanting) for depth, wanting, state in starts)

    def _lasso(self, ways: Ways, state: int, around: EdgeNumbers) -> Lasso:
        """The way to a state, and a loop there."""
        states, edges = [state], EdgeNumbers()
        # Where the goal comes to be wanted is itself reached by a shortest way.
        for part in (ways, self.parts.shortest()):
            while part.before[states[-1]] != FAR:
                edges.append(part.edge[states[-1]])
                states.append(part.before[states[-1]])
        states.reverse()
        edges.reverse()
        loop = len(edges)
        for edge in around:
            edges.append(edge)
            states.append(self.graph.targets[edge])
        return Lasso(tuple(states), tuple(edges), loop)

    # --- loops ---

    def _some_loop(self, loop: FairLoop, start: int) -> EdgeNumbers:
        """A fair loop through a state: to whatever is nearest and attends to a demand, till all are, and back."""
        owed, at, around = (loop.weak & self.parts.enabled(start)) | loop.strong, start, EdgeNumbers()
        while owed or at != start or not around:
            for edge in self._to_nearest(loop.weak, at, owed, start):
                at = self.graph.targets[edge]
                owed &= ~self.parts.served(self.graph.instances[edge])
                owed &= self.parts.enabled(at) | loop.strong
                around.append(edge)
        return around

    def _to_nearest(self, weak: int, start: int, owed: int, home: int) -> EdgeNumbers:
        """A shortest way to where something owed is attended to; home if nothing is owed."""
        before: dict[int, tuple[int, int]] = {}
        queue = [start]
        for at in queue:
            for edge, target in self._steps(at):
                served = self.parts.served(self.graph.instances[edge]) & owed
                if served or (owed & weak & ~self.parts.enabled(target)) or (not owed and target == home):
                    edges = [edge]
                    while at != start:
                        at, edge = before[at]  # noqa: PLW2901  # the queue is done with
                        edges.append(edge)
                    return edges[::-1]
                if target not in before and target != start:
                    before[target] = at, edge
                    queue.append(target)
        raise AssertionError("a fair component attends to every demand")

    def _shortest_loop(
        self, loop: FairLoop, start: int, wanted: Sequence[int] | None, less_than: int
    ) -> EdgeNumbers | None:
        """A shortest fair loop through a state, of fewer edges than that; None if there is none, or too much to look at.

        Breadth first over states with what is still owed there: weak demands not attended to, and strong ones that were possible
        and not taken; for the latter also those taken. If `wanted` is given the loop goes through such a state.
        """
        wants = 1 << self._demands  # one more weak demand, which such a state attends to
        enabled, strong = self.parts.enabled, loop.strong
        owed = loop.weak & enabled(start)
        if wanted is not None and not wanted[start]:
            owed |= wants
        first = start, owed | (enabled(start) & strong), 0
        before: dict[tuple[int, int, int], tuple[tuple[int, int, int], int]] = {}
        level, length = [first], 0
        while level and length + 1 < less_than and self._looked_at <= MOST_LOOKED_AT:
            length += 1
            after = []
            for place in level:
                state, owed, taken = place
                for edge, target in self._steps(state):
                    self._count()
                    served = self.parts.served(self.graph.instances[edge])
                    done = taken | (served & strong)
                    keeps = enabled(target) | strong
                    if wanted is not None and not wanted[target]:
                        keeps |= wants
                    owes = ((owed & ~served & keeps) | (enabled(target) & strong)) & ~done
                    there = target, owes, done
                    if target == start and not owes:
                        edges = [edge]
                        while place != first:
                            place, edge = before[place]  # noqa: PLW2901  # the level is done with
                            edges.append(edge)
                        return edges[::-1]
                    if there not in before and there != first:
                        before[there] = place, edge
                        after.append(there)
            level = after
        return None

    def _steps(self, state: int) -> Iterator[tuple[int, int]]:
        """The steps that change something and stay in a state's component: edge and state after it."""
        graph, of = self.graph, self._loops.of
        for edge in graph.edges(state):
            target = graph.targets[edge]
            if target != state and of[target] == of[state]:
                yield edge, target

    def _count(self) -> None:
        self._looked_at += 1
        if self._looked_at % _BETWEEN_TICKS == 0:
            self.tick()


def _by_depth(ways: Ways, loops: Loops) -> Iterator[tuple[int, int]]:
    """The states of some ways that are in a loop, nearest first, those of one depth in the order of their numbers."""
    for depth, states in itertools.groupby(ways.order, key=ways.depth.__getitem__):
        yield from ((depth, state) for state in sorted(states) if loops.of[state] != FAR)
