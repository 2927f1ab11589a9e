"""The protocols that have a model, an implementation and a binding between them.

Guarantees: importing this imports no implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from ratified.conformance.binding import Binding
from ratified.conformance.bindings import binding_named
from ratified.impl.simulator.system import System
from ratified.models.language.errors import RatifiedError


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a protocol is run and watched. `system` is given a seed, from which it may draw a configuration."""

    name: str
    system: Callable[[int], System]
    at_once: Collection[str] = ()
    disks: bool = False

    def binding(self, nodes: Sequence[str]) -> Binding:
        """A binding for these nodes."""
        return binding_named(self.name)(nodes)

    def patched(self, change: Callable[[System], System]) -> Protocol:
        """This protocol with another implementation."""
        return Protocol(self.name, lambda seed: change(self.system(seed)), self.at_once, self.disks)


def _raft(seed: int) -> System:
    from ratified.impl.raft.system import drawn_config, raft_system

    return raft_system(drawn_config(seed))


def _multipaxos(seed: int) -> System:
    from ratified.impl.multipaxos.system import drawn_config, multipaxos_system

    return multipaxos_system(drawn_config(seed))


def _paxos(_: int) -> System:
    from ratified.impl.paxos.system import paxos_system

    return paxos_system()


UNWRITTEN = (
    "propose",
    "propose_again",
    "fill_gap",
    "lead",
    "resign",
    "learn",
    "give_up",
    "restore",
    "compact",
)
"""What a node of Paxos tells others without having written anything of its own."""

PROTOCOLS: dict[str, Protocol] = {
    p.name: p
    for p in (
        Protocol("paxos", _paxos, at_once=UNWRITTEN),
        Protocol("multi-paxos", _multipaxos, at_once=UNWRITTEN),
        Protocol("raft", _raft, disks=True),
    )
}


def protocol_named(name: str) -> Protocol:
    """Return a protocol. Raises RatifiedError for a name that is none."""
    if name not in PROTOCOLS:
        raise RatifiedError(
            f"there is no protocol {name!r} to conform", remedy=f"there are {', '.join(PROTOCOLS)}"
        )
    return PROTOCOLS[name]


def names_of(count: int) -> list[str]:
    """The nodes of a simulated cluster."""
    return [f"n{i}" for i in range(1, count + 1)]
