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

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ratified.explore.graph import Graph, components

MOST_LOOKED_AT = 200_000
"""How many places the search for a shortest loop looks at before it is content with the one that it has."""

_BETWEEN_TICKS = 1 << 12

Edges = list[int]


@dataclass(frozen=True, slots=True)
class Demand:
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


@dataclass(slots=True)
class _Path:
    """A way to a state: how long it is, the state and the edge before (-1 if it begins here)."""

    depth: int
    before: int = -1
    edge: int = -1


_Paths = dict[int, _Path]


@dataclass(slots=True)
class _Loop:
    """A component in which a fair run can go round, and what it has to attend to: bits of demands."""

    members: frozenset[int]
    weak: int
    strong: int


def _never() -> None:
    """Nobody is waiting."""


class LassoSearch:
    """Looks for lassos in one graph. `tick` is called now and then, and may raise to end the search."""

    def __init__(self, graph: Graph, demands: Sequence[Demand], tick: Callable[[], None] = _never) -> None:
        self.graph = graph
        self.demands = demands
        self.tick = tick
        self._weak = self._strong = 0
        self._enabled: list[int] = []  # of a state: the bits of the demands that have a possible instance
        self._shortest: _Paths = {}
        self._looked_at = 0
        instances = 1 + max(
            max(graph.instances, default=-1), max((i for c in graph.cut.values() for i in c), default=-1)
        )
        self._demand = [0] * instances  # of an instance: the bits of the demands that it serves
        for number, demand in enumerate(self.demands):
            bit = 1 << number
            self._weak |= 0 if demand.strong else bit
            self._strong |= bit if demand.strong else 0
            for instance in demand.instances:
                if instance < instances:
                    self._demand[instance] |= bit
        for state in range(graph.size):
            enabled = 0
            for edge in graph.edges(state):
                if graph.targets[edge] != state:
                    enabled |= self._demand[graph.instances[edge]]
            for instance in graph.cut.get(state, ()):
                enabled |= self._demand[instance]
            self._enabled.append(enabled)
        self._shortest = self._walk([(state, 0) for state in graph.initial], lambda _: True)

    # --- finding ---

    def find(self, goal: Goal, shorter_than: int | None = None) -> Lasso | None:
        """Return a fair lasso on which the goal is wanted and never reached from then on; None if there is none.

        With `shorter_than`, only one of fewer steps, as far as the search for a shortest one goes.
        """
        self.tick()
        pending = self._pending(goal)
        bound = shorter_than if shorter_than is not None else 1 << 62
        best: Lasso | None = None
        for state, path in pending.items():
            if state < self.graph.expanded and not self._enabled[state]:
                if path.depth < bound:
                    best = self._lasso(pending, state, [])
                    bound = path.depth
                break  # they come in order of depth
        loops = self._loops(set(pending))
        starts = self._starts(loops, pending, goal)
        self._looked_at, any_will_do = 0, best is None
        for depth, state, loop, wanting in starts:
            if depth + 2 >= bound:  # a loop changes something, and back
                break
            paths = self._shortest if wanting else pending
            wanted = goal.wanted if wanting else None
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

    def _starts(
        self, loops: Iterable[_Loop], pending: _Paths, goal: Goal
    ) -> list[tuple[int, int, _Loop, bool]]:
        """Where a loop may be entered, nearest first: how far it is, the state, and whether the goal is first wanted there."""
        starts = []
        for loop in loops:
            for state in loop.members:
                starts.append((pending[state].depth, False, state, loop))
                if goal.wanted is not None and self._shortest[state].depth < pending[state].depth:
                    starts.append((self._shortest[state].depth, True, state, loop))
        starts.sort(key=lambda start: start[:3])
        return [(depth, state, loop, wanting) for depth, wanting, state, loop in starts]

    def _pending(self, goal: Goal) -> _Paths:
        """Where the goal has come to be wanted and was not reached since, nearest first."""
        begins: list[tuple[int, int]]
        if goal.wanted is None:
            begins = [(state, 0) for state in self.graph.initial if not goal.reached[state]]
        else:
            begins = [
                (state, path.depth)
                for state, path in self._shortest.items()
                if goal.wanted[state] and not goal.reached[state]
            ]
        return self._walk(begins, lambda state: not goal.reached[state])

    def _walk(self, begins: Sequence[tuple[int, int]], inside: Callable[[int], bool]) -> _Paths:
        """Shortest ways from states that are themselves so far away (nearest first), through states inside."""
        graph = self.graph
        found: _Paths = {}
        level: list[int] = []
        depth = taken = 0
        while level or taken < len(begins):
            if not level:
                depth = begins[taken][1]
            while taken < len(begins) and begins[taken][1] == depth:
                state = begins[taken][0]
                taken += 1
                if state not in found:
                    found[state] = _Path(depth)
                    level.append(state)
            depth += 1
            after = []
            for state in level:
                for edge in graph.edges(state):
                    target = graph.targets[edge]
                    if target not in found and inside(target):
                        found[target] = _Path(depth, state, edge)
                        after.append(target)
            level = after
        return found

    def _lasso(self, paths: _Paths, state: int, around: Edges) -> Lasso:
        """The way to a state, and a loop there."""
        states, edges = [state], Edges()
        for ways in (
            paths,
            self._shortest,
        ):  # where the goal comes to be wanted is itself reached by a shortest way
            while (path := ways[states[-1]]).before >= 0:
                edges.append(path.edge)
                states.append(path.before)
        states.reverse()
        edges.reverse()
        loop = len(edges)
        for edge in around:
            edges.append(edge)
            states.append(self.graph.targets[edge])
        return Lasso(tuple(states), tuple(edges), loop)

    # --- fair components ---

    def _loops(self, region: set[int]) -> list[_Loop]:
        """The components (of more than one state) of a region in which a fair run can stay."""
        found, waiting = [], [region]
        while waiting:
            for component in components(self.graph, waiting.pop()):
                if len(component) == 1:
                    continue  # staying in one state is looked at on its own
                self.tick()
                members = frozenset(component)
                always, ever, taken = -1, 0, 0
                for state in component:
                    always &= self._enabled[state]
                    ever |= self._enabled[state]
                for _, edge, _ in self._steps(component, members):
                    taken |= self._demand[self.graph.instances[edge]]
                if always & self._weak & ~taken:
                    continue  # and so in every part of it
                starved = ever & self._strong & ~taken
                if starved:
                    waiting.append({state for state in component if not self._enabled[state] & starved})
                else:
                    found.append(_Loop(members, ever & self._weak, ever & self._strong))
        return found

    def _steps(self, states: Iterable[int], members: frozenset[int]) -> Iterator[tuple[int, int, int]]:
        """The steps that change something, from these states to members: state, edge and state after it."""
        graph = self.graph
        for state in states:
            for edge in graph.edges(state):
                target = graph.targets[edge]
                if target != state and target in members:
                    yield state, edge, target

    # --- loops ---

    def _some_loop(self, loop: _Loop, start: int) -> Edges:
        """A fair loop through a state: to whatever is nearest and attends to a demand, till all are, and back."""
        owed, at, around = (loop.weak & self._enabled[start]) | loop.strong, start, Edges()
        while owed or at != start or not around:
            for edge in self._to_nearest(loop, at, owed, start):
                at = self.graph.targets[edge]
                owed &= ~self._demand[self.graph.instances[edge]]
                owed &= self._enabled[at] | self._strong
                around.append(edge)
        return around

    def _to_nearest(self, loop: _Loop, start: int, owed: int, home: int) -> Edges:
        """A shortest way to where something owed is attended to; home if nothing is owed."""
        before: dict[int, tuple[int, int]] = {}
        queue = [start]
        for at in queue:
            for _, edge, target in self._steps((at,), loop.members):
                served = self._demand[self.graph.instances[edge]] & owed
                if served or (owed & self._weak & ~self._enabled[target]) or (not owed and target == home):
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
        self, loop: _Loop, start: int, wanted: Sequence[int] | None, less_than: int
    ) -> Edges | None:
        """A shortest fair loop through a state, of fewer edges than that; None if there is none, or too much to look at.

        Breadth first over states with what is still owed there: weak demands not attended to, and strong ones that were possible
        and not taken; for the latter also those taken. If `wanted` is given the loop goes through such a state.
        """
        wants = 1 << len(self.demands)  # one more weak demand, which such a state attends to
        enabled, strong = self._enabled, loop.strong
        owed = loop.weak & enabled[start]
        if wanted is not None and not wanted[start]:
            owed |= wants
        first = start, owed | (enabled[start] & strong), 0
        before: dict[tuple[int, int, int], tuple[tuple[int, int, int], int]] = {}
        level, length = [first], 0
        while level and length + 1 < less_than and self._looked_at <= MOST_LOOKED_AT:
            length += 1
            after = []
            for place in level:
                state, owed, taken = place
                for _, edge, target in self._steps((state,), loop.members):
                    self._count()
                    served = self._demand[self.graph.instances[edge]]
                    done = taken | (served & strong)
                    keeps = enabled[target] | strong
                    if wanted is not None and not wanted[target]:
                        keeps |= wants
                    owes = ((owed & ~served & keeps) | (enabled[target] & strong)) & ~done
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

    def _count(self) -> None:
        self._looked_at += 1
        if self._looked_at % _BETWEEN_TICKS == 0:
            self.tick()
