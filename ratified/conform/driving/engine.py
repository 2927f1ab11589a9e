"""Drives a system along its model: every step of the graph, what each state forbids, and random walks beyond.

    result = drive(Locks, Lock(Client=2))
    result.expect(Verdict.HOLDS)

Guarantees: HOLDS only if every step of the model's graph was driven, or there is a reason why not, which is counted; whatever ran
out makes it UNDECIDED. With no limit of time the same arguments ask for the same things in the same order. A walk that fails is
made short, by the shortest way to what failed, and by leaving out steps; if that fails no more, what was found is told as it was.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Final

from ratified.conform.cover import UNREACHED, Move, Plan
from ratified.conform.driving.driver import Driver, DriverError, begins_with, methods_of
from ratified.conform.driving.graph import BEGIN, ROOT, Ask, Graph, TooManyStatesError
from ratified.conform.driving.result import Deviation, Driven
from ratified.conform.driving.walk import Asked, Came, Failure, Session
from ratified.follow.mismatch import place_text
from ratified.language.errors import RatifiedError
from ratified.language.ir import Kind
from ratified.language.model import Model
from ratified.simulator.shrinking import leave_out

STATES: Final = 100_000
LENGTH: Final = 100
TRIES: Final = 3
"""How often a system is asked for something whose outcome it chooses, before what it did not choose is given up."""
ATTEMPTS: Final = 300
FORBIDDEN_SHARE: Final = 0.2
"""Of the steps of a random walk."""

CHOSEN: Final = "the system chooses otherwise"
AMBIGUOUS: Final = "what is observed does not tell which of several steps was taken"


class _OutOfTime(Exception):
    pass


def drive(
    driver: Driver | Callable[[], Driver],
    model: Model,
    *,
    edges: bool = True,
    forbidden: bool = True,
    walks: int = 0,
    length: int = LENGTH,
    seed: int = 0,
    seconds: float | None = None,
    states: int = STATES,
    clock: Callable[[], float] = time.monotonic,
    progress: Callable[[int, int, int], None] | None = None,
) -> Driven:
    """Drive a system along a model at a size.

    `edges`: along every step of the graph, which may have so many `states`; `forbidden`: ask for what the model forbids, too;
    `walks`: so many random ones of so many steps, drawn from `seed`. `progress` is told steps driven, of how many, and asked.

    Raises DriverError where the driver makes no sense for the model, or fails by itself; ModelError, SizeError.
    """
    made = driver if isinstance(driver, Driver) else driver()
    try:
        run = _Drive(made, model, forbidden=forbidden, states=states, clock=clock, progress=progress)
        run.until = None if seconds is None else run.began + seconds
        return run.run(edges=edges, walks=walks, length=length, seed=seed, limit=seconds)
    finally:
        made.close()


class _Drive:
    """One driving of one system. `result` grows as it goes."""

    until: float | None = None

    def __init__(
        self,
        driver: Driver,
        model: Model,
        *,
        forbidden: bool,
        states: int,
        clock: Callable[[], float],
        progress: Callable[[int, int, int], None] | None,
    ) -> None:
        self.clock, self.began = clock, clock()
        driver.begin(model)
        self.methods = methods_of(driver, model)
        self.begins = begins_with(driver, model)
        self.driver, self.model = driver, model
        self.graph = Graph(model, self.methods, self.begins, states)
        self.session = Session(driver, self.graph, self.methods)
        self.forbidden = forbidden
        self.progress = progress
        self.tried: set[int] = set()  # states in which what is forbidden was asked for
        self.reasons: Counter[str] = Counter()
        self.unasked: Counter[str] = Counter()
        self.came: Counter[Came] = Counter()
        self.actions: Counter[str] = Counter()
        self.taken: set[Move] = set()
        self.begin_ask = Ask(BEGIN, ())
        self.result = Driven(type(driver).__name__, model.module.name, model.given())

    def run(self, *, edges: bool, walks: int, length: int, seed: int, limit: float | None) -> Driven:
        try:
            if not self.graph.edges(ROOT):
                raise DriverError(f"{self.model!r} has no initial state: there is nothing to drive")
            if edges:
                self.cover()
            for n in range(walks):
                self._random_walk(Random(f"{seed}/{n}"), length)  # noqa: S311 - no secret
        except TooManyStatesError:
            self._stop(
                f"there are more than {self.graph.most:,} states; choose smaller sizes, or walk only (--no-edges --walks 100)"
            )
        except _OutOfTime:
            self._stop(f"stopped after {limit:g} seconds")
        except Failure as failure:
            self._fail(failure)
        return self._told()

    def _stop(self, why: str) -> None:
        self.result = replace(self.result, stopped=why)

    def _look(self) -> None:
        if self.until is not None and self.clock() > self.until:
            raise _OutOfTime

    # --- every step ---

    def cover(self) -> None:
        """Drive every step of the graph."""
        self.graph.all()
        self.result = replace(self.result, states=len(self.graph.states) - 1, edges=self.graph.count)
        moves: dict[int, list[Move]] = {}
        queue = deque([ROOT])
        while queue:
            state = queue.popleft()
            if state in moves:
                continue
            edges = self.graph.edges(state)
            moves[state] = [
                Move(state, ((state, n),), edges[n].target)
                for places in self.graph.asks(state).values()
                for n in places
            ]
            queue.extend(move.target for move in moves[state])
        route = _Route(moves)
        self.result = replace(self.result, least=route.least)
        self.tries: Counter[tuple[int, Ask]] = Counter()
        try:
            while way := route.way(ROOT):
                self.result = replace(self.result, walks=self.result.walks + 1)
                at: int | None = ROOT
                while at is not None and way:
                    for move in way:
                        at = self._step(route, move)
                        if at != move.target:
                            break
                    way = route.way(at) if at is not None else None
        finally:
            self._account(moves, route)

    def _step(self, route: _Route, move: Move) -> int | None:
        """Take a step; return where the model then is, None if nobody knows."""
        self._look()
        source, number = move.numbers[0]
        ask = self.graph.ask_of(self.graph.edges(source)[number])
        if source == ROOT:
            self.begin_ask = ask
            self.session.begin(ask)
            came = Came.TAKEN
        else:
            asked = self.session.ask(ask)
            assert asked.came is not None
            came = asked.came
            if came is Came.NOT_ASKED:
                self._drop(route, source, ask, f"{ask.action}: {asked.reason or 'it cannot be asked for'}")
                return source
            self.result = replace(self.result, steps=self.result.steps + 1)
        at = self.session.at
        self.tries[source, ask] += 1
        for other in self._moves_of(source, ask):
            if other.target == at:
                self.taken.add(other)
                self.actions[ask.action] += 1
                route.took(other)
        if self.tries[source, ask] >= TRIES or came is Came.REFUSED:
            self._drop(route, source, ask, CHOSEN if at is not None else AMBIGUOUS)
        if self.progress is not None:
            self.progress(len(self.taken), self.result.edges, sum(self.came.values()))
        if at is not None:
            self._try(at)
        return at

    def _moves_of(self, source: int, ask: Ask) -> list[Move]:
        edges = self.graph.edges(source)
        return [Move(source, ((source, n),), edges[n].target) for n in self.graph.asks(source)[ask]]

    def _drop(self, route: _Route, source: int, ask: Ask, reason: str) -> None:
        """Give up the steps that something asked for might have come to."""
        for move in self._moves_of(source, ask):
            if move not in self.taken and route.drop(move) and source != ROOT:
                self.reasons[reason] += 1

    def _try(self, at: int) -> None:
        """Ask, in a state that was come to for the first time, for all that the model forbids there."""
        if not self.forbidden or at in self.tried:
            return
        self.tried.add(at)
        for ask in self.graph.forbidden(at):
            self._look()
            self._ask_forbidden(ask)

    def _ask_forbidden(self, ask: Ask) -> None:
        self.result = replace(self.result, forbidden=self.result.forbidden + 1)
        reason = self.driver.cannot_ask.get(ask.action)
        if reason is None:
            asked = self.session.ask(ask)
            assert asked.came is not None
            if asked.came is not Came.NOT_ASKED:
                self.came[asked.came] += 1
                return
            reason = asked.reason or "it cannot be asked for"
        self.unasked[f"{ask.action}: {reason}"] += 1

    def _account(self, moves: dict[int, list[Move]], route: _Route) -> None:
        """Why each step that was not taken was not."""
        for state in range(1, len(self.graph.states)):
            for edge in self.graph.edges(state):
                if edge.action in self.driver.cannot:
                    self.reasons[f"{edge.action}: {self.driver.cannot[edge.action]}"] += 1
                elif state not in moves:
                    self.reasons[UNREACHED] += 1
        finished = self.session.walk[-1:] == [] or self.session.walk[-1].came is not None
        if finished and not (self.until is not None and self.clock() > self.until):
            self.reasons[UNREACHED] += sum(move.source != ROOT for move in route.untaken)
        self.reasons = +self.reasons

    # --- random walks ---

    def _random_walk(self, random: Random, length: int) -> None:
        if self.result.random_walks == 0 and self.result.states == 0:
            self.graph.most = 1 << 62  # a walk needs no more states than it comes to
        self._look()
        self.begin_ask = random.choice(list(self.graph.asks(ROOT)))
        self.session.begin(self.begin_ask)
        self.result = replace(self.result, random_walks=self.result.random_walks + 1)
        for _ in range(length):
            self._look()
            state = random.choice(self.session.possible)
            options = list(self.graph.asks(state))
            if self.forbidden and self.session.at is not None and random.random() < FORBIDDEN_SHARE:
                wrong = self.graph.forbidden(state)
                if wrong:
                    self._ask_forbidden(random.choice(wrong))
                    continue
            if not options:
                return
            ask = random.choice(options)
            if self.session.ask(ask).came is Came.TAKEN:
                self.actions[ask.action] += 1
            self.result = replace(self.result, random_steps=self.result.random_steps + 1)

    # --- what was found ---

    def _fail(self, failure: Failure) -> None:
        found = Shrinking(self.session, self.begin_ask).shortest(failure)
        if found.failure.is_driver:
            raise told_of_driver(found.failure, found.deviation)
        self.result = replace(self.result, deviation=found.deviation)

    def _told(self) -> Driven:
        module = self.model.module
        seen = dict.fromkeys(self.session.observed)
        names = [d.name for d in module.variables]
        nothing = not self.taken and not self.result.random_steps and not self.came
        stopped = self.result.stopped
        if nothing and stopped is None and self.result.deviation is None:
            stopped = "nothing was driven: each step has a reason why it could not be asked for"
        return replace(
            self.result,
            taken=sum(move.source != ROOT for move in self.taken),
            reasons=dict(self.reasons),
            refused=self.came[Came.REFUSED],
            ignored=self.came[Came.IGNORED],
            unasked=dict(self.unasked),
            not_every=self.graph.not_every if self.forbidden else (),
            observed=tuple(dict.fromkeys(place_text(p[:1]) for p in seen)),
            unobserved=tuple(n for n in names if n not in {p[0] for p in seen}),
            never=tuple(f.name for f in module.of_kind(Kind.ACTION) if not self.actions[f.name]),
            stopped=stopped,
            seconds=self.clock() - self.began,
        )


class _Route:
    """The way along the moves that are still to be taken: as the plan has it, and where that comes to an end, the shortest."""

    def __init__(self, moves: dict[int, list[Move]]) -> None:
        self._plan = plan = Plan(moves)
        self._moves = {state: list(some) for state, some in moves.items()}
        self._left = {move: plan.flow.get(move, 1) for some in plan.out for move in some}
        self._inside = {p: set(some) for p, some in plan.inside.items()}
        self._first = [m for m in plan.out[plan.part[ROOT]]]
        self.untaken = {move: None for some in moves.values() for move in some}
        self.least = plan.least

    def way(self, at: int) -> list[Move] | None:
        """The moves of a way from a state to one that is still to be taken; None if the walk is at its end."""
        here = self._plan.part[at]
        if self._planned():
            inside = self._inside.get(here)
            if inside and (found := self._search(at, inside.__contains__, here)):
                return found
            wanted = {m for m in self._plan.out[here] if self._left.get(m)}
            found = self._search(at, wanted.__contains__, here) if wanted else None
            if found or at != ROOT:
                return found
        return self._search(at, self.untaken.__contains__, None) if self.untaken else None

    def _planned(self) -> bool:
        return any(self._left.get(move) for move in self._first)

    def took(self, move: Move) -> None:
        """A move has been made."""
        self.untaken.pop(move, None)
        if move in self._left:
            self._left[move] = max(0, self._left[move] - 1)
        else:
            self._inside.get(self._plan.part[move.source], set()).discard(move)

    def drop(self, move: Move) -> bool:
        """A move cannot be made; whether it was still to be."""
        wanted = move in self.untaken
        self.untaken.pop(move, None)
        self._left.pop(move, None)
        self._inside.get(self._plan.part[move.source], set()).discard(move)
        if move in self._moves[move.source]:
            self._moves[move.source].remove(move)
        return wanted

    def _search(self, at: int, wanted: Callable[[Move], bool], part: int | None) -> list[Move] | None:
        """The moves of a shortest way to one that is wanted, and that one; within a part, where one is given."""
        before: dict[int, Move | None] = {at: None}
        queue = deque([at])
        while queue:
            for move in self._moves[queue.popleft()]:
                if wanted(move):
                    way = [move]
                    while (came := before[way[-1].source]) is not None:
                        way.append(came)
                    return way[::-1]
                inside = part is None or self._plan.part[move.target] == part
                if inside and move.target not in before:
                    before[move.target] = move
                    queue.append(move.target)
        return None


class Shortest:
    """What a failure was made of."""

    def __init__(self, failure: Failure, deviation: Deviation) -> None:
        self.failure, self.deviation = failure, deviation


class Shrinking:
    """Makes a walk that failed short."""

    def __init__(self, session: Session, begin: Ask) -> None:
        self.session, self.begin = session, begin

    def shortest(self, failure: Failure) -> Shortest:
        """The shortest walk that was found to fail like one that just failed."""
        found = tuple(self.session.walk)
        script = tuple(asked.ask for asked in found)
        before = self.session.possible
        again = self._replayed(script, failure)
        if again is None:
            return Shortest(failure, self._deviation(failure, found, len(found), repeats=False))
        best = again
        if not failure.slow:
            for _ in range(3):
                length = len(best[1])
                best = self._along_graph(best, before)
                best = self._leaving_out(best)
                if len(best[1]) == length:
                    break
        else:
            best = self._along_graph(best, before)
        return Shortest(best[0], self._deviation(best[0], best[1], len(found), repeats=True))

    def _deviation(
        self, failure: Failure, walk: tuple[Asked, ...], length: int, *, repeats: bool
    ) -> Deviation:
        beginning = str(self.begin) if self.begin.arguments else ""
        return Deviation(failure.what, failure.details, beginning, walk, length, repeats)

    def _replayed(
        self, script: Sequence[Ask], like: Failure
    ) -> tuple[Failure, tuple[Asked, ...], tuple[int, ...]] | None:
        """What fails when a script is asked for anew, if it fails likewise: the failure, its walk, and where it stood."""
        try:
            self.session.begin(self.begin)
            for ask in script:
                self.session.ask(ask)
        except Failure as failure:
            if failure.is_driver is like.is_driver:
                return failure, tuple(self.session.walk), self.session.possible
        except TooManyStatesError:
            pass
        return None

    def _along_graph(
        self, best: tuple[Failure, tuple[Asked, ...], tuple[int, ...]], before: tuple[int, ...]
    ) -> tuple[Failure, tuple[Asked, ...], tuple[int, ...]]:
        """The same by the shortest way along the graph to where it stood, if it fails there."""
        failure, walk, before = best
        if not walk:
            return best
        way = self._shortest_way(set(before), len(walk) - 1)
        if way is None:
            return best
        tried = self._replayed((*way, walk[-1].ask), failure)
        return tried if tried is not None and len(tried[1]) < len(walk) else best

    def _shortest_way(self, to: set[int], shorter: int) -> list[Ask] | None:
        graph = self.session.graph
        edges = graph.edges(ROOT)
        start = [edges[n].target for n in graph.asks(ROOT).get(self.begin, ())]
        came: dict[int, tuple[int, Ask] | None] = {s: None for s in start}
        queue = deque((s, 0) for s in start)
        while queue:
            state, depth = queue.popleft()
            if state in to:
                way = []
                while (step := came[state]) is not None:
                    state, ask = step
                    way.append(ask)
                return way[::-1]
            if depth + 1 >= shorter:
                continue
            for ask, places in graph.asks(state).items():
                for n in places:
                    target = graph.edges(state)[n].target
                    if target not in came:
                        came[target] = (state, ask)
                        queue.append((target, depth + 1))
        return None

    def _leaving_out(
        self, best: tuple[Failure, tuple[Asked, ...], tuple[int, ...]]
    ) -> tuple[Failure, tuple[Asked, ...], tuple[int, ...]]:
        def still(fewer: Sequence[Ask]) -> bool:
            nonlocal best
            tried = self._replayed(fewer, best[0])
            if tried is not None and len(tried[1]) < len(best[1]):
                best = tried
            return tried is not None

        leave_out([asked.ask for asked in best[1]], still, ATTEMPTS)
        return best


def told_of_driver(failure: Failure, deviation: Deviation) -> RatifiedError:
    """The error of a driver that fails by itself, with the walk that leads there."""
    error = failure.error
    assert error is not None
    lines = walk_lines(deviation.beginning, deviation.walk)
    walk = "\n".join(["  the walk that led there:", *lines]) if lines else ""
    remedy = "\n".join(filter(None, [error.remedy and f"  {error.remedy}", walk])).removeprefix("  ")
    return DriverError(error.message, span=error.span, remedy=remedy)


def walk_lines(beginning: str, walk: Sequence[Asked]) -> list[str]:
    """A walk in lines, a number before each step."""
    width = len(str(len(walk)))
    lines = [f"    {'':{width}}  {beginning}"] if beginning else []
    for n, asked in enumerate(walk, start=1):
        came = "" if asked.came in (None, Came.TAKEN) else f"  ({asked.came.value})" if asked.came else ""
        forbidden = "" if asked.allowed else "  forbidden"
        lines.append(f"    {n:{width}}  {asked.ask}{forbidden}{came}")
    return lines
