"""Bugs in state that only the timing of disks, snapshots and changes of configuration reach, and bugs that stop progress.

Each is an edit of the source of one method or two. They were written down before anybody looked which of them are caught.
"""

from __future__ import annotations

from collections.abc import Mapping

from ratified.conform.mutants import Edit, Mutant

STATE = "ratified.impl.raft.state:State"
CORE = "ratified.impl.raft.core:RaftCore"
ELECTION = "ratified.impl.raft.election:Election"
REPLICATION = "ratified.impl.raft.replication:Replication"
OPERATORS = "ratified.impl.raft.operators:Operators"
READS = "ratified.impl.raft.reads:Reads"
LOG = "ratified.impl.raft.log:Log"
MEMBERSHIP = "ratified.impl.raft.membership:Membership"
PROGRESS = "ratified.impl.raft.progress:FollowerProgress"


def edit(place: str, before: str, after: str, nodes: int = 3) -> Mutant:
    """A bug of one edit."""
    return Mutant(((place, Edit(before, after)),), nodes)


DISKS: Mapping[str, Mutant] = {
    "truncated-still-durable": edit(
        f"{STATE}.truncate", "self.durable_index = min(self.durable_index, first - 1)", "pass"
    ),
    "truncated-still-written": edit(f"{STATE}.truncate", "(token, min(last, first - 1))", "(token, last)"),
    "unwritten-counted": edit(f"{REPLICATION}.match_of", "self.state.durable_index", "self.state.log.last"),
    "any-write-persists-all": edit(
        f"{STATE}.persisted", "while self._writing and self._writing[0][0] <= token:", "while self._writing:"
    ),
    "snapshot-not-durable": edit(
        f"{STATE}.save_snapshot",
        "self._write(WriteSnapshot(snapshot.index, snapshot)), snapshot.index",
        "0, 0",
    ),
    "own-vote-at-once": edit(
        f"{ELECTION}.campaign", "self.state.votes = {}", "self.state.votes = {self.state.node: True}"
    ),
    "own-vote-of-another-write": edit(
        f"{CORE}.take_persisted", "and self.state.record_is_durable()", "and True"
    ),
    "term-told-early": edit(f"{STATE}.send", "self._record_token", "0"),
    "snapshot-vouched-early": edit(
        f"{REPLICATION}.handle_install_snapshot",
        "self.state.reply(sender, AppendResponse(self.state.term, success=True, index=index))",
        "self.state.send(sender, AppendResponse(self.state.term, success=True, index=index))",
    ),
    "snapshot-before-cut": Mutant(
        (
            (
                f"{REPLICATION}.restore",
                Edit("self.state.truncate(snapshot.index + 1)", "self._late = snapshot.index + 1"),
            ),
            (
                f"{STATE}.save_snapshot",
                Edit(
                    "self._writing.append((self._write(WriteSnapshot(snapshot.index, snapshot)), snapshot.index))",
                    "before = self.log.last\n"
                    "    self._writing.append((self._write(WriteSnapshot(snapshot.index, snapshot)), snapshot.index))\n"
                    "    before == snapshot.index and self._write(Truncate(snapshot.index + 1))",
                ),
            ),
        )
    ),
    "suffix-not-cut": edit(f"{REPLICATION}.restore", "self.state.truncate(snapshot.index + 1)", "pass"),
    "vote-not-read-back": edit(
        f"{STATE}.__init__",
        "self.voted_for: NodeId | None = record.voted_for",
        "self.voted_for: NodeId | None = None",
    ),
    "commits-its-log-at-start": edit(
        f"{STATE}.__init__", "self.commit = self.snapshot.index", "self.commit = self.log.last"
    ),
    "durable-beyond-its-write": edit(
        f"{STATE}.append",
        "self._writing.append((self._write(WriteEntries(first, entries)), self.log.last))",
        "self._writing.append((self._write(WriteEntries(first, entries)), self.log.last + 1))",
    ),
}

