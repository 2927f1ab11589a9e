"""What would have made a long run shorter, told at its end.

Guarantees: a hint never changes a verdict or a count, and whether there is one depends on the model and on how far it was
explored, not on time.
"""

from __future__ import annotations

import math
from dataclasses import replace

from ratified.explore.liveness import liveness_claims
from ratified.explore.symmetry import MOST_PERMUTATIONS, interchangeable
from ratified.language.model import Model
from ratified.language.types import SortType
from ratified.results.result import Result
from ratified.results.words import listed

MANY = 1_000_000
"""States that take long."""

SOME = 20_000
"""States of a run that was stopped: with fewer, it was meant to be short."""


def with_hint(found: Result, model: Model) -> Result:
    """What was found without symmetry, with a note if symmetry would have made it shorter."""
    long = found.distinct >= (SOME if found.stopped else MANY)
    hint = symmetry_hint(model) if long and found.violation is None else None
    return replace(found, notes=(*found.notes, hint)) if hint else found


def symmetry_hint(model: Model) -> str | None:
    """Which sorts could be explored with symmetry, and what that would save; None if there are none."""
    times, sorts = 1, []
    for sort in sorted(interchangeable(model), key=lambda s: s.__name__):
        orders = math.factorial(model.scope.sizes[sort])
        if times * orders <= MOST_PERMUTATIONS:
            times *= orders
            sorts.append(sort)
    if not sorts:
        return None
    plain = [s.__name__ for s in sorts if not SortType(s).symmetric]
    declare = f"declare {listed(plain)} Symmetric and " if plain else ""
    names = listed([s.__name__ for s in sorts])
    how = (
        "check the claims other than liveness with symmetry (--claim NAME --symmetry)"
        if liveness_claims(model.module)
        else "check with symmetry (--symmetry)"
    )
    return (
        f"nothing in the model distinguishes the values of {names}: {declare}{how}, "
        f"for up to {times:,} times fewer states"
    )
