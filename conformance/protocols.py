"""The bundled protocols that have a model, an implementation and a binding between them.

Guarantees: importing this imports no model and no implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from ratified.conform.cover import Driver, Steps
from ratified.conform.mutants import Mutant
from ratified.conform.protocol import Protocol
from ratified.follow.binding import Binding
from ratified.impl.system import System
from ratified.language.errors import RatifiedError


def _raft(seed: int) -> System:
    from ratified.impl.raft.system import drawn_config, raft_system

    return raft_system(drawn_config(seed))


def _multipaxos(seed: int) -> System:
    from ratified.impl.multipaxos.system import drawn_config, multipaxos_system

    return multipaxos_system(drawn_config(seed))


def _paxos(_: int) -> System:
    from ratified.impl.paxos.system import paxos_system

    return paxos_system()


def _raft_graph(small: bool) -> tuple[Steps, Driver]:
    from ratified.conformance.raft.edges import RaftDriver
    from ratified.models.raft.servers import RaftServers

    model = RaftServers(Server=2, Value=1, max_term=1 if small else 2, max_log=2 if small else 1)
    return Steps(model).all(), RaftDriver(model)


def _paxos_graph(small: bool) -> tuple[Steps, Driver]:  # noqa: ARG001 - all of it takes no time
    from ratified.conformance.paxos.edges import PaxosDriver
    from ratified.models.paxos.paxos import Paxos

    model = Paxos(Acceptor=3, Value=2, Ballot=2)
    return Steps(model).all(), PaxosDriver(model)


def _multipaxos_graph(small: bool) -> tuple[Steps, Driver]:
    """In all, and with one slot; or with gaps, as far as the implementation comes."""
    from ratified.conformance.multipaxos.edges import MultiPaxosDriver
    from ratified.models.paxos.servers import MultiPaxosServers

    model = MultiPaxosServers(Acceptor=3, Value=2, Ballot=2, slots=1 if small else 2)
    return Steps(model).all() if small else Steps(model), MultiPaxosDriver(model)


def _binding(folder: str, name: str) -> Callable[..., Binding]:
    def make(*arguments: Any) -> Binding:
        made: Binding = getattr(import_module(f"ratified.conformance.{folder}.binding"), name)(*arguments)
        return made

    return make


def _mutants(folder: str) -> Callable[[], Mapping[str, Mutant]]:
    return lambda: {m.name: m for m in import_module(f"ratified.conformance.{folder}.mutants").MUTANTS}


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
        Protocol(
            "paxos", _paxos, _binding("paxos", "PaxosBinding"), _mutants("paxos"), _paxos_graph, UNWRITTEN
        ),
        Protocol(
            "multi-paxos",
            _multipaxos,
            _binding("multipaxos", "MultiPaxosBinding"),
            _mutants("multipaxos"),
            _multipaxos_graph,
            UNWRITTEN,
        ),
        Protocol("raft", _raft, _binding("raft", "RaftBinding"), _mutants("raft"), _raft_graph, disks=True),
    )
}


def protocol_named(name: str) -> Protocol:
    """Return a protocol. Raises RatifiedError for a name that is none."""
    if name not in PROTOCOLS:
        raise RatifiedError(
            f"there is no protocol {name!r} to conform", remedy=f"there are {', '.join(PROTOCOLS)}"
        )
    return PROTOCOLS[name]
