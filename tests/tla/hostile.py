"""One small model under names that TLA+, its modules, its configurations and the exporter's own text have uses for.

`hostile_model(seed)` gives its file's text and what everything is called. The names do not matter, so that every seed has the
same states and the same counterexample.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

_KEYWORDS = """
    ACTION ASSUME AXIOM BOOLEAN BY CASE CHOOSE CONSTANT CONSTANTS DEF DEFINE DOMAIN ELSE ENABLED EXCEPT EXTENDS FALSE
    HAVE HIDE IF IN INSTANCE LAMBDA LEMMA LET LOCAL MODULE NEW OBVIOUS OMITTED ONLY OTHER PICK PROOF PROVE QED
    RECURSIVE STATE STRING SUBSET SUFFICES TAKE TEMPORAL THEN THEOREM TRUE UNCHANGED UNION USE VARIABLE VARIABLES
    WITH WITNESS WF_vars SF_x
"""
_STANDARD = """
    Nat Int Real Infinity Len Append Head Tail SubSeq SelectSeq IsFiniteSet Cardinality Print PrintT Assert TLCGet
    TLCEval Permutations SortSeq RandomElement Any ToString BagToSet SetToBag BagIn EmptyBag CopiesIn BagUnion SubBag
    BagCardinality Naturals Integers Reals Sequences FiniteSets Bags TLC RealTime Randomization RandomSubset Strings
    TransitiveClosure Json IOUtils TLCExt SequencesExt
"""
_CONFIGURATION = """
    INVARIANT INVARIANTS PROPERTY PROPERTIES INIT NEXT VIEW SYMMETRY SPECIFICATION CONSTRAINT CONSTRAINTS TYPE
    TYPE_CONSTRAINT ACTION_CONSTRAINT ALIAS POSTCONDITION CHECK_DEADLOCK
"""
_OWN = """
    Init Next Spec vars TypeOK Symmetry None_ Max Min Abs Sum Sorted Lower Flattened Singles Numbers Replaced FirstIn
    Majorities BoundedSeq KeyOfE KeyOfX x k s S n T f y j c B X E A o div upto one seq items after before end item
    possible done value found pair new_x in_bounds x_always x_for_all ESeq MaxE e1 E1 x1 nothing type kind tag
"""
LETTERS = ["ω", "Ω", "é", "ue9", "u3c9", "日本", "_x", "_E", "_1", "x_", "x__", "E_"]
POOL = [*f"{_KEYWORDS} {_STANDARD} {_CONFIGURATION} {_OWN}".split(), *LETTERS]

STATES, DEPTH, FALSE_AFTER = 34, 4, 4
"""What the model has under any names without the claim that fails, and the length of the counterexample to that."""


@dataclass(frozen=True, slots=True)
class Hostile:
    """A model's file: its text, the class, the sorts by what they are, and the claim that is false."""

    text: str
    name: str
    sizes: dict[str, int]
    false: str


def hostile_model(seed: int) -> Hostile:
    """The model of a seed."""
    pick = random.Random(seed)  # nothing is secret here
    # What the file, the class, a record, an enum and a function name is told apart within each; else all may meet.
    public = [name for name in POOL if not name.startswith("_")]
    top = _some(pick, "sym plain order enum r q model abstract", public)
    inside = [name for name in POOL if name not in top.values()]
    own = _some(pick, "p v1 v2 v3 v4 v5 v6 a1 a2 a3 claim false step bound many h c seen", inside)
    local = _some(pick, "i g1 g2 g3 l1 l2 l3 l4 l5 b1 b2", inside)
    fields = _some(pick, "f1 f2 f3", [*POOL, "Range", "Set"])
    members = _some(pick, "m1 m2", public)
    names = {**top, **own, **local, **fields, **members}
    sizes = {top["sym"]: 2, top["plain"]: 2, top["order"]: 2}
    return Hostile(TEMPLATE.format(**names), top["model"], sizes, own["false"])


