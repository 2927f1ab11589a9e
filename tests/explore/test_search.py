"""The search: exact counts, the order in which things are judged, and the shortest run to each kind of violation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Annotated, Self

import pytest

from ratified.explore import EvaluationError, check
from ratified.explore.search import explore
from ratified.language import (
    AtMost,
    Map,
    Model,
    ModelError,
    Range,
    RatifiedError,
    Seq,
    Set,
    action,
    constraint,
    invariant,
    require,
    step_invariant,
)
from ratified.language.machine import PythonMachine
from ratified.results.result import (
    ActionReport,
    ConstraintReport,
    Limits,
    Progress,
    PropertyKind,
    Result,
    Verdict,
)
from ratified.results.seen import NOWHERE, NumberedEdge
from tests.shared.sorts import Node, Time

Small = Annotated[int, Range(0, 9)]


def run(result: Result) -> list[str]:
    """The steps of the counterexample, as one reads them."""
    assert result.violation is not None
    return [
        f"{s.action}({', '.join(map(repr, (v for _, v in s.arguments)))})"
        for s in result.violation.trace.steps
    ]


def same(one: Result, other: Result) -> bool:
    """Whether results are equal but for time and memory."""
    return dataclasses.replace(one, seconds=0, memory=0) == dataclasses.replace(other, seconds=0, memory=0)


# --- counts -------------------------------------------------------------------------------------------------------------


class Grid(Model):
    """Two counters to 2: nine states in five levels."""

    x: Small
    y: Small

    @action
    def right(self) -> None:
        require(self.x < 2)
        self.x += 1

    @action
    def up(self) -> None:
        require(self.y < 2)
        self.y += 1

    @action
    def back(self) -> None:
        """Straight to the beginning."""
        self.x = 0
        self.y = 0


def test_every_number_of_a_small_model() -> None:
    result = check(Grid())
    assert result.verdict is Verdict.HOLDS
    assert (result.distinct, result.depth) == (9, 5)
    # One initial state; 6 steps right, 6 up, and a step back from each of the nine.
    assert result.generated == 1 + 6 + 6 + 9
    # A state that both lead to from the level before counts for `right`: only the column x = 0 is left for `up`.
    assert result.actions == (
        ActionReport("right", 6, 6),
        ActionReport("up", 6, 2),
        ActionReport("back", 9, 0),
    )
    least, mean, most = result.out_degree
    assert (least, round(mean * 9), most) == (1, 21, 3)
    assert (result.stopped, result.violation, result.bounds, result.constraints) == (None, None, (), ())
    assert (result.model, result.engine, result.symmetry) == ("Grid", "reference", ())


class Started(Model):
    """Initial states chosen by arguments, some of them equal, some refused."""

    at: Node
    seen: Set[Node]

    def init(self, n: Node, m: Node) -> None:
        require(n != m)
        self.at = n

    @action
    def move(self, n: Node) -> None:
        require(n not in self.seen)
        self.seen.add(n)
        self.at = n


def test_initial_states_are_counted_once_for_each_choice() -> None:
    result = check(Started(Node=3))
    # Six choices make three states. After that, `at` is any member of a set that is not empty: 3 + 3*2 + 3.
    assert (result.distinct, result.depth) == (3 + 12, 4)
    # Each of the 3 initial states steps to 3; each {a} (3 states) to 2; each pair (6 states) to 1.
    assert result.generated == 6 + 9 + 6 + 6
    assert result.sizes == {"Node": 3}


def test_two_runs_give_equal_results() -> None:
    assert same(check(Started(Node=3)), check(Started(Node=3)))
    assert same(check(BadGrid()), check(BadGrid()))


# --- violations ---------------------------------------------------------------------------------------------------------


class BadGrid(Grid):
    """Two claims fail at the same depth, by several runs."""

    @invariant
    def not_far_up(self) -> bool:
        return not (self.y == 2 and self.x == 1)

    @invariant
    def not_three(self) -> bool:
        return self.x + self.y != 3

    @step_invariant
    def only_up(self, old: Self) -> bool:
        return not (old.x == 2 and old.y == 0 and self.y == 1)


def test_the_first_claim_wins_among_shortest_runs_and_the_level_is_finished() -> None:
    result = check(BadGrid())
    assert result.verdict is Verdict.VIOLATED
    assert result.violation is not None
    assert (result.violation.kind, result.violation.name) == (PropertyKind.INVARIANT, "not_far_up")
    # (1, 2) is first met from (1, 1), which is first met from (1, 0).
    assert run(result) == ["right()", "up()", "up()"]
    assert [dict(s) for s in result.violation.trace.states] == [
        {"x": 0, "y": 0},
        {"x": 1, "y": 0},
        {"x": 1, "y": 1},
        {"x": 1, "y": 2},
    ]
    # Levels 1 to 3 are expanded to their end; the states that violate something are counted.
    assert (result.distinct, result.depth) == (8, 4)
    assert result.stopped is None


class Climb(Model):
    """Claims with parameters, about states and about steps."""

    at: Map[Node, Small]

    @action
    def up(self, n: Node, by: Annotated[int, Range(1, 2)]) -> None:
        require(self.at[n] + by <= 4)
        self.at[n] += by


class TooHigh(Climb):
    @invariant
    def low(self, n: Node) -> bool:
        return self.at[n] < 4


class TooFast(Climb):
    @step_invariant
    def steady(self, old: Self) -> bool:
        return all(self.at[n] - old.at[n] <= 1 for n in Node) or any(old.at[n] == 1 for n in Node)


def test_an_invariant_is_refuted_with_its_arguments() -> None:
    result = check(TooHigh(Node=2))
    assert result.violation is not None
    assert run(result) == ["up(n1, 2)", "up(n1, 2)"]
    assert result.violation.detail == "it is false for n=n1"
    assert result.violation.span is not None


def test_a_step_invariant_is_refuted_by_the_last_step() -> None:
    result = check(TooFast(Node=2))
    assert result.violation is not None
    assert (result.violation.kind, result.violation.name) == (PropertyKind.STEP_INVARIANT, "steady")
    assert run(result) == ["up(n1, 2)"]
    assert result.violation.detail == "it is false for the step up(n=n1, by=2)"


class BadStart(Grid):
    def init(self, x: Annotated[int, Range(0, 3)]) -> None:
        self.x = x

    @invariant
    def in_the_grid(self) -> bool:
        return self.x <= 2


def test_an_initial_state_may_be_wrong() -> None:
    result = check(BadStart())
    assert result.violation is not None
    assert result.violation.trace.initial == {"x": 3, "y": 0}
    assert (len(result.violation.trace), result.depth, result.distinct, result.generated) == (1, 1, 4, 4)


class Narrow(Model):
    """Stops at 3; from 2 on it may also jump there."""

    x: Small

    @action
    def go(self) -> None:
        require(self.x < 3)
        self.x += 1


def test_deadlock_is_looked_for_only_if_asked() -> None:
    assert check(Narrow()).verdict is Verdict.HOLDS
    result = check(Narrow(), deadlock=True)
    assert result.violation is not None
    assert (result.violation.kind, result.violation.name) == (PropertyKind.DEADLOCK, "deadlock")
    assert run(result) == ["go()", "go()", "go()"]
    assert result.violation.detail == "no step is possible in the last state"
    assert [p.kind for p in result.properties] == [PropertyKind.DEADLOCK]
    assert check(Grid(), deadlock=True).verdict is Verdict.HOLDS


class Ticking(Model):
    """Steps that would leave a bound, and then nothing else."""

    now: Time

    @action
    def tick(self) -> None:
        self.now = self.now + 1


class Bounded(Model):
    """Steps into states that a constraint leaves out, and then nothing else."""

    x: Small

    @action
    def go(self) -> None:
        self.x += 1

    @constraint
    def low(self) -> bool:
        return self.x < 3


def test_steps_that_are_cut_are_possible_all_the_same() -> None:
    assert check(Ticking(Time=3), deadlock=True).violation is None
    assert check(Bounded(), deadlock=True).verdict is Verdict.HOLDS


class Mixed(Model):
    """A deadlock at level 3, and an invariant that fails at level 4: the shorter run is told."""

    x: Small

    @action
    def go(self) -> None:
        require(self.x not in {2, 4})
        self.x += 1

    @action
    def jump(self) -> None:
        require(self.x == 1)
        self.x = 3

    @invariant
    def below_four(self) -> bool:
        return self.x < 4


def test_the_shorter_run_is_told_though_the_other_property_comes_first() -> None:
    result = check(Mixed(), deadlock=True)
    assert result.violation is not None
    assert result.violation.kind is PropertyKind.DEADLOCK
    assert run(result) == ["go()", "go()"]
    without = check(Mixed())
    assert without.violation is not None
    assert run(without) == ["go()", "jump()", "go()"]


# --- bounds and constraints ---------------------------------------------------------------------------------------------


def test_a_bound_that_is_left_makes_the_result_undecided() -> None:
    result = check(Ticking(Time=3))
    assert result.verdict is Verdict.UNDECIDED
    assert (result.distinct, result.generated, result.depth) == (3, 3, 3)
    [bound] = result.bounds
    assert (bound.what, bound.action, bound.times) == ("the last Time, t2", "tick", 1)
    assert bound.span is not None
    assert result.stopped == (
        "some steps would exceed a declared bound and were not taken; nothing is known beyond it"
    )
    assert result.actions == (ActionReport("tick", 2, 2),)


class Outside(Grid):
    """A bound that is left by an initial state and by an action."""

    def init(self, x: Annotated[int, Range(8, 10)]) -> None:
        self.x = x

    @action
    def right(self) -> None:
        self.x += 1

    @action
    def up(self) -> None:
        pass


def test_bounds_are_told_by_place_and_action() -> None:
    result = check(Outside())
    assert [(b.action, b.times) for b in result.bounds] == [("init", 1), ("right", 1)]
    assert len({b.what for b in result.bounds}) == 1
    assert result.verdict is Verdict.UNDECIDED


class BoundAndBad(Ticking):
    @invariant
    def early(self) -> bool:
        return int(self.now) < 2


def test_a_violation_is_one_whatever_bound_was_left() -> None:
    result = check(BoundAndBad(Time=3))
    assert (result.verdict, result.stopped) == (Verdict.VIOLATED, None)


def test_a_constraint_is_a_bound_on_purpose() -> None:
    result = check(Bounded())
    assert result.verdict is Verdict.HOLDS
    assert (result.distinct, result.generated, result.depth) == (3, 4, 3)
    assert result.constraints == (ConstraintReport("low", 1),)
    assert result.actions == (ActionReport("go", 3, 2),)
    least, mean, most = result.out_degree
    assert (least, round(mean * 3), most) == (1, 3, 1)


class Judged(Bounded):
    """What is claimed is false only in states that the constraint leaves out, and of steps into them."""

    @invariant
    def lower(self) -> bool:
        return self.x < 3

    @step_invariant
    def never_to_three(self, old: Self) -> bool:
        return self.x != 3 or old.x == 3


def test_nothing_is_asked_about_states_that_a_constraint_leaves_out() -> None:
    assert check(Judged()).verdict is Verdict.HOLDS


class Ranged(Bounded):
    """Left out several times over, and by the first of two constraints."""

    @action
    def jump(self) -> None:
        self.x = 7

    @constraint
    def lower(self) -> bool:
        return self.x < 2


def test_the_first_constraint_that_is_false_is_told_with_duplicates() -> None:
    result = check(Ranged())
    assert (result.distinct, result.generated) == (2, 5)
    assert result.constraints == (ConstraintReport("low", 2), ConstraintReport("lower", 1))


# --- limits -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "stopped", "distinct", "depth"),
    [
        (Limits(depth=1), "the depth limit of 1 levels", 1, 1),
        (Limits(depth=4), "the depth limit of 4 levels", 8, 4),
        (Limits(states=4), "the limit of 4 states", 4, 3),
        (Limits(states=8), "the limit of 8 states", 8, 4),
        (Limits(seconds=0), "the time limit of 0 s", 1, 1),
        (Limits(memory=1), "the memory limit of 1 bytes", 1, 1),
    ],
)
def test_a_limit_makes_the_result_undecided(limits: Limits, stopped: str, distinct: int, depth: int) -> None:
    result = check(Grid(), limits=limits)
    assert (result.verdict, result.stopped) == (Verdict.UNDECIDED, stopped)
    assert (result.distinct, result.depth) == (distinct, depth)


@pytest.mark.parametrize("limits", [Limits(depth=5), Limits(states=9), Limits(depth=6, states=10)])
def test_what_is_complete_holds_whatever_the_limit(limits: Limits) -> None:
    assert same(check(Grid(), limits=limits), check(Grid()))


def test_a_depth_limit_counts_nothing_that_lies_behind_it() -> None:
    result = check(Grid(), limits=Limits(depth=2))
    # Level 1 was expanded (right, up, back), level 2 was not.
    assert (result.generated, [a.fired for a in result.actions]) == (4, [1, 1, 1])
    assert check(BadGrid(), limits=Limits(depth=3)).verdict is Verdict.UNDECIDED
    assert check(BadGrid(), limits=Limits(depth=4)).verdict is Verdict.VIOLATED


def test_a_depth_limit_below_the_first_level_makes_no_sense() -> None:
    with pytest.raises(RatifiedError, match="initial states are level 1"):
        check(Grid(), limits=Limits(depth=0))


def test_a_violation_met_before_a_limit_is_told() -> None:
    result = check(BadGrid(), limits=Limits(states=7))
    assert (result.verdict, result.stopped) == (Verdict.VIOLATED, "the limit of 7 states")


def test_an_interrupt_leaves_what_was_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = PythonMachine.each_step
    calls: list[object] = []

    def interrupted(self: PythonMachine, state: tuple[object, ...], pulse: object) -> object:
        calls.append(state)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return steps(self, state, pulse)  # type: ignore[arg-type]  # as it was given

    monkeypatch.setattr(PythonMachine, "each_step", interrupted)
    result = check(Grid())
    assert (result.verdict, result.stopped) == (Verdict.UNDECIDED, "interrupted")
    assert (result.distinct, result.depth) == (7, 4)


# --- models that have no answer -----------------------------------------------------------------------------------------


class Broken(Model):
    """Takes the last of a sequence that is empty again after two steps."""

    log: Annotated[Seq[Node], AtMost(2)]
    done: bool

    @action
    def put(self, n: Node) -> None:
        require(not self.log and not self.done)
        self.log.append(n)

    @action
    def take(self, n: Node) -> None:
        require(n in self.log)
        self.log.clear()
        self.done = True

    @action
    def look(self, n: Node) -> None:
        require(self.done)
        require(self.log[0] == n)


class BrokenClaim(Grid):
    @invariant
    def quotient(self, by: Annotated[int, Range(1, 2)]) -> bool:
        return 4 // (2 - self.y) >= 0 and by > 0


class BrokenStart(Grid):
    def init(self, y: Annotated[int, Range(0, 2)]) -> None:
        self.x = 2 // (2 - y)


class BrokenStep(Grid):
    @step_invariant
    def asserted(self, old: Self) -> bool:
        assert self.x + self.y < 3
        return old.x <= 2


class BrokenConstraint(Grid):
    @constraint
    def some(self) -> bool:
        return 1 // (2 - self.x) >= 0


CASES: list[tuple[Callable[[], Model], str, str, list[str]]] = [
    (
        lambda: Broken(Node=2),
        "the sequence has length 0, and no index 0",
        "  in look(n=n1), in the state after 2 steps:\n    log = []\n    done = True",
        ["put", "take"],
    ),
    (
        BrokenClaim,
        "division by zero",
        "  in quotient(by=1), in the state after 2 steps:\n    x = 0\n    y = 2",
        ["up", "up"],
    ),
    (
        BrokenStep,
        "the assertion is false",
        "  in asserted(), in the state after 3 steps:\n    x = 2\n    y = 1",
        ["right", "right", "up"],
    ),
    (
        BrokenConstraint,
        "division by zero",
        "  in some(), in the state after 2 steps:\n    x = 2\n    y = 0",
        ["right", "right"],
    ),
]


@pytest.mark.parametrize(("model", "message", "where", "steps"), CASES)
def test_a_model_without_an_answer_is_an_error_with_the_run_to_it(
    model: Callable[[], Model], message: str, where: str, steps: list[str]
) -> None:
    with pytest.raises(EvaluationError, match=message) as caught:
        check(model())
    error = caught.value
    assert error.span is not None
    assert str(error).startswith(f"{error.span}: {message}")
    assert str(error).endswith(where)
    assert error.trace is not None
    assert [step.action for step in error.trace.steps] == steps


def test_an_initial_state_that_cannot_be_computed_has_no_run() -> None:
    with pytest.raises(EvaluationError, match="division by zero") as caught:
        check(BrokenStart())
    assert str(caught.value).endswith("  in init(y=2), before the first state")
    assert caught.value.trace is None


class BrokenAndBad(BrokenClaim):
    """An error and a violation after as many steps: the error is told, for the model is wrong."""

    @invariant
    def not_two(self) -> bool:
        return self.x < 2


def test_an_error_goes_before_a_violation_of_the_same_length() -> None:
    with pytest.raises(EvaluationError):
        check(BrokenAndBad())


# --- beginnings ---------------------------------------------------------------------------------------------------------


class Nowhere(Grid):
    def init(self, x: Annotated[int, Range(0, 2)]) -> None:
        require(x > 2)


class AllLeftOut(Grid):
    @constraint
    def far(self) -> bool:
        return self.x > 5


def test_no_initial_state() -> None:
    with pytest.raises(
        ModelError, match="Nowhere has no initial state: no choice of init's arguments passes"
    ) as caught:
        check(Nowhere())
    assert caught.value.span is not None
    assert caught.value.remedy == "weaken a `require` in init, or choose larger sizes"


def test_no_initial_state_within_the_constraints() -> None:
    with pytest.raises(ModelError, match="AllLeftOut has no initial state: `far` excludes all 1") as caught:
        check(AllLeftOut())
    assert caught.value.remedy == "a constraint must be true in some initial state"


def test_a_class_is_not_a_model_at_a_size() -> None:
    with pytest.raises(RatifiedError, match="Started is not a model at a size") as caught:
        check(Started)  # type: ignore[arg-type]  # the mistake
    assert caught.value.remedy == "give an instance: Started(...) with its sizes"


def test_engines_go_by_name() -> None:
    assert same(check(Grid(), engine="reference"), check(Grid()))
    with pytest.raises(RatifiedError, match="there is no engine 'fast'") as caught:
        check(Grid(), engine="fast")
    assert caught.value.remedy == "choose one of auto, reference, native"


# --- what else is told --------------------------------------------------------------------------------------------------


def test_progress_is_told_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ratified.explore.search._BETWEEN_REPORTS", 0.0)
    told: list[Progress] = []
    check(Grid(), progress=told.append)
    assert [(p.distinct, p.depth, p.queue) for p in told[:2]] == [(1, 1, 1), (3, 2, 2)]
    assert len(told) == 9


def test_the_graph_can_be_had() -> None:
    found = explore(PythonMachine(Bounded()), keep_edges=True)
    assert found.states == [(0,), (1,), (2,)]
    assert found.edges == [NumberedEdge(0, 0, (), 1), NumberedEdge(1, 0, (), 2)]
    assert list(found.predecessor) == [NOWHERE, 0, 1]
    assert found.levels == [0, 1, 2]
