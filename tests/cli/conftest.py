"""A folder with model.py in it, and the command line with a stand-in for the explorer."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ratified.cli import exploring, loading, named
from ratified.cli.exploring import ExploreOptions
from ratified.results.result import Progress, Result
from tests.cli import samples


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder that holds the source which the samples point into."""
    (tmp_path / "model.py").write_text(samples.SOURCE)
    monkeypatch.chdir(tmp_path)
    linecache.checkcache()
    return tmp_path


@dataclass
class Asked:
    """What the command line asked of the explorer, and what the explorer is to answer."""

    answer: Callable[[], Result] = samples.result
    models: list[Any] = field(default_factory=list)
    options: list[ExploreOptions] = field(default_factory=list)
    progress: list[Callable[[Progress], None] | None] = field(default_factory=list)


@pytest.fixture
def asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Put a stand-in in place of the explorer; every model that is loaded is a sample."""
    asked = Asked()

    def explore(model: Any, options: ExploreOptions, progress: Callable[[Progress], None] | None) -> Result:
        asked.models.append(model)
        asked.options.append(options)
        asked.progress.append(progress)
        return asked.answer()

    def load(target: str) -> type:
        return samples.Unsized if target == "unsized" else samples.Synod

    monkeypatch.setattr(exploring, "explore", explore)
    for module in (loading, named):
        monkeypatch.setattr(module, "load", load)
    return asked
