"""One generated model, explored by us and by TLC."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ratified.models.language.errors import RatifiedError
from ratified.proofs.explore import check
from ratified.proofs.explore.counterexample import EvaluationError
from ratified.proofs.explore.native.codegen.shapes import Unsupported
from ratified.proofs.explore.result import Limits, Verdict
from ratified.proofs.tla import compare, export, timed, tlc
from ratified.proofs.tla.tlc import Tlc
from tests.generate.models import random_model
from tests.generate.running import load

STATES_MOST = 400
SECONDS_MOST = 120


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a seed: agrees, disagrees, undecided, too large, or refused by the language; and what we found."""

    seed: int
    what: str
    found: str
    told: str


def held(seed: int, tool: Tlc, folder: Path) -> Outcome:
    """The model of a seed, held against TLC."""
    try:
        model = load(random_model(seed), folder)
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
    exported = export(model)
    found = compare(model, exported, ours, tlc.run(tool, exported.files, exported.name, seconds=SECONDS_MOST))
    word = {Verdict.HOLDS: "agrees", Verdict.VIOLATED: "disagrees", Verdict.UNDECIDED: "undecided"}
    kind = "error" if isinstance(ours, EvaluationError) else "holds"
    if not isinstance(ours, EvaluationError) and ours is not None and ours.violation:
        kind = "violated"
    told = "; ".join([*found.differences, found.undecided]).strip("; ")
    return Outcome(seed, word[found.verdict], kind, f"{seed}: {told}" if told else "")
