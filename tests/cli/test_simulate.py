"""`ratified simulate`: the report to the byte, its exit status, and what is refused. Nothing here is a stand-in."""

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

LAMP = """
from ratified import Model, action, eventually


class Lamp(Model):
    on: bool
    broken: bool

    @action
    def switch(self) -> None:
        assert not self.broken
        self.on = not self.on

    @eventually
    def shines(self) -> bool:
        return self.on


class Fragile(Lamp):
    @action
    def fall(self) -> None:
        self.broken = True
"""


@pytest.fixture(autouse=True)
def in_the_checkout(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)


@pytest.fixture
def lamp(tmp_path: Path) -> str:
    (tmp_path / "lamp.py").write_text(LAMP)
    return f"{tmp_path / 'lamp.py'}"


def said(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    status = cli.run(["simulate", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


@pytest.mark.parametrize(
    ("name", "arguments", "status"),
    [
        ("simulated", [f"{LOCK}:FencedLock", "Client=3", "Token=4", "--runs", "20", "--depth", "30"], 3),
        ("simulated_shown", [f"{LOCK}:Lock", "Client=2", "--runs", "2", "--depth", "3", "--show"], 3),
        ("simulated_violated", [f"{LOCK}:LeasedLock", "Client=3", "--seed", "7"], 1),
        ("simulated_quiet", [f"{LOCK}:LeasedLock", "Client=3", "--seed", "7", "-q"], 1),
    ],
)
def test_the_report_is_the_same_to_the_byte(
    name: str, arguments: list[str], status: int, capsys: Capture, golden: Golden
) -> None:
    first = said(capsys, *arguments)
    assert first == said(capsys, *arguments)
    assert (first[0], first[2]) == (status, "")
    golden(f"{name}.txt", first[1])


def test_as_json(capsys: Capture, golden: Golden) -> None:
    arguments = [f"{LOCK}:LeasedLock", "Client=2", "--runs", "3", "--format", "json"]
    status, out, err = said(capsys, *arguments)
    assert (status, err) == (1, "")
    told = json.loads(out)
    assert (told["verdict"], told["exit_status"], told["schema"]) == ("violated", 1, "ratified-simulation/1")
    golden("simulated.json", out.replace(f'"{__version__}"', '"VERSION"'))


def test_every_name_in_the_json_is_in_the_documentation(capsys: Capture, checkout: Path) -> None:
    _, out, _ = said(capsys, f"{LOCK}:LeasedLock", "Client=2", "--format", "json")
    page = (checkout / "docs" / "reports.md").read_text(encoding="utf-8")
    section = page.partition("## Random walks")[2].partition("\n## ")[0]
    documented = set(re.findall(r"^\| `(\w+)", section, re.MULTILINE))
    assert set(json.loads(out)) == documented


def test_the_report_goes_to_a_file(capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "walks.json"
    status, out, _ = said(capsys, f"{LOCK}:Lock", "Client=2", "--format", "json", "-o", str(file))
    assert (status, json.loads(file.read_text())["runs"]) == (3, 100)
    assert out.startswith("UNDECIDED  Lock: no violation found in 100 runs; this is not a proof\n")


def test_it_says_that_liveness_is_not_checked(lamp: str, capsys: Capture) -> None:
    status, out, _ = said(capsys, f"{lamp}:Lamp", "--runs", "1", "--depth", "1")
    assert status == 3
    assert "\nnote        not checked by simulate: shines (eventually claim)\n" in out


def test_a_step_that_goes_wrong_is_an_error_with_its_run(lamp: str, capsys: Capture) -> None:
    status, out, err = said(capsys, f"{lamp}:Fragile")
    assert (status, out) == (2, "")
    assert err.startswith("  0  initial state\n")
    assert "the assertion is false" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--runs", "0"], "Error: Invalid value for '--runs': 0 is not in the range x>=1.\n"),
        (["--depth", "0"], "Error: Invalid value for '--depth': 0 is not in the range x>=1.\n"),
        (["--seed", "x"], "Error: Invalid value for '--seed': 'x' is not a valid integer.\n"),
        (
            ["--format", "junit"],
            "Error: Invalid value for '--format': 'junit' is not one of 'text', 'json', 'itf'.\n",
        ),
        (["Client=0"], "Error: the size of Client must be at least 1, not 0\n  write Client=1 or more\n"),
        (
            ["--claim", "fairness"],
            "Error: Lock has no claim 'fairness'\n  its claims: mutual_exclusion\n",
        ),
        (
            ["-o", "no/such/folder/walks.json"],
            "Error: no/such/folder/walks.json cannot be written: there is no folder no/such/folder\n",
        ),
    ],
)
def test_a_mistake_is_one_message_and_status_2(arguments: list[str], message: str, capsys: Capture) -> None:
    size = [] if any(a.startswith("Client") for a in arguments) else ["Client=2"]
    status, out, err = said(capsys, f"{LOCK}:Lock", *size, *arguments)
    assert (status, out) == (2, "")
    assert err.endswith(message)
