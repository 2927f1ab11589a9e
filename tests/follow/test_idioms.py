"""The idioms of docs/idioms.md: time, counters, identities that come and go, attempts, refusals, a start, all events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ratified import Sort
from ratified.cli import main as cli
from ratified.follow.binding import EventError, Names, TooSmallError


class Client(Sort):
    """Has a session."""


def event(action: str, now: int, client: str | None = None, **seen: int) -> dict[str, Any]:
    arguments = {"now": now} | ({} if client is None else {"client": client})
    return {"action": action, "arguments": arguments} | ({"variables": seen} if seen else {})


START = 1_700_000_000_000
FINE = [
    event("started", START, opened=0, entries=0),
    event("open", START + 5, "a", opened=1, entries=1),
    event("renew", START + 3_004, "a"),
    event("keep_alive", START + 6_003, "a"),
    event("late", START + 9_004, "a"),
    event("keep_alive", START + 9_005, "a"),
    event("open", START + 9_006, "a", opened=2, entries=2),
]
MANY = [e for k in range(25) for e in (event("open", START + k, f"c{k}"), event("close", START + k, f"c{k}"))]


@pytest.mark.parametrize(
    ("events", "status"),
    [
        (FINE, 0),
        (MANY, 0),
        ([*FINE[:3], event("renew", START + 6_004, "a")], 1),  # a millisecond late
        ([*FINE[:3], event("late", START + 6_003, "a")], 1),  # refused, though in time
        ([event("started", START, opened=1, entries=0)], 1),
        ([*FINE[:-1], event("open", START + 9_006, "a", opened=2, entries=1)], 1),
        ([e for e in MANY if e["action"] == "open"], 3),  # ten at a time
    ],
)
def test_sessions(
    events: list[dict[str, Any]],
    status: int,
    checkout: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = tmp_path / "run.ndjson"
    run.write_text("".join(json.dumps(e) + "\n" for e in events), encoding="utf-8")
    assert cli.run(["trace", f"{checkout}/examples/session_binding.py:Sessions", str(run)]) == status, (
        capsys.readouterr()
    )
    out = capsys.readouterr().out
    assert status or "at most 1 explain what was observed" in out


def test_a_clock_that_runs_backwards(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    events = [event("started", START), event("started", START - 2)]
    Path("run.ndjson").write_text("".join(json.dumps(e) + "\n" for e in events), encoding="utf-8")
    assert cli.run(["trace", f"{checkout}/examples/session_binding.py:Sessions", "run.ndjson"]) == 2
    err = capsys.readouterr().err
    problem, place, line, caret = err.splitlines()
    assert problem == "Error: run.ndjson:2: started cannot be interpreted: the clock runs backwards by 2 ms"
    assert place == f"  raised at {checkout}/examples/session_binding.py:97:13"
    assert line.endswith('97 |             raise ValueError(f"the clock runs backwards by {-passed} ms")')
    assert caret.strip(" |^") == ""


def test_names_that_are_released() -> None:
    names = Names(Client, 1)
    first = names("a")
    with pytest.raises(TooSmallError):
        names("b")
    names.release("a")
    assert names.known() == []
    assert names("b") == first
    with pytest.raises(EventError, match=r"^'a' is no client that could be released$"):
        names.release("a")
    with pytest.raises(EventError, match=r"^'x' is no client that could be released$"):
        Names(Client, 1, ["x"]).release("x")


def test_what_an_event_stands_for_is_told_as_the_binding_said_it_once(
    checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The binding remembers when the last event was: asked again, it would say that no time went by."""
    run = tmp_path / "run.ndjson"
    events = [*FINE[:3], event("renew", START + 6_004, "a")]
    run.write_text("".join(json.dumps(e) + "\n" for e in events), encoding="utf-8")
    assert cli.run(["trace", f"{checkout}/examples/session_binding.py:Sessions", str(run)]) == 1
    told = capsys.readouterr().out
    assert "it stands for renew(c=c1), which is not enabled\n" in told
    assert "require(self.left[c] > 0)" in told
    assert "left is {c1: 0, " in told
