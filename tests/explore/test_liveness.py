"""Liveness of models with known answers: what holds under which fairness, and the runs that show what does not."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Annotated

import pytest

from ratified.explore import EvaluationError, check
from ratified.language import (
    Map,
    Model,
    ModelError,
    Param,
    Range,
    Sort,
    Symmetric,
    action,
    constraint,
    eventually,
    invariant,
    leads_to,
    require,
)
from ratified.language.evaluate import TreeMachine
from ratified.language.ir import Fairness, Kind
from ratified.language.machine import OutOfBounds, PythonMachine
from ratified.models.commit.transaction_commit import ResourceManager, RMState
from ratified.models.commit.two_phase import TwoPhase
from ratified.results.result import Limits, PropertyKind, PropertyReport, Result, Verdict, Violation


def told(result: Result) -> tuple[list[str], int | None]:
    """The steps of the counterexample as one reads them, and after how many of them it goes round."""
    violation = failed(result)
    assert violation.kind is PropertyKind.LIVENESS
    steps = [f"{s.action}({', '.join(repr(v) for _, v in s.arguments)})" for s in violation.trace.steps]
    return steps, violation.trace.loop


def failed(result: Result) -> Violation:
    assert result.verdict is Verdict.VIOLATED
    assert result.violation is not None
    return result.violation


# --- a scheduler: two jobs, one counter each ---


class Job(Symmetric):
    """Has a little to do."""


class Scheduler(Model):
    """Runs a job's next piece; who is next is nobody's business."""

    done: Map[Job, Annotated[int, Range(0, 2)]]

    @action
    def run(self, j: Job) -> None:
        self.done[j] = 0 if self.done[j] == 2 else self.done[j] + 1

    @eventually
    def gets_done(self, j: Job) -> bool:
        return self.done[j] == 2


class BusyScheduler(Scheduler):
    """It always runs some job."""

    @action(fair="weak")
    def run(self, j: Job) -> None:
        super().run(j)


class FairScheduler(Scheduler):
    """It runs every job again and again."""

    @action(fair="weak", each=("j",))
    def run(self, j: Job) -> None:
        super().run(j)


def test_without_fairness_nothing_has_to_happen() -> None:
    result = check(Scheduler(Job=2))
    assert told(result) == ([], 0)
    assert failed(result).detail == (
        "it never becomes true for j=j1; no action is declared fair, so none has to be taken"
    )


def test_fairness_of_an_action_as_a_whole_lets_one_job_starve() -> None:
    result = check(BusyScheduler(Job=2))
    assert told(result) == (["run(j2)"] * 3, 0)
    assert failed(result).detail == (
        "it never becomes true for j=j1; the run is fair: run is taken (step 1); no other fair action is"
        " enabled in the states that repeat"
    )


def test_with_one_job_it_is_the_same_as_fairness_for_each() -> None:
    assert check(BusyScheduler(Job=1)).verdict is Verdict.HOLDS


def test_fairness_for_each_value_lets_none_starve() -> None:
    result = check(FairScheduler(Job=3))
    assert result.verdict is Verdict.HOLDS
    assert result.distinct == 27
    assert result.properties == (
        PropertyReport(
            PropertyKind.LIVENESS,
            "gets_done",
            vacuous=False,
            span=Scheduler.module.functions["gets_done"].span,
            verdict=Verdict.HOLDS,
        ),
    )


# --- mutual exclusion: Peterson's algorithm (G. L. Peterson, "Myths about the mutual exclusion problem", 1981) ---


class Side(Sort):
    """One of two processes."""


class At(Enum):
    """Where a process is."""

    IDLE = "idle"
    WANTS = "wants"
    WAITS = "waits"
    INSIDE = "inside"


class Peterson(Model):
    """Each lets the other go first if both want to."""

    at: Map[Side, At]
    flag: Map[Side, bool]
    turn: Side

    def init(self, turn: Side) -> None:
        self.turn = turn

    def other(self, s: Side) -> Side:
        return Side(1 - int(s))

    @action
    def want(self, s: Side) -> None:
        require(self.at[s] == At.IDLE)
        self.flag[s] = True
        self.at[s] = At.WANTS

    @action
    def defer(self, s: Side) -> None:
        require(self.at[s] == At.WANTS)
        self.turn = self.other(s)
        self.at[s] = At.WAITS

    @action
    def enter(self, s: Side) -> None:
        require(self.at[s] == At.WAITS)
        require(not self.flag[self.other(s)] or self.turn == s)
        self.at[s] = At.INSIDE

    @action
    def leave(self, s: Side) -> None:
        require(self.at[s] == At.INSIDE)
        self.flag[s] = False
        self.at[s] = At.IDLE

    @invariant
    def exclusion(self) -> bool:
        return not all(self.at[s] == At.INSIDE for s in Side)

    @leads_to
    def no_starvation(self, s: Side) -> tuple[bool, bool]:
        return self.at[s] == At.WANTS, self.at[s] == At.INSIDE


class FairPeterson(Peterson):
    """A process that has begun goes on; none has to begin."""

    @action(fair="weak", each=("s",))
    def defer(self, s: Side) -> None:
        super().defer(s)

    @action(fair="weak", each=("s",))
    def enter(self, s: Side) -> None:
        super().enter(s)

    @action(fair="weak", each=("s",))
    def leave(self, s: Side) -> None:
        super().leave(s)


class NeverLeaving(FairPeterson):
    """Who is inside may stay there."""

    @action
    def leave(self, s: Side) -> None:
        super().leave(s)


def test_peterson_without_fairness_starves() -> None:
    result = check(Peterson(Side=2))
    assert told(result) == (["want(s1)"], 1)
    assert failed(result).name == "no_starvation"
    assert failed(result).detail.startswith(
        "after step 1 the first is true for s=s1, and the second never is from then on; "
    )


def test_peterson_under_weak_fairness_does_not() -> None:
    result = check(FairPeterson(Side=2))
    assert result.verdict is Verdict.HOLDS
    assert [p.kind for p in result.properties] == [PropertyKind.INVARIANT, PropertyKind.LIVENESS]


def test_peterson_waits_for_one_that_does_not_leave() -> None:
    result = check(NeverLeaving(Side=2))
    assert told(result) == (["want(s1)", "want(s2)", "defer(s2)", "defer(s1)", "enter(s2)"], 5)
    assert failed(result).trace.states[-1]["at"] == {Side(0): At.WAITS, Side(1): At.INSIDE}


# --- a semaphore ---


class Process(Symmetric, prefix="p"):
    """Wants to be inside now and then."""


class Semaphore(Model):
    """One at a time."""

    at: Map[Process, At]
    free: bool = True

    @action
    def ask(self, p: Process) -> None:
        require(self.at[p] == At.IDLE)
        self.at[p] = At.WAITS

    @action(fair="weak", each=("p",))
    def enter(self, p: Process) -> None:
        require(self.at[p] == At.WAITS)
        require(self.free)
        self.at[p] = At.INSIDE
        self.free = False

    @action(fair="weak", each=("p",))
    def leave(self, p: Process) -> None:
        require(self.at[p] == At.INSIDE)
        self.at[p] = At.IDLE
        self.free = True

    @leads_to
    def is_served(self, p: Process) -> tuple[bool, bool]:
        return self.at[p] == At.WAITS, self.at[p] == At.INSIDE


class StrongSemaphore(Semaphore):
    """Who is let in again and again goes in."""

    @action(fair="strong", each=("p",))
    def enter(self, p: Process) -> None:
        super().enter(p)


def test_weak_fairness_does_not_help_who_finds_the_semaphore_taken_now_and_then() -> None:
    result = check(Semaphore(Process=2))
    assert told(result) == (["ask(p1)", "ask(p2)", "enter(p2)", "leave(p2)"], 1)
    assert failed(result).detail == (
        "after step 1 the first is true for p=p1, and the second never is from then on; the run is fair:"
        " enter(p=p1) is disabled again and again (after step 3), enter(p=p2) is taken (step 3),"
        " leave(p=p2) is taken (step 4); no other fair action is enabled in the states that repeat"
    )


@pytest.mark.parametrize("size", [1, 2, 3])
def test_strong_fairness_does(size: int) -> None:
    assert check(StrongSemaphore(Process=size)).verdict is Verdict.HOLDS


def test_one_process_alone_needs_no_more_than_weak_fairness() -> None:
    assert check(Semaphore(Process=1)).verdict is Verdict.HOLDS


# --- deadlock, and runs that stop ---


class Fork(Sort):
    """Lies between two philosophers."""


class Philosophers(Model):
    """Two, who each take the fork of their own number first."""

    holder: Map[Fork, Fork | None]  # philosophers have the numbers of forks

    @action(fair="strong", each=("p", "f"))
    def take(self, p: Fork, f: Fork) -> None:
        require(self.holder[f] is None)
        require(f == p or self.holder[p] == p)
        self.holder[f] = p

    @action(fair="strong", each=("p",))
    def put_down(self, p: Fork) -> None:
        require(all(self.holder[f] == p for f in Fork))
        for f in Fork:
            self.holder[f] = None

    @eventually
    def eats(self, p: Fork) -> bool:
        return all(self.holder[f] == p for f in Fork)


def test_a_deadlock_is_a_run_that_stays_where_it_is() -> None:
    result = check(Philosophers(Fork=2))
    assert told(result) == (["take(f1, f1)", "take(f2, f2)"], 2)
    assert failed(result).detail == (
        "it never becomes true for p=f1; the run is fair: no fair action is enabled in the states that repeat"
    )


class Counter(Model):
    """Counts up to its end."""

    n: Annotated[int, Range(0, 5)]
    most: Param[int] = 5

    @action(fair="weak")
    def count(self) -> None:
        require(self.n < self.most)
        self.n += 1

    @action
    def nothing(self) -> None:
        pass

    @eventually
    def reaches_the_end(self) -> bool:
        return self.n == 5

    @leads_to
    def goes_on(self) -> tuple[bool, bool]:
        return self.n == 1, self.n == 3


def test_a_step_that_changes_nothing_does_not_keep_a_fair_one_from_its_turn() -> None:
    result = check(Counter())
    assert result.verdict is Verdict.HOLDS
    assert [(p.name, p.vacuous) for p in result.properties] == [
        ("reaches_the_end", False),
        ("goes_on", False),
    ]


@pytest.mark.parametrize(
    ("most", "name", "steps"),
    [(4, "reaches_the_end", 4), (2, "reaches_the_end", 2), (0, "reaches_the_end", 0)],
)
def test_a_run_that_ends_short_of_it(most: int, name: str, steps: int) -> None:
    result = check(Counter(most=most))
    assert told(result) == (["count()"] * steps, steps)
    assert failed(result).name == name


def test_of_claims_that_fail_with_as_short_a_run_the_first_is_told() -> None:
    assert failed(check(Counter(most=2))).name == "reaches_the_end"
    assert failed(check(Counter(most=2), claims=["goes_on"])).name == "goes_on"
    assert failed(check(Counter(most=2), claims=["goes_on"])).detail == (
        "after step 1 the first is true, and the second never is from then on;"
        " the run is fair: no fair action is enabled in the states that repeat"
    )


def test_a_claim_that_is_not_chosen_is_not_checked() -> None:
    result = check(Counter(most=0), claims=["goes_on"])
    assert result.verdict is Verdict.HOLDS
    assert [(p.name, p.vacuous) for p in result.properties] == [("goes_on", True)]


class Vacuous(Counter):
    """Claims what is so from the beginning."""

    @eventually
    def begins(self) -> bool:
        return self.n == 0


def test_what_is_so_from_the_beginning_was_not_put_to_the_test() -> None:
    assert check(Vacuous()).vacuous == ("begins",)


# --- two-phase commit ---


class LiveTwoPhase(TwoPhase):
    """Whoever can do something does it in the end."""

    @action(fair="weak", each=("r",))
    def tm_receive_prepared(self, r: ResourceManager) -> None:
        super().tm_receive_prepared(r)

    @action(fair="weak")
    def tm_commit(self) -> None:
        super().tm_commit()

    @action(fair="weak", each=("r",))
    def rm_prepare(self, r: ResourceManager) -> None:
        super().rm_prepare(r)

    @action(fair="weak", each=("r",))
    def rm_receive_commit(self, r: ResourceManager) -> None:
        super().rm_receive_commit(r)

    @action(fair="weak", each=("r",))
    def rm_receive_abort(self, r: ResourceManager) -> None:
        super().rm_receive_abort(r)

    @leads_to
    def prepared_decides(self, r: ResourceManager) -> tuple[bool, bool]:
        return self.rm_state[r] == RMState.PREPARED, self.rm_state[r] in {RMState.COMMITTED, RMState.ABORTED}


class TimingOut(LiveTwoPhase):
    """A transaction manager that does not hear from everybody gives up."""

    @action(fair="weak")
    def tm_abort(self) -> None:
        super().tm_abort()


def test_two_phase_commit_blocks_where_the_transaction_manager_waits_for_one_that_gave_up() -> None:
    result = check(LiveTwoPhase(ResourceManager=2))
    assert told(result) == (
        ["rm_prepare(rm1)", "tm_receive_prepared(rm1)", "rm_choose_to_abort(rm2)"],
        3,
    )


@pytest.mark.parametrize(("size", "states"), [(1, 12), (2, 56), (3, 288)])
def test_two_phase_commit_decides_if_the_transaction_manager_does(size: int, states: int) -> None:
    result = check(TimingOut(ResourceManager=size))
    assert (result.verdict, result.distinct) == (Verdict.HOLDS, states)


# --- what is not known ---


class Bounded(Counter):
    """Leaves a bound on its way."""

    @action(fair="weak")
    def count(self) -> None:
        self.n += 1


class Constrained(Counter):
    """Is not looked at to its end."""

    limit: Param[int] = 3

    @constraint
    def soon(self) -> bool:
        return self.n <= self.limit


def test_where_a_constraint_leaves_states_out_liveness_is_not_decided() -> None:
    result = check(Constrained(limit=3), claims=["reaches_the_end"])
    assert result.verdict is Verdict.UNDECIDED
    assert result.stopped == (
        "a constraint excludes states in which a run may continue, so liveness is undecided"
    )
    assert result.notes == ()


def test_a_constraint_that_leaves_nothing_out_is_no_matter() -> None:
    assert check(Constrained(limit=5)).verdict is Verdict.HOLDS


def test_a_run_inside_a_constraint_is_a_violation_if_what_is_cut_off_does_not_matter() -> None:
    class Lazy(Constrained):
        @action
        def count(self) -> None:
            super().count()

    result = check(Lazy(limit=3))
    assert told(result) == ([], 0)
    assert result.stopped is None


def test_the_other_claims_are_said_to_hold() -> None:
    class Positive(Constrained):
        @invariant
        def positive(self) -> bool:
            return self.n >= 0

    result = check(Positive(limit=3))
    assert result.verdict is Verdict.UNDECIDED
    assert result.notes == ("all claims but liveness hold in every state that the constraints admit",)


def test_where_a_bound_is_left_liveness_is_not_decided() -> None:
    result = check(Bounded())
    assert result.verdict is Verdict.UNDECIDED
    assert [b.times for b in result.bounds] == [1]


def test_where_a_limit_was_reached_liveness_is_not_decided() -> None:
    result = check(Counter(), limits=Limits(depth=3))
    assert (result.verdict, result.stopped) == (Verdict.UNDECIDED, "the depth limit of 3 levels")
    assert not result.vacuous


def test_within_a_limit_a_real_run_is_a_violation() -> None:
    assert told(check(Semaphore(Process=3), limits=Limits(depth=5))) == (
        ["ask(p1)", "ask(p2)", "enter(p2)", "leave(p2)"],
        1,
    )


def test_no_time_is_no_answer() -> None:
    result = check(Counter(most=0), limits=Limits(seconds=0))
    assert (result.verdict, result.stopped) == (Verdict.UNDECIDED, "the time limit of 0 s")


def test_an_interruption_of_the_second_part_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> Violation:
        raise KeyboardInterrupt

    monkeypatch.setattr("ratified.explore.liveness.LivenessCheck.violation", interrupted)
    result = check(Counter())
    assert (result.verdict, result.stopped, result.distinct) == (Verdict.UNDECIDED, "interrupted", 6)


def test_what_is_violated_before_is_told_and_liveness_is_not_asked_about() -> None:
    class Wrong(Counter):
        @invariant
        def small(self) -> bool:
            return self.n < 4

        @eventually
        def never(self) -> bool:
            return False

    result = check(Wrong())
    assert failed(result).name == "small"
    assert [p.name for p in result.properties] == ["small", "reaches_the_end", "goes_on", "never"]


# --- what is refused, and what goes wrong ---


def test_symmetry_is_refused() -> None:
    with pytest.raises(ModelError) as caught:
        check(Semaphore(Process=2), symmetry=True)
    assert caught.value.message == (
        "symmetry cannot be used with Semaphore: `is_served` is about whole runs, and a run through"
        " representatives need not be a run of the model, nor a fair one"
    )
    assert caught.value.remedy == "check without symmetry, or choose other claims"
    assert caught.value.span == Semaphore.module.functions["is_served"].span


def test_symmetry_with_nothing_to_permute_is_not() -> None:
    assert check(Semaphore(Process=1), symmetry=True).verdict is Verdict.HOLDS


def test_symmetry_without_liveness_is_not() -> None:
    assert check(Semaphore(Process=2), symmetry=True, claims=[]).symmetry == ("Process",)


def test_a_claim_that_has_no_answer_is_told_with_the_run_to_the_state() -> None:
    class Partial(Counter):
        @eventually
        def divides(self) -> bool:
            return 6 // (3 - self.n) > 100

    with pytest.raises(EvaluationError) as caught:
        check(Partial())
    assert caught.value.message == "division by zero"
    assert caught.value.trace is not None
    assert [step.action for step in caught.value.trace.steps] == ["count"] * 3
    assert caught.value.where == "  in divides(), in the state after 3 steps:\n    n = 3"


# --- the language ---


def test_what_is_fair_is_in_the_intermediate_form() -> None:
    functions = StrongSemaphore.module.functions
    assert functions["enter"].fair == Fairness(strong=True, each=("p",))
    assert functions["leave"].fair == Fairness(strong=False, each=("p",))
    assert functions["ask"].fair is None
    assert BusyScheduler.module.functions["run"].fair == Fairness(strong=False)
    assert [f.name for f in Counter.module.of_kind(Kind.EVENTUALLY)] == ["reaches_the_end"]
    assert [f.name for f in Counter.module.of_kind(Kind.LEADS_TO)] == ["goes_on"]


def test_an_override_without_a_mark_is_as_fair_as_what_it_overrides() -> None:
    class Slower(FairScheduler):
        def run(self, j: Job) -> None:
            require(self.done[j] < 2)
            self.done[j] += 1

    class Free(FairScheduler):
        @action
        def run(self, j: Job) -> None:
            super().run(j)

    assert Slower.module.functions["run"].fair == Fairness(strong=False, each=("j",))
    assert Free.module.functions["run"].fair is None


def test_a_mark_with_nothing_in_it_is_a_plain_one() -> None:
    class Plain(Model):
        on: bool

        @action()
        def switch(self) -> None:
            self.on = not self.on

    assert Plain.module.functions["switch"].fair is None
    assert check(Plain()).distinct == 2


def test_a_marked_claim_can_be_called() -> None:
    with Semaphore(Process=1) as model:
        (p,) = Process
        assert model.is_served(p) == (False, False)
        model.ask(p)
        assert model.is_served(p) == (True, False)


@pytest.mark.parametrize("make", [lambda: FairPeterson(Side=2), lambda: TimingOut(ResourceManager=2)])
def test_the_intermediate_form_answers_as_the_methods_do(make: Callable[[], Model]) -> None:
    python, tree = PythonMachine(make()), TreeMachine(make())
    claims = [f.name for k in (Kind.EVENTUALLY, Kind.LEADS_TO) for f in python.module.of_kind(k)]
    assert claims
    queue = [state for _, state in python.initial() if not isinstance(state, OutOfBounds)]
    seen = set(queue)
    for state in queue:
        for claim in claims:
            assert python.answers(claim, state) == tree.answers(claim, state)
        for _, _, after in python.steps(state):
            if not isinstance(after, OutOfBounds) and after not in seen:
                seen.add(after)
                queue.append(after)
    assert len(seen) > 10
