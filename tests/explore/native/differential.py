"""Native and reference exploration of one model, compared in everything that both report alike."""

from __future__ import annotations

from collections import Counter

from ratified.explore.native.engine import check_native
from ratified.explore.reference import check_reference
from ratified.language.errors import ModelError, Span
from ratified.language.model import Model
from ratified.results.errors import EvaluationError
from ratified.results.result import Limits, Result


class TooLarge(Exception):
    """More states than the test wants to see."""


def told(result: Result) -> dict[str, object]:
    """What engines must agree on."""
    left: Counter[tuple[str, str, Span | None]] = Counter()
    for bound in result.bounds:
        left[bound.what, bound.action, bound.span] += bound.times
    violation = result.violation
    return {
        "verdict": result.verdict,
        "distinct": result.distinct,
        "generated": result.generated,
        "depth": result.depth,
        "actions": result.actions,
        "out_degree": result.out_degree,
        "bounds": left,
        "constraints": [(c.name, c.times) for c in result.constraints],
        "vacuous": result.vacuous if result.violation is None else None,
        "violation": (violation.kind, violation.name, len(violation.trace)) if violation else None,
    }


def outcome(explore: object, model: Model, **options: object) -> dict[str, object]:
    """What an engine tells, an error included."""
    try:
        result = explore(model, progress=None, deadlock=False, **options)  # type: ignore[operator]  # an engine
    except EvaluationError as error:
        return {"error": len(error.trace) if error.trace else 0}
    except ModelError as error:
        if "no initial state" not in error.message and "cannot be used" not in error.message:
            raise
        return {"refused": error.message}
    if result.stopped and "limit" in result.stopped:
        raise TooLarge
    return told(result)


def differences(
    model: Model, most: int = 3000, flags: tuple[str, ...] = (), threads: int = 1, *, symmetry: bool = False
) -> list[str]:
    """What native and reference exploration say differently about a model."""
    expected = outcome(check_reference, model, limits=Limits(states=most), symmetry=symmetry)
    found = outcome(check_native, model, limits=Limits(), symmetry=symmetry, flags=flags, threads=threads)
    return [
        f"{what}: reference {expected.get(what)}, native {found.get(what)}"
        for what in sorted({*expected, *found})
        if expected.get(what) != found.get(what)
    ]
