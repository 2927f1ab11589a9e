"""A model explored by us and, in TLA+, by TLC, and whether both say the same.

Guarantees: they agree only if both came to an end and are alike in all that both tell. Where all is visited, that is the number
of distinct states and the depth. Where a claim fails it is the length of the counterexample, the run that TLC shows being one of
the model's, and the claim: TLC's must be false at the end of its run, and ours there too, or TLC finds it false when it is asked
about that one alone. Where something has no value it is the length of the run, if TLC shows it, and what is wrong at its end, by
kind. Whatever ran out makes the answer undecided; what TLC cannot read is never an agreement.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ratified.language import ir
from ratified.language.claims import not_checked
from ratified.language.errors import ModelError, RatifiedError
from ratified.language.ir import Function
from ratified.language.model import Model
from ratified.language.uses import nodes
from ratified.results.errors import EvaluationError
from ratified.results.result import BEYOND_BOUNDS, PropertyKind, Result, Trace, Verdict
from ratified.tla.limits import too_large
from ratified.tla.module import Export, export
from ratified.tla.replay import errors_at_end, false_at_end, false_for_ever, follow
from ratified.tla.tlc import TlcResult

OurResult = Result | EvaluationError | None
"""What we find: None if the model has no initial state."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both sides say. `differences` are sentences; `undecided` says what keeps us from comparing, if anything does.

    `ask_about` is a claim that TLC has to be asked about alone before both can be compared.
    """

    ours: OurResult
    theirs: TlcResult
    differences: tuple[str, ...] = ()
    undecided: str = ""
    trace: Trace | None = None
    ask_about: str = ""

    @property
    def verdict(self) -> Verdict:
        """Holds if they agree, violated if they do not."""
        if self.differences:
            return Verdict.VIOLATED
        return Verdict.UNDECIDED if self.undecided else Verdict.HOLDS


def why_not(model: Model, ours: OurResult) -> str:
    """Why TLC need not be asked, if it cannot be compared with what we found; else empty."""
    if isinstance(ours, Result) and ours.stopped and ours.stopped != BEYOND_BOUNDS:
        return f"the exploration stopped: {ours.stopped}"
    if (large := too_large(model)) is not None:
        number, span = large
        place = f"{span}: " if span else ""
        return f"{place}TLC has integers of 32 bits, and {number} does not fit"
    return ""


def crosscheck(
    model: Model, exported: Export, ours: OurResult, ask: Callable[[Export], TlcResult]
) -> Agreement:
    """Have TLC explore what was exported (`ask`), and hold what we found against what it finds."""
    if why := why_not(model, ours):
        return Agreement(ours, TlcResult("unfinished", message=f"{why} (TLC was not asked)"), undecided=why)
    found = compare(model, exported, ours, ask(exported))
    if found.ask_about:
        one = model.claiming((found.ask_about,))
        again = export(one, symmetry=exported.symmetric)
        found = compare(one, again, ours, ask(again))
    return found


def compare(model: Model, exported: Export, ours: OurResult, theirs: TlcResult) -> Agreement:
    """Hold what we found against what TLC found."""
    found = Agreement(ours, theirs)
    if exported.unchecked:
        return replace(found, undecided=not_checked("TLC", exported.unchecked))
    if why := _undecided(model, ours, theirs):
        return replace(found, undecided=why)
    if theirs.kind == "unread":
        return _differ(found, f"TLC rejects the exported module: {theirs.message}")
    if theirs.kind == "constant" and (ours is None or (isinstance(ours, Result) and not ours.distinct)):
        return found  # an invariant that no state satisfies, and no state
    mine = _in_a_word(ours)
    if {mine, theirs.verdict} == {"error", "violated"} and _in_one_state(model, exported, ours, theirs):
        why = "a claim fails and something has no value in the same state; compare one at a time with --claim"
        return replace(found, undecided=why)
    if mine != theirs.verdict:
        said = {"holds": "no violation", "violated": "a violation", "error": "an error"}
        told = f": {theirs.message}" if theirs.verdict == "error" else ""
        return _differ(found, f"Ratified finds {said[mine]}, TLC {said[theirs.verdict]}{told}")
    if isinstance(ours, EvaluationError):
        return _errors(found, model, exported, ours)
    if mine == "violated" and isinstance(ours, Result):
        return _violations(found, model, exported, ours)
    return _differ(found, *_counts(ours, theirs))


def _in_one_state(model: Model, exported: Export, ours: OurResult, theirs: TlcResult) -> bool:
    """Whether a claim fails, and something has no value, at the end of TLC's run, which is as long as ours."""
    run = ours.violation.trace if isinstance(ours, Result) and ours.violation else None
    run = ours.trace if isinstance(ours, EvaluationError) else run
    if run is None or len(run) != len(theirs.states):
        return False
    try:
        trace = follow(model, exported, theirs)
    except RatifiedError:
        return False
    return bool(false_at_end(model, trace)) and any(True for _ in errors_at_end(model, trace))


