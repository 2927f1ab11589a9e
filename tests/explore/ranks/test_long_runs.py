"""What takes minutes: known counts on up to four ranks, ranks killed at random, a quarter of the memory that is needed."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_ranks import _is_rank, _ranks_below, ratified

RATIFIED = (sys.executable, "-m", "ratified")
PAXOS = ("paxos", "Ballot=4", "--claim", "agreement")
ROWS = [
    (PAXOS, 8_220_065, 33),
    ((*PAXOS, "--symmetry"), 710_709, 33),
    (("two-phase-commit", "ResourceManager=8"), 1_745_408, 26),
    (("raft", "--no-symmetry"), 15_480_691, 67),
    (("raft",), 2_580_725, 67),
    (("raft", "--size", "thorough"), 55_459_823, 79),
]


@pytest.mark.long(suite="ranks")
@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
@pytest.mark.parametrize(("model", "states", "depth"), ROWS)
def test_known_counts(model: tuple[str, ...], states: int, depth: int, ranks: int, tmp_path: Path) -> None:
    expected = ("--expect-states", str(states), *(("--expect-depth", str(depth)) if depth else ()))
    command = ("check", *model, *expected, "--ranks", str(ranks), "--threads", "1")
    done = ratified(*command, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long(suite="ranks")
@pytest.mark.parametrize("seed", range(10))
def test_killed_at_a_random_moment(seed: int, tmp_path: Path) -> None:
    """A random rank, after a random part of the levels. The others end by themselves; what goes on has the same counts."""
    dice = random.Random(seed)
    level, rank = dice.randrange(2, 24), dice.randrange(2)
    command = [*RATIFIED, "check", *PAXOS, "--ranks", "2", "--threads", "1", "--checkpoint", "c"]
    launcher = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        start_new_session=True,
    )
    while launcher.poll() is None:
        written = (int(path.name.split(".")[0][6:]) for path in (tmp_path / "c").glob("level-*"))
        if max(written, default=0) >= level:
            victim = next((pid for pid in _ranks_below(launcher.pid) if _is_rank(pid, rank)), 0)
            if victim:
                os.kill(victim, signal.SIGKILL)
                break
    _, err = launcher.communicate(timeout=10)
    assert launcher.returncode == 3
    assert re.match(rf"Error: rank {rank} of 2 on \S+ was lost: Killed \(signal 9\)\n", err)
    again = err.splitlines()[-1].rpartition("ratified ")[2].split()
    done = ratified(*again, "--expect-states", "8220065", "--expect-depth", "33", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long(suite="ranks")
def test_a_quarter_of_the_memory(tmp_path: Path) -> None:
    """Paxos with four ballots takes some 260 MB; two ranks with 32 MB each come to the same."""
    budget = ("--ranks", "2", "--threads", "1", "--memory", "32M", "--format", "json")
    done = ratified("check", *PAXOS, *budget, folder=tmp_path)
    (check,) = json.loads(done.stdout)["checks"]
    assert (check["distinct"], check["generated"], check["depth"]) == (8_220_065, 67_903_141, 33)
