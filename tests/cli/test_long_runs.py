"""Runs that are killed, or given too little memory, come to the same counts: as it is done from the command line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TWO_PHASE = ["ratified.models.commit.two_phase:TwoPhase", "ResourceManager=8"]
COUNTED = {"verdict": "holds", "distinct": 1_745_408, "generated": 18_507_778, "depth": 26}
FIRED = [262_144, 1, 65_536, 2_370_560, 2_370_560, 2_048, 13_436_928]

pytestmark = pytest.mark.slow


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "ratified", "check", *arguments, "--format", "json"]


def counted(*arguments: str) -> dict[str, Any]:
    """A run from the command line, which must end with the known counts."""
    done = subprocess.run(command(*arguments), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (told,) = json.loads(done.stdout)["checks"]
    assert {name: told[name] for name in COUNTED} == COUNTED
    assert [action["fired"] for action in told["actions"]] == FIRED
    found: dict[str, Any] = told
    return found


def saved(folder: Path) -> int:
    """How many bytes of states a checkpoint holds."""
    return sum(file.stat().st_size for file in folder.glob("states-*")) if (folder / "header").exists() else 0


def killed(folder: Path, size: int, *arguments: str) -> None:
    """Begin a run and kill it with SIGKILL as soon as its checkpoint has grown to a size.

    On a busy machine the run may come to its end before this process is asked again; then it is begun anew.
    """
    for _ in range(5):
        with subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            while process.poll() is None and saved(folder) < size:
                os.sched_yield()
            process.kill()
        if process.returncode == -signal.SIGKILL:
            return
        shutil.rmtree(folder, ignore_errors=True)
    raise AssertionError("each of five runs ended before it was seen to have saved so much")


def test_a_run_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    """Twice: soon after it has begun, and when much is done."""
    folder = tmp_path / "checkpoint"
    arguments = [*TWO_PHASE, "--checkpoint", str(folder)]
    killed(folder, 100_000, *arguments)
    killed(folder, 3_000_000, *arguments)
    assert counted(*arguments)["notes"][0] == "resumed from a checkpoint"


def test_a_run_with_half_the_memory_that_it_wants(tmp_path: Path) -> None:
    """It wants 30 MB for states and table: the rest goes to disk; and again when it is killed in the middle."""
    folder = tmp_path / "checkpoint"
    arguments = [*TWO_PHASE, "--memory", "15M", "--engine", "native"]
    counted(*arguments)
    arguments += ["--checkpoint", str(folder)]
    killed(folder, 8_000_000, *arguments)
    assert counted(*arguments)["notes"][0] == "resumed from a checkpoint"


def test_a_checkpoint_of_something_else(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    made = subprocess.run(
        command("voting", "--depth", "5", "--checkpoint", str(folder)), capture_output=True, check=False
    )
    assert made.returncode == 3
    refused = subprocess.run(
        command("voting", "--size", "small", "--checkpoint", str(folder)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 2
    assert json.loads(refused.stdout)["exit_status"] == 2
    assert "is of another model, size or version" in refused.stderr
    assert "Traceback" not in refused.stderr
