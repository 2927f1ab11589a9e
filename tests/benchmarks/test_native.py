"""The benchmark of the native explorer runs, finds the known counts and says what it measured: how fast is not judged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "native.py"

COUNTS = {
    "Paxos, 2 ballots": 3_921,
    "two-phase commit, 3 managers": 288,
    "two-phase commit, 5 managers": 8_832,
    "by hand: Paxos, 2 ballots": 3_921,
}


def test_figures_as_json_and_as_a_table(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, SCRIPT, "--tiny", "--repeat", "1", "--json", file],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = json.loads(file.read_text())
    assert {row["name"]: row["one"]["distinct"] for row in rows} == COUNTS
    for row in rows:
        assert row["one"]["generated"] == row["two"]["generated"] > row["distinct"]
        assert all(row[run][figure] > 0 for run in ("one", "two") for figure in ("seconds", "memory", "peak"))
        assert row["speed_up"] > 0
    table = done.stdout.splitlines()
    assert table[0].split()[:3] == ["model", "states", "transitions"]
    assert [line[:32].strip() for line in table[1:]] == list(COUNTS)
