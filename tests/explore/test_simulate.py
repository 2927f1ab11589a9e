"""Random walks: what they count, that a seed settles everything, what they find and what they never claim."""

from __future__ import annotations

from typing import Annotated, Self

import pytest

from ratified.explore import EvaluationError, check
from ratified.explore import simulate as module
from ratified.explore.simulate import Simulation, simulate
from ratified.language import (
    Map,
    Model,
    ModelError,
    Param,
    Range,
    RatifiedError,
    action,
    constraint,
    eventually,
    invariant,
    refines,
    require,
    step_invariant,
)
from ratified.language.machine import PythonMachine
from ratified.results.result import BEYOND_BOUNDS, ConstraintReport, PropertyKind, Trace, Verdict
from tests.shared.sorts import Lamp


class Lamps(Model):
    """A row of them."""

    on: Map[Lamp, bool]

    @action
    def switch(self, lamp: Lamp) -> None:
        self.on[lamp] = not self.on[lamp]

    @action
    def all_off(self) -> None:
        require(all(self.on[lamp] for lamp in Lamp))
        for lamp in Lamp:
            self.on[lamp] = False

    @invariant
    def lamps(self) -> bool:
        return len(self.on) == len(Lamp)


class Counter(Model):
    """Counts up to its end."""

    n: Annotated[int, Range(0, 9)]
    most: Param[int] = 9

    @action
    def count(self) -> None:
        require(self.n < self.most)
        self.n += 1


def run_of(trace: Trace) -> list[str]:
    return [f"{s.action}({', '.join(repr(v) for _, v in s.arguments)})" for s in trace.steps]


def replayed(model: Model, trace: Trace) -> bool:
    """Whether every step of a run is one that the model can take."""
    machine = PythonMachine(model)
    names = [d.name for d in machine.module.variables]
    states = [tuple(state[name] for name in names) for state in trace.states]
    begins = [state for _, state in machine.initial()]
    taken = [(step.action, tuple(v for _, v in step.arguments)) for step in trace.steps]
    possible = [[(machine.actions[a].name, given, to) for a, given, to in machine.steps(s)] for s in states]
    return states[0] in begins and all(
        (*step, after) in steps for step, steps, after in zip(taken, possible, states[1:], strict=False)
    )


# --- counting ---


def test_every_step_is_counted() -> None:
    walked = simulate(Counter(), runs=7, length=5)
    assert (walked.runs, walked.asked, walked.steps, walked.longest, walked.ended) == (7, 7, 35, 5, 0)
    assert (walked.distinct, walked.more_distinct) == (6, False)
    assert walked.fired == {"count": 35}
    assert walked.verdict is Verdict.UNDECIDED
    assert run_of(walked.first) == ["count()"] * 5


def test_a_run_ends_where_no_step_is_left() -> None:
    walked = simulate(Counter(most=3), runs=2, length=5)
    assert (walked.steps, walked.longest, walked.ended, walked.distinct) == (6, 3, 2, 4)


def test_a_walk_through_all_there_is_decides_nothing() -> None:
    walked = simulate(Counter(), runs=1, length=50)
    assert walked.distinct == 10
    assert walked.verdict is Verdict.UNDECIDED


def test_actions_that_were_never_taken_are_named() -> None:
    assert simulate(Lamps(Lamp=9), runs=1, length=8).never_fired == ("all_off",)


def test_past_what_is_remembered_it_says_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_REMEMBERED", 3)
    walked = simulate(Counter(), runs=1, length=5)
    assert (walked.distinct, walked.more_distinct) == (3, True)
    exactly = simulate(Counter(most=2), runs=1, length=5)
    assert (exactly.distinct, exactly.more_distinct) == (3, False)


def test_every_step_that_is_possible_is_as_likely_as_any_other() -> None:
    taken = [run_of(simulate(Lamps(Lamp=3), runs=1, length=1, seed=seed).first)[0] for seed in range(300)]
    assert {step: taken.count(step) > 75 for step in set(taken)} == {
        f"switch(l{number})": True for number in (1, 2, 3)
    }


def test_initial_states_are_drawn_too() -> None:
    class Anywhere(Counter):
        def init(self, at: Lamp) -> None:
            self.n = int(at)

    begins = {simulate(Anywhere(Lamp=4), runs=1, length=1, seed=s).first.initial["n"] for s in range(40)}
    assert begins == {0, 1, 2, 3}


# --- seeds ---


