"""The reference engine: the search over the reference machine, put into a `Result`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace

from ratified.explore.liveness import LivenessCheck, liveness_claims
from ratified.explore.search import Search
from ratified.explore.switches import switched_off
from ratified.explore.symmetry import Symmetry, symmetry_of
from ratified.explore.vacuity import untested
from ratified.language.errors import ModelError
from ratified.language.ir import Function, Kind
from ratified.language.machine import PythonMachine
from ratified.language.model import Model
from ratified.results.beginning import no_beginning
from ratified.results.counterexample import FailureExplainer
from ratified.results.limits import LimitWatch, Reached, peak_memory
from ratified.results.result import (
    BEYOND_BOUNDS,
    ActionReport,
    BoundReport,
    ConstraintReport,
    Limits,
    Progress,
    PropertyReport,
    Result,
    Verdict,
    Violation,
)
from ratified.results.seen import INTERRUPTED, Exploration, Property

A_LITTLE = 0.5
"""Seconds after the last that are there to look at what was found."""

BEYOND_CONSTRAINTS = "a constraint excludes states in which a run may continue, so liveness is undecided"
"""Why liveness is not decided where a constraint left states out."""

OTHERS_HOLD = "all claims but liveness hold in every state that the constraints admit"
"""What is known all the same."""


NOT_SHORTEST = "found with a reduction: the run is one of the model, perhaps not a shortest one"
"""What is said of a counterexample where steps were left out."""


class TooMany(Exception):
    """There are as many states as were to be too many, or more; `so_far` is the result if nothing else comes of it."""

    def __init__(self, so_far: Callable[[str], Result]) -> None:
        super().__init__()
        self.so_far = so_far


def check_reference(
    model: Model,
    *,
    limits: Limits,
    symmetry: bool,
    reduced: bool = False,
    deadlock: bool,
    progress: Callable[[Progress], None] | None,
    too_many: int | None = None,
    watch: LimitWatch | None = None,
) -> Result:
    """Explore a model with the reference search. See `ratified.explore.check`; `watch` is over time and memory.

    Raises TooMany, as soon as that is seen, if there are `too_many` states: what was found in them is hardly ever of use.
    """
    watch = watch or LimitWatch(limits)
    machine = PythonMachine(model)
    reduction = symmetry_of(model) if symmetry else None
    notes = []
    if reduction is not None and reduction.trivial:
        reduction = None
        notes.append("there is no symmetry to use: parameters distinguish all values of every symmetric sort")
    claims = liveness_claims(machine.module)
    if claims and reduction is not None:
        raise _no_symmetry(machine.module.name, claims[0])
    reducing = None
    if reduced:
        from ratified.explore.reduction import Reducing

        reducing = Reducing(machine)
    search = Search(
        machine,
        limits=limits if too_many is None else replace(limits, states=too_many),
        symmetry=reduction,
        reduction=reducing,
        deadlock=deadlock,
        progress=progress,
        keep_edges=bool(claims),
        watch=watch,
    )
    found = search.run()
    if too_many is not None and len(found.states) >= too_many:

        def so_far(stopped: str) -> Result:
            found.stopped = stopped
            return _told(model, machine, found, reduction, watch, notes, reduced=reduced)

        raise TooMany(so_far)
    return _told(model, machine, found, reduction, watch, notes, reduced=reduced)


def _told(
    model: Model,
    machine: PythonMachine,
    found: Exploration,
    reduction: Symmetry | None,
    watch: LimitWatch,
    notes: list[str],
    *,
    reduced: bool,
) -> Result:
    """What a search has found, and what liveness is on that. Raises EvaluationError."""
    telling = FailureExplainer(machine, found, reduction.canonical if reduction else None, _patience(watch))
    violation: Violation | None = None
    if found.failure is not None:
        if found.failure.problem is not None:
            raise telling.error(found.failure) from None
        violation = telling.violation(found.failure)
    if not found.states and not found.stopped and not found.bounds:
        raise nothing_begins(machine, found)
    complete = not found.stopped and not found.bounds and found.failure is None
    claims = liveness_claims(machine.module)
    liveness: tuple[PropertyReport, ...] = ()
    if claims:
        liveness, unhappened = _liveness(machine, found, watch, complete=complete)
        violation = violation or unhappened
    verdict, stopped = concluded(
        violation,
        found.stopped,
        notes,
        bounds=bool(found.bounds),
        live=bool(claims) and any(found.left_out),
        others=bool(found.properties),
    )
    if reduced and violation is not None:
        notes.append(NOT_SHORTEST)
    vacuous = _untested(machine, found, watch, representatives=reduction is not None, steps=not reduced)
    off = switched_off(model)
    return Result(
        model=machine.module.name,
        sizes={sort.__name__: size for sort, size in model.scope.sizes.items()},
        parameters=dict(model.scope.parameters),
        engine="reference",
        verdict=verdict,
        distinct=len(found.states),
        generated=found.generated,
        depth=len(found.levels),
        actions=tuple(
            ActionReport(a.name, fired, new, a.name in off)
            for a, fired, new in zip(machine.actions, found.fired, found.new, strict=True)
        ),
        properties=(*reports_of(found.properties, vacuous, violation, complete=complete), *liveness),
        bounds=tuple(
            BoundReport(what, action, times, span) for (what, action, span), times in found.bounds.items()
        ),
        constraints=tuple(
            ConstraintReport(c.name, times)
            for c, times in zip(machine.module.of_kind(Kind.CONSTRAINT), found.left_out, strict=True)
        ),
        symmetry=reduction.sorts if reduction else (),
        reduction=reduced,
        stopped=stopped,
        violation=violation,
        seconds=watch.seconds,
        memory=peak_memory(),
        out_degree=found.out_degree,
        notes=tuple(notes),
    )


def _patience(watch: LimitWatch) -> Callable[[], None]:
    """What ends the comparison of runs: the limits; where they are reached already, there is a little time all the same."""
    if not watch.over:
        return watch.tick
    return LimitWatch(Limits(seconds=A_LITTLE, memory=watch.limits.memory)).tick


def reports_of(
    properties: Iterable[Property], vacuous: Collection[str], violation: Violation | None, *, complete: bool
) -> Iterator[PropertyReport]:
    """What is claimed of states and steps, each with its own verdict: all hold of what was explored to the end unharmed."""
    for p in properties:
        violated = violation is not None and (violation.kind, violation.name) == (p.kind, p.name)
        verdict = Verdict.VIOLATED if violated else Verdict.HOLDS if complete else Verdict.UNDECIDED
        yield PropertyReport(p.kind, p.name, p.name in vacuous, p.span, verdict)


def _untested(
    machine: PythonMachine, found: Exploration, watch: LimitWatch, *, representatives: bool, steps: bool
) -> frozenset[str]:
    """What was never put to the test; nothing is said of it where there is no time to find out. There is always a little."""
    if watch.over or found.stopped == INTERRUPTED:
        watch = LimitWatch(Limits(seconds=A_LITTLE, memory=watch.limits.memory))
    try:
        with watch.enforced():
            return untested(machine, found, representatives=representatives, steps=steps, tick=watch.tick)
    except (KeyboardInterrupt, Reached):
        return frozenset()


def _liveness(
    machine: PythonMachine, found: Exploration, watch: LimitWatch, *, complete: bool
) -> tuple[tuple[PropertyReport, ...], Violation | None]:
    """Check the liveness claims, unless something was violated already or the limits allow no more."""
    check = LivenessCheck(machine, found, watch.tick)
    violation = None
    if found.failure is None and found.stopped != INTERRUPTED:
        try:
            watch.tick()
            with watch.enforced():
                violation = check.violation()
        except Reached as stop:
            found.stopped = found.stopped or str(stop)
        except KeyboardInterrupt:
            found.stopped = INTERRUPTED
    return check.reports(complete=complete and not any(found.left_out)), violation


def _no_symmetry(model: str, claim: Function) -> ModelError:
    return ModelError(
        f"symmetry cannot be used with {model}: `{claim.name}` is about whole runs, and a run through"
        " representatives need not be a run of the model, nor a fair one",
        span=claim.span,
        remedy="check without symmetry, or choose other claims",
    )


def concluded(
    violation: Violation | None,
    stopped: str | None,
    notes: list[str],
    *,
    bounds: bool,
    live: bool,
    others: bool,
) -> tuple[Verdict, str | None]:
    """The verdict, and why no more is known. A note is added if claims hold but those of liveness.

    `bounds`: steps that leave one were not taken; `live`: liveness is claimed, and a constraint left states out; `others`:
    something else is claimed.
    """
    if violation is not None:
        return Verdict.VIOLATED, stopped
    if live and others and not stopped and not bounds:
        notes.append(OTHERS_HOLD)
    why = stopped or (BEYOND_BOUNDS if bounds else None) or (BEYOND_CONSTRAINTS if live else None)
    return Verdict.UNDECIDED if why else Verdict.HOLDS, why


def nothing_begins(machine: PythonMachine, found: Exploration) -> ModelError:
    """The error of a model in which no initial state was found."""
    if not found.generated:
        return no_beginning(machine.module, None)
    first = next(i for i, n in enumerate(found.left_out) if n)
    return no_beginning(machine.module, machine.module.of_kind(Kind.CONSTRAINT)[first], found.generated)
