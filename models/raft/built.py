"""Raft as built: what implementations add to the published protocol, all of it together, each to be switched on.

`pre_vote`, `check_quorum`, `transfer`   elections that do not disturb, and handing over: `elections`
`no_op`, `sessions`, `read_index`        what clients see: `clients`
`compaction`                             snapshots: `compaction`
`single_server`, `joint_consensus`       changes of configuration, in one of two ways: `membership`
`max_entries`                            several entries in a message: `Raft` itself

All are off by default, and then this is `Raft`, state by state. What is added has messages and variables of its own, and leaves
those of Figure 2 as they are. Here is only what the extensions have to do with each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ratified.language import action, require
from ratified.models.raft import clients, elections
from ratified.models.raft.clients import RaftClients
from ratified.models.raft.compaction import RaftCompaction
from ratified.models.raft.elections import RaftElections
from ratified.models.raft.membership import RaftMembership
from ratified.models.raft.sorts import Index, Server

ALL_ON: Mapping[str, object] = {**elections.ALL_ON, **clients.ALL_ON, "compaction": True}
FEW: Mapping[str, object] = {"max_term": 3, "max_log": 2, "max_messages": 1, "calm": True}


class RaftAsBuilt(RaftElections, RaftClients, RaftCompaction, RaftMembership):
    """Raft with what implementations add."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Server": 2, "Value": 2, "max_messages": 1, "calm": True, **ALL_ON, "single_server": True},
        "standard": {"Server": 3, "Value": 2, **FEW, "max_incidents": 1, **ALL_ON, "single_server": True},
        "large": {"Server": 3, "Value": 2, **FEW, "max_incidents": 2, **ALL_ON, "single_server": True},
    }
    symmetric_sizes: ClassVar[tuple[str, ...]] = ("standard", "large")

    def aside(self) -> int:
        """How many of the messages that are added are in flight."""
        return super().aside() + len(self.confirmations) + len(self.snapshots)

    @action
    def take_snapshot(self, i: Server, n: Index) -> None:
        """A snapshot is of what the state machine has executed, and is loaded by executing that again."""
        require(not self.sessions or n <= self.last_applied[i])
        super().take_snapshot(i, n)

    def may_come_to(self, i: Server, t: int) -> bool:
        """Or the leader of term t has sent a snapshot."""
        return super().may_come_to(i, t) or any(m.dest == i and m.term == t for m in self.snapshots)
