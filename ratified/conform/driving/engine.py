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
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from ratified.conform.cover import UNREACHED, CoverPlan, Move
from ratified.conform.driving.driver import Driver, DriverError, begins_with, methods_of
from ratified.conform.driving.graph import BEGIN, ROOT, Ask, ModelGraph, TooManyStatesError
from ratified.conform.driving.result import Deviation, Driven
from ratified.conform.driving.shorter import Shrinking, told_of_driver
from ratified.conform.driving.walk import Came, DrivingFailure, Session
from ratified.language.ir import Kind
from ratified.language.model import Model, given_to
from ratified.results.result import Limits

STATES: Final = 100_000
LENGTH: Final = 100
TRIES: Final = 3
"""How often a system is asked for something whose outcome it chooses, before what it did not choose is given up."""
STRAYS: Final = 100
"""How often a system may go another way than was planned, without coming to anything new, before the rest is given up."""
FORBIDDEN_SHARE: Final = 0.2
"""Of the steps of a random walk."""

CHOSEN: Final = "the system makes another choice"
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
    limits: Limits = Limits(),  # noqa: B008 - a frozen value
    shrink: bool = True,
    clock: Callable[[], float] = time.monotonic,
    progress: Callable[[int, int, int], None] | None = None,
) -> Driven:
    """Drive a system along a model at a size.

    `edges`: along every step of the graph, which may have `limits.states` (100,000) states; `forbidden`: also attempt what
    the model forbids; `walks`: then that many random walks of `length` steps, drawn from `seed`; `shrink`: shorten a walk
    that fails. `progress` is called with the steps driven, their total, and the number of forbidden attempts.

    Raises DriverError if the driver does not fit the model or fails itself; ModelError, SizeError.
    """
    limits.only("drive", "states", "seconds")
    seconds, states = limits.seconds, limits.states or STATES
    made = driver if isinstance(driver, Driver) else driver()
    try:
        run = _Drive(made, model, forbidden=forbidden, states=states, clock=clock, progress=progress)
        run.shrink = shrink
        run.until = None if seconds is None else run.began + seconds
        return run.run(edges=edges, walks=walks, length=length, seed=seed, limit=seconds)
    finally:
        made.close()


@dataclass(slots=True)
class _SoFar:
    """What is counted; see Driven."""

    states: int = 0
    edges: int = 0
    walks: int = 0
    least: int = 0
    steps: int = 0
    forbidden: int = 0
    random_walks: int = 0
    random_steps: int = 0
    stopped: str | None = None
    deviation: Deviation | None = None


