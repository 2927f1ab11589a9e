"""What an exploration may be asked beside its limits. Importing this imports no engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class NativeOptions:
    """Options of the native engine. `threads` is all cores if None.

    `checkpoint` is a folder from which a stopped exploration resumes; `dump` is a file for the generated C.
    """

    threads: int | None = None
    checkpoint: Path | None = None
    dump: Path | None = None

    @property
    def asked(self) -> bool:
        """Whether any option is set that only the native engine has."""
        return self != NativeOptions()
