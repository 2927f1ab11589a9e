"""Whether a model can be stated for every size, construct by construct, before there is any lemma of it.

Guarantees: everything is told that is refused, each where it stands and with what to write, but for what comes after a statement
that is refused as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence

from ratified.language.errors import ModelError
from ratified.language.model import Model
from ratified.smt.first_order.obligations import Translation
from ratified.smt.first_order.shapes import Inexpressible
from ratified.smt.script import ProofScript

SO = "cannot be proved for every size"


def refusals(cls: type[Model]) -> list[Inexpressible]:
    """What keeps a model from being stated for every size; nothing if it can be.

    Raises:
        ModelError: the model is none.
    """
    module = cls.module
    try:
        return Translation(ProofScript(module.name, module, (), ())).refusals()
    except Inexpressible as problem:
        return [problem]


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
