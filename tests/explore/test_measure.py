"""Measured runs: what they are, the same by every engine; what is measured; figures beside closed forms."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import pytest

from ratified.explore import check
from ratified.explore.measure import Measured, first_run, measure
from ratified.explore.measuring import End, MeasuredAt, ReferenceRuns, plan_of
from ratified.explore.native.measure import NativeRuns
from ratified.language import (
    Map,
    Model,
    ModelError,
    Range,
    RatifiedError,
    Set,
    action,
    constraint,
    require,
)
from ratified.language.ir import Kind
from ratified.results.errors import EvaluationError
from ratified.results.estimates import proportion_interval
from ratified.results.result import BoundReport, ConstraintReport, Limits
from tests.generate.models import random_model
from tests.generate.running import load
from tests.shared.sorts import Node

ENGINES = ("reference", "native")

Small = Annotated[int, Range(0, 1000)]


class Walk(Model):
    """A walk that goes up with weight 1 and down with weight 2, and ends at 0."""

    at: Small = 3

    @action
    def up(self) -> None:
        require(self.at > 0)
        self.at += 1

    @action(weight=2)
    def down(self) -> None:
        require(self.at > 0)
        self.at -= 1


class Urn(Model):
    """A ball is drawn and put back with another of its colour: what is more is drawn more often (Polya)."""

    balls: Map[Node, Annotated[int, Range(1, 1000)]]

    def init(self) -> None:
        self.balls = Map({n: 1 for n in Node})

    @action(weight="of_that_colour")
    def draw(self, n: Node) -> None:
        self.balls[n] += 1

    def of_that_colour(self, n: Node) -> int:
        """As many as there are."""
        return self.balls[n]


def values(measured: Measured, number: int = 0) -> dict[object, int]:
    return dict(measured.figures[number].estimate.values)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_a_run_begins_with_can_be_left_out(engine: str) -> None:
    """A counter that has gone up once a step: of 0 to 9 the last four are 6, 7, 8, 9."""

    class Up(Model):
        at: Small = 0

        @action
        def up(self) -> None:
            self.at += 1

    asked = ("mean: at", "min: at", "max: at", "max: -at", "first: at >= 3", "at")
    found = measure(Up(), *asked, runs=2, length=9, since=6, engine=engine)
    assert [values(found, n) for n in range(6)] == [
        {Fraction(15, 2): 2},
        {6: 2},
        {9: 2},
        {-6: 2},
        {6: 2},
        {9: 2},
    ]
    assert (found.early, found.complete) == (0, True)
    found = measure(Up(), "max: at", runs=2, length=9, since=6, until="at == 5", engine=engine)
    assert (found.early, found.complete, values(found)) == (2, False, {})


# --- the same by every engine ---


def test_engines_and_threads_make_no_difference() -> None:
    asked = (
        "balls[n1]",
        "max: balls[n2] - balls[n1]",
        "first: balls[n1] == 3",
        "mean: balls[n1]",
        "times_draw",
    )
    found = [
        measure(
            Urn(Node=3), *asked, "min: -steps", runs=200, length=12, seed=5, engine=engine, threads=threads
        )
        for engine, threads in (("reference", None), ("native", 1), ("native", 2), ("native", 7))
    ]
    assert [f == found[0] for f in found] == [True] * 4
    assert found[0] != measure(Urn(Node=3), *asked, "min: -steps", runs=200, length=12, seed=6)


def test_runs_of_generated_models_are_the_same_by_both(tmp_path: Path) -> None:
    """Every action is counted in every run: one step that is drawn otherwise changes the rest of the run."""
    compared = steps = 0
    for seed in range(60, 100):
        model = load(random_model(seed), tmp_path)
        names = [f"mean: times_{a.name}" for a in model.module.of_kind(Kind.ACTION)]
        if not names:
            continue
        try:
            expected = measure(model, *names, runs=25, length=15, engine="reference")
        except RatifiedError:
            continue
        assert measure(model, *names, runs=25, length=15, engine="native") == expected, seed
        compared, steps = compared + 1, steps + expected.steps
        if compared == 8:
            break
    assert (compared, steps > 1_000) == (8, True)


def test_a_run_is_the_same_whatever_else_is_run() -> None:
    plan = plan_of(Urn(Node=3), ["balls[n1]"], until=None, weights={}, length=9, seed=1)
    alone, many = (
        ReferenceRuns(plan, lambda: None).run(11),
        measure(Urn(Node=3), "balls[n1]", runs=12, length=9, seed=1),
    )
    less = measure(Urn(Node=3), "balls[n1]", runs=11, length=9, seed=1)
    (value,) = Counter(values(many)) - Counter(values(less))
    assert alone.row == (value,)


def test_more_steps_than_the_explorer_looks_at_at_once() -> None:
    """2,500 steps out of each state: they are weighed first and then found again."""

    class Grid(Model):
        row: Small
        column: Small

        @action(weight="heavy")
        def go(self, to: Annotated[int, Range(0, 49)], at: Annotated[int, Range(0, 49)]) -> None:
            require(to != self.row)
            self.row, self.column = to, at

        def heavy(self, to: int, at: int) -> int:
            return 1 + at * at

        @constraint
        def left(self) -> bool:
            return self.column < 48

    asked = "column", "mean: row"
    expected = measure(Grid(), *asked, runs=6, length=3, engine="reference")
    assert measure(Grid(), *asked, runs=6, length=3, engine="native") == expected
    assert expected.constraints == (ConstraintReport("left", 6 * 3 * 49 * 2),)


def test_what_has_no_answer_in_64_bits_is_run_by_cpython() -> None:
    class Powers(Model):
        at: Annotated[int, Range(1, 5_000_000)] = 1

        @action
        def double(self) -> None:
            self.at *= 2

        @action
        def stay(self) -> None:
            require(self.at < 1_000_000)
            self.at = self.at

    text = "mean: at * at * at // at // at"
    expected = measure(Powers(), text, runs=60, length=44, engine="reference")
    assert {e for e in expected.ended if expected.ended[e]} == {End.STUCK, End.DEPTH}
    assert measure(Powers(), text, runs=60, length=44, engine="native") == expected


# --- runs ---


def test_a_run_ends_where_nothing_is_left_or_where_it_is_told_to() -> None:
    found = measure(Walk(), "at", "steps", runs=300, length=400, until="at == 6")
    assert set(values(found)) == {0, 6}
    assert sum(found.ended.values()) == 300
    assert (found.ended[End.STUCK], found.ended[End.UNTIL]) == (values(found)[0], values(found)[6])
    assert found.missed == found.ended[End.STUCK] > 0
    assert not found.complete


def test_weights_of_zero_are_never_drawn() -> None:
    found = measure(Walk(), "times_up", "at", runs=20, length=9, weights={"up": 0})
    assert (values(found), values(found, 1)) == ({0: 20}, {0: 20})
    assert found.weights == {"up": 0, "down": 2}
    nothing = measure(Walk(), "at", runs=20, length=9, weights={"up": 0, "down": 0})
    assert (nothing.ended[End.STUCK], nothing.steps) == (20, 0)


def test_what_is_measured_when() -> None:
    class Saw(Model):
        at: Small

        @action
        def turn(self) -> None:
            self.at = (self.at * 3 + 2) % 7

    texts = (
        "at",
        "max: at",
        "min: at",
        "mean: at",
        "first: at == 5",
        "first: at == 6",
        "steps, times_turn, at == 1",
    )
    found = measure(Saw(), *texts, runs=1, length=4)  # 0 2 1 5 3
    assert [figure.estimate.values for figure in found.figures[:5]] == [
        ((3, 1),),
        ((5, 1),),
        ((0, 1),),
        ((Fraction(11, 5), 1),),
        ((3, 1),),
    ]
    never = found.figures[5].estimate
    assert (never.count, never.missing, never.mean) == (0, 1, None)
    assert [(f.text, f.at, f.estimate.mean) for f in found.figures[6:]] == [
        ("steps", MeasuredAt.END, 4),
        ("times_turn", MeasuredAt.END, 4),
        ("at == 1", MeasuredAt.END, 0),
    ]


def test_initial_states_are_as_likely_as_each_other() -> None:
    class Anywhere(Model):
        at: Small

        def init(self, at: Annotated[int, Range(0, 8)]) -> None:
            self.at = at // 3  # three choices each

        @action
        def stay(self) -> None:
            self.at = self.at

    found = measure(Anywhere(), "at == 0", "at == 1", runs=3_000, length=1)
    for figure in found.figures:
        low, high = proportion_interval(dict(figure.estimate.values)[1], 3_000, 1 - 1e-10)
        assert low <= 1 / 3 <= high


def test_a_variable_hides_a_count_of_its_name() -> None:
    class Named(Model):
        steps: Small = 7

        @action
        def stay(self) -> None:
            require(self.steps > 0)
            self.steps = self.steps

    assert values(measure(Named(), "steps", runs=2, length=3)) == {7: 2}


def test_the_first_run_is_that_of_number_0() -> None:
    found = measure(Walk(), "times_up", "times_down", runs=1, length=30, seed=3)
    trace = first_run(Walk(), length=30, seed=3)
    taken = Counter(step.action for step in trace.steps)
    assert [dict(f.estimate.values) for f in found.figures] == [{taken["up"]: 1}, {taken["down"]: 1}]


# --- closed forms ---


@pytest.mark.parametrize("engine", ENGINES)
def test_an_urn_is_evenly_spread(engine: str) -> None:
    """Polya's urn of two colours: after n draws each number of balls from 1 to n + 1 has the same probability.

    Each of six proportions is outside of its interval with a probability below 1e-10.
    """
    runs = {"reference": 2_000, "native": 100_000}[engine]
    found = measure(Urn(Node=2), "balls[n1]", runs=runs, length=5, engine=engine)
    assert sorted(values(found)) == [1, 2, 3, 4, 5, 6]  # type: ignore[type-var]  # numbers
    for times in values(found).values():
        low, high = proportion_interval(times, runs, 1 - 1e-10)
        assert low <= 1 / 6 <= high


def test_how_long_a_walk_takes_to_be_ruined() -> None:
    """With steps of 1 up (probability 1/3) and down (2/3), from 3 to 0: 3 / (2/3 - 1/3) steps on average (Feller, XIV.3).

    The variance is 3 * 4pq / (q - p)**3 = 72; the mean of 40,000 is within 6.5 standard errors but with a probability of about
    1e-10 (normal; third moments add less than 1e-9 by Chernoff at this sample).
    """
    found = measure(Walk(), "steps", runs=40_000, length=1_000).figures[0].estimate
    assert found.mean is not None
    assert abs(found.mean - 9) < 6.5 * math.sqrt(72 / 40_000)
    assert found.deviation == pytest.approx(math.sqrt(72), rel=0.05)
    assert found.values[0][0] == 3


# --- what is cut off, and what goes wrong ---


@pytest.mark.parametrize("engine", ENGINES)
def test_bounds_and_constraints_are_told(engine: str) -> None:
    class Edge(Model):
        at: Annotated[int, Range(0, 2)]

        @action
        def up(self) -> None:
            self.at += 1

        @action
        def down(self) -> None:
            require(self.at > 0)
            self.at -= 1

        @constraint
        def not_there(self) -> bool:
            return self.at != 0

        def init(self) -> None:
            self.at = 1

    found = measure(Edge(), "at, times_up", runs=5, length=4, engine=engine)
    assert values(found, 1) == {2: 5}
    (bound,) = found.bounds
    assert bound == BoundReport("the range 0..2 of at", "up", 10, bound.span)
    assert found.constraints == (ConstraintReport("not_there", 10),)
    assert not found.complete


@pytest.mark.parametrize("engine", ENGINES)
def test_a_measure_without_an_answer_is_told_with_its_run(engine: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        measure(Walk(), "max: 6 // (at - 2)", runs=3, length=50, engine=engine)
    assert "division by zero" in caught.value.message
    assert caught.value.trace is not None
    assert caught.value.trace.states[-1]["at"] == 2


@pytest.mark.parametrize("engine", ENGINES)
def test_a_weight_that_is_none_is_told_with_its_run(engine: str) -> None:
    class Wrong(Urn):
        def of_that_colour(self, n: Node) -> int:
            return 3 - 2 * self.balls[n]

    with pytest.raises(EvaluationError) as caught:
        measure(Wrong(Node=2), "steps", runs=3, length=9, engine=engine)
    assert caught.value.message == "`of_that_colour` must return a weight from 0 to 1,000,000,000"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no expression"),
        ("max:", "there is no expression"),
        ("at +", "this is not an expression: invalid syntax"),
        ("speed", "the model has no variable `speed`"),
        ("seen", "a measure must be a number or a condition, and `seen` is Set[Node]"),
        ("first: at", "a condition must be a bool, and this is int in 0..1000"),
    ],
)
def test_what_cannot_be_measured(text: str, message: str) -> None:
    class Sets(Walk):
        seen: Set[Node]

    with pytest.raises(ModelError) as caught:
        measure(Sets(Node=2), text)
    assert caught.value.message == message
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"runs": 0}, "runs must be at least 1, and is 0"),
        ({"length": -1}, "length must be at least 1, and is -1"),
        ({"threads": 0}, "threads must be at least 1, and is 0"),
        ({"confidence": 1.0}, "the confidence is 1.0, and it is a probability"),
        ({"engine": "fast"}, "there is no engine 'fast'"),
        ({"weights": {"fly": 1}}, "Walk has no action 'fly' to give a weight"),
        ({"weights": {"up": -1}}, "up has the weight -1"),
        ({"weights": {"up": 10**10}}, "up has the weight 10000000000"),
    ],
)
def test_numbers_that_make_no_sense(options: dict[str, object], message: str) -> None:
    with pytest.raises(RatifiedError) as caught:
        measure(Walk(), "at", **options)  # type: ignore[arg-type]  # that is what is tested
    assert (caught.value.message, bool(caught.value.remedy)) == (message, True)


def test_nothing_to_measure_and_nothing_to_measure_it_on() -> None:
    with pytest.raises(RatifiedError, match="there is nothing to measure"):
        measure(Walk())
    with pytest.raises(RatifiedError, match="Walk is not a model at a size"):
        measure(Walk, "at")  # type: ignore[arg-type]  # that is what is tested


def test_an_interruption_leaves_the_runs_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    run = ReferenceRuns.run

    def interrupted(self: ReferenceRuns, number: int) -> object:
        if number == 4:
            raise KeyboardInterrupt
        return run(self, number)

    monkeypatch.setattr(ReferenceRuns, "run", interrupted)
    found = measure(Walk(), "at", runs=9, length=5, engine="reference")
    assert (found.runs, found.asked, found.stopped, found.complete) == (4, 9, "interrupted", False)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_limit_of_time_leaves_what_was_run(engine: str) -> None:
    found = measure(
        Urn(Node=3), "balls[n1]", runs=10**6, length=500, engine=engine, limits=Limits(seconds=0.3)
    )
    assert 0 < found.runs < 10**6
    assert found.stopped is not None
    assert "time limit" in found.stopped
    assert sum(values(found).values()) == found.runs


def test_an_interruption_of_generated_code_leaves_what_was_run_without_a_gap() -> None:
    plan = plan_of(Urn(Node=3), ["balls[n1]"], until=None, weights={}, length=500, seed=0)
    reference = ReferenceRuns(plan, lambda: None)

    def report(_: int) -> bool:
        raise KeyboardInterrupt

    found = NativeRuns(plan, reference.initial).run(range(1_000_000), 2, report)
    assert 0 < len(found.runs) < 1_000_000
    assert found.runs[-1] == reference.run(len(found.runs) - 1)


def test_without_a_compiler_cpython_runs_them_and_a_note_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = measure(Walk(), "steps", runs=60, length=50, engine="reference")
    monkeypatch.setenv("CC", "no-such-compiler")
    found = measure(Walk(), "steps", runs=60, length=50)
    assert found.figures == expected.figures
    assert found.notes == (
        "run by CPython, which is slower: the C compiler that CC names was not found: no-such-compiler",
    )
    with pytest.raises(RatifiedError, match="no-such-compiler"):
        measure(Walk(), "steps", runs=60, length=50, engine="native")


def test_an_override_without_a_mark_keeps_the_weight_and_one_with_a_mark_has_its_own() -> None:
    class Kept(Walk):
        @action
        def up(self) -> None:
            super().up()

        def down(self) -> None:
            super().down()

    class Other(Kept):
        @action(weight=5)
        def down(self) -> None:
            super().down()

    weights = [measure(model, "at", runs=1).weights for model in (Kept(), Other())]
    assert weights == [{"up": 1, "down": 2}, {"up": 1, "down": 5}]


def test_exploring_does_not_look_at_weights() -> None:
    """A step of weight 0 is a step."""

    class Never(Walk):
        @action(weight=0)
        def up(self) -> None:
            require(self.at < 5)
            super().up()

    assert check(Never()).distinct == 6