def test_a_seed_settles_everything() -> None:
    def walked(seed: int) -> Simulation:
        return simulate(Lamps(Lamp=4), runs=5, length=20, seed=seed)

    assert walked(3) == walked(3)
    assert run_of(walked(3).first) != run_of(walked(4).first)


def test_what_is_walked_does_not_depend_on_how_much_is_asked_for() -> None:
    few, many = (simulate(Lamps(Lamp=4), runs=runs, length=20, seed=1) for runs in (1, 3))
    assert few.first == many.first


# --- what is found ---


class Wrong(Lamps):
    """Claims too much of lamps."""

    @invariant
    def some_are_off(self) -> bool:
        return not all(self.on[lamp] for lamp in Lamp)


def test_a_violation_is_a_real_run_without_detours() -> None:
    walked = simulate(Wrong(Lamp=5), runs=100, length=100)
    assert walked.verdict is Verdict.VIOLATED
    assert walked.violation is not None
    assert (walked.violation.kind, walked.violation.name) == (PropertyKind.INVARIANT, "some_are_off")
    trace = walked.violation.trace
    assert replayed(Wrong(Lamp=5), trace)
    states = [tuple(state["on"].values()) for state in trace.states]  # type: ignore[attr-defined]  # a Map
    assert len(set(states)) == len(states)
    assert all(states[-1])
    assert len(trace.steps) < walked.longest, "this seed makes detours"


def test_a_step_that_breaks_a_promise_is_the_last_one() -> None:
    class Rising(Lamps):
        @step_invariant
        def rises(self, old: Self) -> bool:
            return sum(1 for b in self.on.values() if b) > sum(1 for b in old.on.values() if b)

    walked = simulate(Rising(Lamp=3), runs=10, length=10, seed=5)
    assert walked.violation is not None
    assert walked.violation.kind is PropertyKind.STEP_INVARIANT
    assert replayed(Rising(Lamp=3), walked.violation.trace)
    last = run_of(walked.violation.trace)[-1]
    assert walked.violation.detail.replace("lamp=", "") == f"it is false for the step {last}"


class Coarse(Model):
    """Counts in one go."""

    n: Annotated[int, Range(0, 9)]

    @action
    def finish(self) -> None:
        require(self.n == 0)
        self.n = 9


class Fine(Counter):
    """Does it bit by bit, which is something else."""

    @refines(Coarse)
    def as_coarse(self, abstract: Coarse) -> None:
        abstract.n = 9 if self.n >= 4 else self.n // 2


def test_a_refinement_is_checked() -> None:
    walked = simulate(Fine(), runs=1, length=9)
    assert walked.violation is not None
    assert (walked.violation.kind, walked.steps) == (PropertyKind.REFINEMENT, 2)
    assert walked.violation.detail == (
        "count() maps to a step of Coarse from n=0 to n=1, and no action of Coarse does that"
    )


def test_so_is_where_it_begins() -> None:
    class Late(Fine):
        def init(self) -> None:
            self.n = 5

    walked = simulate(Late(), runs=1, length=9)
    assert walked.violation is not None
    assert (walked.steps, len(walked.violation.trace.steps)) == (0, 0)
    assert walked.violation.detail == "the initial state maps to n=9, which is not an initial state of Coarse"


def test_a_deadlock_is_one_only_if_asked_for() -> None:
    walked = simulate(Counter(most=3), runs=2, length=9, deadlock=True)
    assert walked.violation is not None
    assert (walked.violation.kind, len(walked.violation.trace.steps)) == (PropertyKind.DEADLOCK, 3)
    assert (walked.runs, walked.ended) == (1, 0)


def test_claims_are_chosen_by_name() -> None:
    assert simulate(Wrong(Lamp=2), runs=9, claims=["lamps"]).verdict is Verdict.UNDECIDED
    with pytest.raises(ModelError, match="Wrong has no claim 'agreement'"):
        simulate(Wrong(Lamp=2), claims=["agreement"])


def test_liveness_is_named_and_not_checked() -> None:
    class Hopeless(Counter):
        @eventually
        def never(self) -> bool:
            return False

    walked = simulate(Hopeless(), runs=1)
    assert [str(claim) for claim in walked.unchecked] == ["never (eventually claim)"]
    assert (walked.checked, walked.verdict) == ((), Verdict.UNDECIDED)


# --- bounds and constraints ---


