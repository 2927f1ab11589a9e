"""What an exploration may be asked beside its limits. Importing this imports no engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class NativeOptions:
    """How the native engine works. `threads` is all cores if None.

    `checkpoint` is a folder from which an exploration that was stopped goes on; `dump` a file for the generated C.
    """

    threads: int | None = None
    checkpoint: Path | None = None
    dump: Path | None = None

    @property
    def asked(self) -> bool:
        """Whether anything was asked for that only the native engine has."""
        return self != NativeOptions()
