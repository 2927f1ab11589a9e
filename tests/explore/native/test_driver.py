"""Progress, Ctrl-C, and callbacks that fail."""

from __future__ import annotations

import os
import signal

import pytest

from ratified.explore.native import driver
from ratified.explore.native.driver import NativeExploration, RunOptions, Stop
from ratified.results.result import Progress
from tests.explore.native.programs import program

BIG = 8_220_065


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "PROGRESS_SECONDS", 0.001)


def test_progress_goes_up() -> None:
    seen: list[Progress] = []
    with NativeExploration(program("paxos", BALLOTS=3), RunOptions(threads=2)) as exploration:
        outcome = exploration.run(seen.append)
    assert seen == sorted(seen, key=lambda progress: (progress.depth, progress.generated))
    assert all(
        progress.distinct <= outcome.distinct + 1024 and progress.depth <= outcome.depth for progress in seen
    )


@pytest.mark.parametrize("threads", [1, 2])
def test_interrupted(threads: int) -> None:
    """Ctrl-C in the middle: a partial outcome, no exception."""

    def interrupt(progress: Progress) -> None:
        if progress.depth >= 5:
            os.kill(os.getpid(), signal.SIGINT)

    with NativeExploration(program("paxos", BALLOTS=4), RunOptions(threads=threads)) as exploration:
        outcome = exploration.run(interrupt)
    assert outcome.stopped is Stop.INTERRUPTED
    assert 0 < outcome.distinct < BIG
    assert outcome.finding is None


def test_a_callback_that_fails_ends_the_run() -> None:
    def fail(_progress: Progress) -> None:
        raise ValueError("mine")

    with (
        NativeExploration(program("paxos", BALLOTS=4), RunOptions()) as exploration,
        pytest.raises(ValueError, match="mine"),
    ):
        exploration.run(fail)


def test_closed_twice() -> None:
    exploration = NativeExploration(program("paxos", BALLOTS=2))
    exploration.close()
    exploration.close()
