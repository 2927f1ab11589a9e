"""The benchmark of the reference explorer runs and says what it measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "reference.py"


def test_figures_as_json() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--json", "--states", "300"], capture_output=True, text=True, check=True
    )
    figures = json.loads(done.stdout)
    assert figures["target"] == {"paxos": 20_000}
    assert [row["states"] for row in figures["rows"]] == [300] * 5
    assert all(row["transitions"] >= 300 and row["processor_seconds"] > 0 for row in figures["rows"])
