"""`ratified check --expect`: status 0 exactly where what was expected came out; the verdict is told all the same."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from ratified.cli import main as cli

LEASED = ("examples/lock_service.py:LeasedLock", "Client=3")
FENCED = ("examples/lock_service.py:FencedLock", "Client=2", "Token=2")
FAILS = "VIOLATED  LeasedLock: mutual_exclusion fails after 3 steps"
STOPPED = "UNDECIDED  LeasedLock: no violation in the 3 states visited; stopped by the limit of 3 states"

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _in_checkout(checkout: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(checkout))


@pytest.mark.parametrize(
    ("options", "status", "line"),
    [
        ([], 1, FAILS),
        (["--expect", "violated"], 0, f"{FAILS}; as expected"),
        (["--expect", "violated:mutual_exclusion"], 0, f"{FAILS}; as expected"),
        (
            ["--expect", "violated", "--expect-states", "13", "--expect-depth", "4"],
            0,
            f"{FAILS}; as expected",
        ),
        (["--expect", "violated:mutual_exclusion", "--deadlock"], 0, f"{FAILS}; as expected"),
        (["--expect", "violated:deadlock"], 1, f"{FAILS}; but deadlock was expected to fail"),
        (["--expect", "holds"], 1, f"{FAILS}; but holds was expected"),
        (["--expect", "undecided"], 1, f"{FAILS}; but undecided was expected"),
        (["--expect-states", "13"], 1, f"{FAILS}; but holds was expected"),
        (["--expect", "violated", "--expect-states", "12"], 1, f"{FAILS}; but 12 states were expected"),
        (["--expect", "violated", "--expect-depth", "5"], 1, f"{FAILS}; but depth 5 was expected"),
        (["--states", "3"], 3, STOPPED),
        (["--states", "3", "--expect", "undecided"], 0, f"{STOPPED}; as expected"),
        (["--states", "3", "--expect", "holds"], 3, f"{STOPPED}; but holds was expected"),
        (["--states", "3", "--expect", "violated"], 3, f"{STOPPED}; but violated was expected"),
        (
            ["--states", "3", "--expect-states", "4"],
            3,
            f"{STOPPED}; but holds was expected and 4 states were expected",
        ),
    ],
)
def test_the_status_is_zero_exactly_where_it_is_so(
    options: list[str], status: int, line: str, capsys: Capture
) -> None:
    assert cli.run(["check", *LEASED, "-q", *options]) == status
    assert capsys.readouterr().out == f"{line}\n"


def test_counts_alone_are_those_of_a_model_that_holds(capsys: Capture) -> None:
    assert cli.run(["check", *FENCED, "-q", "--expect-states", "60", "--expect-depth", "7"]) == 1
    found = capsys.readouterr().out
    assert cli.run(["check", *FENCED, "--format", "json"]) == 0
    (counted,) = json.loads(capsys.readouterr().out)["checks"]
    assert found.endswith("; but 60 states were expected and depth 7 was expected\n")
    pinned = ["--expect-states", str(counted["distinct"]), "--expect-depth", str(counted["depth"])]
    assert cli.run(["check", *FENCED, *pinned]) == 0


@pytest.mark.parametrize("expected", ["violated:", "fails", "holds:mutual_exclusion", "undecided:x", ""])
def test_what_cannot_be_expected(expected: str, capsys: Capture) -> None:
    assert cli.run(["check", *LEASED, "--expect", expected]) == 2
    assert f"{expected!r} is not holds, violated, violated:CLAIM or undecided" in capsys.readouterr().err


def test_a_claim_that_there_is_not_cannot_be_expected_to_fail(capsys: Capture) -> None:
    assert cli.run(["check", *LEASED, "--expect", "violated:exclusion"]) == 2
    assert capsys.readouterr().err == (
        "Error: LeasedLock has no claim 'exclusion'\n  its claims: mutual_exclusion\n"
    )


def test_every_format_says_so(capsys: Capture) -> None:
    def reported(form: str, *options: str) -> str:
        cli.run(["check", *LEASED, "--format", form, *options])
        return capsys.readouterr().out

    (check,) = json.loads(reported("json", "--expect", "violated"))["checks"]
    assert (check["verdict"], check["as_expected"], check["surprises"]) == ("violated", True, [])
    report = json.loads(reported("json", "--expect", "holds"))
    (check,) = report["checks"]
    assert (report["exit_status"], check["as_expected"], check["surprises"]) == (
        1,
        False,
        ["holds was expected"],
    )

    def cases(*options: str) -> dict[str | None, list[str]]:
        return {
            case.get("name"): [child.tag for child in case]
            for case in ET.fromstring(reported("junit", *options)).iter("testcase")
        }

    assert cases("--expect", "violated") == {"is as expected": []}
    assert cases("--expect", "violated", "--expect-depth", "5") == {"is as expected": ["failure"]}
    assert cases("--expect", "violated", "--states", "3") == {"is as expected": ["error"]}
    assert cases("--expect", "holds") == {
        "is as expected": ["failure"],
        "invariant: mutual_exclusion": ["failure"],
    }

    def rules(*options: str) -> list[tuple[str, str]]:
        (run,) = json.loads(reported("sarif", *options))["runs"]
        return [(found["ruleId"], found["level"]) for found in run["results"]]

    assert rules("--expect", "violated") == []
    assert rules("--expect", "violated", "--expect-depth", "5") == [("unexpected", "error")]
    assert rules("--expect", "violated", "--states", "3") == [("unexpected", "warning")]
    assert rules("--expect", "holds") == [("invariant", "error")]
    assert (
        reported("github", "--expect", "violated")
        == f"::notice title=ratified LeasedLock::{FAILS}; as expected\n"
    )
