"""All checks together for objects: random runs, Hypothesis and the model's graph against a policy, its bugs and all mutants.

Guarantees: with no limit of time the same arguments give the same answer.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from ratified.conform.cover import Covered, cover
from ratified.conform.ending import SMALL_GRAPH, EndedError, FoundError, Over, after, never
from ratified.conform.looking import look
from ratified.conform.mutants import Mutant, planted
from ratified.conform.operators import mutations
from ratified.conform.policy import (
    CONFIGURATIONS,
    FollowedSubject,
    Policy,
    PolicyRun,
    ScriptCall,
    by_chance,
    calls_of,
    graph_of,
    shortened,
)
from ratified.language.errors import RatifiedError
from ratified.language.ir import Kind
from ratified.results.result import Verdict

CLAIMS_EVERY = 5
LEAST = 10
"""So many runs of each kind there are, however little time there is."""

RUNS_MOST = 100
"""How many random runs are tried to catch a mutant."""


@dataclass(slots=True)
class Examined:
    """What Hypothesis came to: examples, calls, the model's steps; `run` is what was found."""

    examples: int = 0
    calls: int = 0
    events: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    run: PolicyRun | None = None


def machine_of(policy: Policy, tried: Examined, over: Over = never) -> type[RuleBasedStateMachine]:
    """A state machine of Hypothesis: a rule for each of the subject's calls. What its runs come to is added to `tried`."""

    class PolicyMachine(RuleBasedStateMachine):
        running: FollowedSubject | None = None

        @initialize(number=st.integers(0, CONFIGURATIONS - 1))
        def begin(self, number: int) -> None:
            self.running = FollowedSubject(policy, number, CLAIMS_EVERY)
            self.look()

        def look(self) -> None:
            assert self.running is not None
            if self.running.run.found:
                tried.run = self.running.run
                raise FoundError(self.running.run.why)

        def perform(self, call: ScriptCall) -> None:
            if over() is not None:
                raise EndedError
            if self.running is not None:
                tried.calls += 1
                self.running.call(call)
                self.look()

        def teardown(self) -> None:
            tried.examples += 1
            if self.running is not None:
                tried.events += self.running.run.events
                tried.actions += self.running.run.actions

    def rule_of(name: str, limits: tuple[int, ...]) -> Any:
        def call(self: Any, **numbers: int) -> None:
            self.perform(ScriptCall(name, tuple(numbers.values())))

        numbers: dict[str, Any] = {f"n{i}": st.integers(0, limit - 1) for i, limit in enumerate(limits)}
        made: Any = rule(**numbers)
        return made(call)

    calls = calls_of(policy.subject(0))
    return type(
        "Machine", (PolicyMachine,), {f"call_{name}": rule_of(name, limits) for name, limits in calls.items()}
    )


def explore(
    policy: Policy, *, examples: int = 50, steps: int = 40, least: int = 0, over: Over = never
) -> Examined:
    """Let Hypothesis look for what the model does not explain; what it finds is shortened.

    Once it is `over`, it ends after the `least` number of examples.
    """
    tried = Examined()

    def ended() -> str | None:
        return over() if tried.examples >= least else None

    try:
        look(machine_of(policy, tried, ended), examples=examples, steps=steps, ended=ended)
    except FoundError:
        assert tried.run is not None
    except Exception as error:  # noqa: BLE001 - a mistake that lets no subject be made has been found
        tried.run = PolicyRun(0, (), verdict=Verdict.VIOLATED, found="exception", why=str(error))
    return tried


@dataclass(slots=True)
class PolicyOutcome:
    """What came of a policy. `failure` is the run that does not conform, shortened; `never` are actions that were not taken."""

    runs: int = 0
    events: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    never: tuple[str, ...] = ()
    undecided: list[str] = field(default_factory=list)
    failure: PolicyRun | None = None
    tried: Examined | None = None
    covered: Covered | None = None

    @property
    def verdict(self) -> Verdict:
        """Violated if anything is; undecided if anything was left open, or a step of the model was never taken."""
        covered = self.covered
        if self.failure is not None or (covered is not None and (covered.failure or covered.left_out)):
            return Verdict.VIOLATED
        open_ = self.undecided or self.never or (covered is not None and covered.stopped)
        return Verdict.UNDECIDED if open_ or not self.events else Verdict.HOLDS


