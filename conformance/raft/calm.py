"""What a leader of Raft has under way, and who votes, as its variables say: what is asked once all is calm."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any


def pending(variables: Mapping[str, Any]) -> str | None:
    """A change of the voters that is half-way, or a transfer of leadership."""
    if variables["outgoing"]:
        return "a change of voters"
    return "a transfer" if variables["transferee"] is not None else None


def voters(variables: Mapping[str, Any]) -> Collection[str]:
    """Who votes."""
    return {*variables["voters"], *variables["outgoing"]}
