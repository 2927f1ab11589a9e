"""All of it together: chaos, stress and calm, Hypothesis and the covering of a graph, against one protocol and against its bugs.

Guarantees: with no limit of time the same arguments give the same answer; what is remembered of who caught a bug decides in which
order it is looked for, never whether it is caught.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from dataclasses import asdict, dataclass, field, replace

from ratified.conform.alone import alone
from ratified.conform.cover import Covered, cover
from ratified.conform.driving.sweep import DrivingAnswer, answers
from ratified.conform.ending import SMALL_GRAPH, Over, after, never
from ratified.conform.machine import Explored, explore
from ratified.conform.mutants import Mutant, planted
from ratified.conform.protocol import Protocol
from ratified.conform.simulation import Simulated, shrunk, simulated
from ratified.conform.stress import shrunk_stress, stressed
from ratified.results.result import Verdict

LEAST = 5
"""So many examples of Hypothesis there are, however little time there is."""

MOST_SEEDS = 400
"""How many runs of either kind are tried to catch a bug that nobody else catches."""

FEW_SEEDS = 10
"""And how many, where somebody does."""

FEW_EXAMPLES = 12
"""So many examples of Hypothesis are tried on each bug."""


@dataclass(slots=True)
class Conformed:
    """What came of a protocol. `failure` is what does not conform, shrunk.

    `runs` are of chaos; others were `stressed`, or of a node `alone`.
    """

    runs: int = 0
    events: int = 0
    stressed: int = 0
    stressed_events: int = 0
    alone: int = 0
    alone_steps: int = 0
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
            protocol, examples=max(LEAST, min(400, int(seconds))), steps=50, least=LEAST, over=over
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
        if events is None and runs_alone(protocol):
            # They cost little: four for each of the others.
            for one in range(4 * seed, 4 * seed + 4):
                by_itself = alone(protocol, one)
                result.alone += 1
                result.alone_steps += by_itself.steps
                if by_itself.found:
                    result.failure = by_itself
                    break
        if events is None and result.failure is None:
            late = stressed(protocol, seed, nodes=nodes_of(seed), claims_every=50)
            result.stressed += 1
            result.stressed_events += late.events
            if late.found:
                result.failure = shrunk_stress(protocol, late)
            if late.verdict is Verdict.UNDECIDED:
                result.undecided.append(f"seed {seed}, under stress: {late.why}")
        if result.failure is not None:
            break
        seed += 1
        if told is not None:
            told(result)
    if (why := interrupted()) is not None:
        result.undecided.append(why)
    return result


def runs_alone(protocol: Protocol) -> bool:
    """Whether a node of it can be run alone."""
    return protocol.reference is not None and protocol.inputs is not None


def covered(protocol: Protocol, *, small: bool, tries: bool = False, over: Over = never) -> Covered | None:
    """Cover the graph of a protocol's model at a small size; None if nothing drives its implementation along one."""
    if protocol.graph is None:
        return None
    steps, driver = protocol.graph(small)
    return cover(steps, driver, tries=tries, over=over)


@dataclass(frozen=True, slots=True)
class Kill:
    """Who caught a bug: the steps it took each of them, None where it was not caught. `run` is the kind and the seed of a run."""

    name: str
    reference: int | None
    checker: int | None
    linearizability: int | None
    progress: int | None
    hypothesis: int | None
    edges: int | None
    seconds: float  # of the processor
    run: str = ""
    shortest: tuple[str, ...] = ()  # a script that shows it

    @property
    def caught(self) -> bool:
        """By anybody."""
        every = (
            self.reference,
            self.checker,
            self.linearizability,
            self.progress,
            self.hypothesis,
            self.edges,
        )
        return any(x is not None for x in every)


RUNS: dict[str, Callable[..., Simulated]] = {"alone": alone, "chaos": simulated, "stress": stressed}


