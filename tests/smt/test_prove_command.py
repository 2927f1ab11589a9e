"""`ratified prove`: what it says, its exit status, the second solver, and what is refused. Nothing here is a stand-in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from ratified.cli import main as cli
from ratified.cli.loading import load
from ratified.cli.report.proof import proof_text
from ratified.cli.scripts import script_for
from ratified.results.limits import Reached
from ratified.results.result import Limits, Verdict
from ratified.smt import attempts, proving, solving
from ratified.smt.first_order.obligations import Translation
from ratified.smt.proving import ProofOptions, ProofProgress, prove, write_all
from ratified.smt.result import Status
from ratified.smt.script import script_of
from ratified.smt.solving import Job, Pool, SolverAnswer
from ratified.smt.worker import with_cvc5, with_z3

Capture = pytest.CaptureFixture[str]
Golden = Callable[[str, str], None]

MODELS = """
from typing import Annotated, ClassVar, Self
from ratified import Goals, Map, Model, Param, Range, Set, Symmetric, action, invariant, lemma, require, step_invariant, subsets


class Client(Symmetric):
    pass


class Lock(Model):
    holder: Client | None
    holds: Map[Client, bool]

    @action
    def acquire(self, c: Client) -> None:
        require(self.holder is None)
        self.holder = c
        self.holds[c] = True

    @action
    def release(self, c: Client) -> None:
        require(self.holds[c])
        self.holds[c] = False
        self.holder = None

    @invariant
    def mutual_exclusion(self) -> bool:
        return all(c == d for c in Client if self.holds[c] for d in Client if self.holds[d])


class LockSafety(Lock):
    goals: ClassVar[Goals] = {"mutual_exclusion": None}

    @lemma
    def holder_is_known(self) -> bool:
        return all(self.holder == c for c in Client if self.holds[c])


class TooWeak(Lock):
    @lemma
    def mutual_exclusion(self) -> bool:
        return super().mutual_exclusion()


class Queue(Model):
    first: Client | None
    second: Client | None

    @action
    def come(self, c: Client) -> None:
        require(self.second is None and c != self.first)
        self.second, self.first = self.first, c

    @invariant
    def two_differ(self) -> bool:
        return self.first is None or self.first != self.second

    @step_invariant
    def nobody_leaves(self, old: Self) -> bool:
        return old.first is None or old.first == self.first or old.first == self.second


class Silent(Model):
    done: bool

    @action
    def finish(self) -> None:
        self.done = True


class Misnamed(LockSafety):
    goals: ClassVar[Goals] = {"mutual_exclusion": ("holder_is_know",)}


class Circular(Lock):
    goals: ClassVar[Goals] = {}

    @lemma(follows=("second",))
    def first(self) -> bool:
        return True

    @lemma(follows=("first",))
    def second(self) -> bool:
        return True


class Fermat(Model):
    top: Param[int] = 3
    done: bool

    @action
    def finish(self) -> None:
        self.done = True

    @lemma
    def no_sum_of_cubes(self) -> bool:
        return not self.done or all(
            x * x * x + y * y * y != z * z * z
            for x in range(1, self.top)
            for y in range(1, self.top)
            for z in range(1, self.top)
        )


class Counting(Model):
    waiting: Set[Client]

    @action
    def wait(self, c: Client) -> None:
        even = True
        for d in subsets(Client, 1):
            even = not even
        require(even)
        self.waiting.add(c)

    @lemma
    def few(self) -> bool:
        return len(self.waiting) <= 3
