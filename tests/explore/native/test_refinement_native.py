"""Refinements checked natively: what holds, what does not and how it is told, as the reference engine has it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Self

import pytest

from ratified.explore.native.codegen.shapes import Unsupported
from ratified.explore.native.engine import check_native
from ratified.explore.reference import check_reference
from ratified.language import (
    AtMost,
    Map,
    Model,
    Ordered,
    Param,
    Range,
    Seq,
    Set,
    Sort,
    action,
    constraint,
    invariant,
    last,
    refines,
    require,
    step_invariant,
)
from ratified.language.errors import RatifiedError
from ratified.models.commit.broken import ForgottenDecision, ImpatientManager, MajorityCommit
from ratified.models.commit.two_phase import TwoPhase
from ratified.models.paxos import broken as paxos
from ratified.models.paxos.flexible import FlexiblePaxos
from ratified.models.paxos.paxos import Paxos
from ratified.models.paxos.voting import Voting
from ratified.results.errors import EvaluationError
from ratified.results.result import Limits, PropertyKind, Result, Verdict
from tests.explore.native.differential import TooLarge, differences, outcome, told
from tests.explore.native.refined import random_refinement
from tests.explore.test_refinement import HeldAtFirst, High, Lease, Stealing, Twice, Votes
from tests.generate.running import load
from tests.shared.sorts import Client


def reference(model: Model, **options: Any) -> Result:
    return check_reference(
        model, limits=Limits(), progress=None, **{"symmetry": False, "deadlock": False, **options}
    )


def alike(model: Model, **options: Any) -> Result:
    """What the native engine finds, compared with the reference engine (which may show another run of the same length)."""
    expected, found = reference(model, **options), check_native(model, flags=("-O0",), **options)
    assert told(found) == told(expected)
    assert [(p.kind, p.name) for p in found.properties] == [(p.kind, p.name) for p in expected.properties]
    assert not found.notes
    return found


def detail(result: Result) -> str:
    assert result.violation is not None
    assert result.violation.kind is PropertyKind.REFINEMENT
    return result.violation.detail


# --- the bundled models -----------------------------------------------------------------------------------------------

ROWS = [
    (Voting, "as_consensus", {"Acceptor": 3, "Value": 2, "Ballot": 2}, 599, 11),
    (Voting, "as_consensus", {"Acceptor": 3, "Value": 2, "Ballot": 3}, 6_752, 16),
    (Paxos, "as_voting", {"Acceptor": 3, "Value": 2, "Ballot": 2}, 3_921, 17),
    (Paxos, "as_voting", {"Acceptor": 3, "Value": 2, "Ballot": 3}, 185_369, 25),
    pytest.param(
        Paxos,
        "as_voting",
        {"Acceptor": 3, "Value": 2, "Ballot": 4},
        8_220_065,
        33,
        marks=pytest.mark.long(suite="states"),
    ),
    (TwoPhase, "as_transaction_commit", {"ResourceManager": 3}, 288, 11),
    (TwoPhase, "as_transaction_commit", {"ResourceManager": 5}, 8_832, 17),
    (TwoPhase, "as_transaction_commit", {"ResourceManager": 7}, 296_448, 23),
]


@pytest.mark.sampled(every=2)
@pytest.mark.parametrize(("model", "name", "sizes", "distinct", "depth"), ROWS)
def test_bundled_models_refine_what_they_say(
    model: type[Model], name: str, sizes: dict[str, int], distinct: int, depth: int
) -> None:
    result = check_native(model(**sizes).claiming([name]), threads=2)
    assert (result.verdict, result.distinct, result.depth) == (Verdict.HOLDS, distinct, depth)
    assert [(p.kind, p.name, p.vacuous) for p in result.properties] == [
        (PropertyKind.REFINEMENT, name, False)
    ]
    assert (result.notes, result.bounds) == ((), ())


def test_symmetry_leaves_refinements_as_they_are() -> None:
    sizes = {"Acceptor": 3, "Value": 2, "Ballot": 3}
    result = check_native(Paxos(**sizes).claiming(["as_voting"]), symmetry=True)
    assert (result.verdict, result.distinct, result.symmetry) == (
        Verdict.HOLDS,
        17_153,
        ("Acceptor", "Value"),
    )


@pytest.mark.parametrize(
    ("model", "claim"),
    [
        *(
            (broken(**broken.sizes["small"]), "as_voting")
            for broken in (
                paxos.IgnoredPromise,
                paxos.IgnoredVotes,
                paxos.HalfQuorums,
                paxos.StalePromise,
                paxos.ReusedBallot,
                paxos.ForgottenPromise,
                paxos.ForgottenVote,
            )
        ),
        (paxos.HalfQuorums(Acceptor=3, Value=2, Ballot=2), "as_voting"),
        *(
            (broken(**broken.sizes["small"]), "as_transaction_commit")
            for broken in (MajorityCommit, ImpatientManager, ForgottenDecision)
        ),
        (FlexiblePaxos(Acceptor=3, Value=2, Ballot=2), "as_consensus"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("symmetry", [False, True])
def test_broken_models_refine_as_little_as_the_reference_engine_says(
    model: Model, claim: str, symmetry: bool
) -> None:
    alike_but_for_symmetry(model.claiming([claim]), symmetry)


def alike_but_for_symmetry(model: Model, symmetry: bool) -> None:
    expected, found = reference(model, symmetry=symmetry), check_native(model, symmetry=symmetry)
    assert told(found) == told(expected)
    if found.violation is not None:
        assert " maps to a step of " in detail(found)
        assert "no action of " in detail(found)


# --- planted mistakes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "length", "text"),
    [
        (
            Stealing(Key=2),
            4,
            "steal(k=k2) maps to a step of Lock from holder=k1 to holder=k2, and no action of Lock does that",
        ),
        (
            Votes(Key=2),
            3,
            "give(k=k2) maps to a step of Lock from holder=k1 to holder=k2, and no action of Lock does that",
        ),
    ],
)
def test_a_wrong_step_is_told_with_its_images(model: Model, length: int, text: str) -> None:
    result = alike(model)
    assert result.violation is not None
    assert len(result.violation.trace) == length
    assert detail(result) == text


def test_a_wrong_beginning() -> None:
    result = alike(HeldAtFirst(Key=1))
    assert detail(result) == "the initial state maps to holder=k1, which is not an initial state of Lock"
    assert result.violation is not None
    assert (len(result.violation.trace), result.distinct, result.depth) == (1, 1, 1)
    assert alike(HeldAtFirst(Key=3)).distinct == 3


@pytest.mark.parametrize("model", [Lease(Key=3), High(), Twice()], ids=repr)
def test_what_the_reference_engine_accepts(model: Model) -> None:
    assert alike(model).verdict is Verdict.HOLDS


Count = Annotated[int, Range(0, 5)]


class Up(Model):
    """Counts by one."""

    n: Count

    @action
    def more(self) -> None:
        require(self.n < 5)
        self.n += 1


class Guarded(Up):
    """Counts no further than 2."""

    def only(self) -> bool:
        return self.n < 2

    @action
    def more(self) -> None:
        require(self.only())
        self.n += 1


class Same(Up):
    @refines(Up)
    def as_up(self, up: Up) -> None:
        up.n = self.n


class Backwards(Up):
    @refines(Up)
    def as_up(self, up: Up) -> None:
        up.n = 5 - self.n


class TooStrict(Up):
    @refines(Guarded)
    def as_guarded(self, guarded: Guarded) -> None:
        guarded.n = self.n


class Twofold(Up):
    @refines(Up)
    def as_up(self, up: Up) -> None:
        up.n = self.n // 2 * 2


def test_wrong_mappings_and_guards() -> None:
    assert alike(Same()).verdict is Verdict.HOLDS
    assert detail(alike(Backwards())) == "the initial state maps to n=5, which is not an initial state of Up"
    step = "more() maps to a step of {0} from n={1} to n={2}, and no action of {0} does that"
    assert detail(alike(TooStrict())) == step.format("Guarded", 2, 3)
    assert detail(alike(Twofold())) == step.format("Up", 0, 2)


class Ranked(Up):
    """Everything goes wrong with the step to 3."""

    @refines(Guarded)
    def as_guarded(self, guarded: Guarded) -> None:
        guarded.n = self.n

    @step_invariant
    def steady(self, old: Self) -> bool:
        return self.n < 3 or old.n > 3

    @invariant
    def low(self) -> bool:
        return self.n < 3


def test_of_what_goes_wrong_at_once_the_first_in_rank_is_told() -> None:
    def name(*claims: str) -> str:
        result = alike(Ranked().claiming(claims))
        assert result.violation is not None
        assert len(result.violation.trace) == 4
        return result.violation.name

    assert name("low", "steady", "as_guarded") == "low"
    assert name("steady", "as_guarded") == "steady"
    assert name("as_guarded") == "as_guarded"


def test_a_refinement_comes_before_a_deadlock() -> None:
    class Stuck(Up):
        @refines(Guarded)
        def as_guarded(self, guarded: Guarded) -> None:
            guarded.n = 0 if self.n < 5 else 1

        @action
        def more(self) -> None:
            require(self.n < 5)
            self.n = 5

    assert alike(Stuck(), deadlock=True).violation.name == "deadlock"  # type: ignore[union-attr]  # there is one
    result = alike(TooStrict(), deadlock=True)
    assert detail(result)


class Both(Up):
    """Refines two models whose variable has the same name."""

    @refines(Up)
    def as_up(self, up: Up) -> None:
        up.n = self.n

    @refines(Guarded)
    def as_guarded(self, guarded: Guarded) -> None:
        guarded.n = min(self.n, 2)


class SecondWrong(Both):
    @refines(Guarded)
    def as_guarded(self, guarded: Guarded) -> None:
        guarded.n = self.n


def test_two_refinements_of_one_model() -> None:
    assert alike(Both()).verdict is Verdict.HOLDS
    result = alike(SecondWrong())
    assert result.violation is not None
    assert result.violation.name == "as_guarded"


# --- bounds, constraints and what has no answer -----------------------------------------------------------------------


class Bounded(Model):
    """Its own range ends its counting."""

    n: Annotated[int, Range(0, 2)]

    @action
    def more(self) -> None:
        self.n += 1

    @constraint
    def never_far(self) -> bool:
        return self.n < 1


class IntoBounded(Up):
    @refines(Bounded)
    def as_bounded(self, bounded: Bounded) -> None:
        bounded.n = min(self.n, 2)


class PastBounded(Up):
    @refines(Bounded)
    def as_bounded(self, bounded: Bounded) -> None:
        bounded.n = self.n


class AroundBounded(Up):
    """Goes on where the abstract model would leave its bound."""

    @refines(Bounded)
    def as_bounded(self, bounded: Bounded) -> None:
        bounded.n = self.n % 3


def test_a_step_of_the_abstract_model_that_leaves_a_bound_is_none() -> None:
    result = alike(IntoBounded())
    assert (result.verdict, result.bounds) == (Verdict.HOLDS, ())
    wrong = alike(AroundBounded())
    assert (
        detail(wrong)
        == "more() maps to a step of Bounded from n=2 to n=0, and no action of Bounded does that"
    )
    assert wrong.bounds == ()


def error_of(model: Model) -> str:
    """The error of both engines, which is the same text."""
    with pytest.raises(EvaluationError) as native:
        check_native(model, flags=("-O0",))
    with pytest.raises(EvaluationError) as expected:
        reference(model)
    assert str(native.value) == str(expected.value)
    assert native.value.trace == expected.value.trace
    return native.value.message


def test_an_image_out_of_bounds_is_an_error() -> None:
    assert error_of(PastBounded()) == "this exceeds the range 0..2 of n, outside of a step"


class Quotient(Up):
    @refines(Up)
    def as_up(self, up: Up) -> None:
        up.n = 0 // (3 - self.n)


class QuotientAtOnce(Up):
    @refines(Up)
    def as_up(self, up: Up) -> None:
        up.n = 0 // self.n


class Brittle(Up):
    """Has no answer at 2."""

    @action
    def ask(self) -> None:
        assert self.n != 2

    @action
    def more(self) -> None:
        require(self.n < 5)
        self.n += 1


class IntoBrittle(Up):
    @refines(Brittle)
    def as_brittle(self, brittle: Brittle) -> None:
        brittle.n = self.n


class BrittleAtOnce(Model):
    n: Count

    def init(self, k: Count) -> None:
        assert k < 5
        self.n = 0


class IntoBrittleAtOnce(Up):
    @refines(BrittleAtOnce)
    def as_brittle(self, brittle: BrittleAtOnce) -> None:
        brittle.n = self.n


class Forgetful(Up):
    @refines(Up)
    def as_up(self, up: Up) -> None:
        if self.n == 3:
            return
        up.n = self.n


def test_what_has_no_answer() -> None:
    assert error_of(Quotient()) == "division by zero"
    assert error_of(QuotientAtOnce()) == "division by zero"
    assert error_of(IntoBrittle()) == "the assertion is false"
    assert error_of(IntoBrittleAtOnce()) == "the assertion is false"
    assert error_of(Forgetful()) == "as_up does not assign `n`"


class Faulty(Up):
    """The claim is false of the step to 3, and the mapping has no answer there: an error comes first."""

    @step_invariant
    def low(self, old: Self) -> bool:
        return self.n < 3 or old.n > 3

    @refines(Up)
    def as_up(self, up: Up) -> None:
        up.n = 0 // (3 - self.n)


def test_an_error_comes_before_a_violation_of_the_same_length() -> None:
    assert error_of(Faulty()) == "division by zero"


# --- larger images, parameters, choices of beginnings -----------------------------------------------------------------


class Slot(Ordered):
    """A place in line."""


class Queue(Model):
    """Clients in line; the first is served."""

    most: Param[int] = 3
    slack: Param[int] = 1

    line: Annotated[Seq[Client], AtMost("most + slack")]
    served: Set[tuple[Client, Slot]]
    turn: Slot

    def init(self, s: Slot) -> None:
        self.turn = s

    @action
    def come(self, c: Client) -> None:
        require(c not in self.line and len(self.line) < self.most)
        self.line.append(c)

    @action
    def serve(self) -> None:
        require(len(self.line) > 0)
        self.served.add((self.line[0], self.turn))
        self.line = self.line[1:]


class Tickets(Model):
    """Clients take numbers."""

    most: Param[int] = 2

    number: Map[Client, Annotated[int, Range(0, 4)] | None]
    served: Map[Client, Slot | None]
    turn: Slot

    def init(self, s: Slot) -> None:
        self.turn = s

    def waiting(self) -> Set[Client]:
        return Set(c for c in Client if self.number[c] is not None)

    @action
    def take(self, c: Client) -> None:
        require(self.number[c] is None and len(self.waiting()) < self.most)
        self.number[c] = len(self.waiting())

    @action
    def serve(self, c: Client) -> None:
        require(self.number[c] == 0)
        self.number[c] = None
        self.served[c] = self.turn
        for d in Client:
            n = self.number[d]
            if n is not None:
                self.number[d] = n - 1

    @refines(Queue)
    def as_queue(self, queue: Queue) -> None:
        queue.turn = self.turn
        queue.line = Seq(c for k in range(4) for c in Client if self.number[c] == k)
        done: Set[tuple[Client, Slot]] = Set()
        for c in Client:
            s = self.served[c]
            if s is not None:
                done = done | {(c, s)}
        queue.served = done


class UnfairTickets(Tickets):
    """Serves somebody else than the first."""

    def fair(self, c: Client) -> bool:
        return self.number[c] == len(self.waiting()) - 1

    @action
    def serve(self, c: Client) -> None:
        n = self.number[c]
        require(n is not None and self.fair(c))
        self.number[c] = None
        self.served[c] = self.turn


class LateTickets(Tickets):
    """The turn moves, which in the abstract model it never does."""

    @action
    def pass_turn(self) -> None:
        require(self.turn < last(Slot))
        self.turn += 1


class EarlyTickets(Tickets):
    """Begins in the middle."""

    def init(self, s: Slot) -> None:
        self.turn = s
        if s == last(Slot):
            for c in Client:
                self.served[c] = s


def test_images_with_containers() -> None:
    assert alike(Tickets(Client=3, Slot=2, most=2)).verdict is Verdict.HOLDS
    for wrong in (UnfairTickets, LateTickets, EarlyTickets):
        assert detail(alike(wrong(Client=3, Slot=2, most=2)))


def test_parameters_of_the_same_name_are_the_same() -> None:
    # With 4 in line and a line of 3 there would be no room.
    assert alike(Tickets(Client=4, Slot=1, most=4)).verdict is Verdict.HOLDS


class Box(Sort):
    """Told apart."""


class Boxes(Model):
    """More boxes than bits in a word."""

    open: Set[Box]

    @action
    def turn(self, b: Box) -> None:
        self.open ^= {b}


class LastTwo(Model):
    """Only two boxes are ever open."""

    at: Box | None
    before: Box | None

    @action
    def go(self, b: Box) -> None:
        require(b != self.at and (self.at is None or self.before is None))
        self.before = self.at
        self.at = b

    @action
    def close(self) -> None:
        self.before = None

    @refines(Boxes)
    def as_boxes(self, boxes: Boxes) -> None:
        boxes.open = Set(b for b in Box if b == self.at or b == self.before)


def test_images_of_several_words() -> None:
    assert alike(LastTwo(Box=70)).verdict is Verdict.HOLDS


# --- random models ----------------------------------------------------------------------------------------------------


# Seeds come ten at a time, as in test_codegen.py: most must have been compared.
TEN = 10


def compare(first: int, folder: Path) -> None:
    compared = 0
    for seed in range(first, first + TEN):
        try:
            model = load(random_refinement(seed), folder)
        except RatifiedError:
            continue
        if seed % 2:
            model = model.claiming(["as_coarse"])
        try:
            assert differences(model, most=600, flags=("-O0",)) == [], seed
        except (TooLarge, Unsupported):
            continue
        compared += 1
    assert compared >= TEN // 2


@pytest.mark.sampled(every=2)
@pytest.mark.parametrize("first", range(0, 20, TEN))
def test_random_refinements(first: int, tmp_path: Path) -> None:
    compare(first, tmp_path)


@pytest.mark.long(suite="random")
@pytest.mark.parametrize("first", range(1_000, 1_080, TEN))
def test_more_random_refinements(first: int, tmp_path: Path) -> None:
    compare(first, tmp_path)


def test_random_refinements_are_of_all_kinds(tmp_path: Path) -> None:
    found: Counter[str] = Counter()
    for seed in range(1, 44, 2):
        try:
            model = load(random_refinement(seed), tmp_path).claiming(["as_coarse"])
            told_of = outcome(check_reference, model, limits=Limits(states=600), symmetry=False)
        except (RatifiedError, TooLarge):
            continue
        found["error" if "error" in told_of else str(told_of.get("verdict"))] += 1
    assert found["Verdict.HOLDS"] >= 5
    assert found["Verdict.VIOLATED"] >= 5