SNAPSHOTS: Mapping[str, Mutant] = {
    "snapshot-drops-suffix": edit(
        f"{REPLICATION}.restore", "if self.state.log.matches(snapshot.index, snapshot.term):", "if False:"
    ),
    "snapshot-keeps-conflict": edit(
        f"{REPLICATION}.restore",
        "self.state.log.matches(snapshot.index, snapshot.term)",
        "self.state.log.last >= snapshot.index",
    ),
    "snapshot-without-state": edit(
        f"{REPLICATION}.restore", "self.state.sessions.restore(snapshot.sessions, snapshot.state)", "pass"
    ),
    "state-not-read-back": edit(
        f"{STATE}.__init__", "self.sessions.restore(self.snapshot.sessions, self.snapshot.state)", "pass"
    ),
    "snapshot-not-executed": edit(
        f"{REPLICATION}.restore",
        "self.state.commit = self.state.applied = snapshot.index",
        "self.state.commit = snapshot.index",
    ),
    "old-snapshot-loaded": edit(
        f"{REPLICATION}.handle_install_snapshot",
        "snapshot.index <= self.state.commit or",
        "snapshot.index <= self.state.snapshot.index or",
    ),
    "snapshot-vouches-for-log": edit(
        f"{REPLICATION}.handle_install_snapshot",
        "min(snapshot.index, self.state.commit)",
        "max(snapshot.index, self.state.log.last)",
    ),
    "snapshot-of-no-term": edit(
        f"{REPLICATION}.restore",
        "self.state.log.reset(snapshot.index, snapshot.term)",
        "self.state.log.reset(snapshot.index, 0)",
    ),
    "compaction-forgets-term": edit(
        f"{LOG}.compact", "self.offset, self.offset_term = upto, term", "self.offset = upto"
    ),
    "compaction-drops-unapplied": edit(
        f"{STATE}.compact",
        "self.log.compact(max(self.log.offset, self.applied - self.config.snapshot_keep))",
        "self.log.compact(self.log.last)",
    ),
    "snapshot-of-last-term": edit(
        f"{STATE}.compact", "self.log.term_at(self.applied),", "self.log.last_term,"
    ),
    "snapshot-sent-once": edit(f"{ELECTION}.tick_leader", "if progress.flow is Flow.SNAPSHOT:", "if False:"),
}

CONFIGURATIONS: Mapping[str, Mutant] = {
    "stays-joint": edit(
        f"{REPLICATION}.finish_membership",
        "if self.state.membership.joint:",
        "if self.state.membership.joint and "
        "self.state.log.term_at(self.state.membership_index) not in (self.state.term, -1):\n"
        "        return\n"
        "    if self.state.membership.joint:",
        nodes=5,
    ),
    "leaves-joint-early": edit(
        f"{REPLICATION}.finish_membership",
        "if self.state.membership_index > self.state.commit:",
        "if self.state.membership_index > self.state.log.last:",
        nodes=5,
    ),
    "leaves-joint-backwards": edit(
        f"{REPLICATION}.finish_membership",
        "leave_joint(self.state.membership)",
        "Membership(self.state.membership.outgoing, (), self.state.membership.learners)",
        nodes=5,
    ),
    "leaves-joint-without-learners": edit(
        f"{REPLICATION}.finish_membership",
        "leave_joint(self.state.membership)",
        "Membership(self.state.membership.voters, (), ())",
        nodes=5,
    ),
    "removed-leader-stays": edit(
        f"{REPLICATION}.finish_membership",
        "elif not self.state.membership.is_voter(self.state.node):",
        "elif False:",
    ),
    "two-changes-at-once": edit(
        f"{OPERATORS}.may_change_membership", "and self.state.membership_index <= self.state.commit", ""
    ),
    "learners-elect": edit(
        f"{MEMBERSHIP}.is_quorum",
        "is_majority(self.voters, nodes)",
        "is_majority(self.voters, nodes) if self.outgoing or not self.learners else "
        "len(set(nodes)) >= len(self.voters) // 2 + 1",
        nodes=5,
    ),
    "configuration-not-cut": edit(
        f"{STATE}.truncate",
        "self.memberships = [self.memberships[0], *(m for m in self.memberships[1:] if m[0] < first)]",
        "pass",
    ),
    "configuration-not-read-back": edit(
        f"{STATE}.__init__",
        "self.read_memberships(self.snapshot)",
        "self.memberships = [(self.snapshot.index, self.snapshot.membership)]",
    ),
    "snapshot-without-configuration": edit(
        f"{REPLICATION}.restore", "self.state.read_memberships(snapshot)", "pass"
    ),
    "snapshot-of-coming-configuration": edit(f"{STATE}.compact", "memberships[-1][1],", "self.membership,"),
    "compaction-drops-configuration": edit(
        f"{STATE}.compact",
        "self.memberships = [memberships[-1], *(m for m in self.memberships if m[0] > self.applied)]",
        "self.memberships = [memberships[-1]]",
    ),
    "new-member-left-out": edit(
        f"{REPLICATION}.append_as_leader", "if type(value) is Membership:", "if False:"
    ),
    "new-configuration-not-used": edit(f"{STATE}.append", "if type(entry.value) is Membership:", "if False:"),
}

