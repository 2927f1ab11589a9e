"""The benchmark of the implementations runs and says what it measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "implementations.py"


def test_figures_as_json() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--json", "--seeds", "2", "--commands", "600"],
        capture_output=True,
        text=True,
        check=True,
    )
    figures = json.loads(done.stdout)
    assert figures["target"] == 20_000
    assert [(row["protocol"], row["nodes"]) for row in figures["chaos"]] == [
        (name, nodes) for name in ("raft", "multi-paxos", "paxos") for nodes in (3, 5)
    ]
    assert all(row["steps"] > 500 and row["steps_per_second"] > 0 for row in figures["chaos"])
    assert [row["commands"] for row in figures["throughput"]] == [600, 600]
    # Batches: far fewer steps of cores than commands times messages.
    assert all(row["core_steps_per_command"] < 2 for row in figures["throughput"])
