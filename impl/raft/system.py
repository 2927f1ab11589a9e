"""Raft for the simulator: how clusters begin, what operators order, and what Raft promises beyond what every protocol does.

The promises watched here are those of the Raft paper's Figure 3: Election Safety, Leader Append-Only and Log Matching, and
the rules for what is durable. (State Machine Safety is watched for every protocol, and Leader Completeness shows in it.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from ratified.impl.contract import (
    Command,
    Compact,
    Control,
    Core,
    Durable,
    Effects,
    Input,
    NodeId,
    Observer,
    StateMachine,
    Truncate,
    WriteEntries,
    WriteRecord,
)
from ratified.impl.machines import KeyValue
from ratified.impl.raft.config import Config
from ratified.impl.raft.core import RaftCore
from ratified.impl.raft.membership import Membership
from ratified.impl.raft.messages import Entry, HardState, Snapshot
from ratified.impl.raft.operators import AddVoter, ChangeMembership, RemoveNode, TransferLeadership
from ratified.impl.raft.state import Role
from ratified.impl.system import BrokenPromise, System

SMALL = Config(
    election_ticks=6, heartbeat_ticks=2, max_batch=4, max_inflight=3, snapshot_every=12, snapshot_keep=3
)
"""A configuration with small numbers everywhere, so that a few hundred steps reach every limit."""


def drawn_config(seed: int) -> Config:
    """Draw a configuration with small numbers: one for each seed, so that many seeds try all combinations."""
    random = Random(f"config/{seed}")  # noqa: S311 - to repeat runs, not to keep secrets
    return replace(
        SMALL,
        pre_vote=random.random() < 0.6,
        check_quorum=random.random() < 0.6,
        no_op=random.random() < 0.8,
        fast_backoff=random.random() < 0.6,
        max_batch=random.choice((1, 2, 8)),
        max_inflight=random.choice((1, 2, 8)),
        snapshot_every=random.choice((0, 4, 12)),
        snapshot_keep=random.choice((0, 3)),
        max_uncommitted=random.choice((2, 5, 4096)),
        heartbeat_ticks=random.choice((1, 2, 3)),
    )


def bootstrap(voters: Sequence[NodeId], learners: Sequence[NodeId] = ()) -> Durable:
    """Return what is on the disk of a member of a new cluster. A node that is to join later begins with `Durable()`."""
    return Durable(HardState(), {}, Snapshot(0, 0, Membership(tuple(voters), (), tuple(learners))))


def raft_system(
    config: Config = SMALL,
    machine: Callable[[], StateMachine] = KeyValue,
    spares: int = 0,
    core: type[RaftCore] = RaftCore,
) -> System:
    """Return Raft as a system to simulate; the last `spares` nodes are no members at first. `core` may be a subclass."""

    def begin(node: NodeId, nodes: tuple[NodeId, ...]) -> Durable:
        members = nodes[: len(nodes) - spares]
        return bootstrap(members) if node in members else Durable()

    def make(node: NodeId, durable: Durable, random: Random, observer: Observer | None) -> RaftCore:
        return core(node, durable, config, random, machine(), observer)

    return System(
        name="raft",
        bootstrap=begin,
        make=make,
        machine=machine,
        controls=(AddVoter, ChangeMembership, RemoveNode, TransferLeadership),
        order=draw_order,
        change=lambda voters, learners: ChangeMembership(tuple(voters), tuple(learners)),
        transfer=TransferLeadership,
        gives_up=2 * config.election_ticks if config.check_quorum else None,
        members=lambda core: core.membership.everyone() if isinstance(core, RaftCore) else (),
        inspector=RaftInspector,
        preset=preset,
        describe=describe,
        sessions=config.sessions,
    )


def draw_order(random: Random, nodes: Sequence[NodeId]) -> Control:
    """Draw an order for a leader: another membership, another leader, or a snapshot."""
    kind = random.random()
    if kind < 0.2:
        return Compact()
    if kind < 0.4:
        return TransferLeadership(random.choice(nodes))
    if kind < 0.85:
        return random.choice((AddVoter, RemoveNode))(random.choice(nodes))
    voters = random.sample(nodes, random.randint(max(1, len(nodes) // 2), len(nodes)))
    others = [node for node in nodes if node not in voters]
    return ChangeMembership(tuple(voters), tuple(node for node in others if random.random() < 0.5))


def preset(durable: Durable, words: Mapping[str, str]) -> Durable:
    """Return a disk with `term=7 vote=n2 log=1,1,4 members=n1,n2,n3`.

    The log has entries of these terms, each a command of its own; the members are those at first, all nodes unless it is
    said, and none (`members=`) for a node that is to join later.

    Raises:
        ValueError: other words, or no numbers.
    """
    if not set(words) <= {"term", "vote", "log", "members"}:
        raise ValueError("a disk has term=NUMBER, vote=NODE, log=TERM,TERM,... and members=NODE,NODE,...")
    terms = [int(term) for term in words.get("log", "").split(",") if term]
    entries = {
        index: Entry(term, Command(f"t{term}", index, f"put x {term}.{index}".encode()))
        for index, term in enumerate(terms, 1)
    }
    record = HardState(int(words.get("term", max(terms, default=0))), words.get("vote"))
    snapshot = durable.snapshot
    if "members" in words:
        snapshot = Snapshot(0, 0, Membership(tuple(node for node in words["members"].split(",") if node)))
    return Durable(record, entries, snapshot)


def describe(core: Core) -> str:
    """Return a node in one line: role, term, how much is committed, and the terms of its entries."""
    assert isinstance(core, RaftCore)
    before = f"... {core.log.offset}: " if core.log.offset else ""
    terms = " ".join(str(entry.term) for entry in core.log.entries())
    return f"{core.role:<13} term {core.term:<3} commit {core.commit:<3} log {before}{terms or '-'}"


class RaftInspector:
    """Watches what Raft promises, step by step."""

    def __init__(self) -> None:
        self._leaders: dict[int, NodeId] = {}  # by term
        self._entries: dict[
            tuple[int, int], tuple[int, Any]
        ] = {}  # (index, term): the term before, the value
        self._records: dict[NodeId, HardState] = {}
        self._commits: dict[NodeId, int] = {}

    def started(self, core: Core, durable: Durable) -> None:
        """Look at what a node starts with."""
        assert isinstance(core, RaftCore)
        self._records[core.node] = durable.record or HardState()
        self._commits[core.node] = core.commit

    def stepped(self, core: Core, event: Input, effects: Effects) -> None:  # noqa: ARG002 - as the protocol has it
        """Look at what a step has changed."""
        assert isinstance(core, RaftCore)
        if core.role is Role.LEADER and self._leaders.setdefault(core.term, core.node) != core.node:
            other = self._leaders[core.term]
            raise BrokenPromise(
                "election safety", f"{core.node} leads in term {core.term}, in which {other} has led"
            )
        for write in effects.writes:
            self._written(core, write)
        if core.commit < self._commits[core.node]:
            before = self._commits[core.node]
            raise BrokenPromise(
                "commit", f"on {core.node} the commit index fell from {before} to {core.commit}"
            )
        self._commits[core.node] = core.commit

    def _written(self, core: RaftCore, write: object) -> None:
        match write:
            case WriteRecord(record):
                self._record(core.node, record)
            case Truncate(first):
                if core.role is Role.LEADER:
                    raise BrokenPromise(
                        "leader append-only", f"{core.node}, a leader, removes entries from {first} on"
                    )
                if first <= self._commits[core.node]:
                    raise BrokenPromise(
                        "durable", f"{core.node} removes {first}, which it knows to be committed"
                    )
            case WriteEntries(first, entries):
                before = core.log.term_at(first - 1)
                for index, entry in enumerate(entries, first):
                    mine = (before, entry.value)
                    known = self._entries.setdefault((index, entry.term), mine)
                    if known != mine and before >= 0:
                        raise BrokenPromise(
                            "log matching",
                            f"{core.node} has {entry.value} of term {entry.term} at {index}, after term {before}; "
                            f"there was {known[1]} after term {known[0]}",
                        )
                    before = entry.term

    def _record(self, node: NodeId, record: HardState) -> None:
        before = self._records[node]
        if record.term < before.term:
            raise BrokenPromise("durable", f"{node} goes back from term {before.term} to {record.term}")
        if record.term == before.term and before.voted_for not in (None, record.voted_for):
            raise BrokenPromise(
                "durable",
                f"{node} votes for {record.voted_for} in term {record.term} after {before.voted_for}",
            )
        self._records[node] = record
