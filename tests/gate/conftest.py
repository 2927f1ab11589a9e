"""A folder with a model and its configuration."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.gate.folders import CONFIGURED, LOCK, write


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with lock.py and its configuration."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    write(tmp_path, lock=LOCK, toml=CONFIGURED)
    return tmp_path
