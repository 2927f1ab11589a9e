"""Ctrl-C: what is known so far is told, as undecided; what was not begun is not called decided."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ratified.cli import main as cli
from ratified.conform import policies, policy
from ratified.conform.ending import interruptible
from ratified.follow.follower import Follower
from ratified.follow.linearizability.check import check_history
from ratified.follow.linearizability.history import read_history
from ratified.follow.linearizability.models import Register
from ratified.results.result import Verdict
from ratified.results.seen import INTERRUPTED
from ratified.smt.solving import Pool
from tests.cli import samples
from tests.cli.conftest import Asked

Capture = pytest.CaptureFixture[str]


def on_call(number: int, function: Callable[..., object]) -> Callable[..., object]:
    """The same function, but that its call of this number, from 1, is interrupted."""
    calls = iter(range(1, number + 1))

    def called(*given: object, **named: object) -> object:
        if next(calls) == number:
            raise KeyboardInterrupt
        return function(*given, **named)

    return called


def said(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    """Run the command line and return its status and what it wrote."""
    status = cli.run(list(arguments))
    out, err = capsys.readouterr()
    return status, out, err


def test_verify_says_that_the_rest_is_undecided(asked: Asked, capsys: Capture) -> None:
    asked.answer = lambda: replace(samples.out_of_states(), stopped=INTERRUPTED)
    status, out, err = said(capsys, "verify", "two-phase-commit", "--format", "json")
    assert (status, err) == (3, "")
    # Only the first is explored.
    assert [how.limits.seconds for how in asked.options] == [None, *([0.0] * (len(asked.options) - 1))]
    told = json.loads(out)
    assert told["verdict"] == "undecided"
    assert {(c["verdict"], c["stopped"]) for c in told["checks"]} == {("undecided", "interrupted")}


def test_a_proof_says_which_obligations_are_open(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pool, "run", on_call(1, Pool.run))
    status, out, err = said(capsys, "prove", "consensus")
    assert (status, err) == (3, "")
    assert out.startswith("UNDECIDED  consensus: ")
    assert "interrupted" in out


def test_runs_that_were_done_are_told(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    from ratified import simulator

    monkeypatch.setattr(simulator, "simulate", on_call(3, simulator.simulate))
    status, out, err = said(capsys, "run", "paxos", "--seeds", "9", "--steps", "20", "-q")
    assert (status, out, err) == (
        3,
        "UNDECIDED  paxos: no violation in 2 runs; interrupted before all 9\n",
        "",
    )


def test_a_trace_is_told_as_far_as_it_was_followed(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, checkout: Path
) -> None:
    event = {"action": "acquire", "arguments": {"client": "anna", "token": 1}}
    refused = {"action": "refuse", "arguments": {"client": "bert", "token": 0}}
    (tmp_path / "run.ndjson").write_text("".join(json.dumps(e) + "\n" for e in (event, refused)))
    monkeypatch.setattr(Follower, "step", on_call(2, Follower.step))
    binding = f"{checkout}/examples/lock_binding.py:LockServer"
    status, out, err = said(capsys, "trace", binding, str(tmp_path / "run.ndjson"))
    assert (status, err) == (3, "")
    assert out.splitlines()[0] == "UNDECIDED  run.ndjson: after 1 event: interrupted"


def test_a_history_is_undecided(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls = [{"process": 0, "type": kind, "f": "write", "value": 1} for kind in ("invoke", "ok")]
    (tmp_path / "h.ndjson").write_text("".join(json.dumps(c) + "\n" for c in calls))
    monkeypatch.setattr("ratified.follow.linearizability.search.PartSearch.run", on_call(1, lambda: None))
    outcome = check_history(read_history(tmp_path / "h.ndjson"), Register())
    assert (outcome.verdict, outcome.stopped) == (Verdict.UNDECIDED, "interrupted")


def test_conform_says_that_not_everything_was_decided(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = policy.by_chance

    def by_chance(*given: object, **named: object) -> object:
        signal.raise_signal(signal.SIGINT)
        return really(*given, **named)  # type: ignore[arg-type]  # what it was given

    monkeypatch.setattr(policies, "by_chance", by_chance)
    before = signal.getsignal(signal.SIGINT)
    status, out, err = said(capsys, "conform", "round-robin", "--events", "100000")
    assert (status, err) == (3, "")
    assert out.startswith("UNDECIDED  round-robin: no violation; not everything was decided\n")
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_control_c_is_not_held_back() -> None:
    with interruptible() as over:
        assert over() is None
        signal.raise_signal(signal.SIGINT)
        assert over() == "interrupted"
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
