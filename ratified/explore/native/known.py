"""Which explorations were found to be too large for the reference engine, so that `auto` begins the next time where it ended.

Guarantees: what is remembered decides how long it takes to an answer, never the answer. Where there is no key (`keys.py`) nothing
is remembered.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ratified.explore.native.compile import cache_folder


def is_large(key: str | None) -> bool:
    """Whether an exploration was remembered as large."""
    return key is not None and _path(key).exists()


def remember_large(key: str | None) -> None:
    """Remember that an exploration is large. Where the cache cannot be written nothing is remembered."""
    if key is not None:
        with suppress(OSError):
            _path(key).parent.mkdir(parents=True, exist_ok=True)
            _path(key).touch()


def _path(key: str) -> Path:
    return cache_folder() / "large" / key
