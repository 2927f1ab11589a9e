"""What every test shares: where the checkout is, and an environment that changes no output."""

from __future__ import annotations

from pathlib import Path

import pytest

# Variables that change what programs print. A test that is about one of them sets it itself.
MOODS = (
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLUMNS",
    "LINES",
    "PYTHONWARNINGS",
    "GITHUB_ACTIONS",
)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what a person's terminal or a CI service may have set."""
    for name in MOODS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def checkout() -> Path:
    """Return the root of this checkout."""
    return Path(__file__).resolve().parent.parent
