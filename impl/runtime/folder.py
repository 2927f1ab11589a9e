"""A node's folder: who it belongs to, and that one process at a time has it.

    LOCK        held by the process that runs the node, with its number in it
    node.db     what is durable, an SQLite database; see storage.py

Guarantees: of two processes that open a folder one is refused, on this machine; the lock goes with the process, however that
ends.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from ratified.impl.runtime.errors import DiskFault, InUse

LOCK, DATABASE = "LOCK", "node.db"


class Folder:
    """A folder that this process has. Raises InUse if another one has it, DiskFault if it cannot be written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise DiskFault(
                f"{path} cannot be written: {error.strerror}; give a folder that this user may write, as `data`"
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            owner = holder(path)
            whose = f"process {owner}" if owner else "another process"
            raise InUse(f"{path} is in use by {whose}; stop it, or give another folder") from None
        try:
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, str(os.getpid()).encode(), 0)
        except OSError as error:
            os.close(self._lock)
            raise DiskFault(f"{path / LOCK} cannot be written: {error.strerror}") from None

    @property
    def database(self) -> Path:
        """Where what is durable is."""
        return self.path / DATABASE

    def close(self) -> None:
        """Let others have it."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def holder(path: Path) -> int | None:
    """Return the process that has a folder; None if none has."""
    try:
        lock = os.open(path / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        text = os.pread(lock, 32, 0)
        return int(text) if text.isdigit() else None
    else:
        return None
    finally:
        os.close(lock)
