"""Pictures of what implementations do: the simulator's runs, the place where one leaves its model, what a proof fails on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ratified.bundled.systems import make_system
from ratified.cli import main as cli
from ratified.conform.drawing import run_diagram
from ratified.diagram.rows import Fate
from ratified.simulator import EVERY_FAULT, simulate


def test_a_run_of_the_simulator() -> None:
    run = simulate(make_system("raft"), 3, 60, 3, EVERY_FAULT)
    whole = run_diagram(run, rows=None)
    assert whole.lifelines == ("n1", "n2", "n3")
    assert {m.fate for m in whole.messages} >= {Fate.RECEIVED}
    deliveries = [r for r in whole.rows if " deliver " in r.call]
    assert len(deliveries) <= sum(m.fate is Fate.RECEIVED for m in whole.messages) + sum(
        "again" in r.call for r in deliveries
    )
    assert all(m.sent < m.ended or m.fate is Fate.IN_FLIGHT for m in whole.messages)
    assert any("role" in line for row in whole.rows for _, lines in row.changes for line in lines)
    assert whole.ending is not None
    assert not whole.ending.bad
    assert run_diagram(run, rows=10).rows == whole.rows[-10:]
    assert run_diagram(run) == run_diagram(run)


def test_where_an_implementation_leaves_its_model(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(checkout / "examples")
    events = [
        {
            "action": "acquire",
            "arguments": {"client": "anna", "token": 1},
            "variables": {"granted": "anna", "written": None},
        },
        {"action": "write", "arguments": {"client": "anna"}, "variables": {"granted": "anna", "written": 2}},
    ]
    Path("run.ndjson").write_text("".join(f"{json.dumps(e)}\n" for e in events))
    status = cli.run(["trace", "examples/lock_binding.py:LockServer", "run.ndjson", "--diagram", "run.mmd"])
    assert status == 1
    text = Path("run.mmd").read_text()
    assert "1 acquire(client=anna, token=1)" in text
    assert "written: observed t2, expected t1" in text
    assert "the model does not explain this event" in text
    Path("run.ndjson").write_text(json.dumps(events[0]) + "\n")
    assert (
        cli.run(["trace", "examples/lock_binding.py:LockServer", "run.ndjson", "--diagram", "fine.mmd"]) == 0
    )
    assert "fine.mmd was not written: the model explains the run" in capsys.readouterr().err
    assert not Path("fine.mmd").exists()


def test_what_stands_in_the_way_of_a_proof(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["prove", "paxos-forgotten-vote", "-q", "--diagram", str(tmp_path / "two.svg")]) == 1
    svg = (tmp_path / "two.svg").read_text()
    assert "last_vote_is_the_last is not inductive" in svg
    assert "restart(a=a1)" in svg


def test_what_stands_in_the_way_of_induction(
    checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = f"{checkout}/examples/lock_service.py:Lock"
    arguments = ["bmc", target, "Client=2", "--induction", "--depth", "1", "-q"]
    assert cli.run([*arguments, "--diagram", str(tmp_path / "two.svg")]) == 3
    assert "mutual_exclusion is not inductive" in (tmp_path / "two.svg").read_text()
