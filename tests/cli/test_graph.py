"""`ratified graph`, `ratified browse` and `--diagram` on the command line: what they write, and what they refuse."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from ratified.cli.main import run
from ratified.diagram import runs
from ratified.language import RatifiedError

MODEL = """
from ratified import Map, Model, Symmetric, action, invariant, require

class Client(Symmetric):
    '''Wants it.'''

class Lock(Model):
    '''A lock.'''
    sizes = {"small": {"Client": 2}, "standard": {"Client": 3}}
    holds: Map[Client, bool]

    @action
    def acquire(self, c: Client) -> None:
        require(not self.holds[c])
        self.holds[c] = True

    @invariant
    def one(self) -> bool:
        return sum(1 for c in Client if self.holds[c]) <= 1
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "lock.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_picture(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["graph", "lock.py", "-o", "lock.json"]) == 0
    assert capsys.readouterr().out == "lock.json: Lock Client=2\n  4 states, 4 steps, 3 levels\n"
    assert len(json.loads((here / "lock.json").read_text())["nodes"]) == 4


def test_the_small_size_unless_asked(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["graph", "lock.py", "--size", "standard", "-o", "lock.json", "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert len(json.loads((here / "lock.json").read_text())["nodes"]) == 8


def test_dot_goes_to_standard_output(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["graph", "lock.py", "Client=1"]) == 0
    assert capsys.readouterr().out.startswith("digraph states {\n")


def test_what_was_not_all_explored_is_undecided(here: Path) -> None:
    assert run(["graph", "lock.py", "--depth", "2", "-o", "lock.dot", "-q"]) == 3
    assert "NOT ALL OF IT: the depth limit of 2 levels" in (here / "lock.dot").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "lock.gif"], "lock.gif: .gif files cannot be written"),
        (["-o", "no/lock.svg"], "no/lock.svg cannot be written: there is no folder no"),
        (["-o", "lock.py/x.svg"], "lock.py/x.svg cannot be written: there is no folder lock.py"),
        (["--view", "term"], "Lock has no view 'term', and it names no variables"),
        (["--focus", "grab"], "Lock has no action 'grab'"),
        (["--most", "3"], "a picture of Lock with 4 nodes is too large to read (at most 3 nodes are drawn)"),
        (["--size", "huge"], "Lock has no size 'huge'"),
        (["Server=3"], "Lock has no sort or parameter 'Server'"),
    ],
)
def test_refusals(here: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["graph", "lock.py", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert sorted(p.name for p in here.iterdir()) == ["lock.py"]


def test_a_model_that_is_none(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "lock.py").write_text(MODEL.replace("self.holds[c] = True", "self.holds[c] = 1"))
    for command in ("graph", "browse"):
        assert run([command, "lock.py"]) == 2
        assert "lock.py:15:25: this is of type int, and bool is needed" in capsys.readouterr().err


def test_a_counterexample_is_drawn(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "lock.py", "--diagram", "run.mmd"]) == 1
    assert "one fails after 2 steps" in (here / "run.mmd").read_text()
    assert run(["simulate", "lock.py", "--diagram", "run.svg"]) == 1
    assert (here / "run.svg").exists()


def test_no_counterexample_is_told_and_not_drawn(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "lock.py", "Client=1", "--diagram", "run.svg"]) == 0
    assert capsys.readouterr().err == "run.svg was not written: no claim of Lock is violated\n"
    assert not (here / "run.svg").exists()


@pytest.mark.parametrize("command", ["check", "simulate", "bmc"])
def test_a_diagram_that_cannot_be_is_refused_first(
    command: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command, "lock.py", "--diagram", "run.png"]) == 2
    assert "end it with one of .svg, .html, .mmd, .md" in capsys.readouterr().err


def test_exploring_until_interrupted(here: Path) -> None:
    program = [sys.executable, "-m", "ratified", "browse", "lock.py", "--port", "0"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, cwd=here) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "Lock(Client=3)\n"
        url = server.stdout.readline().partition(" ")[0]
        with urllib.request.urlopen(f"{url}api/state", timeout=60) as answer:  # noqa: S310 - it is this machine's
            assert json.load(answer)["steps"] == 0
        server.send_signal(signal.SIGINT)
        assert server.wait(60) == 0


def test_a_port_in_use(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(["browse", "lock.py", "--port", str(port)]) == 2
    assert f"port {port} cannot be used: address already in use" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "bmc", "simulate"])
def test_the_verdict_is_reported_before_anything_is_drawn(
    command: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise RatifiedError("there is no room for it")

    monkeypatch.setattr(runs, "sequence", refuse)
    assert run([command, "lock.py", "-q", "--diagram", "run.svg"]) == 2
    out, err = capsys.readouterr()
    assert out.startswith("VIOLATED  Lock: ")
    assert err == "Error: there is no room for it\n"
