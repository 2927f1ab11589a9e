"""The benchmark of conformance does what it says, whatever the time it takes."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def benchmark(checkout: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "benchmarks_conformance", checkout / "benchmarks" / "conformance.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["raft", "lock"])
def test_a_trace_is_recorded_and_followed_to_its_end(
    name: str, benchmark: ModuleType, tmp_path: Path
) -> None:
    benchmark.record(name, 500, tmp_path / "run.ndjson")
    assert benchmark.follow(name, tmp_path / "run.ndjson")["events"] == 500


def test_a_history_is_decided(benchmark: ModuleType) -> None:
    assert [benchmark.decide(3, spoilt)["verdict"] for spoilt in (False, True)] == ["holds", "violated"]
