"""Which explorations were found to be too large for the reference engine, so that `auto` begins the next time where it ended.

Guarantees: what is remembered decides how long it takes to an answer, never the answer. Where there is no key (`keys.py`) nothing
is remembered.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ratified.explore.native.compile import cache_folder
from ratified.explore.native.keys import key_of
from ratified.explore.symmetry import symmetry_of
from ratified.language.model import Model


def found_large(model: Model, *, symmetry: bool, deadlock: bool, reduced: bool = False) -> bool:
    """Whether this very exploration was said to be large before."""
    symmetric = symmetry and not symmetry_of(model).trivial
    return is_large(key_of(model, symmetry=symmetric, deadlock=deadlock, reduced=reduced))


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
