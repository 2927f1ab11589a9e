"""A server that grants a lock to one client after another. It knows nothing of models."""

from __future__ import annotations


class LockServer:
    """One lock, and who has it."""

    def __init__(self) -> None:
        self.holder: str | None = None

    def lock(self, client: str) -> bool:
        """Grant the lock to a client, unless somebody has it."""
        if self.holder is not None:
            return False
        self.holder = client
        return True

    def unlock(self, client: str) -> bool:
        """Take it back from a client that has it."""
        if self.holder != client:
            return False
        self.holder = None
        return True
