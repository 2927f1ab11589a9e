"""Results made by hand, one for everything that a report can tell, and a stand-in for the language and the explorer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from ratified.language.claims import Unchecked
from ratified.language.errors import SizeError, Span
from ratified.language.ir import Kind
from ratified.language.records import record
from ratified.language.values import Bag, Map, Seq, Set
from ratified.results.result import (
    ActionReport,
    BoundReport,
    ConstraintReport,
    PropertyKind,
    PropertyReport,
    Ranks,
    Result,
    State,
    Step,
    Trace,
    Verdict,
    Violation,
)
from tests.shared.sorts import Acceptor, Ballot

SOURCE = """\
class Synod(Model):
    @action
    def prepare(self, b: Ballot) -> None:
        self.next = b + 1

    @invariant
    def agreement(self) -> bool:
        return not self.wrong
"""


@record
class Prepare:
    ballot: Ballot


@record
class Promise:
    acceptor: Acceptor
    ballot: Ballot
    voted: Ballot | None


A = [Acceptor(i) for i in range(3)]
B = [Ballot(i) for i in range(2)]


def span(line: int, column: int, end: int) -> Span:
    """Return a place in model.py, which the tests write into the folder they run in."""
    return Span(str(Path("model.py").resolve()), line, column, line, end)


def agreement(verdict: Verdict = Verdict.HOLDS) -> PropertyReport:
    return PropertyReport(PropertyKind.INVARIANT, "agreement", False, span(7, 8, 17), verdict)


def properties(
    agreed: Verdict = Verdict.HOLDS, others: Verdict = Verdict.HOLDS
) -> tuple[PropertyReport, ...]:
    return (
        agreement(agreed),
        PropertyReport(PropertyKind.STEP_INVARIANT, "promises_only_grow", vacuous=False, verdict=others),
        PropertyReport(PropertyKind.REFINEMENT, "as_voting", vacuous=False, verdict=others),
    )


def state(**changed: object) -> State:
    """Return a state with a variable of every kind, the initial one but for what is changed."""
    return {
        "max_ballot": Map(dict.fromkeys(A)),
        "heard": Map({a: Map(dict.fromkeys(A, 0)) for a in A}),
        "messages": Set(),
        "network": Bag(),
        "log": Seq(),
        "leader": None,
        **changed,
    }


def trace() -> Trace:
    """Return a run of five steps that changes every kind of value, and one step that changes nothing."""
    promised = Promise(A[0], B[1], None)
    one = state(messages=Set([Prepare(B[1])]), network=Bag([Prepare(B[1]), Prepare(B[1])]))
    two = {
        **one,
        "max_ballot": Map({A[0]: B[1], A[1]: None, A[2]: None}),
        "heard": Map({a: Map({b: int(a is A[0] and b is A[2]) for b in A}) for a in A}),
        "messages": Set([Prepare(B[1]), promised]),
        "network": Bag([Prepare(B[1])]),
    }
    three = {**two, "log": Seq([promised, Promise(A[1], B[1], B[0])]), "leader": A[2]}
    five = {**three, "log": Seq([promised]), "leader": None}
    return Trace(
        state(),
        (
            Step("prepare", (("b", B[1]),), one),
            Step("promise", (("a", A[0]), ("b", B[1])), two),
            Step(
                "learn",
                (("quorum", Set([A[0], A[1]])), ("answers", Seq([promised, Promise(A[1], B[1], B[0])]))),
                three,
            ),
            Step("wait", (), three),
            Step("forget", (), five),
        ),
    )


def result(verdict: Verdict = Verdict.HOLDS, **changed: Any) -> Result:
    """Return the result of an exploration, with what is changed."""
    usual: dict[str, Any] = {
        "model": "Synod",
        "sizes": {"Acceptor": 3, "Ballot": 2},
        "parameters": {"quorums": Set([Set([A[0], A[1]]), Set([A[1], A[2]])]), "fast": False},
        "engine": "reference",
        "verdict": verdict,
        "distinct": 185_369,
        "generated": 1_118_000,
        "depth": 25,
        "actions": (ActionReport("prepare", 1_118_000, 185_360), ActionReport("promise", 12, 8)),
        "properties": properties(),
        "symmetry": ("Acceptor",),
        "seconds": 12.3,
        "memory": 96_000_000,
        "out_degree": (0, 6.03, 11),
    }
    return Result(**{**usual, **changed})


def holds_with_warnings() -> Result:
    return result(
        actions=(
            ActionReport("prepare", 3, 2),
            ActionReport("recover", 0, 0),
            ActionReport("abdicate", 0, 0),
            ActionReport("merge", 0, 0, switched_off=True),
        ),
        properties=(
            agreement(),
            PropertyReport(PropertyKind.INVARIANT, "one_leader", vacuous=True, verdict=Verdict.HOLDS),
        ),
        constraints=(ConstraintReport("short_logs", 1_234),),
        notes=("no C compiler was found (cc, gcc, clang): the reference engine was used",),
        symmetry=(),
    )


def violated() -> Result:
    return result(
        Verdict.VIOLATED,
        violation=Violation(
            PropertyKind.INVARIANT, "agreement", trace(), "two values are chosen", span(7, 8, 17)
        ),
        properties=properties(Verdict.VIOLATED, Verdict.UNDECIDED),
    )


def violated_at_once() -> Result:
    return result(
        Verdict.VIOLATED,
        violation=Violation(PropertyKind.INVARIANT, "agreement", Trace(state(), ()), "", span(7, 8, 17)),
        properties=properties(Verdict.VIOLATED, Verdict.UNDECIDED),
    )


def deadlocked() -> Result:
    steps = trace().steps[:2]
    return result(
        Verdict.VIOLATED,
        violation=Violation(PropertyKind.DEADLOCK, "deadlock", Trace(state(), steps)),
        properties=(),
    )


def lasso() -> Result:
    steps = trace().steps
    back = Trace(state(), (*steps, Step("learn_again", (), steps[2].state)), loop=3)
    return result(
        Verdict.VIOLATED,
        violation=Violation(PropertyKind.LIVENESS, "a_leader_emerges", back, "no leader stays"),
    )


def stuttering() -> Result:
    back = Trace(state(), trace().steps[:1], loop=1)
    return result(Verdict.VIOLATED, violation=Violation(PropertyKind.LIVENESS, "a_leader_emerges", back))


def out_of_states() -> Result:
    return result(
        Verdict.UNDECIDED,
        stopped="the limit of 1,000 states",
        distinct=1_000,
        generated=4_096,
        properties=properties(Verdict.UNDECIDED, Verdict.UNDECIDED),
        ranks=Ranks(ranks=8, machines=2, threads=64, imbalance=1.0372, sent=34_250),
    )


def out_of_bounds() -> Result:
    return result(
        Verdict.UNDECIDED,
        unchecked=(Unchecked("as_voting", Kind.REFINEMENT.value),),
        stopped="some steps would exceed a declared bound and were not taken; nothing is known beyond it",
        properties=properties(Verdict.UNDECIDED, Verdict.UNDECIDED),
        bounds=(BoundReport("the last Ballot, b1", "prepare", 1_200, span(4, 20, 25)),),
        parameters={},
    )


RESULTS = {
    "holds": result,
    "holds_with_warnings": holds_with_warnings,
    "violated": violated,
    "violated_at_once": violated_at_once,
    "deadlocked": deadlocked,
    "lasso": lasso,
    "stuttering": stuttering,
    "out_of_states": out_of_states,
    "out_of_bounds": out_of_bounds,
}


class FakeModel:
    """Stands in for the language's Model: takes Acceptor and Ballot, as sizes, and `fast`."""

    def __init__(self, **given: object) -> None:
        known = ("Acceptor", "Ballot", "fast")
        for name in given:
            if name not in known:
                raise SizeError(
                    f"{type(self).__name__} has no sort or parameter {name!r}",
                    remedy=f"it has {', '.join(known)}",
                )
        if "Acceptor" not in given:
            raise SizeError(f"{type(self).__name__} needs a size for Acceptor", remedy="give one: Acceptor=3")
        self.given = given


class Synod(FakeModel):
    """A model that names its sizes."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Acceptor": 3, "Ballot": 2},
        "standard": {"Acceptor": 3, "Ballot": 3},
    }
    symmetric_sizes: ClassVar[tuple[str, ...]] = ("small",)


class Unsized(FakeModel):
    """A model that names none."""