class _Drive:
    """One driving of one system. `so_far` grows as it goes."""

    until: float | None = None
    shrink = True

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
        self.graph = ModelGraph(model, self.methods, self.begins, states)
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
        self.so_far = _SoFar()

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
                f"there are more than {self.graph.most:,} states; choose smaller sizes,"
                " or take random walks only (--no-edges --walks 100)"
            )
        except _OutOfTime:
            self._stop(f"stopped after {limit:g} seconds")
        except DrivingFailure as failure:
            self._fail(failure)
        return self._told()

    def _stop(self, why: str) -> None:
        self.so_far.stopped = self.so_far.stopped or why

    def _look(self) -> None:
        if self.until is not None and self.clock() > self.until:
            raise _OutOfTime

    # --- every step ---

    def cover(self) -> None:
        """Drive every step of the graph."""
        self.graph.all()
        self.so_far.states, self.so_far.edges = len(self.graph.states) - 1, self.graph.count
        moves = moves_of(self.graph)
        route = _Route(moves)
        self.so_far.least = route.least
        self.tries: Counter[tuple[int, Ask]] = Counter()
        done = False
        try:
            while way := route.way(ROOT):
                self.so_far.walks += 1
                at: int | None = ROOT
                while at is not None and way:
                    for move in way:
                        at = self._step(route, move)
                        if at != move.target:
                            break
                    way = route.way(at) if at is not None else None
                if route.is_lost:
                    break
            done = True
            if self.graph.bounds:
                count, what = sum(self.graph.bounds.values()), ", ".join(self.graph.bounds)
                self._stop(
                    f"{count:,} {'step' if count == 1 else 'steps'} would exceed {what} and could not be driven"
                )
        finally:
            self._account(moves, route, done=done)

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
                self._drop(route, source, ask, f"{ask.action}: {asked.reason or 'it cannot be attempted'}")
                return source
            self.so_far.steps += 1
        at = self.session.at
        self.tries[source, ask] += 1
        for other in self._moves_of(source, ask):
            if other.target == at:
                self.taken.add(other)
                self.actions[ask.action] += 1
                route.took(other)
        if at != move.target:
            route.strayed()
        if self.tries[source, ask] >= TRIES or came is Came.REFUSED:
            self._drop(route, source, ask, CHOSEN if at is not None else AMBIGUOUS)
        if self.progress is not None:
            self.progress(len(self.taken), self.so_far.edges, sum(self.came.values()))
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
        self.so_far.forbidden += 1
        reason = self.driver.cannot_ask.get(ask.action)
        if reason is None:
            asked = self.session.ask(ask)
            assert asked.came is not None
            if asked.came is not Came.NOT_ASKED:
                self.came[asked.came] += 1
                return
            reason = asked.reason or "it cannot be attempted"
        self.unasked[f"{ask.action}: {reason}"] += 1

    def _account(self, moves: dict[int, list[Move]], route: _Route, *, done: bool) -> None:
        """Why each step that was not taken was not."""
        for state in range(1, len(self.graph.states)):
            for edge in self.graph.edges(state):
                if edge.action in self.driver.cannot:
                    self.reasons[f"{edge.action}: {self.driver.cannot[edge.action]}"] += 1
                elif state not in moves:
                    self.reasons[UNREACHED] += 1
        if done:
            left = sum(move.source != ROOT for move in route.untaken)
            self.reasons[CHOSEN if route.is_lost else UNREACHED] += left
        self.reasons = +self.reasons

    # --- random walks ---

    def _random_walk(self, random: Random, length: int) -> None:
        if self.so_far.random_walks == 0 and self.so_far.states == 0:
            self.graph.most = 1 << 62  # a walk needs no more states than it comes to
        self._look()
        self.begin_ask = random.choice(list(self.graph.asks(ROOT)))
        self.session.begin(self.begin_ask)
        self.so_far.random_walks += 1
        for _ in range(length):
            self._look()
            state = random.choice(self.session.possible)
            options = self.graph.options(state)
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
            self.so_far.random_steps += 1

    # --- what was found ---

    def _fail(self, failure: DrivingFailure) -> None:
        shrinking = Shrinking(self.session, self.begin_ask)
        shortest, deviation = shrinking.shortest(failure) if self.shrink else shrinking.as_found(failure)
        if shortest.is_driver:
            raise told_of_driver(shortest, deviation)
        self.so_far.deviation = deviation

    def _told(self) -> Driven:
        module = self.model.module
        seen = dict.fromkeys(self.session.observed)
        names = [d.name for d in module.variables]
        taken = sum(move.source != ROOT for move in self.taken)
        nothing = not taken and not self.so_far.random_steps and (self.so_far.edges or not self.came)
        so_far = self.so_far
        stopped = so_far.stopped
        if stopped is None and so_far.deviation is None:
            if nothing:
                stopped = "nothing was driven: each step has a reason why it could not be attempted"
            elif not seen and not self.came[Came.REFUSED]:
                stopped = "nothing was compared: `observe` said nothing, and no step was refused"
        return Driven(
            self.driver.title,
            module.name,
            given_to(self.model),
            states=so_far.states,
            edges=so_far.edges,
            walks=so_far.walks,
            least=so_far.least,
            steps=so_far.steps,
            forbidden=so_far.forbidden,
            random_walks=so_far.random_walks,
            random_steps=so_far.random_steps,
            deviation=so_far.deviation,
            taken=taken,
            reasons=dict(self.reasons),
            refused=self.came[Came.REFUSED],
            ignored=self.came[Came.IGNORED],
            unasked=dict(self.unasked),
            not_every=self.graph.not_every if self.forbidden else (),
            observed=tuple(sorted({p[0] for p in seen}, key=self.session.order)),
            unobserved=tuple(n for n in names if n not in {p[0] for p in seen}),
            never=tuple(f.name for f in module.of_kind(Kind.ACTION) if not self.actions[f.name]),
            stopped=stopped,
            seconds=self.clock() - self.began,
        )


def moves_of(graph: ModelGraph) -> dict[int, list[Move]]:
    """The steps that a driver can ask for, by the state that they begin in, of the states that they lead to."""
    moves: dict[int, list[Move]] = {}
    queue = deque([ROOT])
    while queue:
        state = queue.popleft()
        if state not in moves:
            edges = graph.edges(state)
            places = sorted(n for some in graph.asks(state).values() for n in some)
            moves[state] = [Move(state, ((state, n),), edges[n].target) for n in places]
            queue.extend(move.target for move in moves[state])
    return moves


class _Route:
    """The way along the moves that are still to be taken: as the plan has it, and where that comes to an end, the shortest."""

    def __init__(self, moves: dict[int, list[Move]]) -> None:
        self._plan = plan = CoverPlan(moves)
        self._moves = {state: list(some) for state, some in moves.items()}
        self._left = {move: plan.flow.get(move, 1) for some in plan.out for move in some}
        self._inside = {p: set(some) for p, some in plan.inside.items()}
        self._first = list(plan.out[plan.part[ROOT]])
        self.untaken = {move: None for some in moves.values() for move in some}
        self._strays = self._left_then = 0
        self.least = plan.least

    def way(self, at: int) -> list[Move] | None:
        """The moves of a way from a state to one that is still to be taken; None if the walk is at its end."""
        here = self._plan.part[at]
        if self.is_lost:
            return None
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

    def strayed(self) -> None:
        """The system has gone another way than was planned."""
        if len(self.untaken) != self._left_then:
            self._strays, self._left_then = 0, len(self.untaken)
        self._strays += 1

    @property
    def is_lost(self) -> bool:
        """Whether the system went other ways again and again, without coming to anything new."""
        return self._strays > STRAYS

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
