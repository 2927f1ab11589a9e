"""`ratified run` and `ratified play`: what they show, their exit status and their errors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ratified.cli import main as cli
from ratified.conform.mutants import planted
from tests.impl.raft.bugs import BUGS

Capture = pytest.CaptureFixture[str]


def said(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    """Run the command line and return its status and what it wrote, times masked."""
    status = cli.run(list(arguments))
    out, err = capsys.readouterr()
    return status, re.sub(r"in [\d.]+ s, [\d,]+/s", "in 0.0 s, 0/s", out), err


def test_runs_that_hold(capsys: Capture) -> None:
    status, out, err = said(capsys, "run", "raft", "--nodes", "5", "--seeds", "3", "--seed", "4", "--vary")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[:4] == [
        "HOLDS  raft: no violation in 3 runs",
        "",
        "nodes       5",
        "seeds       4 to 6",
    ]
    assert re.fullmatch(r"core steps  1,\d\d\d in 0\.0 s, 0/s", lines[4])
    assert len(lines) == 6


def test_the_transcript_of_the_last_run(capsys: Capture) -> None:
    status, out, _ = said(capsys, "run", "raft", "--steps", "30", "--transcript")
    assert status == 0
    assert "\nraft, 3 nodes, seed 0, 30 steps and calm\n" in out
    assert out.endswith("\neverything holds\n")


@pytest.mark.parametrize("protocol", ["paxos", "multi-paxos"])
def test_the_other_protocols(protocol: str, capsys: Capture) -> None:
    status, out, _ = said(capsys, "run", protocol, "--seeds", "3", "-q")
    assert (status, out) == (0, f"HOLDS  {protocol}: no violation in 3 runs\n")


def test_a_promise_that_is_broken(capsys: Capture, golden: Callable[[str, str], None]) -> None:
    bug = BUGS["votes_for_everybody"]
    with planted(bug):
        status, out, _ = said(
            capsys, "run", "raft", "--calm", "--seeds", "50", "election_ticks=3", "heartbeat_ticks=1"
        )
        assert status == 1
        golden("run_violated.txt", out)
        status, out, _ = said(
            capsys,
            "run",
            "raft",
            "--calm",
            "--seeds",
            "50",
            "election_ticks=3",
            "heartbeat_ticks=1",
            "--format",
            "json",
        )
        report = json.loads(out)
        assert (status, report["schema"], report["verdict"]) == (1, "ratified-run/1", "violated")
        assert report["violation"]["promise"] == "election safety"
        assert report["violation"]["transcript"][-1].startswith("VIOLATION: election safety: ")


def test_a_schedule_is_saved_and_repeated(capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "schedule.txt"
    status, first, _ = said(
        capsys, "run", "raft", "--steps", "50", "--seed", "3", "--save", str(file), "--transcript"
    )
    assert (status, len(file.read_text(encoding="utf-8").splitlines())) == (0, 50)
    status, again, _ = said(capsys, "run", "raft", "--seed", "3", "--schedule", str(file), "--transcript")
    assert (status, again) == (0, first)


def test_no_time_for_all_runs_is_undecided(capsys: Capture) -> None:
    status, out, _ = said(capsys, "run", "raft", "--seeds", "1000", "--seconds", "0", "-q")
    assert (status, out) == (
        3,
        "UNDECIDED  raft: no violation in 1 run; time limit reached before all 1,000\n",
    )


def test_a_report_goes_to_a_file(capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    status, out, _ = said(capsys, "run", "raft", "--steps", "20", "--format", "json", "-o", str(file), "-q")
    assert (status, out) == (0, "HOLDS  raft: no violation in 1 run\n")
    assert json.loads(file.read_text(encoding="utf-8"))["verdict"] == "holds"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "raft", "max_batch=0"], "Error: max_batch is 0; it must be at least 1\n"),
        (
            ["run", "raft", "--schedule", "nowhere.txt"],
            "Error: nowhere.txt cannot be read: No such file or directory\n",
        ),
        (["play", "nowhere.txt"], "Error: nowhere.txt cannot be read: No such file or directory\n"),
    ],
)
def test_what_is_wrong_is_told(arguments: list[str], message: str, capsys: Capture) -> None:
    assert said(capsys, *arguments) == (2, "", message)


def test_an_implementation_that_is_none_is_answered_with_those_there_are(capsys: Capture) -> None:
    status, out, err = said(capsys, "run", "zab")
    assert (status, out) == (2, "")
    assert err.endswith("'zab' is not one of 'paxos', 'multi-paxos', 'raft'.\n")


def test_a_schedule_that_is_none(capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "schedule.txt"
    file.write_text("tick n1\ntack n2\n", encoding="utf-8")
    status, _, err = said(capsys, "run", "raft", "--schedule", str(file))
    assert (status, err.startswith(f"Error: {file}: there is no step 'tack'; there are: ")) == (2, True)
    file.write_bytes(b"\xff\xfe\x00")
    assert said(capsys, "run", "raft", "--schedule", str(file)) == (2, "", f"Error: {file} is not text\n")


def test_a_scenario_is_played(capsys: Capture, checkout: Path) -> None:
    folder = checkout / "tests" / "impl" / "raft"
    status, out, _ = said(capsys, "play", str(folder / "scenarios" / "figure_8.txt"))
    assert (status, out) == (0, (folder / "golden" / "figure_8.txt").read_text(encoding="utf-8"))
    bug = BUGS["counted-old-entries"]
    with planted(bug):
        status, out, _ = said(capsys, "play", str(folder / "scenarios" / "figure_8.txt"))
    assert (status, out.splitlines()[-1].startswith("VIOLATION: agreement: ")) == (1, True)


def test_a_script_that_is_none(capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "script.txt"
    file.write_text("system raft\nnodes a b\ndance\n", encoding="utf-8")
    status, _, err = said(capsys, "play", str(file))
    assert (status, err.startswith(f"Error: {file}:3: unknown command 'dance'; there are: ")) == (2, True)
