"""A report is written however a command ends, as a whole or not at all; what an earlier run has left there never stays."""

from __future__ import annotations

import json
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ratified.cli import exploring
from ratified.cli import main as cli
from ratified.cli.commands.options import FORMATS
from tests.cli.validators import VALIDATORS, valid_json

OLD = "what an earlier run has left\n"

MODEL = """\
from ratified import *


class Door(Model):
    open_: bool

    @action
    def push(self) -> None:
        require(not self.open_)
        self.open_ = True

    @invariant
    def open_or_not(self) -> bool:
        return self.open_ or not self.open_


class Wrong(Model):
    open_: bool

    @action
    def push(self) -> None:
        self.shut = True
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "door.py").write_text(MODEL)
    (tmp_path / "report").write_text(OLD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


BROKEN = {
    "no such model": ["check", "door.py:Gate"],
    "no such file": ["bmc", "nothing.py:Door"],
    "a model that is refused": ["check", "door.py:Wrong"],
    "no such sort": ["check", "door.py:Door", "Client=2"],
    "no such option": ["check", "door.py:Door", "--sates", "3"],
    "no such value": ["bmc", "door.py:Door", "--depth", "deep"],
    "no argument": ["prove"],
    "no such goal": ["prove", "door.py:Door", "--goal", "nothing"],
    "no candidate": ["induct", "door.py:Door", "--claim", "nothing"],
    "neither of two": ["induct", "door.py:Door"],
    "no such implementation": ["conform", "nothing"],
    "no driver": ["conform", "door.py:Door"],
    "no such trace": ["trace", "paxos", "nothing.ndjson"],
    "no such mutant": ["mutants", "paxos", "nothing"],
    "no such history": ["linearizable", "nothing.ndjson"],
    "no such model for TLC": ["crosscheck", "door.py:Gate"],
    "no such protocol": ["verify", "nothing"],
    "nothing is configured": ["check"],
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_run_without_a_verdict_says_so_in_its_report(
    what: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ""
    form = sorted(VALIDATORS)[sorted(BROKEN).index(what) % len(VALIDATORS)]
    for asked in (form, "json"):
        (folder / "report").write_text(OLD)
        assert cli.run([*BROKEN[what], "--format", asked, "-o", "report"]) == 2
        told = (folder / "report").read_text()
        VALIDATORS[asked](told)
        printed = capsys.readouterr()
        message = (printed.err or printed.out).rstrip().splitlines()[-1].removeprefix("Error: ").strip()
        assert json.dumps(message)[1:-1][:30] in told or message[:30] in told
    report = json.loads(told)
    assert (report["verdict"], report["exit_status"]) == ("undecided", 2)
    assert report["refused"][0]["message"]


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_says_that_there_is_no_verdict(
    form: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["bmc", "door.py:Wrong", "--format", form, "-o", "report"]) == 2
    assert "shut" in (folder / "report").read_text()
    printed = capsys.readouterr()
    assert printed.out == ""
    assert cli.run(["bmc", "door.py:Wrong", "--format", form]) == 2
    again = capsys.readouterr()
    assert again.err == printed.err
    if form == "text":
        assert again.out == ""
    else:
        VALIDATORS[form](again.out)


def test_the_place_of_a_mistake_is_in_the_report(folder: Path) -> None:
    assert cli.run(["check", "door.py:Wrong", "--format", "json", "-o", "report"]) == 2
    report = valid_json((folder / "report").read_text())
    assert report["schema"] == "ratified-ended/1"
    assert report["refused"][0]["place"]["line"] == 22


def test_an_unknown_format_is_one_message_and_leaves_no_old_report(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["check", "door.py:Door", "--format", "pdf", "-o", "report"]) == 2
    says = (
        "Invalid value for '--format': 'pdf' is not one of "
        "'text', 'json', 'junit', 'sarif', 'github', 'gitlab', 'itf'."
    )
    assert capsys.readouterr().err.splitlines()[-1] == f"Error: {says}"
    assert (folder / "report").read_text() == f"{says}\n"


@pytest.mark.parametrize(
    "command", [["check", "door.py:Door"], ["bmc", "door.py:Door"], ["conform", "paxos"]]
)
def test_a_folder_that_is_not_there_is_one_message(
    command: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([*command, "--format", "junit", "-o", "nowhere/report.xml"]) == 2
    printed = capsys.readouterr()
    assert printed.err == "Error: nowhere/report.xml cannot be written: there is no folder nowhere\n"
    assert printed.out == ""
    assert not (folder / "nowhere").exists()


def test_without_a_counterexample_an_earlier_one_does_not_stay(folder: Path) -> None:
    assert cli.run(["check", "door.py:Wrong", "--format", "itf", "-o", "report"]) == 2
    assert not (folder / "report").exists()


@pytest.mark.parametrize("form", FORMATS)
def test_an_interruption_is_reported(
    form: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(exploring, "explore", interrupted)
    assert cli.run(["check", "door.py:Door", "--format", form, "-o", "report"]) == 130
    told = (folder / "report").read_text()
    assert "interrupted before there was anything to report" in told
    if form == "json":
        assert valid_json(told)["exit_status"] == 130
    assert capsys.readouterr().out == ""


def test_memory_that_ran_out_is_reported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(exploring, "explore", exhausted)
    assert cli.run(["check", "door.py:Door", "--format", "json", "-o", "report"]) == 3
    report = valid_json((folder / "report").read_text())
    assert (report["exit_status"], report["verdict"]) == (3, "undecided")


def test_a_verdict_is_not_lost_to_what_fails_after_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ratified.cli.commands import check
    from ratified.language.errors import RatifiedError

    def failing(*_: object) -> None:
        raise RatifiedError("it cannot be drawn")

    monkeypatch.setattr(check, "draw_counterexample", failing)
    arguments = ["check", "door.py:Door", "--format", "json", "-o", "report", "--diagram", "door.svg"]
    assert cli.run(arguments) == 2
    assert valid_json((folder / "report").read_text())["verdict"] == "holds"


def limited() -> None:
    """Let this process write no file of more than 64 bytes, as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))


