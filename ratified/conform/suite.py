"""All of it together: chaos, Hypothesis and the covering of a graph against one protocol, and against its bugs.

Guarantees: with no limit of time the same arguments give the same answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from ratified.conform.cover import Covered, cover
from ratified.conform.ending import SMALL_GRAPH, Over, after, never
from ratified.conform.machine import Explored, explore
from ratified.conform.mutants import Mutant, planted
from ratified.conform.protocol import Protocol
from ratified.conform.simulation import Simulated, shrunk, simulated
from ratified.results.result import Verdict

LEAST = 5
"""So many examples of Hypothesis there are, however little time there is."""

MOST_SEEDS = 400
"""How many runs are tried to catch a bug."""


@dataclass(slots=True)
class Conformed:
    """What came of a protocol. `failure` is the run that does not conform, shrunk."""

    runs: int = 0
    events: int = 0
    undecided: list[str] = field(default_factory=list)
    failure: Simulated | None = None
    explored: Explored | None = None
    covered: Covered | None = None

    @property
    def verdict(self) -> Verdict:
        """Violated if anything is; undecided if anything was left open."""
        failed = self.failure is not None or (self.explored is not None and self.explored.found)
        if failed or (self.covered is not None and (self.covered.failure or self.covered.left_out)):
            return Verdict.VIOLATED
        open_ = self.undecided or (self.covered is not None and self.covered.stopped)
        return Verdict.UNDECIDED if open_ or not self.events else Verdict.HOLDS


def nodes_of(seed: int) -> int:
    """Every fourth run is one of five nodes."""
    return 5 if seed % 4 == 1 else 3


def conform(
    protocol: Protocol,
    *,
    seconds: float,
    events: int | None = None,
    seed: int = 0,
    clock: Callable[[], float] = time.monotonic,
    told: Callable[[Conformed], None] | None = None,
    interrupted: Over = never,
) -> Conformed:
    """Spend so much time on one protocol, at most a third of it on its graph; what is left after Hypothesis goes to chaos.

    Below five minutes the small graph is covered, all of it, and there are at least a few runs of each kind. With `events`
    given there is no limit of time: runs of chaos alone, until so many events have been followed. What is `interrupted` is
    undecided.
    """
    result, over = Conformed(), after(seconds if events is None else None, interrupted, clock)
    if events is None:
        small = seconds < SMALL_GRAPH
        share = after(None if small else seconds * 0.3, interrupted, clock)
        result.covered = covered(protocol, small=small, over=share)
        result.explored = explore(
            protocol, examples=max(LEAST, min(400, int(seconds * 2))), steps=50, least=LEAST, over=over
        )
    while not interrupted() and (
        not result.runs or (not over() if events is None else result.events < events)
    ):
        run = simulated(protocol, seed, nodes=nodes_of(seed), claims_every=50)
        result.runs += 1
        result.events += run.events
        if run.found:
            result.failure = shrunk(protocol, run)
            break
        if run.verdict is Verdict.UNDECIDED:
            result.undecided.append(f"seed {seed}: {run.why}")
        seed += 1
        if told is not None:
            told(result)
    if (why := interrupted()) is not None:
        result.undecided.append(why)
    return result


def covered(protocol: Protocol, *, small: bool, tries: bool = False, over: Over = never) -> Covered | None:
    """Cover the graph of a protocol's model at a small size; None if nothing drives its implementation along one."""
    if protocol.graph is None:
        return None
    steps, driver = protocol.graph(small)
    return cover(steps, driver, tries=tries, over=over)


@dataclass(frozen=True, slots=True)
class Kill:
    """Who caught a bug: the steps it took each of them, None where it was not caught."""

    name: str
    checker: int | None
    linearizability: int | None
    hypothesis: int | None
    edges: int | None
    seconds: float
    shortest: tuple[str, ...] = ()  # a script that shows it

    @property
    def caught(self) -> bool:
        """By anybody."""
        return any(x is not None for x in (self.checker, self.linearizability, self.hypothesis, self.edges))


def kills(
    protocol: Protocol, names: Iterable[str], *, thorough: bool = True, shrink: bool = False
) -> Iterator[Kill]:
    """Plant each bug of these names and see who catches it. Where not `thorough`, only chaos is tried."""
    mutants = protocol.mutants()
    for name in names:
        mutant = mutants[name]
        began = time.monotonic()
        with planted(mutant):
            found, steps = _by_chaos(protocol, mutant)
            hypothesis = edges = None
            if thorough:
                explored = explore(protocol, nodes=mutant.nodes, examples=60, steps=50)
                hypothesis = explored.steps if explored.found else None
                walked = covered(protocol, small=True)
                edges = walked.driven if walked is not None and walked.failure else None
            script = shrunk(protocol, found).schedule if found is not None and shrink else ()
        by = found.found if found is not None else None
        yield Kill(
            name,
            steps if by in ("checker", "exception") else None,
            steps if by == "linearizability" else None,
            hypothesis,
            edges,
            time.monotonic() - began,
            tuple(map(str, script)),
        )


def _by_chaos(protocol: Protocol, mutant: Mutant) -> tuple[Simulated | None, int]:
    steps = 0
    for seed in range(mutant.first, mutant.first + MOST_SEEDS):
        run = simulated(protocol, seed, nodes=mutant.nodes)
        steps += run.steps
        if run.found:
            return run, steps
    return None, steps