def _differ(found: Agreement, *differences: str) -> Agreement:
    return replace(found, differences=(*found.differences, *differences))


def _in_a_word(ours: OurResult) -> str:
    if isinstance(ours, EvaluationError):
        return "error"
    return "violated" if ours is not None and ours.violation is not None else "holds"


# --- what cannot be compared ----------------------------------------------------------------------------------------------


def _undecided(model: Model, ours: OurResult, theirs: TlcResult) -> str:
    """Why both cannot be compared, if they cannot."""
    if theirs.verdict == "unfinished":
        return theirs.message
    if why := why_not(model, ours):
        return why
    if theirs.kind == "limit":
        return f"TLC cannot evaluate the model: {theirs.message}"
    if "Temporal formula is a tautology" in theirs.message:
        return "TLC wrongly reports a liveness property as a tautology, as it does with very many fairness conditions"
    if "trivially false" in theirs.message:
        return "TLC does not check a refinement where there is no initial state"
    if theirs.kind == "unread":
        return ""
    if isinstance(ours, EvaluationError):
        return _undecided_error(model, ours, theirs)
    if isinstance(ours, Result) and (name := _of_no_change(ours)):
        return (
            f"{name} fails on a stuttering step, and [][P]_vars in TLA+ says nothing about stuttering steps"
        )
    if isinstance(ours, Result) and ours.stopped and theirs.kind == "liveness":
        return (
            "steps beyond a declared bound are not taken, which leaves liveness undecided; "
            "TLC checks it as if there were no such steps"
        )
    return ""


def _undecided_error(model: Model, ours: EvaluationError, theirs: TlcResult) -> str:
    if ours.past_bound:
        return f"in {ours.function}: {ours.message}; TLC does not check bounds there"
    other = theirs.verdict != "error" or (theirs.states and len(theirs.states) != len(ours.trace or ()))
    if other and _may_not_be_needed(model, ours):
        return (
            "the error is in a value that may never be needed, and TLC evaluates only what is needed; "
            f"correct the model first: {ours.message}"
        )
    return ""


def _of_no_change(ours: Result) -> str:
    """The step invariant that a step violates which changes nothing, if one does."""
    violation = ours.violation
    if violation is None or violation.kind is not PropertyKind.STEP_INVARIANT:
        return ""
    before, after = violation.trace.states[-2:]
    return violation.name if before == after else ""


def _may_not_be_needed(model: Model, error: EvaluationError) -> bool:
    """Whether an error is in a value that is computed before it is known to be needed, directly or in a function called there.

    Such are what a statement gives a name, a variable or a procedure, what a function is called with, and the elements of what a
    comprehension makes: TLA+ computes each when, and if, it is wanted.
    """
    functions = model.module.functions
    lazy: set[str] = set()
    while True:
        values = [v for f in functions.values() for v in _lazy_values(f, whole=f.key in lazy)]
        called = {n.function for v in values for n in ir.walk(v) if isinstance(n, ir.Call)}
        if called <= lazy:
            return any(n.span == error.span for v in values for n in ir.walk(v) if isinstance(n, ir.Node))
        lazy |= called


def _lazy_values(function: Function, *, whole: bool) -> Iterator[ir.Node | ir.Clause]:
    if whole:
        yield from function.body
    for node in nodes(function):
        match node:
            case ir.Let(_, _, value) | ir.Store(_, _, _, value, _):
                yield value
            case ir.Do(_, _, arguments) | ir.Call(_, _, _, arguments, _):
                yield from arguments
            case ir.Collect(_, _, "set" | "seq" | "bag" | "map", element, _):
                yield element


# --- what is alike --------------------------------------------------------------------------------------------------------


def _counts(ours: OurResult, theirs: TlcResult) -> list[str]:
    distinct, depth = (ours.distinct, ours.depth) if isinstance(ours, Result) else (0, 0)
    found = []
    if theirs.distinct != distinct:
        found.append(f"Ratified counts {distinct:,} distinct states, TLC {theirs.distinct or 0:,}")
    if theirs.depth != depth and distinct:
        found.append(f"the depth is {depth} in Ratified, {theirs.depth or 0} in TLC")
    return found