@pytest.mark.parametrize("model", ["door.py:Door", "door.py:Wrong"])
def test_where_there_is_no_room_the_old_report_stays_and_the_run_fails(model: str, folder: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-B", "-m", "ratified", "check", model, "--format", "json", "-o", "report"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limited,
    )
    assert made.returncode == 2
    assert made.stderr.splitlines()[-1] == "Error: report cannot be written: File too large"
    assert made.stderr.count("report cannot be written") == 1
    assert (folder / "report").read_text() == OLD
    assert {file.name for file in folder.iterdir()} == {"door.py", "report"}


def test_a_device_that_is_full_is_one_message(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["check", "door.py:Door", "--format", "json", "-o", "/dev/full"]) == 2
    assert capsys.readouterr().err == "Error: /dev/full cannot be written: No space left on device\n"


def test_a_report_takes_the_place_of_the_old_one_with_its_rights_and_links(folder: Path) -> None:
    (folder / "report").chmod(0o640)
    (folder / "latest").symlink_to("report")
    assert cli.run(["check", "door.py:Door", "--format", "json", "-o", "latest"]) == 0
    assert (folder / "latest").is_symlink()
    assert valid_json((folder / "report").read_text())["verdict"] == "holds"
    assert stat.S_IMODE((folder / "report").stat().st_mode) == 0o640
    assert {file.name for file in folder.iterdir()} >= {"door.py", "report", "latest"}
    assert not [file for file in folder.iterdir() if file.name.endswith(".new")]


def test_a_report_may_go_into_a_pipe(folder: Path) -> None:
    reader, writer = os.pipe()
    assert cli.run(["check", "door.py:Door", "--format", "json", "-o", f"/dev/fd/{writer}"]) == 0
    os.close(writer)
    with os.fdopen(reader) as stream:
        assert valid_json(stream.read())["verdict"] == "holds"


def test_what_is_no_report_is_left_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Other commands have options of these names that mean something else."""
    assert cli.run(["drive", "door.py:Wrong", "--export", "json", "-o", "report"]) == 2
    assert (folder / "report").read_text() == OLD
    capsys.readouterr()
    assert cli.run(["nothing", "--format", "json", "-o", "report"]) == 2
    assert (folder / "report").read_text() == OLD
