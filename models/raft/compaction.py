"""Raft's log as built: a server replaces what it has committed by a snapshot, and sends that to who needs what is gone.

`compaction`  (Ongaro's dissertation, 2014, chapter 5, Figures 5.1 and 5.3; paper, section 7)

Off by default, and then this is `Raft`, state by state. A snapshot holds what the entries up to an index have led to; here it is
those entries themselves, which remain at the beginning of `log`, so that Figure 3 can be asked of them. The protocol does not
look at them one by one any more: it knows the index and the term of the last one. To take a snapshot is an incident
(`incidents`), counted where a check bounds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from ratified.language import (
    AtMost,
    Bag,
    Map,
    Param,
    action,
    constraint,
    invariant,
    record,
    require,
    step_invariant,
)
from ratified.models.raft.incidents import FewIncidents
from ratified.models.raft.sorts import (
    AppendEntries,
    AppendEntriesResponse,
    Index,
    Log,
    Role,
    Server,
    Term,
    last_term,
    term_at,
)


@record
class InstallSnapshot:
    """A leader sends its snapshot (Figure 5.3, InstallSnapshot RPC); the answer to it is that to AppendEntries."""

    source: Server
    dest: Server
    term: Term
    state: Log  # the entries that it replaces: the last one gives lastIncludedIndex and lastIncludedTerm


CALM: Mapping[str, object] = {"max_term": 3, "calm": True}


class RaftCompaction(FewIncidents):
    """Raft with snapshots."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Server": 2, "Value": 1, "max_messages": 1, "compaction": True},
        "standard": {"Server": 3, "Value": 1, **CALM, "max_log": 1, "max_messages": 1, "compaction": True},
        "large": {"Server": 3, "Value": 1, **CALM, "max_log": 2, "max_messages": 2, "compaction": True},
    }
    symmetric_sizes: ClassVar[tuple[str, ...]] = ("standard", "large")

    compaction: Param[bool] = False

    snapshot_index: Map[Server, Index]  # persistent: up to where a server's log is replaced by its snapshot
    snapshots: Annotated[Bag[InstallSnapshot], AtMost(2)]  # in flight

    @constraint
    def one_snapshot(self) -> bool:
        """What is explored: one snapshot is in flight at a time."""
        return len(self.snapshots) <= 1

    @action
    def restart(self, i: Server) -> None:
        """What is in the snapshot is known to be committed."""
        super().restart(i)
        self.commit_index[i] = self.snapshot_index[i]

    @action
    def take_snapshot(self, i: Server, n: Index) -> None:
        """Server i replaces what it knows to be committed, up to n (Figure 5.1)."""
        require(self.compaction and self.snapshot_index[i] < n <= self.commit_index[i])
        self.snapshot_index[i] = n
        self.incident()

    def needs_snapshot(self, i: Server, j: Server) -> bool:
        """Leader i has no longer what comes next for server j."""
        return self.next_index[i][j] <= self.snapshot_index[i]

    @action
    def append_entries(self, i: Server, j: Server) -> None:
        """Entries are sent where they are still there."""
        require(not self.needs_snapshot(i, j))
        super().append_entries(i, j)

    @action
    def install_snapshot(self, i: Server, j: Server) -> None:
        """Where they are not, leader i sends its snapshot."""
        require(self.role[i] == Role.LEADER and i != j and self.needs_snapshot(i, j))
        state = self.log[i][: self.snapshot_index[i]]
        self.snapshots.add(InstallSnapshot(i, j, self.current_term[i], state))

    @action
    def update_term_by_snapshot(self, m: InstallSnapshot) -> None:
        """The receiver takes over its newer term, as a follower; the snapshot remains to be dealt with."""
        require(m in self.snapshots)
        require(m.term > self.current_term[m.dest])
        self.step_down(m.dest, m.term)

    @action
    def reject_snapshot(self, m: InstallSnapshot) -> None:
        """It is of an older term (step 1 of Figure 5.3)."""
        require(m in self.snapshots)
        i = m.dest
        require(m.term < self.current_term[i])
        self.snapshots.remove(m)
        self.messages.add(AppendEntriesResponse(i, m.source, self.current_term[i], False, 0))

    @action
    def handle_snapshot(self, m: InstallSnapshot) -> None:
        """The receiver follows the sender, takes what it sends, and says up to where its log is now the leader's."""
        require(m in self.snapshots)
        i = m.dest
        require(m.term == self.current_term[i] and self.role[i] != Role.LEADER)
        self.role[i] = Role.FOLLOWER
        self.load(i, m.state)
        self.snapshots.remove(m)
        self.messages.add(AppendEntriesResponse(i, m.source, m.term, True, len(m.state)))

    def load(self, i: Server, state: Log) -> None:
        """Server i keeps what its log has beyond the snapshot if it has the last entry in it, and else nothing (steps 6, 7)."""
        last = len(state)
        if last > len(self.log[i]) or term_at(self.log[i], last) != last_term(state):
            self.log[i] = state
        self.snapshot_index[i] = max(self.snapshot_index[i], last)
        self.commit_index[i] = max(self.commit_index[i], last)

    def fits(self, i: Server, m: AppendEntries) -> bool:
        """What comes before the entries is in the snapshot, which was committed, or in the log."""
        return m.prev_log_index < self.snapshot_index[i] or super().fits(i, m)

    def conflicts(self, i: Server, m: AppendEntries) -> bool:
        """The log of server i holds, beyond its snapshot and where an entry of the message belongs, one of another term."""
        prev = m.prev_log_index
        return any(
            term_at(self.log[i], n) != m.entries[n - prev - 1].term
            for n in range(prev + 1, min(prev + len(m.entries), len(self.log[i])) + 1)
            if n > self.snapshot_index[i]
        )

    def follow_commit(self, i: Server, m: AppendEntries) -> int:
        """Whatever the leader says, what is in the snapshot is committed."""
        return max(super().follow_commit(i, m), self.snapshot_index[i])

    @action
    def advance_commit_index(self, i: Server) -> None:
        """Whoever is known to have it, what is in the snapshot is committed."""
        super().advance_commit_index(i)
        self.commit_index[i] = max(self.commit_index[i], self.snapshot_index[i])

    @action
    def drop_snapshot(self, m: InstallSnapshot) -> None:
        """The network loses a snapshot."""
        require(m in self.snapshots)
        self.snapshots.remove(m)

    # What it guarantees, beside Figure 3

    @invariant
    def snapshots_are_committed(self) -> bool:
        """No server replaces what it does not know to be committed, or does not have."""
        return all(
            self.snapshot_index[i] <= self.commit_index[i] and self.snapshot_index[i] <= len(self.log[i])
            for i in Server
        )

    @step_invariant
    def snapshots_only_grow(self, old: Self) -> bool:
        """No server goes back to an older snapshot."""
        return all(old.snapshot_index[i] <= self.snapshot_index[i] for i in Server)