def _violations(found: Agreement, model: Model, exported: Export, ours: Result) -> Agreement:
    violation, theirs = ours.violation, found.theirs
    assert violation is not None
    claim = exported.claims.get(theirs.violated, "")
    live = violation.kind is PropertyKind.LIVENESS
    if theirs.kind == "constant":  # an invariant that no state can satisfy: TLC does not begin
        if len(violation.trace) > 1:
            return _differ(
                found, f"TLC finds {claim} false in every state, but Ratified's counterexample has steps"
            )
        return found if claim == violation.name else _of_another(found, violation.name, {claim})
    if live != (theirs.kind == "liveness"):
        return _differ(found, f"Ratified finds {violation.name} violated, TLC {claim or theirs.kind}")
    if not live and len(violation.trace) != len(theirs.states):
        found = _differ(
            found, f"Ratified's counterexample has {len(violation.trace)} states, TLC's {len(theirs.states)}"
        )
    try:
        trace = follow(model, exported, theirs)
    except RatifiedError as problem:
        return _differ(found, f"TLC's run is not a run of the model: {problem.message}")
    found = replace(found, trace=trace)
    false = false_for_ever(model, trace) if live else false_at_end(model, trace)
    if ours.symmetry and theirs.kind != "invariant":
        false |= {claim}  # its last state may be a renamed one, and the last step then none of the model's
    # Of a refinement that fails in an initial state TLC names the other module's Init, and no claim.
    if not false or (not live and claim and claim not in false):
        told = claim or theirs.violated or "a claim"
        return _differ(found, f"TLC reports that its run violates {told}, but it does not")
    return found if found.differences else _of_another(found, violation.name, false)


def _of_another(found: Agreement, name: str, false: set[str]) -> Agreement:
    """Whether our claim is among those that TLC's run shows to be false; if not, TLC has to be asked about it."""
    if name in false:
        return found
    others = ", ".join(sorted(false))
    why = f"Ratified finds {name} violated, and TLC {others} in another state; compare one at a time with --claim"
    return replace(found, undecided=why, ask_about=name)


def _errors(found: Agreement, model: Model, exported: Export, ours: EvaluationError) -> Agreement:
    theirs = found.theirs
    kind = _kind_of_theirs(theirs.message)
    if not theirs.states:  # TLC shows no run; but it names what it was computing
        if _kind_of_ours(ours) != kind:
            return _differ(found, f"Ratified finds the error: {ours.message}; TLC: {theirs.message}")
        if exported.operators.get(ours.function) in theirs.within or not theirs.within:
            return found
        where = ", ".join(theirs.within)
        return replace(found, undecided=f"Ratified finds an error in {ours.function}, TLC in {where}")
    length = len(ours.trace) if ours.trace else 0
    if length != len(theirs.states):
        return _differ(
            found, f"Ratified finds an error after {length} states, TLC after {len(theirs.states)}"
        )
    try:
        trace = follow(model, exported, theirs)
    except RatifiedError as problem:
        return _differ(found, f"TLC's run is not a run of the model: {problem.message}")
    errors = list(errors_at_end(model, trace))
    if kind not in {_kind_of_ours(error) for error in errors}:
        told = errors[0].message if errors else "none"
        return _differ(
            found, f"TLC finds the error: {theirs.message}; at the end of its run Ratified finds: {told}"
        )
    return replace(found, trace=trace)


def _kind_of_ours(error: ModelError) -> str:
    for words, kind in _KINDS.items():
        if words in error.message and "NoneType" not in error.message:
            return kind
    return "absent"


_KINDS = {
    "division by zero": "division",
    "modulo by zero": "division",
    "the assertion is false": "assertion",
    "has no attribute": "no value",
    "does not assign": "no value",
    "has no value yet": "no value",
}


def _kind_of_theirs(message: str) -> str:
    """The kind of an error of TLC: what is absent is an element, a key, a position, a field of what has none."""
    if re.search(r"argument of (\\div|%) ", message):
        return "division"
    if "the assertion in line" in message:
        return "assertion"
    return "no value" if 'has no value"' in message else "absent"


def timed(explore: object, *arguments: object, **options: object) -> tuple[OurResult, float]:
    """An exploration's outcome, an error included, and its seconds."""
    began = time.perf_counter()
    found: OurResult
    try:
        found = explore(*arguments, **options)  # type: ignore[operator]  # an engine
    except EvaluationError as error:
        found = error
    except ModelError as error:
        if "no initial state" not in error.message:
            raise
        found = None
    return found, time.perf_counter() - began
