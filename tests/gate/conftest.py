"""A folder with a model and its configuration."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.gate.folders import CONFIGURED, LOCK, places, write

# A run of pytest within a test forgets what it was the first to import; these would be imported by each anew.
for name in (
    "hypothesis.stateful",
    "ratified.cli.gate.checking",
    "ratified.cli.gate.conformance",
    "ratified.cli.report.drive",
    "ratified.cli.report.proof",
    "ratified.conform.policies",
    "ratified.explore.native.engine",
    "ratified.smt.proving",
    "ratified.testing.checking",
    "ratified.testing.nodes",
):
    import_module(name)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with lock.py and its configuration."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", places())
    write(tmp_path, lock=LOCK, toml=CONFIGURED)
    return tmp_path
