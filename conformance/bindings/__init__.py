"""The bundled bindings, by the name of their protocol.

Guarantees: importing this imports none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from ratified.conformance.binding import Binding

PLACES = {
    "paxos": ("ratified.conformance.bindings.paxos", "PaxosBinding"),
    "multi-paxos": ("ratified.conformance.bindings.multipaxos", "MultiPaxosBinding"),
    "raft": ("ratified.conformance.bindings.raft", "RaftBinding"),
}
"""Where each is."""


def binding_named(name: str) -> Callable[..., Binding]:
    """Return the class of a bundled binding. Raises KeyError."""
    module, cls = PLACES[name]
    found: Callable[..., Binding] = getattr(import_module(module), cls)
    return found