def kill(
    protocol: Protocol, name: str, *, thorough: bool = True, shrink: bool = False, last: str = ""
) -> Kill:
    """Plant a bug and see who catches it. Where not `thorough`, only runs are tried. `last` is the run that caught it before.

    Where there is a reference, runs are tried with it, and a few without: so that it is seen who else would have caught the bug.
    """
    mutant = protocol.mutants()[name]
    alone = replace(protocol, reference=None)
    began = time.process_time()
    with planted(mutant):
        first, after, _ = _by_runs(protocol, mutant, MOST_SEEDS, "") if protocol.reference else (None, 0, "")
        reference = after if first is not None and first.found == "reference" else None
        hypothesis = edges = None
        if thorough:
            explored = explore(alone, nodes=mutant.nodes, examples=FEW_EXAMPLES, steps=50, shrink=False)
            hypothesis = explored.steps if explored.found else None
            walked = covered(protocol, small=True)
            edges = walked.driven if walked is not None and walked.failure else None
        most = MOST_SEEDS if reference is hypothesis is edges is None else FEW_SEEDS
        found, steps, run = _by_runs(alone, mutant, most, last)
        script: tuple[object, ...] = ()
        shown, of = (found, alone) if found is not None else (first, protocol)
        if shown is not None and shrink and not shown.alone:
            script = (shrunk_stress if shown.calm else shrunk)(of, shown).schedule
    by = found.found if found is not None else None
    return Kill(
        name,
        reference,
        steps if by in ("checker", "exception") else None,
        steps if by == "linearizability" else None,
        steps if by == "progress" else None,
        hypothesis,
        edges,
        time.process_time() - began,
        run if by is not None else "",
        tuple(map(str, script)),
    )


def kills(
    protocol: Protocol,
    names: Iterable[str],
    *,
    thorough: bool = True,
    shrink: bool = False,
    learned: MutableMapping[str, str] | None = None,
    jobs: int = 1,
) -> Iterator[Kill]:
    """Plant each bug of these names and see who catches it, `jobs` at a time, each in a process of its own.

    What is `learned` of which run caught which bug is tried first, and learned anew.
    """
    names, learned = list(names), {} if learned is None else learned
    if thorough:
        protocol = _with_graph(protocol)

    def work(name: str) -> Callable[[], DrivingAnswer]:
        last = learned.get(name, "")

        def run() -> DrivingAnswer:
            return DrivingAnswer(
                "", json.dumps(asdict(kill(protocol, name, thorough=thorough, shrink=shrink, last=last)))
            )

        return run

    done: dict[int, Kill] = {}
    told = 0
    for number, answer in answers(map(work, names), jobs, None):
        assert isinstance(answer, DrivingAnswer), f"{names[number]}: {answer}"
        assert not answer.verdict, f"{names[number]}: {answer.why}"
        said = json.loads(answer.why)
        done[number] = one = Kill(**{**said, "shortest": tuple(said["shortest"])})
        if one.run:
            learned[one.name] = one.run
        while told in done:
            yield done[told]
            told += 1


def _with_graph(protocol: Protocol) -> Protocol:
    """A protocol whose small graph is found once, for all the processes that are yet to begin."""
    if protocol.graph is None:
        return protocol
    made = protocol.graph
    steps, _ = made(True)
    steps.find()
    return replace(protocol, graph=lambda small: (steps, made(small)[1]) if small else made(small))


def _by_runs(protocol: Protocol, mutant: Mutant, most: int, last: str) -> tuple[Simulated | None, int, str]:
    """Try runs of each kind in turn; first the one that did it last time. How many steps it took, and which run it was."""
    kinds = [kind for kind in RUNS if kind != "alone" or runs_alone(protocol)]
    known = [
        (kind, int(seed)) for kind, _, seed in [last.partition(" ")] if kind in kinds and seed.isdecimal()
    ]
    seeds = range(mutant.first, mutant.first + most)
    steps = 0
    for kind, seed in [*known, *((kind, seed) for seed in seeds for kind in kinds)]:
        run = alone(protocol, seed) if kind == "alone" else RUNS[kind](protocol, seed, nodes=mutant.nodes)
        steps += run.steps
        if run.found:
            return run, steps, f"{kind} {seed}"
    return None, steps, ""
