"""Log replication: what leaders send, what followers take, what is committed.

After the Raft paper, sections 5.3 and 5.4.2, 6 (the membership is in the log) and 7 (snapshots for those who lag).

Guarantees: a leader only appends; a follower removes only what conflicts with its leader and is not committed; a leader commits
by counting only entries of its own term.
"""

from __future__ import annotations

from ratified.impl.contract import Command, NodeId, Restored
from ratified.impl.raft.log import UNKNOWN_TERM
from ratified.impl.raft.membership import Membership, leave_joint
from ratified.impl.raft.messages import (
    AppendEntries,
    AppendResponse,
    Entry,
    InstallSnapshot,
    NoOp,
    Snapshot,
    TimeoutNow,
)
from ratified.impl.raft.progress import Flow, FollowerProgress
from ratified.impl.raft.reads import Reads
from ratified.impl.raft.state import Role, State


class Replication:
    """What leaders and followers do about the log."""

    def __init__(self, state: State, reads: Reads) -> None:
        self.state = state
        self.reads = reads

    # A leader sends

    def append_as_leader(self, value: Command | Membership | NoOp) -> None:
        """Append an entry of this term. It is sent while it is being written (dissertation, section 10.2.1)."""
        self.state.append((Entry(self.state.term, value),))
        self.state.report("append", index=self.state.log.last, value=value)
        if type(value) is Membership:
            self.follow_membership()

    def follow_membership(self) -> None:
        """Keep track of those who are to get the log, and of nobody else."""
        peers = [peer for peer in self.state.membership.everyone() if peer != self.state.node]
        self.state.progress = {
            peer: self.state.progress.get(peer) or FollowerProgress(self.state.log.last + 1) for peer in peers
        }

    def broadcast(self, heartbeat: bool = False) -> None:
        """Send every follower what it may be sent; a heartbeat in any case."""
        for peer, progress in self.state.progress.items():
            self.send_append(peer, progress, heartbeat)

    def send_append(self, peer: NodeId, progress: FollowerProgress, heartbeat: bool = False) -> None:
        """Send a follower what it needs, within its window; or, as a heartbeat, at least that there is a leader."""
        while progress.may_send(self.state.config.max_inflight):
            previous = progress.next - 1
            if self.needs_snapshot(previous):
                self.send_snapshot(peer, progress)
                break
            entries = self.state.log.slice(progress.next, self.state.config.max_batch)
            if not entries:
                if heartbeat or progress.commit_sent < self.state.commit or progress.flow is Flow.PROBE:
                    only_commit = not heartbeat and progress.flow is Flow.REPLICATE
                    self.send_entries(peer, progress, previous, (), only_commit)
                    progress.waiting = True
                return
            self.send_entries(peer, progress, previous, entries)
            progress.sent(previous + len(entries))
            heartbeat = False
        if heartbeat:
            self.send_heartbeat(peer, progress)

    def send_heartbeat(self, peer: NodeId, progress: FollowerProgress) -> None:
        """Say that there is a leader; where it is known where the logs may agree, ask about that as well."""
        if progress.flow is Flow.SNAPSHOT:
            self.send_entries(peer, progress, 0, ())  # all logs agree there
        elif self.needs_snapshot(progress.next - 1):
            self.send_snapshot(peer, progress)  # all that is on the way to it may be lost
        else:
            self.send_entries(peer, progress, progress.next - 1, ())

    def send_entries(
        self,
        peer: NodeId,
        progress: FollowerProgress,
        previous: int,
        entries: tuple[Entry, ...],
        only_commit: bool = False,
    ) -> None:
        """Send entries after an index that is here; or only what is committed, which the next ones would say as well."""
        term_before = self.state.log.term_at(previous) if previous else 0
        message = AppendEntries(
            self.state.term, previous, term_before, entries, self.state.commit, self.reads.round
        )
        progress.commit_sent = min(self.state.commit, previous + len(entries))
        if only_commit:
            self.state.send_idly(peer, message)
        else:
            self.state.send(peer, message)

    def needs_snapshot(self, previous: int) -> bool:
        """Whether what comes after an index has been dropped here."""
        return self.state.log.term_at(previous) == UNKNOWN_TERM

    def send_snapshot(self, peer: NodeId, progress: FollowerProgress) -> None:
        """Send the snapshot, and nothing more until it is there."""
        progress.await_snapshot(self.state.snapshot.index)
        self.state.send(peer, InstallSnapshot(self.state.term, self.state.snapshot))

    # A follower receives

    def handle_append_entries(self, sender: NodeId, m: AppendEntries) -> None:
        """Put the entries where they belong, if the log agrees before them."""
        if m.term < self.state.term:
            self.state.reply(sender, AppendResponse(self.state.term, success=False, index=m.prev_index))
            return
        if not self.accept_leader(sender):
            return
        previous, term_before, entries = m.prev_index, m.prev_term, m.entries
        if previous < self.state.log.offset:  # what is in the snapshot is committed, and agrees
            entries = entries[self.state.log.offset - previous :]
            previous, term_before = self.state.log.offset, self.state.log.offset_term
        if not self.state.log.matches(previous, term_before):
            self.state.reply(sender, self.rejection(m))
        elif self.take_entries(previous, entries):
            last = m.prev_index + len(m.entries)
            self.state.commit_to(self.commit_of_follower(m.commit, last))
            self.state.reply(sender, AppendResponse(self.state.term, success=True, index=last, read=m.read))
        self.state.report("handle_append_entries", sender=sender, message=m)

    def accept_leader(self, sender: NodeId) -> bool:
        """The sender leads in this term: follow it. False if there is another leader, which cannot be: then it is ignored."""
        if self.state.role is Role.LEADER or self.state.leader not in (None, sender):
            return False
        if self.state.role is not Role.FOLLOWER or self.state.leader is None:
            self.state.become_follower(self.state.term, sender)
        self.state.elapsed = 0
        self.state.heard = 0
        return True

    def take_entries(self, previous: int, entries: tuple[Entry, ...]) -> bool:
        """Append what is not there, in place of what conflicts. False if it conflicts with what is committed, which cannot be."""
        conflict = self.state.log.first_conflict(previous + 1, entries)
        if not conflict:
            return True
        if conflict <= self.state.commit:
            return False
        if conflict <= self.state.log.last:
            self.truncate_conflict(conflict)
        self.state.append(entries[conflict - previous - 1 :])
        return True

    def truncate_conflict(self, first: int) -> None:
        """An entry conflicts with the leader's: remove it and all that follow it (section 5.3)."""
        self.state.truncate(first)

    def commit_of_follower(self, leader_commit: int, last_new: int) -> int:
        """Return up to where a follower may commit: not past what it has from this leader."""
        return min(leader_commit, last_new)

    def rejection(self, m: AppendEntries) -> AppendResponse:
        """Return the answer that the logs do not agree, with where they may."""
        index = self.state.log.last_not_after(m.prev_index, m.prev_term)
        return AppendResponse(
            self.state.term,
            success=False,
            index=m.prev_index,
            hint_index=index,
            hint_term=self.state.log.term_at(index),
            read=m.read,
        )

    def handle_install_snapshot(self, sender: NodeId, m: InstallSnapshot) -> None:
        """Take over a snapshot, unless all that it stands for is known here."""
        snapshot = m.snapshot
        if m.term < self.state.term:
            self.state.reply(sender, AppendResponse(self.state.term, success=False, index=snapshot.index))
            return
        if not self.accept_leader(sender):
            return
        if snapshot.index <= self.state.commit or self.restore(snapshot):
            index = min(snapshot.index, self.state.commit)
            self.state.reply(sender, AppendResponse(self.state.term, success=True, index=index))
        self.state.report("handle_install_snapshot", sender=sender, index=snapshot.index, term=snapshot.term)

    def restore(self, snapshot: Snapshot) -> bool:
        """Set everything to a snapshot, keeping the log after it if it agrees there; False if the snapshot is malformed."""
        try:
            self.state.sessions.restore(snapshot.sessions, snapshot.state)
        except ValueError:
            return False
        if self.state.log.matches(snapshot.index, snapshot.term):
            self.state.log.compact(snapshot.index)
        else:
            if self.state.log.last > snapshot.index:
                # First of all: the snapshot must not come to stand before entries that do not follow it.
                self.state.truncate(snapshot.index + 1)
            self.state.log.reset(snapshot.index, snapshot.term)
            self.state.durable_index = min(self.state.durable_index, snapshot.index)
        self.state.save_snapshot(snapshot)
        self.state.read_memberships(snapshot)
        self.state.commit = self.state.applied = snapshot.index
        self.state.done.append(Restored(snapshot.index))
        return True

    # A leader hears of it

    def handle_append_response(self, sender: NodeId, m: AppendResponse) -> None:
        """Take note of how far a follower is, and send it what comes next."""
        progress = self.state.progress.get(sender)
        if progress is None or not self.counts_answer(m):
            return
        progress.active = True
        if progress.read < m.read <= self.reads.round:
            progress.read = m.read
            self.reads.answer()
        if m.success:
            if m.index > self.state.log.last:
                return  # nobody can have what was never sent
            if progress.matched(m.index):
                self.advance_commit()
            if self.state.role is Role.LEADER:  # it may have stepped down, no longer being a voter
                self.continue_transfer(sender)
        elif self.is_stale_rejection(progress, m):
            return
        else:
            progress.probe(self.next_after_rejection(m))
        if self.state.role is Role.LEADER:
            self.send_append(sender, progress)
        self.state.report("handle_append_response", sender=sender, message=m)

    def counts_answer(self, m: AppendResponse) -> bool:
        """Whether an answer is to this leader, in its present term."""
        return self.state.role is Role.LEADER and m.term == self.state.term

    def is_stale_rejection(self, progress: FollowerProgress, m: AppendResponse) -> bool:
        """Whether a rejection is of a message from before what is known now."""
        if progress.flow is Flow.PROBE:
            return m.index != progress.next - 1
        return progress.flow is Flow.SNAPSHOT or m.index <= progress.match

    def next_after_rejection(self, m: AppendResponse) -> int:
        """Return the next entry to try: the one after the last where the logs may agree."""
        if self.state.config.fast_backoff:
            return min(m.index, self.state.log.last_not_after(m.hint_index, m.hint_term) + 1)
        return m.index

    def begin_reads(self) -> None:
        """Begin the reads that wait for it, and ask, once for all of them, whether this node still leads."""
        if self.reads.begin():
            self.broadcast(heartbeat=True)

    # A leader commits

    def match_of(self, node: NodeId) -> int:
        """Return how far a node's durable log is known to agree with the leader's."""
        if node == self.state.node:
            return self.state.durable_index
        progress = self.state.progress.get(node)
        return progress.match if progress is not None else 0

    def is_committable(self, index: int) -> bool:
        """Only entries of the leader's own term are committed by counting; those before come with them (section 5.4.2)."""
        return self.state.log.term_at(index) == self.state.term

    def advance_commit(self) -> None:
        """Commit what a quorum has, and tell the followers."""
        index = self.state.membership.quorum_index(self.match_of)
        if index <= self.state.commit or not self.is_committable(index):
            return
        self.state.commit_to(index)
        self.begin_reads()
        self.reads.answer()
        self.broadcast()
        self.finish_membership()

    def finish_membership(self) -> None:
        """Once a joint configuration is committed, leave it; once one without this leader is, step down (section 6)."""
        if self.state.membership_index > self.state.commit:
            return
        if self.state.membership.joint:
            self.append_as_leader(leave_joint(self.state.membership))
            self.broadcast()
            self.advance_commit()
        elif not self.state.membership.is_voter(self.state.node):
            self.state.become_follower(self.state.term, None)

    # A leader hands over (dissertation, section 3.10)

    def continue_transfer(self, sender: NodeId) -> None:
        """Ask the one that is to lead to campaign, once it has the whole log."""
        if sender == self.state.transferee and self.match_of(sender) == self.state.log.last:
            self.state.send(sender, TimeoutNow(self.state.term))
