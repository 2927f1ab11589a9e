"""The benchmark of compiling runs and says what it measured: how fast is not judged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "compile.py"


def test_figures_as_json_and_as_a_table(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, SCRIPT, "--tiny", "--json", file], capture_output=True, text=True, check=True
    )
    (row,) = json.loads(file.read_text())
    assert row.pop("name") == "two-phase-commit"
    assert set(row) == {
        *("model_import", "generator_import", "generate", "explorer", "steps", "asked"),
        *("lines", "until_loaded", "again"),
    }
    assert all(figure > 0 for figure in row.values())
    table = done.stdout.splitlines()
    assert table[0].split() == [
        *("model", "imports", "generator", "generate", "explorer", "steps", "asked"),
        *("lines", "clock", "again"),
    ]
    assert [line.split()[0] for line in table[1:]] == ["two-phase-commit"]
