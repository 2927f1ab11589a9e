"""Whether a model can begin at all, at some size: of one that cannot, everything would be true.

Guarantees: what a solver finds unsatisfiable is told as `check` tells it, as a model without an initial state (an error), or as
one whose init leaves a bound (undecided: of what is beyond it nothing is known), with the bound and its place.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

from ratified.language.errors import ModelError
from ratified.language.ir import Kind
from ratified.language.model import Model
from ratified.smt.attempts import SEARCH, SMALL, SolverEffort
from ratified.smt.facts import Fact
from ratified.smt.first_order import small
from ratified.smt.first_order.context import Failing
from ratified.smt.first_order.obligations import Part, Translation
from ratified.smt.result import Cell, Status
from ratified.smt.smtlib import script
from ratified.smt.solving import Job, SolverAnswer
from ratified.smt.terms import TRUE
from ratified.smt.validation.sampling import instances, sizes_of
from ratified.smt.validation.validate import left_by_init


@dataclass(slots=True)
class Beginning:
    """Whether there is an initial state at some size. Without one, everything would be true of all of them."""

    name: ClassVar[str] = "there is an initial state"
    facts: list[Fact]
    assumed: list[Fact]
    how: SolverEffort
    cls: type[Model]
    tried: int = 0
    answer: str = ""
    never: bool | None = None
    """Whether what is assumed is true at no size."""
    ended: bool = False
    why: str = ""

    def begin(self) -> list[Job]:
        """Return the first questions; none if there is nothing to ask."""
        if all(f.formula == TRUE for f in self.facts):
            self.answer = "sat"
            return []
        return [self._job()]

    def _job(self) -> Job:
        title = f"{self.name}\nIt is so if there is a model: the answer is to be sat."
        if self.tried == len(SMALL):
            return Job(id(self), "z3", script(title, self.facts), self.how.timeout)
        sizes = dict.fromkeys(small.sorts_of_facts(self.facts), SMALL[self.tried])
        asked = small.at_sizes(title, self.facts, sizes, values=False, near=False)
        return Job(id(self), asked.solver, asked.text, self.how.timeout, SEARCH)

    def heard(self, answer: SolverAnswer) -> list[Job]:
        """Return the next questions after an answer; none if that was the last one."""
        if self.never is not None:
            self.never = answer.verdict == "unsat"
            return []
        self.answer = answer.verdict
        self.tried += 1
        if answer.verdict == "sat" or self.tried > len(SMALL):
            self.never = False
            title = (
                "what is assumed is true at some size\nIt is so if there is a model: the answer is to be sat."
            )
            job = Job(id(self), "z3", script(title, self.assumed), self.how.timeout)
            return [job] if answer.verdict == "unsat" and self.assumed else []
        return [self._job()]

    def cells(self, translation: Translation) -> list[Cell]:
        """None if there is one; an open one if that is not known, or init leaves a bound. Raises ModelError if there is none."""
        if self.answer == "sat":
            return []
        module = translation.module
        raises = translation.steps.initial(translation.state)[0].demanded(Failing.ERROR)
        if self.answer == "unsat" and not raises:
            if left := beyond_bounds(self.cls):
                return [left]
            init, assumed = module.functions.get("init"), module.of_kind(Kind.ASSUMPTION)
            what = [f"the assumption {f.name}" for f in assumed]
            if self.never:
                raise ModelError(
                    f"the assumptions of {module.name} hold at no size: nothing can be proved of it",
                    span=assumed[0].span,
                    remedy=f"weaken {' or '.join(what)}",
                )
            what[:0] = ["what init requires"] if init else []
            raise ModelError(
                f"{module.name} has no initial state, at any size: nothing can be proved of it",
                span=init.span if init else assumed[0].span if assumed else module.span,
                remedy=f"weaken {' or '.join(what)}"
                if what
                else "give its variables initial values within their types",
            )
        none = self.why or f"none was found with up to {SMALL[-1]} values of each sort"
        return [no_beginning("init may raise" if raises else none)]


def no_beginning(why: str) -> Cell:
    """Return the cell that says that no initial state is known."""
    says = "there is an initial state at some size"
    return Cell("a beginning / init", Part.INITIATION, "a beginning", None, says, Status.UNDECIDED, (), why)


def beyond_bounds(cls: type[Model]) -> Cell | None:
    """Return the cell that says which bound init leaves, if CPython leaves one at a small size in every initial state."""
    for sizes in sizes_of(cls):
        for model in instances(cls, sizes, random.Random(0)):  # noqa: S311  # of parameters' values
            if (left := left_by_init(model)) is not None:
                where = f", at {left.span}" if left.span else ""
                return no_beginning(f"every initial state exceeds a bound: {left.what}, in init{where}")
    return None
