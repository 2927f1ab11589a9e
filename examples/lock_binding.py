"""How the log of a lock server maps to the model of one: what a person writes to hold a system of their own to a model.

ratified trace examples/lock_binding.py:LockServer run.ndjson
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lock_service import Client, FencedLock, Token

from ratified import Binding, Names, Observed, Steps, do, holds

CLIENTS, TOKENS = 20, 1000


class LockServer(Binding):
    """The server logs what it does; of leases that end it says nothing."""

    unobserved = ("expire",)

    def __init__(self) -> None:
        self.client = Names(Client, CLIENTS)

    def model(self) -> FencedLock:
        """Room for a long run."""
        return FencedLock(Client=CLIENTS, Token=TOKENS)

    def on_acquire(self, client: str, token: int) -> Steps:
        """The server grants the lock."""
        return do("acquire", c=self.client(client), t=Token(token))

    def on_release(self, client: str) -> Steps:
        """A client gives it back."""
        return do("release", c=self.client(client))

    def on_write(self, client: str) -> Steps:
        """The storage accepts a write."""
        return do("write", c=self.client(client))

    def on_refuse(self, client: str, token: int) -> Steps:
        """The storage refuses a write: no step of the model, but there must be a reason."""
        return holds("admits", Token(token), expected=False)

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:
        """Who has the lock, and the last token that the storage has seen."""
        seen = variables["written"]
        return {
            ("granted",): self.client.maybe(variables["granted"]),
            ("written",): None if seen is None else Token(seen),
        }
