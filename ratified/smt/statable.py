"""All that keeps a model from being stated for every size, as one error: each with its place and what to write."""

from __future__ import annotations

from collections.abc import Sequence

from ratified.language.errors import ModelError
from ratified.smt.first_order.shapes import Inexpressible

SO = "cannot be proved for every size"


def together(name: str, found: Sequence[Inexpressible]) -> ModelError:
    """One error that tells all of them."""
    if len(found) == 1:
        return found[0]

    def line(problem: Inexpressible) -> str:
        what = problem.message.removesuffix(f" {SO}")
        return (
            f"{problem.span}: {what}\n    {problem.remedy}"
            if problem.span
            else f"{what}\n    {problem.remedy}"
        )

    whole = ModelError(f"{len(found)} things in {name} {SO}", remedy="\n  ".join(map(line, found)))
    whole.others = tuple(found)
    return whole
