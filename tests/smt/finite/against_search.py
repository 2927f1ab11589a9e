"""Bounded model checking and k-induction held to an exhaustive search of the same model by the reference engine.

`judged(model)` raises Disagreement where they cannot both be right; what it returns says what they agree on.
"""

from __future__ import annotations

from dataclasses import dataclass

from ratified.explore import check
from ratified.language.errors import ModelError, RatifiedError
from ratified.language.ir import Kind
from ratified.language.model import Model
from ratified.results.errors import EvaluationError
from ratified.results.result import Limits, Verdict
from ratified.smt.finite.bounded import bounded
from ratified.smt.finite.symbolic import CircuitTooLarge
from tests.generate.agreement import Disagreement

DEPTH = 4
STATES = 400
SECONDS = 20.0

NO_ANSWER = "no answer"
NO_BEGINNING = "no beginning"


@dataclass(frozen=True, slots=True)
class Said:
    """What an engine says: a verdict or an error in a word, and the number of states of the run that shows it."""

    word: str
    length: int | None = None


def judged(model: Model, *, deadlock: bool = False) -> str:
    """Return what both say of a model, or why they were not compared: "large", "refused", "no claims", "time"."""
    safety = [f.name for kind in (Kind.INVARIANT, Kind.STEP_INVARIANT) for f in model.module.of_kind(kind)]
    if not safety and not deadlock:
        return "no claims"
    searched, whole = _searched(model.claiming(safety), deadlock)
    if not whole:
        return "large"
    for induction in (False, True):
        try:
            found = _bounded(model, deadlock, induction=induction)
        except CircuitTooLarge:
            return "refused"
        if found is None:
            return "time"
        _compare(searched, found, induction=induction)
    return searched.word


def _compare(searched: Said, found: Said, *, induction: bool) -> None:
    """Within the depth both say the same; beyond it the solver says nothing that is not so."""
    how = "k-induction" if induction else "bmc"
    within = searched.length is not None and searched.length <= DEPTH + 1
    if found == searched:
        return
    undecided = found.word == Verdict.UNDECIDED.value
    if undecided and not within and searched.word != NO_BEGINNING:
        return
    raise Disagreement(f"search {searched}, {how} {found}")


def _searched(model: Model, deadlock: bool) -> tuple[Said, bool]:
    """What the search says, and whether it came to its end."""
    try:
        found = check(model, engine="reference", deadlock=deadlock, limits=Limits(states=STATES))
    except EvaluationError as error:
        return Said(NO_ANSWER, len(error.trace) if error.trace else 0), True
    except ModelError as error:
        return _error(error), True
    length = len(found.violation.trace) if found.violation else None
    return Said(found.verdict.value, length), found.stopped is None or "states" not in found.stopped


def _bounded(model: Model, deadlock: bool, *, induction: bool) -> Said | None:
    """What the solver says; None if it had not the time."""
    try:
        found = bounded(model, DEPTH, induction=induction, deadlock=deadlock, limits=Limits(seconds=SECONDS))
    except EvaluationError as error:
        return Said(NO_ANSWER, len(error.trace) if error.trace else 0)
    except CircuitTooLarge:
        raise
    except ModelError as error:
        return _error(error)
    except RatifiedError as error:
        raise Disagreement(str(error)) from None
    if found.stopped is not None:
        return None
    return Said(found.verdict.value, len(found.violation.trace) if found.violation else None)


def _error(error: ModelError) -> Said:
    return Said(NO_BEGINNING if "no initial state" in error.message else error.message)
