"""Of all shortest runs the plainest is told, and the same one whichever engine found them, with symmetry or without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import pytest

from ratified import (
    Map,
    Model,
    Range,
    Set,
    Sort,
    Symmetric,
    action,
    constraint,
    invariant,
    record,
    require,
    step_invariant,
)
from ratified.explore import NativeOptions, check
from ratified.explore.ranks import Alone, RankOptions, check_on_ranks
from ratified.explore.simulate import simulate
from ratified.language.machine import PythonMachine, Values
from ratified.models.paxos.broken import HalfQuorums
from ratified.results import plainest as choosing
from ratified.results.minimal import Minimizer, changes_of_subject
from ratified.results.plainest import RunStep, plainest, process_of
from ratified.results.result import Result, Trace


class Process(Symmetric):
    """Each takes two steps, which commute with those of others."""


class Errands(Model):
    """All can be done in any order, and in more ways than one; wrong is that two processes are done."""

    begun: Set[Process]
    done: Set[Process]
    turned: bool

    @action
    def detour(self, p: Process) -> None:
        require(p not in self.begun and not self.turned)
        self.begun.add(p)
        self.turned = True

    @action
    def begin(self, p: Process) -> None:
        require(p not in self.begun)
        self.begun.add(p)

    @action
    def end(self, p: Process) -> None:
        require(p in self.begun)
        self.done.add(p)

    @invariant
    def not_two(self) -> bool:
        return len(self.done) < 2


class Falling(Errands):
    """The same, claimed of steps, where a constraint leaves out what turned."""

    @constraint
    def straight(self) -> bool:
        return not self.turned

    @invariant
    def not_two(self) -> bool:
        return True

    @step_invariant
    def at_most_one_is_ever_done(self, old: Falling) -> bool:
        return len(old.done) == 0 or self.done == old.done


class Stopping(Errands):
    """Nothing more happens after two are done."""

    @action
    def end(self, p: Process) -> None:
        require(p in self.begun and len(self.done) < 2)
        self.done.add(p)

    @action
    def begin(self, p: Process) -> None:
        require(p not in self.begun and len(self.done) < 2)
        self.begun.add(p)

    @action
    def detour(self, p: Process) -> None:
        require(p not in self.begun and not self.turned and len(self.done) < 2)
        self.begun.add(p)
        self.turned = True

    @invariant
    def not_two(self) -> bool:
        return True


def calls(trace: Trace) -> list[str]:
    return [f"{s.action}({', '.join(str(v) for _, v in s.arguments)})" for s in trace.steps]


def told(result: Result) -> list[str]:
    assert result.violation is not None
    return calls(result.violation.trace)


def everywhere(model: Model, *, deadlock: bool = False) -> Iterator[list[str]]:
    """What each engine tells, in every way of working."""
    for symmetry in (False, True):
        yield told(check(model, engine="reference", symmetry=symmetry, deadlock=deadlock))
        for threads in (1, 3):
            options = NativeOptions(threads=threads)
            yield told(check(model, engine="native", symmetry=symmetry, deadlock=deadlock, options=options))
    yield told(check_on_ranks(model, Alone(), deadlock=deadlock, options=RankOptions(threads=1)))


@pytest.mark.parametrize(
    ("model", "deadlock"),
    [(Errands(Process=3), False), (Falling(Process=3), False), (Stopping(Process=2), True)],
    ids=["an invariant", "a step", "a deadlock"],
)
def test_steps_of_one_process_stand_together_in_every_engine(model: Model, deadlock: bool) -> None:
    """Shortest runs begin with a detour or not, and in any order; the plainest has two actions, one process after the other."""
    for run in everywhere(model, deadlock=deadlock):
        assert run == ["begin(p1)", "end(p1)", "begin(p2)", "end(p2)"]


def test_two_values_are_chosen_ballot_by_ballot() -> None:
    paxos = HalfQuorums(Acceptor=2, Value=2, Ballot=2)
    expected = [
        *("prepare(b0)", "promise(a1, b0)", "propose(b0, v1)", "accept(a1, b0, v1)"),
        *("prepare(b1)", "promise(a2, b1)", "propose(b1, v2)", "accept(a1, b1, v2)"),
    ]
    for engine, symmetry in (("reference", False), ("reference", True), ("native", False), ("native", True)):
        assert told(check(paxos, engine=engine, symmetry=symmetry)) == expected


def test_where_there_is_too_much_a_shortest_run_is_told_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """No layers, and hardly any steps to compare runs: as long as before."""
    model = Errands(Process=3)
    monkeypatch.setattr("ratified.explore.native.layers.MOST_STATES", 5)
    assert len(told(check(model, engine="native"))) == 4
    monkeypatch.setattr(choosing, "MOST_STEPS", 1)
    assert len(told(check(model, engine="reference"))) == 4


class _Nowhere:
    """Layers of another machine."""

    count = 2

    def has(self, level: int, state: Values) -> bool:
        return level == 0


def test_layers_that_lead_nowhere_give_no_run() -> None:
    with Errands(Process=2) as model:
        assert plainest(PythonMachine(model), _Nowhere()) is None


class Courier(Sort):
    """Who carries."""


@record
class Letter:
    """To somebody."""

    to: Courier
    number: int


def test_whose_step_it_is() -> None:
    with _Mail(Courier=2):
        a, b = Courier
        assert process_of((3, b, a)) == (Courier, b)
        assert process_of((Letter(b, 1),)) == (Courier, b)
        assert process_of((Letter(b, 1), a)) == (Courier, a)
        assert process_of((7,)) is None


class _Mail(Model):
    """Letters that do nothing."""

    sent: Map[Courier, bool]

    @action
    def send(self, c: Courier) -> None:
        self.sent[c] = True


# --- runs that were met with by chance ------------------------------------------------------------------------------------


def test_a_walk_is_made_small() -> None:
    """Only what two processes need is left of it, one after the other."""
    walked = simulate(Errands(Process=8), runs=20, length=60, seed=5)
    assert walked.violation is not None
    steps = walked.violation.trace.steps
    assert [s.action for s in steps] in (
        ["begin", "end", "begin", "end"],
        ["detour", "end", "begin", "end"],
        ["begin", "end", "detour", "end"],
    )
    assert [s.arguments for s in steps[::2]] == [s.arguments for s in steps[1::2]]


def _taken(machine: PythonMachine, names: Sequence[tuple[str, Values]]) -> tuple[Values, list[RunStep]]:
    start = machine.initial()[0][1]
    assert isinstance(start, tuple)
    state = start
    steps: list[RunStep] = []
    for name, arguments in names:
        number = next(i for i, a in enumerate(machine.actions) if a.name == name)
        after = next(s for i, given, s in machine.steps(state) if i == number and given == arguments)
        assert isinstance(after, tuple)
        steps.append((number, arguments, after))
        state = after
    return start, steps


def test_nothing_that_is_needed_is_left_out_and_nothing_else_may_go_wrong_before() -> None:
    model = Errands(Process=3)
    machine = PythonMachine(model)
    with model:
        p, q, r = Process
    one_two = [("begin", (r,)), ("begin", (p,)), ("begin", (q,)), ("end", (p,)), ("end", (r,))]
    start, steps = _taken(machine, one_two)

    def wrong(_: Values, after: Values) -> bool | None:
        return machine.refuted_by("not_two", after) is not None

    small = Minimizer(machine, wrong).minimal(start, steps)
    assert [(machine.actions[i].name, *a) for i, a, _ in small] == [
        *[("begin", r), ("end", r)],
        *[("begin", p), ("end", p)],
    ]
    assert changes_of_subject(small) == 2
    assert Minimizer(machine, lambda *_: None).minimal(start, steps) == steps


class Vessels(Model):
    """Water is taken from one and poured into another, unless that would be too full: then it is spilt."""

    level: Map[Process, Annotated[int, Range(0, 4)]] = Map.fromkeys(Process, 2)
    cup: Annotated[int, Range(0, 2)]
    into: Process | None
    spilt: bool

    @action
    def take(self, p: Process, q: Process, n: Annotated[int, Range(1, 2)]) -> None:
        require(self.cup == 0 and self.level[p] >= n)
        self.level[p] -= n
        self.cup, self.into = n, q

    @action
    def pour(self, q: Process) -> None:
        require(self.into == q)
        self.level[q] += self.cup
        self.cup, self.into = 0, None

    @action
    def spill(self, q: Process) -> None:
        require(self.into == q and self.level[q] + self.cup > 4)
        self.spilt = True

    @invariant
    def nothing_is_spilt(self) -> bool:
        return not self.spilt


def test_steps_that_can_only_be_left_out_all_at_once_are() -> None:
    model = Vessels(Process=4)
    machine = PythonMachine(model)
    with model:
        a, b, c, d = Process
    moves = ((d, b, 2), (c, a, 2), (b, c, 2), (b, c, 1), (a, c, 2))
    two_each = [step for p, q, n in moves for step in (("take", (p, q, n)), ("pour", (q,)))]
    start, steps = _taken(machine, [*two_each[:-1], ("spill", (c,))])

    def wrong(_: Values, after: Values) -> bool | None:
        return machine.refuted_by("nothing_is_spilt", after) is not None

    small = Minimizer(machine, wrong).minimal(start, steps)
    assert [arguments for _, arguments, _ in small] == [(b, c, 2), (c,), (a, c, 2), (c,)]
