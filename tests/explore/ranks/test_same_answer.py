"""Two and three ranks tell what a single process tells, of bundled and random models, in rounds so small that there are many."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ratified.explore.native.driver import ExplorationCounts, RunOptions, Stop
from ratified.explore.ranks import Alone
from ratified.explore.ranks.checkpoint import Checkpoint
from ratified.explore.ranks.rank import Rank
from ratified.explore.ranks.search import RankedSearch
from ratified.results.result import Limits
from tests.explore.native import maze as oracle
from tests.explore.native.programs import maze_program, program
from tests.explore.native.test_counts import agree
from tests.explore.native.test_disk import counts
from tests.explore.ranks import members

ROOT = Path(__file__).resolve().parents[3]
MPIEXEC = Path(sys.executable).parent / "mpiexec"
RANKS = members.RANKS

pytestmark = pytest.mark.xdist_group("ranks")  # whose workers would each start the same again


@cache
def folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="ratified-ranks-"))


def told(ranks: int) -> dict[str, Any]:
    """What so many ranks told of all cases."""
    return everything()[ranks]


@cache
def everything() -> dict[int, dict[str, Any]]:
    """What all told, from one start of MPI."""
    maze_program(members.maze_of(0), 2, RX_BATCH=16, RX_RECENT_LOG=4, RX_SENT_LOG=4)
    program("paxos", BALLOTS=3)
    file = folder() / "told"
    command = [str(MPIEXEC), "-n", str(max(RANKS)), sys.executable, "-m", "tests.explore.ranks.members"]
    done = subprocess.run(
        [*command, str(file), str(folder())],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[int, dict[str, Any]] = pickle.loads(file.read_bytes())  # noqa: S301  # our own
    return found


@pytest.mark.parametrize("ranks", RANKS)
@pytest.mark.parametrize("seed", members.MAZES)
def test_any_maze(seed: int, ranks: int) -> None:
    expected = oracle.explore(members.maze_of(seed), 2, deadlock=seed % 3 == 0)
    agree(told(ranks)[f"maze {seed}"], expected)


@pytest.mark.parametrize("name", members.CASES)
def test_a_bundled_model(name: str) -> None:
    expected = members.alone(members.CASES[name])
    assert "memory" not in str(expected["stopped"])
    for ranks in RANKS:
        assert told(ranks)[name] == expected


@pytest.mark.parametrize(("seeds", "symmetry"), [(members.SEEDS, False), (members.SYMMETRIC_SEEDS, True)])
def test_random_models(seeds: range, symmetry: bool) -> None:
    for ranks in RANKS:
        told(ranks)
    compared = 0
    for seed, case in members.generated(seeds, folder(), symmetry=symmetry):
        expected = members.alone(case)
        for ranks in RANKS:
            found = told(ranks)[f"model {seed} {symmetry}"]
            if expected.get("stopped") is None or "limit" not in str(expected["stopped"]):
                assert found == expected, (seed, ranks)
        compared += 1
    assert compared >= len(seeds) // 2


def test_random_runs() -> None:
    """Of every kind: shared, they are the same, and so is the first that goes wrong."""
    for ranks in RANKS:
        told(ranks)
    kinds = Counter[str]()
    for name, model in members.walks(folder()):
        expected = members.walked(Alone(), model)
        for ranks in RANKS:
            assert told(ranks)[f"walks of {name}"] == expected, (name, ranks)
        kinds["violated"] += '"violation": {' in expected
        kinds["no answer"] += "caret" in expected
        kinds["else"] += '"violation": null' in expected
    assert kinds["violated"] > 3
    assert kinds["else"] > 3


@pytest.mark.parametrize("ranks", RANKS)
def test_going_on_from_a_checkpoint(ranks: int) -> None:
    first, second, last = told(ranks)["resumed"]
    assert (first.depth, first.stopped, first.resumed) == (9, Stop.DEPTH, False)
    assert (second.depth, second.stopped, second.resumed) == (17, Stop.DEPTH, True)
    assert last.resumed
    assert counts(last) == counts(members.single("paxos", BALLOTS=3))


@pytest.mark.parametrize("ranks", RANKS)
def test_going_on_alone(ranks: int) -> None:
    """From what several have left."""
    told(ranks)
    left = folder() / f"left by {ranks}"
    assert sorted(p.name for p in left.glob("level-25.*")) == [f"level-25.rank-{k}" for k in range(ranks)]
    outcome = _alone(left)
    assert outcome.resumed
    assert counts(outcome) == counts(members.single("paxos", BALLOTS=3))


def _alone(left: Path, **options: Any) -> ExplorationCounts:
    loaded, run = program("paxos", BALLOTS=3), RunOptions(**options)
    with Rank(loaded, run, 0, 1, 500) as rank:
        checkpoint = Checkpoint(left, Alone(), loaded, run)
        try:
            return RankedSearch(Alone(), rank, run, checkpoint).run()[0]
        finally:
            checkpoint.close()


def test_on_disk_from_a_checkpoint(tmp_path: Path) -> None:
    """What was left in memory goes on where it does not fit."""
    told(2)
    left = folder() / "left by 2"
    outcome = _alone(left, limits=Limits(memory=2 << 20), spill=tmp_path, threads=1)
    assert outcome.disk
    assert counts(outcome) == counts(members.single("paxos", BALLOTS=3))
