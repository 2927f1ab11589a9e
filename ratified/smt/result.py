"""What a proof found: a cell for each obligation, and the verdict of all.

Guarantees: values only; HOLDS only if every obligation was refuted by the solver, VIOLATED only if one has a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from ratified.language.claims import Unchecked
from ratified.language.errors import Span
from ratified.results.result import Decided, State, Verdict
from ratified.smt.certificate.making import Certificates
from ratified.smt.first_order.concrete import FalsePart
from ratified.smt.first_order.obligations import Part


class Status(Enum):
    """The status of an obligation."""

    PROVED = "proved"
    FAILED = "failed"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A counterexample to an obligation, the smallest found; for consecution, a counterexample to induction.

    `before` is None for an initial state; `after` is None if a goal is false in one state. `confirmed` says that CPython
    takes this step (None if it cannot be tried).
    """

    sizes: Mapping[str, int]
    parameters: Mapping[str, object]
    arguments: Mapping[str, object]
    before: State | None
    after: State | None
    false_part: FalsePart | None
    confirmed: bool | None


@dataclass(frozen=True, slots=True)
class Opinion:
    """One solver's answer, and its processor time."""

    solver: str
    answer: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Cell:
    """An obligation and its result."""

    name: str
    part: Part
    claim: str
    action: str | None
    says: str
    status: Status
    opinions: tuple[Opinion, ...]
    why: str = ""
    counterexample: Counterexample | None = None

    @property
    def seconds(self) -> float:
        """Processor time of the solvers."""
        return sum(o.seconds for o in self.opinions)

    @property
    def contradicted(self) -> bool:
        """Whether one solver found a model and another found that there is none."""
        answers = {o.answer for o in self.opinions}
        return {"sat", "unsat"} <= answers


@dataclass(frozen=True, slots=True)
class Held:
    """How the formulas of a proof were compared with CPython: sizes, states, steps (and disabled choices), values of claims.

    `explored` states are reachable from the initial states of `beginnings` of the `tried` sizes; at `outside` of them every
    initial state exceeds a bound. `refuted` is a claim that is false in a reachable state, and the size. `left_out` says what
    could not be compared, and why; `cut_short`, which limit ended the comparison before its end, if one did.
    """

    sizes: int
    states: int
    steps: int
    disabled: int
    claims: int
    explored: int
    beginnings: int
    outside: int
    tried: int
    refuted: tuple[str, str] | None
    left_out: tuple[str, ...]
    cut_short: str = ""


@dataclass(frozen=True, slots=True)
class Proof(Decided):
    """The result of a proof. If everything was proved, `held` says what its formulas were compared with.

    `certificates` are those written, if requested; `assumes` is what the script assumes beyond its model, with places;
    `unchecked` are claims of kinds that are not proved, `vacuous` those that do not depend on the state, with places.
    """

    name: str
    model: str
    lemmas: tuple[str, ...]
    goals: tuple[str, ...]
    actions: tuple[str, ...]
    cells: tuple[Cell, ...]
    notes: tuple[str, ...]
    cycles: tuple[str, ...]
    solvers: tuple[str, ...]
    seconds: float
    held: Held | None = None
    certificates: Certificates | None = None
    unchecked: tuple[Unchecked, ...] = ()
    assumes: Mapping[str, Span] = field(default_factory=dict)
    vacuous: Mapping[str, Span] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """HOLDS: every goal, at every size. VIOLATED: an obligation is false. UNDECIDED: a solver found no answer."""
        found = {c.status for c in self.cells}
        if Status.FAILED in found:
            return Verdict.VIOLATED
        return Verdict.UNDECIDED if Status.UNDECIDED in found else Verdict.HOLDS

    @property
    def solving(self) -> float:
        """Processor time of the solvers, for all obligations together."""
        return sum(c.seconds for c in self.cells)

    def of(self, status: Status) -> tuple[Cell, ...]:
        """The cells with this status."""
        return tuple(c for c in self.cells if c.status is status)
