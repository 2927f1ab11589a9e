"""Facts: what an obligation says, each with its part in the argument, which is set where the fact is made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from ratified.smt.terms import FALSE, Term


class Role(Enum):
    """What a fact is for."""

    GIVEN = "an axiom, an assumption, a bound or a definition: true whatever the state"
    SIZES = (
        "likewise, of how many elements the sets of a sort have: where elements are counted, it is no news"
    )
    TURNS = (
        "likewise, of what is worked out place after place: it matters where something else speaks of that"
    )
    ADDED = "likewise, of how what a sum comes to is worked out"
    HYPOTHESIS = "a lemma, true before the step"
    TAKEN = "a step is taken"
    CONCLUSION = "the negation of what is to be shown"


@dataclass(frozen=True, slots=True)
class Fact:
    """A formula that a script asserts, and what it states, in words.

    It is `about` a lemma (a hypothesis), or about a symbol (an axiom). What is `rare` is needed by few proofs and costs solvers
    much.
    """

    says: str
    formula: Term
    role: Role = Role.GIVEN
    about: str = ""
    rare: bool = False


def refuted_at_once(facts: Iterable[Fact]) -> bool:
    """Whether no solver needs to be asked: one of the facts is plainly false."""
    return any(f.formula == FALSE for f in facts)


def resting_on(facts: Iterable[Fact]) -> list[str]:
    """The lemmas that are taken as hypotheses."""
    return [f.about for f in facts if f.role is Role.HYPOTHESIS]