def hold(
    policy: Policy,
    *,
    seconds: float,
    events: int | None = None,
    seed: int = 0,
    clock: Callable[[], float] = time.monotonic,
    told: Callable[[PolicyOutcome], None] | None = None,
    interrupted: Over = never,
) -> PolicyOutcome:
    """Spend so much time on one policy; what is left after the graph and Hypothesis goes to random runs.

    Below five minutes the graph is covered, all of it, and there are at least a few runs of each kind. With `events` given
    there is no limit of time: random runs alone, until so many events have been followed. What is `interrupted` is undecided.
    """
    result, over = PolicyOutcome(), after(seconds if events is None else None, interrupted, clock)
    if events is None:
        share = after(None if seconds < SMALL_GRAPH else seconds * 0.3, interrupted, clock)
        result.covered = covered(policy, over=share)
        result.tried = explore(
            policy, examples=max(LEAST, min(400, int(seconds * 2))), least=LEAST, over=over
        )
        if result.tried.run is not None:
            result.failure = shortened(policy, result.tried.run)
    least = 1 if events is not None else LEAST
    for n in count(seed):
        spent = over() is not None if events is None else result.events >= events
        if result.failure is not None or interrupted() or (result.runs >= least and spent):
            break
        run = by_chance(policy, n, claims_every=CLAIMS_EVERY)
        result.runs += 1
        result.events += run.events
        result.actions += run.actions
        if run.found:
            result.failure = shortened(policy, run)
        elif run.verdict is Verdict.UNDECIDED:
            result.undecided.append(f"seed {n}: {run.why}")
        if told is not None:
            told(result)
    if (why := interrupted()) is not None:
        result.undecided.append(why)
    elif result.failure is None and events is None:
        taken = result.actions + (result.tried.actions if result.tried is not None else Counter())
        module = policy.subject(seed).binding().model().module
        result.never = tuple(f.name for f in module.of_kind(Kind.ACTION) if not taken[f.name])
    return result


def covered(policy: Policy, *, tries: bool = False, over: Over = never) -> Covered | None:
    """Cover the graph of a policy's model at a small size; None if nothing drives its subject along one."""
    try:
        graph = graph_of(policy)
        return None if graph is None else cover(*graph, tries=tries, over=over)
    except Exception as error:  # noqa: BLE001 - whatever a mistake raises has been found
        return Covered(driven=1, failure=f"{type(error).__name__}: {error}")


@dataclass(frozen=True, slots=True)
class PolicyKill:
    """What caught a mutant, after how many random runs, Hypothesis examples and steps along the graph."""

    name: str
    chance: int | None
    hypothesis: int | None
    edges: int | None
    script: tuple[str, ...] = ()  # what shows it

    @property
    def caught(self) -> bool:
        """By anybody."""
        return any(x is not None for x in (self.chance, self.hypothesis, self.edges))


def refuse_what_does_not_conform(policy: Policy) -> None:
    """Make the random runs once without a mistake: what fails then catches nothing. Raises RatifiedError."""
    if (found := _found(policy)) is not None:
        raise RatifiedError(
            f"{policy.name} cannot be tested with mistakes: without one it does not conform\n{found[1].why}"
        )


def _found(policy: Policy) -> tuple[int, PolicyRun] | None:
    """The first of the random runs that does not conform, and its number."""
    runs = ((n, by_chance(policy, n, claims_every=CLAIMS_EVERY)) for n in range(RUNS_MOST))
    return next(((n, run) for n, run in runs if run.found), None)


def kill(
    policy: Policy, name: str, mutant: Mutant, *, quick: bool = False, shrink: bool = False
) -> PolicyKill:
    """Plant a mistake and see who catches it. Where `quick`, the others are tried only on what random runs do not catch."""
    with planted(mutant):
        found = _found(policy)
        hypothesis = edges = None
        if not quick or found is None:
            tried = explore(policy, examples=30, steps=40)
            hypothesis = tried.examples if tried.run is not None else None
            walked = covered(policy)
            edges = walked.driven if walked is not None and walked.failure else None
        script = shortened(policy, found[1]).script if found is not None and shrink else ()
    return PolicyKill(
        name, None if found is None else found[0] + 1, hypothesis, edges, tuple(map(str, script))
    )


def kills(
    policy: Policy, names: Iterable[str], *, quick: bool = False, shrink: bool = False
) -> Iterator[PolicyKill]:
    """Plant each bug of these names and see who catches it. Raises RatifiedError where there is none and it fails, too."""
    refuse_what_does_not_conform(policy)
    mutants = policy.mutants()
    for name in names:
        yield kill(policy, name, mutants[name], quick=quick, shrink=shrink)


def systematic_kills(policy: Policy, *, quick: bool = False) -> Iterator[PolicyKill]:
    """Plant every systematic mistake in the sources of a policy and see who catches it. Raises RatifiedError as `kills`."""
    refuse_what_does_not_conform(policy)
    for mutation in mutations(policy.sources):
        yield kill(policy, mutation.name, mutation.mutant(), quick=quick)
