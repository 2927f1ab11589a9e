"""`ratified bmc`: the report to the byte (but for the time), its exit status, and what is refused. Nothing here is a stand-in."""

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


@pytest.fixture(autouse=True)
def in_the_checkout(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)


def said(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    status = cli.run(["bmc", *arguments])
    out, err = capsys.readouterr()
    return status, re.sub(r"(?m)^time .*", "time        TIME", out), err


@pytest.mark.parametrize(
    ("name", "arguments", "status"),
    [
        ("bmc_violated", [f"{LOCK}:LeasedLock", "Client=3", "--depth", "8"], 1),
        ("bmc_bound", ["paxos", "--size", "small", "--depth", "3"], 3),
        ("bmc_inductive", ["voting", "--size", "small", "--induction"], 0),
        (
            "bmc_not_inductive",
            ["voting", "--size", "small", "--depth", "1", "--induction", "--claim", "agreement"],
            3,
        ),
        ("bmc_quiet", ["voting", "--size", "small", "--induction", "-q"], 0),
    ],
)
def test_the_report(name: str, arguments: list[str], status: int, capsys: Capture, golden: Golden) -> None:
    found = said(capsys, *arguments)
    assert (found[0], found[2]) == (status, "")
    assert max(map(len, found[1].splitlines())) <= 100
    golden(f"{name}.txt", found[1])


def test_as_json(capsys: Capture, golden: Golden, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    arguments = [f"{LOCK}:LeasedLock", "Client=2", "--format", "json", "-o", str(file)]
    status, out, err = said(capsys, *arguments)
    assert (status, err) == (1, "")
    assert out.startswith("VIOLATED  LeasedLock: ")
    text = file.read_text()
    assert json.loads(text)["seconds"] >= 0
    text = re.sub(r'"seconds": [\d.]+', '"seconds": 0', text)
    golden("bmc.json", text.replace(f'"{__version__}"', '"VERSION"'))


def test_every_name_in_the_json_is_in_the_documentation(capsys: Capture, checkout: Path) -> None:
    _, out, _ = said(capsys, f"{LOCK}:LeasedLock", "Client=2", "--format", "json")
    page = (checkout / "docs" / "reports.md").read_text(encoding="utf-8")
    section = page[page.index("## Bounded checks") :]
    documented = set(re.findall(r"^\| `(\w+)", section.partition("\n## ")[0], re.MULTILINE))
    assert set(json.loads(out)) == documented


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["paxos", "--claim", "nothing"],
            "Error: Paxos has no claim 'nothing'\n  there are: agreement, ",
        ),
        (["paxos", "--depth", "-1"], "Invalid value for '--depth': -1 is not in the range x>=0."),
        (["paxos", "--solver", "magic"], "Invalid value for '--solver': 'magic' is not one of 'sat', 'z3'."),
    ],
)
def test_what_is_refused(arguments: list[str], message: str, capsys: Capture) -> None:
    status, out, err = said(capsys, *arguments)
    assert (status, out) == (2, "")
    assert message in err
