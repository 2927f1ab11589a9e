"""The benchmark of several ranks runs, finds the known counts, and predicts from what it measured: how fast is not judged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.ranks import Cost, fitted, predicted, tell_model

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "ranks.py"


def test_figures_and_predictions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "figures.json"
    command = [sys.executable, str(SCRIPT)]
    done = subprocess.run(
        [*command, "--tiny", "--json", str(file)], capture_output=True, text=True, check=True
    )
    rows = json.loads(file.read_text())
    assert [(row["alone"], row["ranks"], row["threads"]) for row in rows] == [
        (True, 1, 2),
        (False, 1, 2),
        (False, 1, 1),
        (False, 2, 1),
    ]
    assert {(row["states"], row["transitions"]) for row in rows} == {(185_369, 1_316_584)}
    assert [row["sent"] > 0 for row in rows] == [False, False, False, True]
    assert len(done.stdout.splitlines()) == 5
    tell_model(file)
    assert len(capsys.readouterr().out.splitlines()) == 8


def test_the_model_of_cost() -> None:
    run = {"alone": False, "threads": 1, "transitions": 1024, "record": 18}
    one = {**run, "ranks": 1, "processor": 2**-13, "sent": 0}
    two = {**run, "ranks": 2, "processor": 2**-13 + 2**-14, "sent": 256 * 18}
    cost = fitted([one, two])
    assert cost == Cost(2**-23, 2**-22, 0.5, 18)
    # On many machines all that is not caught is elsewhere: a half of a record, which costs two transitions.
    free = predicted(cost, 10**6, 1e9, cores=1)
    assert abs(free["efficiency"] - 1 / 2) < 0.02  # the rest is latency
    # A wire that is full before the processors are.
    slow = predicted(cost, 100, 0.001, cores=32)
    assert slow["wire bound"] == 1.0
    assert slow["wire"] < 0.001 / 8 + 1e-9
