"""Walks that fail, made short, and told.

Guarantees: a walk that is told as repeating was asked for anew, from the beginning, and failed; the shortest way along the graph
to where a walk failed is tried before steps are left out one by one, and two at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from ratified.conform.driving.graph import ROOT, Ask, TooManyStatesError
from ratified.conform.driving.result import Deviation
from ratified.conform.driving.walk import Asked, Came, DrivingFailure, Session
from ratified.language.errors import RatifiedError
from ratified.simulator.shrinking import leave_out

ATTEMPTS: Final = 300
ATTEMPTS_OF_DRIVERS: Final = 30
"""A process is started anew for each."""
ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Failed:
    """A walk that fails, and the states in which the model could be before its last step."""

    failure: DrivingFailure
    walk: tuple[Asked, ...]
    before: tuple[int, ...]


class Shrinking:
    """Makes a walk that failed short."""

    def __init__(self, session: Session, begin: Ask) -> None:
        self.session, self.begin = session, begin

    def shortest(self, failure: DrivingFailure) -> tuple[DrivingFailure, Deviation]:
        """The shortest walk that was found to fail like one that just failed."""
        found = tuple(self.session.walk)
        best = self._replayed([asked.ask for asked in found], failure)
        if best is None:
            return failure, self._deviation(failure, found, len(found), repeats=False)
        for _ in range(ROUNDS):
            length = len(best.walk)
            best = self._along_graph(best)
            if failure.slow:
                break
            best = self._leaving_out(best)
            if len(best.walk) == length:
                break
        return best.failure, self._deviation(best.failure, best.walk, len(found), repeats=True)

    def as_found(self, failure: DrivingFailure) -> tuple[DrivingFailure, Deviation]:
        """A walk that just failed, as it is; nothing is asked for anew."""
        found = tuple(self.session.walk)
        return failure, self._deviation(failure, found, len(found), repeats=True)

    def _deviation(
        self, failure: DrivingFailure, walk: tuple[Asked, ...], length: int, *, repeats: bool
    ) -> Deviation:
        beginning = str(self.begin) if self.begin.arguments else ""
        return Deviation(failure.what, failure.details, beginning, walk, length, repeats)

    def _replayed(self, script: Sequence[Ask], like: DrivingFailure) -> Failed | None:
        """What comes of asking for a script anew, if it fails likewise, and all of it can be asked for where it is."""
        session = self.session
        try:
            session.begin(self.begin)
            for ask in script:
                if not session.may_ask(ask):
                    return None
                session.ask(ask)
        except DrivingFailure as failure:
            if failure.is_driver is like.is_driver:
                return Failed(failure, tuple(session.walk), session.possible)
        except TooManyStatesError:
            pass
        return None

    def _along_graph(self, best: Failed) -> Failed:
        """The same by the shortest way along the graph to where it stood, if it fails there."""
        way = self._shortest_way(set(best.before), len(best.walk) - 1) if best.walk else None
        if way is None:
            return best
        tried = self._replayed((*way, best.walk[-1].ask), best.failure)
        return tried if tried is not None and len(tried.walk) < len(best.walk) else best

    def _shortest_way(self, to: set[int], shorter: int) -> list[Ask] | None:
        graph = self.session.graph
        edges = graph.edges(ROOT)
        start = [edges[n].target for n in graph.asks(ROOT).get(self.begin, ())]
        came: dict[int, tuple[int, Ask] | None] = {s: None for s in start}
        queue = deque((s, 0) for s in start)
        while queue:
            state, depth = queue.popleft()
            if state in to:
                way: list[Ask] = []
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

    def _leaving_out(self, best: Failed) -> Failed:
        def still(fewer: Sequence[Ask]) -> bool:
            nonlocal best
            tried = self._replayed(fewer, best.failure)
            if tried is not None and len(tried.walk) < len(best.walk):
                best = tried
            return tried is not None

        attempts = ATTEMPTS_OF_DRIVERS if best.failure.is_driver else ATTEMPTS
        leave_out([asked.ask for asked in best.walk], still, attempts)
        script = [asked.ask for asked in best.walk]
        pairs = (
            (i, j) for j in range(len(script) - 1) for i in range(j)
        )  # as what one does and another takes back
        for i, j in islice(pairs, attempts // 2):
            if still([*script[:i], *script[i + 1 : j], *script[j + 1 :]]):
                break
        return best


def told_of_driver(failure: DrivingFailure, deviation: Deviation) -> RatifiedError:
    """The error of a driver that fails by itself, with the walk that leads there."""
    error = failure.error
    assert error is not None
    lines = walk_lines(deviation.beginning, deviation.walk)
    walk = "\n".join(["  the walk that led there:", *lines]) if lines else ""
    remedy = "\n".join(filter(None, [error.remedy and f"  {error.remedy}", walk])).removeprefix("  ")
    return type(error)(error.message, span=error.span, remedy=remedy)


def walk_lines(beginning: str, walk: Sequence[Asked]) -> list[str]:
    """A walk in lines, a number before each step."""
    width = len(str(len(walk)))
    lines = [f"    {'':{width}}  {beginning}"] if beginning else []
    for n, asked in enumerate(walk, start=1):
        came = f"  ({asked.came.value})" if asked.came and asked.came is not Came.TAKEN else ""
        forbidden = "" if asked.allowed else "  forbidden"
        lines.append(f"    {n:{width}}  {asked.ask}{forbidden}{came}")
    return lines
