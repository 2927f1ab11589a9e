"""The benchmark of the cores does what it says, whatever the time it takes."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def benchmark(checkout: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "benchmarks_implementations", checkout / "benchmarks" / "implementations.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("protocol", ["raft", "multi-paxos"])
@pytest.mark.parametrize(("at_once", "batch"), [(1, 1), (10, 4), (100, 64)])
def test_every_command_is_committed_and_answered(
    benchmark: ModuleType, protocol: str, at_once: int, batch: int
) -> None:
    row = benchmark.throughput(protocol, 100, at_once, batch)
    assert row["commands"] == 100


@pytest.mark.parametrize("protocol", ["raft", "multi-paxos", "paxos"])
def test_runs_under_chaos_are_counted(benchmark: ModuleType, protocol: str) -> None:
    assert benchmark.chaos(protocol, 2, 3)["core_steps"] > 500
