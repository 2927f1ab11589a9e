"""The live line: on a terminal only, on one line, and gone at the end."""

from __future__ import annotations

import io
import sys

import pytest

from ratified.cli import main as cli
from ratified.cli.progress import LiveLine, line
from ratified.results.result import Progress, Result
from tests.cli import samples
from tests.cli.conftest import Asked

EARLY = Progress(distinct=10, generated=20, depth=2, queue=8, seconds=1.9)
LATER = Progress(distinct=123_456, generated=700_000, depth=12, queue=3_456, seconds=72.0)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_line_says_states_rate_depth_queue_and_time() -> None:
    assert line("paxos", LATER) == "paxos  123,456 states  1,715/s  depth 12  queue 3,456  1:12"


def test_nothing_is_shown_of_what_is_over_quickly() -> None:
    stream = Terminal()
    with LiveLine(stream, "paxos", 80) as live:
        live(EARLY)
    assert stream.getvalue() == ""


def test_the_line_is_redrawn_in_place_and_taken_away() -> None:
    stream = Terminal()
    with LiveLine(stream, "paxos", 80) as live:
        live(LATER)
        live(LATER)
    said = line("paxos", LATER)
    assert stream.getvalue() == f"\r\x1b[2K{said}\r\x1b[2K{said}\r\x1b[2K"


def test_a_dumb_terminal_is_shown_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """It could not take the line away again."""
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    with LiveLine(stream, "paxos", 80) as live:
        live(LATER)
    assert stream.getvalue() == ""


def test_the_line_never_fills_the_terminals_last_column() -> None:
    stream = Terminal()
    LiveLine(stream, "paxos", 20)(LATER)
    assert stream.getvalue() == "\r\x1b[2K" + line("paxos", LATER)[:19]


def test_the_line_is_taken_away_when_the_exploration_fails() -> None:
    stream = Terminal()
    live = LiveLine(stream, "paxos", 80)
    live(LATER)
    with pytest.raises(ZeroDivisionError), live:
        raise ZeroDivisionError
    assert stream.getvalue().endswith("\r\x1b[2K")


def exploring(asked: Asked) -> None:
    """Make the stand-in report progress before it answers."""

    def answer() -> Result:
        if (progress := asked.progress[-1]) is not None:
            progress(LATER)
        return samples.result()

    asked.answer = answer


def test_a_terminal_gets_the_line(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    exploring(asked)
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert cli.run(["check", "synod"]) == 0
    assert isinstance(sys.stderr, Terminal)
    assert "123,456 states" in sys.stderr.getvalue()
    assert sys.stderr.getvalue().endswith("\r\x1b[2K")


@pytest.mark.parametrize("quiet", [True, False])
def test_a_pipe_or_a_quiet_run_gets_none(quiet: bool, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    exploring(asked)
    monkeypatch.setattr(sys, "stderr", Terminal() if quiet else io.StringIO())
    assert cli.run(["check", "synod", *(["--quiet"] if quiet else [])]) == 0
    assert isinstance(sys.stderr, io.StringIO)
    assert sys.stderr.getvalue() == ""
    assert asked.progress == [None]


def test_what_keeps_states_from_being_explored_is_said() -> None:
    compiling = Progress(distinct=0, generated=0, depth=0, queue=0, seconds=72.0, doing="compiling C")
    assert line("paxos", compiling) == "paxos  compiling C  1:12"
