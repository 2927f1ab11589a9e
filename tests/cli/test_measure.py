"""`ratified simulate --measure`: the report to the byte, its exit status, and what is refused. Nothing here is a stand-in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ratified.cli import main as cli
from ratified.version import __version__

Capture = pytest.CaptureFixture[str]
Golden = Callable[[str, str], None]

LOCK = "examples/lock_service.py"
WAITING = ["--measure", "first: times_expire == 2", "--measure", "mean: times_write"]


@pytest.fixture(autouse=True)
def in_the_checkout(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)


def said(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    status = cli.run(["simulate", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


@pytest.mark.parametrize(
    ("name", "arguments", "status"),
    [
        (
            "measured",
            [f"{LOCK}:FencedLock", "Client=3", "Token=4", "--runs", "2000", "--depth", "30", *WAITING],
            0,
        ),
        (
            "measured_until",
            [
                *(
                    f"{LOCK}:Lock",
                    "Client=2",
                    "--measure",
                    "steps, granted is None",
                    "--until",
                    "times_release == 3",
                ),
                *("--weight", "release=3", "--depth", "5", "--show", "--runs", "3", "--confidence", "0.9"),
            ],
            3,
        ),
        ("measured_quiet", [f"{LOCK}:LeasedLock", "Client=3", "--measure", "steps", "-q"], 0),
    ],
)
def test_the_report_is_the_same_to_the_byte(
    name: str, arguments: list[str], status: int, capsys: Capture, golden: Golden
) -> None:
    first = said(capsys, *arguments)
    assert (first[0], first[2]) == (status, "")
    for how in (["--engine", "native", "--threads", "1"], ["--engine", "reference"]):
        assert said(capsys, *arguments, *how) == first
    assert all(len(line) <= 100 for line in first[1].splitlines())
    golden(f"{name}.txt", first[1])


def test_as_json(capsys: Capture, golden: Golden, checkout: Path) -> None:
    arguments = [f"{LOCK}:FencedLock", "Client=3", "Token=4", "--runs", "50", "--format", "json", *WAITING]
    status, out, err = said(capsys, *arguments)
    assert (status, err) == (0, "")
    golden("measured.json", out.replace(f'"{__version__}"', '"VERSION"'))
    page = (checkout / "docs" / "reports.md").read_text(encoding="utf-8")
    section = page.partition("## Measured runs")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)", section, re.MULTILINE) == list(json.loads(out))
    (measures,) = re.findall(r"^\| `measures` \|(.*)\|", section, re.MULTILINE)
    assert set(json.loads(out)["measures"][0]) == set(re.findall(r"`(\w+)`", measures))


def test_runs_that_end_before_what_is_measured_begins_are_told(capsys: Capture) -> None:
    lock = (f"{LOCK}:FencedLock", "Client=3", "Token=4", "--measure", "mean: times_write")
    until = ["--since", "6", "--depth", "99", "--runs", "40"]
    status, out, _ = said(capsys, *lock, *until)
    assert status == 3
    lines = out.splitlines()
    told = re.fullmatch(
        r"UNDECIDED  \S+: 40 runs; (\d+) of them ended before step 6, and are not counted", lines[0]
    )
    assert told
    assert 0 < int(told[1]) < 40
    assert "times_write, the mean over the states of a run, since step 6" in lines
    status, out, _ = said(capsys, *lock, *until, "--format", "json")
    report = json.loads(out)
    assert (status, report["since"], report["early"]) == (3, 6, int(told[1]))
    assert report["measures"][0]["count"] == 40 - int(told[1])


def test_the_first_run_is_drawn(capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "run.mmd"
    status, _, _ = said(capsys, f"{LOCK}:Lock", "Client=2", "--measure", "steps", "--diagram", str(file))
    assert (status, file.read_text().startswith("sequenceDiagram")) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--measure", "grantd is None"],
            "Error: <expression>:1:1: the model has no variable `grantd`\n"
            "    1 | grantd is None\n"
            "      | ^^^^^^\n"
            "  did you mean `granted`? its variables: granted, holds\n",
        ),
        (
            ["--measure", "granted"],
            "Error: <expression>:1:1: a measure must be a number or a condition, and `granted` is Client | None\n"
            "    1 | granted\n"
            "      | ^^^^^^^\n"
            "  write len(...), int(...), or a comparison\n",
        ),
        (
            ["--measure", "steps", "--until", "steps"],
            "Error: <expression>:1:1: a condition must be a bool, and this is int\n"
            "    1 | steps\n"
            "      | ^^^^^\n"
            "  write steps != 0\n",
        ),
        (
            ["--measure", "mean: steps", "--since", "30", "--depth", "20"],
            "Error: runs have at most 20 steps, so nothing would be measured from step 30 on\n"
            "  measure from a step between 0 and 20, or allow more steps\n",
        ),
        (
            ["--measure", "steps", "--since", "3"],
            "Error: what is measured at the end of a run does not depend on where measuring starts\n"
            "  write `mean: steps`, or max:, min:, first:\n",
        ),
        (
            ["--since", "3"],
            "Error: --since says how to measure, but nothing is measured: add --measure EXPRESSION\n",
        ),
        (
            ["--until", "steps == 3"],
            "Error: --until says how to measure, but nothing is measured: add --measure EXPRESSION\n",
        ),
        (
            ["--measure", "steps", "--weight", "release"],
            "Error: 'release' is not an action and its weight\n  write the action's name and a number: retry=3\n",
        ),
        (
            ["--measure", "steps", "--weight", "free=2"],
            "Error: Lock has no action 'free' to give a weight\n  its actions: acquire, release\n",
        ),
        (
            ["--measure", "steps", "--deadlock"],
            "Error: --deadlock is about claims, which are not checked while measuring\n"
            "  leave out --measure, or this\n",
        ),
        (
            ["--measure", "steps", "--confidence", "1"],
            "Error: Invalid value for '--confidence': 1.0 is not in the range 0<x<1.\n",
        ),
    ],
)
def test_a_mistake_is_one_message_and_status_2(arguments: list[str], message: str, capsys: Capture) -> None:
    status, out, err = said(capsys, f"{LOCK}:Lock", "Client=2", *arguments)
    assert (status, out) == (2, "")
    assert err.endswith(message)
