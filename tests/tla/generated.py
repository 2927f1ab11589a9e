"""One generated model, explored by us and by TLC."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ratified.explore import check
from ratified.explore.native.codegen.shapes import Unsupported
from ratified.language.errors import RatifiedError
from ratified.results.errors import EvaluationError
from ratified.results.result import Limits, Verdict
from ratified.tla import export, timed
from tests.generate.claiming import claiming_model
from tests.generate.running import load
from tests.tla.service import Service

STATES_MOST = 400
SECONDS_MOST = 120


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a seed: agrees, disagrees, undecided, too large, or refused by the language.

    `found` is what we found: holds, error, no state, or the kind of claim that is violated.
    """

    seed: int
    what: str
    found: str
    told: str


def held(seed: int, service: Service, folder: Path) -> Outcome:
    """The model of a seed, held against TLC."""
    try:
        model = load(claiming_model(seed), folder)
    except RatifiedError:
        return Outcome(seed, "refused", "", "")
    # One in four by the native engine, whose compiler takes a moment.
    engine = "native" if seed % 4 == 3 else "reference"
    try:
        ours, _ = timed(check, model, limits=Limits(states=STATES_MOST), engine=engine)
    except Unsupported:
        return Outcome(seed, "refused", "", "")
    if not isinstance(ours, EvaluationError) and ours is not None and ours.stopped:
        return Outcome(seed, "too large", "", "")
    found = service.compared(model, export(model), ours, SECONDS_MOST)
    word = {Verdict.HOLDS: "agrees", Verdict.VIOLATED: "disagrees", Verdict.UNDECIDED: "undecided"}
    kind = "error" if isinstance(ours, EvaluationError) else "holds" if ours is not None else "no state"
    if not isinstance(ours, EvaluationError) and ours is not None and ours.violation:
        kind = ours.violation.kind.value
    told = "; ".join([*found.differences, found.undecided]).strip("; ")
    return Outcome(seed, word[found.verdict], kind, f"{seed}: {told}" if told else "")