PROGRESS_STOPS: Mapping[str, Mutant] = {
    "pre-vote-of-own-term": edit(
        f"{ELECTION}.handle_pre_vote",
        "PreVoteResponse(m.term if granted else self.state.term, granted)",
        "PreVoteResponse(self.state.term, granted)",
    ),
    "quorum-never-checked": edit(
        f"{ELECTION}.tick_leader",
        "if self.state.config.check_quorum and not self.has_active_quorum():",
        "if False:",
    ),
    "followers-active-for-ever": edit(f"{ELECTION}.tick_leader", "progress.active = False", "pass"),
    "transfer-never-ends": edit(
        f"{ELECTION}.tick_leader",
        "self.state.transferee = None  # it took too long: go on leading",
        "pass",
    ),
    "transfer-never-begins": edit(
        f"{REPLICATION}.continue_transfer", "self.state.send(sender, TimeoutNow(self.state.term))", "pass"
    ),
    "hasty-hand-over": edit(
        f"{REPLICATION}.continue_transfer",
        "sender == self.state.transferee and self.match_of(sender) == self.state.log.last",
        "sender == self.state.transferee",
    ),
    "deaf-transferee": edit(f"{ELECTION}.handle_timeout_now", "sender == self.state.leader", "False"),
    "rejection-waits-for-ever": edit(f"{PROGRESS}.probe", "self.waiting = False", "pass"),
    "window-stays-full": edit(f"{PROGRESS}.matched", "self.inflight.popleft()", "break"),
    "no-heartbeats": edit(
        f"{ELECTION}.tick_leader",
        "if self.heartbeat_elapsed >= self.state.config.heartbeat_ticks:",
        "if False:",
    ),
    "restless-follower": edit(f"{REPLICATION}.accept_leader", "self.state.elapsed = 0", "pass"),
    "timeouts-all-alike": edit(
        f"{STATE}.reset_election_timer",
        "self.config.election_ticks + self.random.randrange(self.config.election_ticks)",
        "self.config.election_ticks",
    ),
    "never-campaigns-again": edit(
        f"{ELECTION}.tick", "self.reset_election_timer_only()", "self.state.timeout = 1_000_000"
    ),
    "reads-wait-for-ever": edit(f"{REPLICATION}.handle_append_response", "self.reads.answer()", "pass"),
    "new-leader-reads-early": edit(
        f"{READS}.begin", "not new or not self.state.committed_in_term()", "not new"
    ),
    "commit-not-told": edit(
        f"{REPLICATION}.send_entries",
        "term_before, entries, self.state.commit, self.reads.round",
        "term_before, entries, self.state.commit if entries else 0, self.reads.round",
    ),
    "commit-waits-for-all": edit(
        f"{MEMBERSHIP}.quorum_index",
        "index = majority_index(self.voters, match)",
        "index = min(map(match, self.voters), default=0)",
    ),
    "command-remembered-as-waiting": edit(f"{STATE}.become_follower", "self.on_the_way.clear()", "pass"),
    "waits-for-what-was-lost": edit(f"{STATE}.become_follower", "self.waiting.clear()", "pass"),
}

HIDDEN: Mapping[str, Mutant] = {**DISKS, **SNAPSHOTS, **CONFIGURATIONS, **PROGRESS_STOPS}
