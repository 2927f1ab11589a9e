"""Every command speaks every format, and each report is valid by what others say of that format.

A command runs once, as people run it, and what it would deliver is rendered in every format.
"""

from __future__ import annotations

import json
import linecache
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from ratified.cli import driving, exploring
from ratified.cli import main as cli
from ratified.cli.commands import Commands
from ratified.cli.commands.options import FORMATS
from ratified.cli.output import Renderer
from ratified.cli.requests import Output
from tests.cli.validators import VALIDATORS, flow, schema, valid_json, valid_sarif

SPOKEN = (
    "check",
    "verify",
    "prove",
    "induct",
    "bmc",
    "conform",
    "trace",
    "mutants",
    "linearizable",
    "crosscheck",
)

MODELS = '''\
from ratified import *


class Client(Symmetric):
    """c"""


class Latch(Model):
    held: Map[Client, bool]
    asked: Map[Client, bool]

    @action
    def ask(self, c: Client) -> None:
        require(not self.asked[c])
        self.asked[c] = True

    @action
    def take(self, c: Client) -> None:
        require(self.asked[c] and not self.held[c])
        self.held[c] = True

    @invariant
    def one_holder(self) -> bool:
        return all(a == b for a in Client for b in Client if self.held[a] and self.held[b])

    @invariant
    def holders_asked(self) -> bool:
        return all(self.asked[c] for c in Client if self.held[c])


class Idle(Latch):
    @action
    def drop(self, c: Client) -> None:
        require(self.held[c] and not self.asked[c])
        self.held[c] = False

    @invariant
    def one_holder(self) -> bool:
        return all(self.asked[c] for c in Client if self.held[c] and not self.asked[c])


class Proved(Latch):
    @invariant
    def one_holder(self) -> bool:
        return True

    @lemma
    def asked_first(self) -> bool:
        return all(self.asked[c] for c in Client if self.held[c])


class NotProved(Latch):
    @lemma
    def asked_first(self) -> bool:
        return all(self.asked[c] for c in Client if self.held[c])


class Door(Model):
    open_: bool

    @action
    def push(self) -> None:
        require(not self.open_)
        self.open_ = True

    @action
    def pull(self) -> None:
        require(self.open_)
        self.open_ = False

    @invariant
    def open_or_not(self) -> bool:
        return self.open_ or not self.open_
'''

DRIVERS = """\
import wing
from ratified import *
from models import Door


class Doors(Driver):
    model = Door

    def reset(self):
        self.door = wing.Wing()

    def push(self):
        return self.door.push()

    def pull(self):
        return self.door.pull()

    def observe(self):
        return {"open_": self.door.open}


class Stuck(Doors):
    def pull(self):
        return True
"""

WING = """\
class Wing:
    def __init__(self):
        self.open = False

    def push(self):
        if self.open:
            return False
        self.open = True
        return True

    def pull(self):
        if not self.open:
            return False
        self.open = False
        return True
"""


def event(kind: str, what: str, value: object, process: int = 0) -> str:
    return json.dumps({"process": process, "type": kind, "f": what, "value": value}) + "\n"


WRITTEN = event("invoke", "write", 1) + event("ok", "write", 1)

