"""The benchmark of the bundled models says what it measured, and what lies idle in a model that should not."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "models.py"


IDLE = """
from typing import ClassVar
from ratified import Model, Param, action, invariant, require

class Idle(Model):
    sizes: ClassVar[dict[str, dict[str, object]]] = {"standard": {}}
    switch: Param[bool] = False
    on: bool

    @action
    def never(self) -> None:
        require(self.on)

    @action
    def switched_off(self) -> None:
        require(self.switch)

    @invariant
    def nothing(self) -> bool:
        return not self.on or not self.switch
"""


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmarks_models", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_line_a_model() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--only", "commit"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert [line.split()[:3] for line in done.stdout.splitlines()[1:]] == [
        ["transaction-commit", "34", "7"],
        ["two-phase-commit", "8,832", "17"],
    ]


def test_what_lies_idle_is_told_and_asked_at_the_standard_size_only(script: ModuleType) -> None:
    known = script.measure("raft-clients", "small", symmetry=False)
    assert known["problem"] == ""
    assert {"reject_entries", "leader_has_an_entry_of_its_term"} <= set(known["idle"])


def test_what_lies_idle_at_the_standard_size_is_a_problem(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "idle.py").write_text(IDLE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    row = script.measure("idle.py", "standard", symmetry=False)
    assert row["problem"] == "idle: never, nothing"
    assert script.line(row).endswith("idle: never, nothing")


def test_what_fails_is_told(script: ModuleType) -> None:
    assert script.measure("two-phase-commit-by-majority", "standard", symmetry=False)["problem"] == "violated"
