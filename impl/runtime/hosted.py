"""The protocols that the runtime hosts: how a core is made, what it keeps and says, and where it shows what people ask for.

Guarantees: nothing else in the runtime knows a protocol by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

from ratified.impl.contract import Control, Core, Durable, NodeId, Observer, StateMachine
from ratified.impl.runtime.codec import Codec

CAUGHT_UP = 0.9
"""The share of the log that a learner must have to be made a voter by `promote`."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Times in ticks of the runtime's clock, and how many entries are applied between snapshots (0: only when ordered)."""

    election: int = 10
    heartbeat: int = 2
    snapshot_every: int = 10_000
    snapshot_keep: int = 1_000


@dataclass(frozen=True, slots=True)
class Membership:
    """Who takes part, as a core knows."""

    voters: tuple[NodeId, ...]
    learners: tuple[NodeId, ...] = ()


@dataclass(frozen=True, slots=True)
class Hosted:
    """A protocol. `kept` are the types on disk, `said` those of messages; `order` turns an operator's words into a control."""

    name: str
    kept: Codec
    said: Codec
    bootstrap: Callable[[Sequence[NodeId]], Durable]
    make: Callable[[NodeId, Durable, Pace, Random, StateMachine, Observer | None], Core]
    committed: Callable[[Core], int]
    role: Callable[[Core], str]
    membership: Callable[[Core], Membership] | None  # None: those that it was founded with
    order: Callable[[Core, str, Sequence[str]], Control]
    gapless: bool = True  # whether there is an entry at every index after the snapshot
    at_once: tuple[str, ...] | None = (
        None  # in traces: what needs nothing written (None: the model has disks)
    )


class OrderError(ValueError):
    """An order that a protocol does not know, or not with such words."""


@cache
def hosted(name: str) -> Hosted:
    """Return a protocol by its name. Raises KeyError."""
    return PROTOCOLS[name]()


def _raft() -> Hosted:
    from ratified.impl.contract import Campaign, Compact
    from ratified.impl.raft import (
        AddVoter,
        ChangeMembership,
        Config,
        Entry,
        HardState,
        RaftCore,
        RemoveNode,
        Snapshot,
        TransferLeadership,
        bootstrap,
    )
    from ratified.impl.raft.messages import Message

    def make(
        node: NodeId,
        durable: Durable,
        pace: Pace,
        random: Random,
        machine: StateMachine,
        observer: Observer | None,
    ) -> Core:
        config = Config(
            election_ticks=pace.election,
            heartbeat_ticks=pace.heartbeat,
            max_batch=256,
            snapshot_every=pace.snapshot_every,
            snapshot_keep=pace.snapshot_keep,
        )
        return RaftCore(node, durable, config, random, machine, observer)

    def raft(core: Core) -> RaftCore:
        assert isinstance(core, RaftCore)
        return core

    def membership(core: Core) -> Membership:
        now = raft(core).membership
        return Membership(tuple(dict.fromkeys((*now.voters, *now.outgoing))), now.learners)

    def order(core: Core, word: str, nodes: Sequence[str]) -> Control:
        now = raft(core).membership
        match word, nodes:
            case "campaign", []:
                return Campaign()
            case "compact", []:
                return Compact()
            case "transfer", [node]:
                return TransferLeadership(node)
            case "add", [node]:
                return AddVoter(node)
            case "remove", [node]:
                return RemoveNode(node)
            case "learn", [node]:
                voters = tuple(voter for voter in now.voters if voter != node)
                return ChangeMembership(voters, (*(n for n in now.learners if n != node), node))
            case "promote", [node]:
                follower = raft(core).state.progress.get(node)
                if follower is not None and follower.match < CAUGHT_UP * raft(core).log.last:
                    raise OrderError(f"{node} has not caught up yet")
                return AddVoter(node)
            case "change", [_, *_]:
                return ChangeMembership(tuple(nodes))
        raise OrderError(
            f"there is no order {' '.join([word, *nodes])!r}; there are campaign, compact, transfer NODE, add NODE, "
            "learn NODE, promote NODE, remove NODE and change NODE..."
        )

    return Hosted(
        "raft",
        Codec(HardState, Entry, Snapshot),
        Codec(Message),
        bootstrap,
        make,
        lambda core: raft(core).commit,
        lambda core: str(raft(core).role),
        membership,
        order,
    )


def _multipaxos() -> Hosted:
    from ratified.impl.contract import Campaign, Compact
    from ratified.impl.multipaxos.core import MultiPaxosCore
    from ratified.impl.multipaxos.messages import Entry, Message, Snapshot
    from ratified.impl.multipaxos.state import Config, Record, bootstrap

    def make(
        node: NodeId,
        durable: Durable,
        pace: Pace,
        random: Random,
        machine: StateMachine,
        observer: Observer | None,
    ) -> Core:
        config = Config(
            election=max(pace.election, 2 * pace.heartbeat + 1),
            heartbeat=pace.heartbeat,
            max_batch=256,
            compact_after=pace.snapshot_every,
            trailing=pace.snapshot_keep,
        )
        return MultiPaxosCore(node, durable, config, random=random, machine=machine, observer=observer)

    def order(core: Core, word: str, nodes: Sequence[str]) -> Control:  # noqa: ARG001 - as the protocols have it
        match word, nodes:
            case "campaign", []:
                return Campaign()
            case "compact", []:
                return Compact()
        raise OrderError(
            f"there is no order {' '.join([word, *nodes])!r} in Multi-Paxos; there are campaign and compact"
        )

    return Hosted(
        "multi-paxos",
        Codec(Record, Entry, Snapshot),
        Codec(Message),
        lambda nodes: bootstrap(tuple(nodes)),
        make,
        lambda core: core.applied,  # what is known to be chosen is executed in the same step
        lambda core: "leader" if core.leader == core.node else "follower",
        None,
        order,
        gapless=False,
        at_once=(
            "propose",
            "propose_again",
            "fill_gap",
            "lead",
            "resign",
            "learn",
            "give_up",
            "restore",
            "compact",
        ),
    )


PROTOCOLS: Mapping[str, Callable[[], Hosted]] = {"raft": _raft, "multi-paxos": _multipaxos}