def test_a_step_out_of_bounds_is_not_taken() -> None:
    class Over(Counter):
        @action
        def jump(self) -> None:
            self.n += 9

    walked = simulate(Over(), runs=1, length=30, seed=2)
    (bound,) = walked.bounds
    assert (bound.action, bound.what) == ("jump", "the range 0..9 of n")
    assert walked.fired["jump"] + walked.fired["count"] == walked.steps
    assert bound.times >= walked.ended == 1


def test_a_state_that_is_left_out_is_not_walked_into() -> None:
    class Soon(Counter):
        @constraint
        def soon(self) -> bool:
            return self.n <= 4

    walked = simulate(Soon(), runs=3, length=30)
    assert (walked.steps, walked.ended, walked.distinct) == (12, 3, 5)
    assert walked.constraints == (ConstraintReport("soon", 3),)


# --- what goes wrong ---


def test_a_step_that_goes_wrong_is_told_with_its_run() -> None:
    class Fragile(Counter):
        @action
        def count(self) -> None:
            assert self.n < 3
            self.n += 1

    with pytest.raises(EvaluationError) as caught:
        simulate(Fragile(), runs=1)
    assert caught.value.message == "the assertion is false"
    assert caught.value.trace is not None
    assert run_of(caught.value.trace) == ["count()"] * 3
    assert caught.value.where == "  in count(), in the state after 3 steps:\n    n = 3"


def test_so_is_a_constraint_that_goes_wrong() -> None:
    class Odd(Counter):
        @constraint
        def divides(self) -> bool:
            return 4 // (2 - self.n) >= 0

    with pytest.raises(EvaluationError) as caught:
        simulate(Odd(), runs=1)
    assert caught.value.where == "  in divides(), in the state after 2 steps:\n    n = 2"


def test_and_one_in_an_initial_state() -> None:
    class Odd(Counter):
        @constraint
        def divides(self) -> bool:
            return 4 // self.n >= 0

    with pytest.raises(EvaluationError) as caught:
        simulate(Odd(), runs=1)
    assert caught.value.where == "  in divides(), in an initial state:\n    n = 0"


def test_without_a_beginning_there_is_no_walk() -> None:
    class Nowhere(Counter):
        def init(self) -> None:
            require(self.n == 1)

    with pytest.raises(ModelError) as caught:
        simulate(Nowhere())
    assert (caught.value.message, caught.value.remedy) == (
        "Nowhere has no initial state: no choice of init's arguments passes its guards",
        "weaken a `require` in init, or choose larger sizes",
    )


def test_where_every_beginning_leaves_a_bound_it_says_which() -> None:
    class Beyond(Counter):
        def init(self) -> None:
            self.n = self.most + 1

        @eventually
        def over(self) -> bool:
            return self.n == 9

    with pytest.raises(ModelError) as caught:
        simulate(Beyond())
    assert caught.value.message.startswith(
        "Beyond has no initial state within its bounds: init exceeds the range"
    )
    found = [check(Beyond(), engine=engine) for engine in ("reference", "native")]
    assert [(f.verdict, f.distinct, f.stopped) for f in found] == [(Verdict.UNDECIDED, 0, BEYOND_BOUNDS)] * 2
    assert [f.vacuous for f in found] == [("over",)] * 2


@pytest.mark.parametrize(
    ("runs", "depth", "message"),
    [
        (0, 5, "runs must be at least 1, and is 0"),
        (5, -1, "length must be at least 1, and is -1"),
    ],
)
def test_numbers_that_make_no_sense(runs: int, depth: int, message: str) -> None:
    with pytest.raises(RatifiedError) as caught:
        simulate(Counter(), runs=runs, length=depth)
    assert str(caught.value) == message


def test_a_class_is_not_a_model_at_a_size() -> None:
    with pytest.raises(RatifiedError) as caught:
        simulate(Counter)  # type: ignore[arg-type]  # that is what is tested
    assert str(caught.value) == (
        "Counter is not a model at a size\n  give an instance: Counter(...) with its sizes"
    )


def test_an_interruption_keeps_what_was_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0
    steps = PythonMachine.each_step

    def interrupted(self: PythonMachine, state: tuple[object, ...], pulse: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 8:
            raise KeyboardInterrupt
        return steps(self, state, pulse)  # type: ignore[arg-type]  # as it was given

    monkeypatch.setattr(PythonMachine, "each_step", interrupted)
    walked = simulate(Counter(), runs=9, length=5)
    assert (walked.runs, walked.steps, walked.stopped) == (2, 7, "interrupted")
    assert run_of(walked.first) == ["count()"] * 5