CASES: dict[str, tuple[int, str, list[str], set[str]]] = {
    "check_holds": (0, "report", ["check", "models.py:Door"], set()),
    "check_vacuous": (
        0,
        "report",
        ["check", "models.py:Idle", "Client=2"],
        {"vacuous", "never-fired"},
    ),
    "check_violated": (1, "report", ["check", "models.py:Latch", "Client=2"], {"invariant"}),
    "check_undecided": (3, "report", ["check", "models.py:Idle", "Client=3", "--states", "4"], {"undecided"}),
    "check_expected": (0, "report", ["check", "models.py:Latch", "Client=2", "--expect", "violated"], set()),
    "check_unexpected": (
        1,
        "report",
        ["check", "models.py:Door", "--expect-states", "3"],
        {"unexpected"},
    ),
    "check_many": (
        2,
        "report",
        ["check", "models.py:Door", "models.py:Nothing", "models.py:Latch", "Client=2"],
        {"refused", "invariant"},
    ),
    "verify_undecided": (
        3,
        "report",
        ["verify", "two-phase-commit", "--states", "20", "--engine", "reference"],
        {"undecided"},
    ),
    "bmc_violated": (1, "bounded", ["bmc", "models.py:Latch", "Client=2", "--depth", "4"], {"invariant"}),
    "bmc_undecided": (3, "bounded", ["bmc", "models.py:Idle", "Client=2", "--depth", "1"], {"undecided"}),
    "bmc_gap": (
        3,
        "bounded",
        ["bmc", "models.py:Latch", "Client=2", "--depth", "1", "--induction"],
        {"undecided"},
    ),
    "prove_holds": (0, "proof", ["prove", "models.py:Proved"], {"vacuous"}),
    "prove_violated": (1, "proof", ["prove", "models.py:NotProved"], {"not-inductive"}),
    "induct": (1, "induct", ["induct", "models.py:Latch", "--claim", "one_holder"], {"not-inductive"}),
    "houdini": (0, "houdini", ["induct", "models.py:Latch", "--houdini"], set()),
    "conform_driver": (0, "drive", ["conform", "drivers.py:Doors", "--walks", "2"], set()),
    "conform_violated": (1, "drive", ["conform", "drivers.py:Stuck", "--walks", "2"], {"not-conforming"}),
    "conform_paxos": (0, "conform", ["conform", "paxos", "--events", "30"], set()),
    "conform_policy": (0, "conform-policy", ["conform", "round-robin", "--events", "200"], set()),
    "trace_holds": (0, "trace", ["trace", "paxos", "run.ndjson"], {"not-checked"}),
    "trace_violated": (1, "trace", ["trace", "paxos", "cut.ndjson"], {"not-a-run", "not-checked"}),
    "trace_undecided": (
        3,
        "trace",
        ["trace", "paxos", "run.ndjson", "--events", "3"],
        {"not-a-run", "false-claim", "never-fired", "not-checked"},
    ),
    "itf": (0, "itf", ["trace", "consensus", "run.itf.json"], set()),
    "itf_violated": (1, "itf", ["trace", "consensus", "bad.itf.json"], {"not-a-run"}),
    "linearizable": (0, "linearizable", ["linearizable", "good.ndjson", "--model", "register"], set()),
    "not_linearizable": (
        1,
        "linearizable",
        ["linearizable", "bad.ndjson", "--model", "register"],
        {"not-linearizable"},
    ),
    "too_long": (
        3,
        "linearizable",
        ["linearizable", "bad.ndjson", "--model", "register", "--operations", "1"],
        {"not-linearizable"},
    ),
    "sweep": (
        1,
        "sweep",
        [
            "mutants",
            "drivers.py:Doors",
            "--sweep",
            "wing.py",
            "--jobs",
            "1",
            "--no-forbidden",
            "--walks",
            "0",
        ],
        {"not-caught"},
    ),
    "mutants_of_policy": (
        0,
        "mutants",
        ["mutants", "round-robin", "--quick"],
        set(),
    ),
    "crosscheck": (
        3,
        "crosscheck",
        ["crosscheck", "models.py:Door", "--tlc", "nowhere.jar"],
        {"disagreement"},
    ),
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the subfolder of a repository with models, drivers, histories and recorded runs in it."""
    root = tmp_path_factory.mktemp("repository")
    (root / ".git").mkdir()
    inner = root / "specs and more"
    inner.mkdir()
    (inner / "models.py").write_text(MODELS)
    (inner / "drivers.py").write_text(DRIVERS)
    (inner / "wing.py").write_text(WING)
    (inner / "good.ndjson").write_text(WRITTEN)
    (inner / "bad.ndjson").write_text(WRITTEN + event("invoke", "read", None) + event("ok", "read", 7))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(inner)
        assert cli.run(["conform", "paxos", "--record", "run.ndjson", "--events", "20"]) == 0
        assert cli.run(["simulate", "consensus", "--format", "itf", "-o", "run.itf.json", "-q"]) == 3
    heading, *events = (inner / "run.ndjson").read_text().splitlines(keepends=True)
    (inner / "cut.ndjson").write_text("".join([heading, *events[5:]]))
    run = json.loads((inner / "run.itf.json").read_text())
    run["states"] = [run["states"][-1], *run["states"]]
    (inner / "bad.itf.json").write_text(json.dumps(run))
    return inner


@pytest.fixture
def inner(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(recorded)
    monkeypatch.setattr(sys, "path", [str(recorded), *sys.path])
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    linecache.checkcache()
    return recorded


def delivered(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, dict[str, str]]:
    """Run a command, and return its exit status and what it would deliver, in every format."""
    found: dict[str, str] = {}

    def deliver(to: Output, render: Renderer, headline: str, *, printed: bool = False) -> None:
        found.update({form: render(form) for form in FORMATS}, quiet=headline)

    Commands(name="ratified").get_command(click.Context(cli.commands), arguments[0])
    module = sys.modules[f"ratified.cli.commands.{arguments[0]}"]
    for where in (module, exploring, driving):
        if hasattr(where, "deliver"):
            monkeypatch.setattr(where, "deliver", deliver)
    return cli.run([*arguments, "-q"]), found


@pytest.mark.parametrize("case", CASES)
def test_every_report_is_valid(case: str, inner: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status, name, arguments, rules = CASES[case]
    ended, reports = delivered(arguments, monkeypatch)
    assert ended == status
    told = {form: VALIDATORS[form](reports[form]) for form in FORMATS if form != "text"}
    assert told["json"]["schema"] == f"ratified-{name}/1"
    assert told["json"].get("exit_status", status) == status
    assert {result["ruleId"] for result in told["sarif"]["results"]} == rules
    assert told["sarif"]["invocations"] == [{"executionSuccessful": status in (0, 1, 3), "exitCode": status}]
    assert {issue["check_name"] for issue in told["gitlab"]} == {f"ratified/{rule}" for rule in rules}
    assert len(told["gitlab"]) == len(told["sarif"]["results"])
    passes = "<failure" not in told["junit"] and "<error" not in told["junit"]
    assert passes == (status == 0)
    assert ("::error" in told["github"] or "::warning" in told["github"]) == bool(rules)
    assert ("::notice" in told["github"]) == (status == 0 or case == "check_many")


@pytest.mark.parametrize(
    ("case", "place"),
    [
        ("check_violated", ("specs%20and%20more/models.py", 23)),
        ("bmc_violated", ("specs%20and%20more/models.py", 23)),
        ("prove_violated", ("specs%20and%20more/models.py", 24)),
        ("not_linearizable", ("specs%20and%20more/bad.ndjson", 4)),
        ("sweep", ("specs%20and%20more/wing.py", 6)),
    ],
)
def test_a_place_is_relative_to_the_root_of_the_repository(
    case: str, place: tuple[str, int], inner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, reports = delivered(CASES[case][2], monkeypatch)
    physical = valid_sarif(reports["sarif"])["results"][0]["locations"][0]["physicalLocation"]
    assert (physical["artifactLocation"]["uri"], physical["region"]["startLine"]) == place
    assert json.loads(reports["gitlab"])[0]["location"]["path"] == place[0].replace("%20", " ")


def test_a_run_is_a_code_flow_through_the_actions(inner: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for case in ("check_violated", "bmc_violated"):
        _, reports = delivered(CASES[case][2], monkeypatch)
        (result,) = valid_sarif(reports["sarif"])["results"]
        told = [at["location"]["message"]["text"] for at in flow(result)]
        lines = [at["location"]["physicalLocation"]["region"]["startLine"] for at in flow(result)]
        assert told[0].startswith("initial state: held = ")
        assert told[1] == "1  ask(c=c1): asked[c1]  False -> True"
        assert len(told) == 5
        assert set(lines[1:]) == {13, 18}


def test_what_never_fired_is_shown_at_its_action(inner: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, reports = delivered(CASES["check_vacuous"][2], monkeypatch)
    results = valid_sarif(reports["sarif"])["results"]
    lines = {r["ruleId"]: r["locations"][0]["physicalLocation"]["region"]["startLine"] for r in results}
    source = MODELS.splitlines()
    assert "def drop" in source[lines["never-fired"] - 1]
    assert "def one_holder" in source[lines["vacuous"] - 1]


def test_a_fingerprint_stays_when_lines_and_figures_move(
    inner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def marks(*settings: str, file: str = "models.py") -> list[dict[str, str]]:
        _, reports = delivered(["check", f"{file}:Latch", *settings], monkeypatch)
        return [r["partialFingerprints"] for r in valid_sarif(reports["sarif"])["results"]]

    before = marks("Client=2")
    (inner / "models.py").write_text("# moved\n\n" + MODELS)
    try:
        linecache.checkcache()
        assert marks("Client=3") == before
    finally:
        (inner / "models.py").write_text(MODELS)


OTHERS: dict[str, list[str]] = {
    "simulation": ["simulate", "models.py:Door", "--runs", "3"],
    "measure": ["simulate", "models.py:Door", "--runs", "30", "--measure", "max: open_"],
    "list": ["list", "consensus"],
    "run": ["run", "paxos", "--steps", "20"],
    "services": ["run", "services", "--requests", "20"],
}


@pytest.mark.parametrize("name", OTHERS)
def test_reports_that_are_for_no_gate_keep_to_their_schemas(
    name: str, inner: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([*OTHERS[name], "--format", "json"]) in (0, 3)
    assert valid_json(capsys.readouterr().out)["schema"] == f"ratified-{name}/1"


def test_certificates_that_were_checked_keep_to_their_schema(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = checkout / "proofs" / "services" / "certificates" / "failover"
    assert cli.run(["certified", str(folder), "--format", "json"]) == 0
    assert valid_json(capsys.readouterr().out)["verdict"] == "certified"


def test_every_schema_is_held_against_a_report(checkout: Path) -> None:
    held = {name for _, name, _, _ in CASES.values()} | OTHERS.keys() | {"certified", "ended"}
    held |= {
        "torture",
        "cores",
    }  # held in tests/conformance, by a cluster that runs, and by cores that are broken
    folder = checkout / "ratified" / "cli" / "report" / "schemas"
    assert {file.stem.removesuffix("-1") for file in folder.iterdir()} == held
    for file in folder.iterdir():
        name = f"ratified-{file.stem.removesuffix('-1')}/1"
        assert schema(name)["properties"]["schema"] == {"const": name}


@pytest.mark.parametrize("name", SPOKEN)
def test_every_command_offers_every_format(name: str) -> None:
    command = cli.commands.get_command(click.Context(cli.commands), name)
    assert command is not None
    offered = next(p.type for p in command.params if p.name == "form")
    assert isinstance(offered, click.Choice)
    assert set(FORMATS) <= set(offered.choices)


def _without(report: dict[str, Any], key: str) -> None:
    del report[key]


def _other(report: dict[str, Any], key: str) -> None:
    report[key] = object.__name__


def _more(report: dict[str, Any], key: str) -> None:
    report[f"{key}_too"] = 1


@pytest.mark.parametrize("spoil", [_without, _other, _more])
def test_a_report_that_is_none_is_not_valid(
    spoil: Callable[[dict[str, Any], str], None], inner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jsonschema import ValidationError

    _, reports = delivered(CASES["check_violated"][2], monkeypatch)
    report = json.loads(reports["json"])
    spoil(report, "checks")
    with pytest.raises(ValidationError):
        valid_json(json.dumps(report))