def _some(pick: random.Random, wanted: str, pool: Iterable[str]) -> dict[str, str]:
    places = wanted.split()
    return dict(zip(places, pick.sample(sorted(set(pool)), len(places)), strict=True))


TEMPLATE = '''"""A file that says *) and (* and (* of itself."""

from enum import Enum
from typing import Annotated, Self

from ratified import (
    AtMost, Map, Model, Ordered, Param, Range, Seq, Set, Sort, Symmetric, action, constraint, invariant, record, refines,
    require, step_invariant,
)

class {sym}(Symmetric):
    """TlcResult *) apart by nothing."""

class {plain}(Sort):
    """(* TlcResult apart."""

class {order}(Ordered):
    """In order."""

class {enum}(Enum):
    {m1} = 1
    {m2} = 2

@record
class {r}:
    {f1}: {plain}
    {f2}: Annotated[int, Range(0, 2)]

@record
class {q}:
    {f1}: {enum}
    {f2}: {enum}

class {abstract}(Model):
    """Counts. *)"""

    {c}: Annotated[int, Range(0, 9)]

    @action
    def {h}(self, {g1}: Annotated[int, Range(0, 9)]) -> None:
        self.{c} = {g1}

class {model}(Model):
    """Under strange names (*."""

    {p}: Param[int] = 2
    {v1}: Map[{plain}, Annotated[int, Range(0, 2)]]  # *) beside
    {v2}: Set[{r} | {q}]
    {v3}: {enum} | None
    # (* above
    {v4}: Annotated[Seq[{plain}], AtMost("{p}")]
    {v5}: Set[tuple[{sym}]]
    {v6}: {order} | None

    def init(self, {i}: {plain}) -> None:
        self.{v4} = Seq([{i}])

    def {h}(self, {g1}: {plain}) -> bool:
        return any({b1}[0] == {b1}[0] and {g1} in self.{v4} for {b1} in self.{v5})

    @action
    def {a1}(self, {g1}: {plain}, {g2}: {enum}) -> None:
        require(self.{v3} is None and len(self.{v4}) == 1)
        {l1} = 0
        {l2} = {order}(0)
        for {l3} in {plain}:
            if {l3} == {g1}:
                {l1} = {l1} + 1
                self.{v1}[{l3}] = {l1}
            else:
                {l2} = {order}({l1} % 2)
        self.{v3} = {g2}
        self.{v6} = {l2}
        self.{v2}.add({r}({g1}, {l1}))

    @action
    def {a2}(self, {g3}: {sym}) -> None:
        require(self.{v3} is not None and len(self.{v5}) == 0)
        self.{v5}.add(({g3},))
        self.{v2} = self.{v2} | {{{q}({enum}.{m1}, {enum}.{m2})}}

    @action
    def {a3}(self, {g1}: {plain}) -> None:
        require(self.{h}({g1}))
        {l4} = sorted({order})
        for {l5}, {b2} in enumerate(self.{v4}):
            require({l5} < 2 and {b2} == {g1})
        self.{v6} = {l4}[-1]
        self.{v4} = Seq([{b1} for {b1} in {plain}])

    @constraint
    def {bound}(self) -> bool:
        return all(self.{v1}[{b1}] <= self.{p} for {b1} in {plain})

    @constraint
    def {many}(self) -> bool:
        return len(self.{v2}) < 3

    @invariant
    def {claim}(self, {g1}: {plain}) -> bool:
        return {r}({g1}, 2) not in self.{v2} and max((self.{v1}[{b1}] for {b1} in {plain}), default=0) < 2

    @invariant
    def {false}(self) -> bool:
        return len(self.{v4}) < 2

    @step_invariant
    def {step}(self, old: Self) -> bool:
        return len(old.{v2}) <= len(self.{v2})

    @refines({abstract})
    def {seen}(self, other: {abstract}) -> None:
        other.{c} = len(self.{v2}) + len(self.{v5})
'''