"""


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "own.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)
    return "own.py"


def said(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    status = cli.run(["prove", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


def masked(text: str) -> str:
    """Times as they never are, and their widths."""
    text = re.sub(r"\d+\.\d+( s\b)", r"#.#\1", text)
    return re.sub(r" +\d+\.\d\d\b", " #.##", text)


def test_a_proof(models: str, capsys: Capture, golden: Golden) -> None:
    status, out, err = said(capsys, f"{models}:LockSafety")
    assert (status, err) == (0, "")
    golden("proved.txt", masked(out))


def test_a_counterexample_to_induction(models: str, capsys: Capture, golden: Golden) -> None:
    status, out, err = said(capsys, f"{models}:TooWeak")
    assert (status, err) == (1, "")
    golden("not_proved.txt", masked(out))


def test_a_model_without_lemmas_is_tried_with_its_invariants(models: str, capsys: Capture) -> None:
    status, out, _ = said(capsys, f"{models}:Queue")
    assert status == 0
    assert out.startswith("PROVED  Queue: two_differ and nobody_leaves hold at every size\n")
    status, out, _ = said(capsys, f"{models}:Lock")
    assert status == 1
    assert out.startswith("NOT PROVED  Lock: 1 obligation failed (of 3)\n")
    assert "note        no lemmas are given: the induction has the model's own invariants alone. " in out
    assert "  mutual_exclusion is then false for" in out


def test_help_in_finding_lemmas(models: str, capsys: Capture) -> None:
    status = cli.run(["induct", f"{models}:Lock", "--claim", "mutual_exclusion"])
    out = capsys.readouterr().out
    assert status == 1
    assert out.startswith("NOT INDUCTIVE  Lock: mutual_exclusion has 1 counterexample\n")
    assert "this state is not reachable at this size: a lemma could exclude it" in out
    assert cli.run(["induct", f"{models}:LockSafety", "--houdini"]) == 0
    assert capsys.readouterr().out == (
        "INDUCTIVE  LockSafety: 2 of 2 invariants\n\n  kept     mutual_exclusion\n  kept     holder_is_known\n"
    )
    assert cli.run(["induct", f"{models}:Lock"]) == 2


def test_as_json(models: str, capsys: Capture) -> None:
    status, out, _ = said(capsys, f"{models}:TooWeak", "--format", "json")
    told = json.loads(out)
    assert (status, told["verdict"], told["schema"]) == (1, "violated", "ratified-proof/1")
    failed = [o for o in told["obligations"] if o["status"] == "failed"]
    assert [o["name"] for o in failed] == ["mutual_exclusion / acquire"]
    found = failed[0]["counterexample"]
    assert (found["sizes"], found["confirmed"]) == ({"Client": 2}, True)
    assert found["before"]["holder"] == "None"


def test_what_a_solver_does_not_know_is_undecided_by_name(models: str, capsys: Capture) -> None:
    status, out, _ = said(capsys, f"{models}:Fermat", "--timeout", "0.5")
    assert status == 3
    assert out.startswith("UNDECIDED  Fermat: 1 undecided: no_sum_of_cubes / finish (of 2)\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Silent"], "Silent claims nothing that can be proved\n"),
        (["Misnamed"], "Misnamed has no lemma 'holder_is_know'"),
        (["Circular"], "`first` follows from itself"),
        (["LockSafety", "--goal", "fairness"], "LockSafety has no claim 'fairness'"),
        (["LockSafety", "--without", "luck"], "LockSafety has no lemma 'luck'"),
        (
            ["Counting"],
            "own.py:111:13: a loop whose turns depend on each other cannot be proved for every size",
        ),
    ],
)
def test_what_is_refused(models: str, arguments: list[str], message: str, capsys: Capture) -> None:
    status, out, err = said(capsys, f"{models}:{arguments[0]}", *arguments[1:])
    assert (status, out) == (2, "")
    assert message in err


def test_files_for_any_other_solver(tmp_path: Path) -> None:
    write_all(tmp_path, Translation(script_of(script_for("two-phase-commit"))).obligations())
    files = sorted(tmp_path.glob("*.smt2"))
    assert len(files) == 49
    for file in files:
        text = file.read_text()
        assert re.match(r"; \w+ [/(].*\n; .*\.\n; It is so if there is no model", text)
        assert with_z3(text, 60, 0).strip() == "unsat"
        assert with_cvc5(text, 60, 0).strip() == "unsat"


def test_both_solvers_agree_on_paxos(capsys: Capture) -> None:
    status, out, _ = said(capsys, "paxos", "--cross-check", "--timeout", "300", "--format", "json")
    answers = [a for o in json.loads(out)["obligations"] for a in o["answers"]]
    assert status == 0
    assert {(a["solver"], a["answer"]) for a in answers} == {("z3", "unsat"), ("cvc5", "unsat")}
    assert len(answers) == 2 * 39


def test_the_circle_of_sorts_is_told_where_something_is_undecided(models: str) -> None:
    found = prove(load(f"{models}:Fermat"), options=ProofOptions(timeout=0.5))
    circle = "Ballot -> Quorum (a quorum for each ballot); Quorum -> Ballot (voted)"
    told = proof_text("Fermat", replace(found, cycles=(circle,)))
    assert "cycle       functions and quantifiers alternate in cycles" in told
    assert "Quorum -> Ballot (voted)" in " ".join(told.split())
    assert "circle" not in proof_text("Fermat", replace(found, cycles=()))
    assert "circle" not in proof_text("Fermat", replace(found, cycles=(circle,), cells=()))


def test_what_is_not_decided_when_the_time_is_over_is_undecided(models: str) -> None:
    """Nothing is left of what no solver has answered; what one has refuted at a glance needs none."""
    found = prove(load(f"{models}:LockSafety"), limits=Limits(seconds=0))
    assert found.verdict is Verdict.UNDECIDED
    statuses = {c.status for c in found.cells if c.opinions}
    assert Status.PROVED not in statuses
    assert {c.why for c in found.of(Status.UNDECIDED)} == {"the time limit of 0 s"}
    assert "\n  the time limit of 0 s\n" in proof_text("LockSafety", found)


@pytest.mark.parametrize("command", [("prove",), ("induct", "--claim", "mutual_exclusion")])
def test_there_is_a_limit_for_all_obligations_by_default(
    command: tuple[str, ...], models: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Python caller has it too. What is left says how to set another."""
    monkeypatch.setattr(proving, "TOGETHER", 0.0)
    monkeypatch.setattr(attempts, "refuted_at_once", lambda _: False)
    monkeypatch.setattr(proving, "searched", lambda *_: {})
    status = cli.run([command[0], f"{models}:LockSafety", *command[1:]])
    why = "the time limit of 0 s, the default for all obligations together (--seconds sets another)"
    assert (status, why in capsys.readouterr().out) == (3, True)
    assert {c.why for c in prove(load(f"{models}:LockSafety")).cells} == {why}
    within = prove(load(f"{models}:LockSafety"), limits=Limits(seconds=0))
    assert {c.why for c in within.cells} == {"the time limit of 0 s"}


class _Silent(Pool):
    """Solvers that know nothing, and take some seconds for each question; the effort that is wanted is noted."""

    efforts: ClassVar[list[int]] = []

    def run(
        self,
        jobs: list[Job],
        done: Callable[[SolverAnswer], list[Job]],
        waiting: Callable[[int], None] | None = None,
    ) -> None:
        queue = list(jobs)
        while queue:
            job = queue.pop(0)
            self.efforts.append(job.effort)
            queue[:0] = done(SolverAnswer(job, "unknown", "", 20.0))


def test_an_obligation_has_a_time_of_its_own_and_the_hard_ones_come_last(
    models: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 20 s a question: three quick tries, two searches, and of the 60 s nothing is left but for a last try of a second."""
    monkeypatch.setattr(proving, "Pool", _Silent)
    monkeypatch.setattr(_Silent, "efforts", [])
    monkeypatch.setattr(proving, "searched", lambda *_: {})
    found = prove(load(f"{models}:LockSafety"), options=ProofOptions(processes=1))
    open_ = len(found.of(Status.UNDECIDED))
    assert open_ > 1
    quick = [effort for _, effort in attempts.QUICK[:3]]
    assert _Silent.efforts == [*quick * open_, *[attempts.SEARCH] * 2 * open_, *[0] * open_]


def test_a_limit_is_heeded_while_formulas_are_made(models: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def for_ever(*_: object) -> None:
        while True:
            pass

    monkeypatch.setattr(Translation, "obligations", for_ever)
    found = prove(load(f"{models}:LockSafety"), limits=Limits(seconds=0))
    assert found.verdict is Verdict.UNDECIDED
    told = proof_text("LockSafety", found)
    assert "obligations 0 of 1 proved\n" in told
    assert (
        "the formulas  undecided: cannot show that what is claimed holds: its formulas were not made in time\n"
        "  the time limit of 0 s\n"
    ) in told


@pytest.mark.parametrize("looks", [2, 3, 4, 5])
def test_what_awaits_its_second_opinion_when_the_time_is_over_is_not_proved(looks: int, models: str) -> None:
    """There is a look after each answer, so that some limit strikes between the answers of the two solvers."""
    left = iter(range(looks))

    def over(_: ProofProgress) -> None:
        if next(left, None) is None:
            raise Reached("the end of the test")

    script = load(f"{models}:LockSafety")
    found = prove(script, options=ProofOptions(second="cvc5", processes=1), progress=over)
    assert found.verdict is Verdict.UNDECIDED
    assert {c.why for c in found.of(Status.UNDECIDED)} == {"the end of the test"}
    assert {len(c.opinions) for c in found.of(Status.PROVED)} <= {0, 2}


@pytest.mark.parametrize("solver", ["z3", "cvc5"])
def test_a_missing_solver_is_named_with_its_extra(
    solver: str, models: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solving, "find_spec", lambda _name: None)
    status, out, err = said(capsys, f"{models}:LockSafety", "--solver", solver)
    assert (status, out) == (2, "")
    assert "pip install 'cvc5>=1.2' 'python-sat>=1.8.dev13' 'z3-solver>=4.13'  (the extra `prove`)" in err
