"""Leader election: who campaigns, who is voted for, and when a leader gives up.

After the Raft paper, sections 5.2 and 5.4.1, and the dissertation, sections 9.6 (pre-vote) and 6.2 (check-quorum).

Guarantees: one vote in a term, and only for a log that is at least as up to date; asking for pre-votes changes no term and no
vote.
"""

from __future__ import annotations

from ratified.impl.contract import NodeId
from ratified.impl.raft.messages import (
    AppendEntries,
    InstallSnapshot,
    Message,
    NoOp,
    PreVote,
    PreVoteResponse,
    RequestVote,
    TimeoutNow,
    VoteResponse,
)
from ratified.impl.raft.progress import Flow
from ratified.impl.raft.replication import Replication
from ratified.impl.raft.state import Role


class Election(Replication):
    """What makes a leader, and what unmakes one."""

    _heartbeat_elapsed = 0
    _quorum_elapsed = 0

    # Time

    def tick(self, ticks: int) -> None:
        """Time has gone by."""
        if self.role is Role.LEADER:
            self.tick_leader(ticks)
            return
        self._elapsed += ticks
        self._heard += ticks
        if self._elapsed >= self._timeout:
            self.reset_election_timer_only()
            self.start_election()

    def reset_election_timer_only(self) -> None:
        """Wait anew, without having heard from a leader."""
        heard = self._heard
        self.reset_election_timer()
        self._heard = heard

    def tick_leader(self, ticks: int) -> None:
        """A leader makes sure from time to time that it still leads, and says so."""
        self._quorum_elapsed += ticks
        self._heartbeat_elapsed += ticks
        if self._quorum_elapsed >= self.config.election_ticks:
            self._quorum_elapsed = 0
            self.transferee = None  # it took too long: go on leading
            if self.config.check_quorum and not self.has_active_quorum():
                self.become_follower(self.term, None)
                return
            for progress in self.progress.values():
                progress.active = False
                if progress.flow is Flow.SNAPSHOT:
                    progress.probe(progress.match + 1)  # the snapshot may be lost: begin again
        if self._heartbeat_elapsed >= self.config.heartbeat_ticks:
            self._heartbeat_elapsed = 0
            self.broadcast(heartbeat=True)

    def has_active_quorum(self) -> bool:
        """Whether a quorum has said something since the leader last looked."""
        active = {peer for peer, progress in self.progress.items() if progress.active}
        return self.membership.is_quorum(active | {self.node})

    # Campaigns

    def start_election(self) -> None:
        """Campaign, or find out first whether that makes sense."""
        if self.role is Role.LEADER or not self.may_campaign():
            return
        if self.config.pre_vote:
            self.pre_campaign()
        else:
            self.campaign()

    def may_campaign(self) -> bool:
        """Whether this node votes; or did before changes that are not known to be committed.

        In that case it may be the only one with the entries that are needed to finish the change (dissertation, section 4.2.2).
        """
        committed = max(index for index, _ in self._memberships if index <= self.commit)
        return any(m.is_voter(self.node) for index, m in self._memberships if index >= committed)

    def pre_campaign(self) -> None:
        """Ask who would vote for this node in the next term."""
        self.role = Role.PRE_CANDIDATE
        self.leader = None
        self.votes = {self.node: True}
        for peer in self.other_voters():
            self.send(peer, PreVote(self.term + 1, self.log.last, self.log.last_term))
        if self._observer is not None:
            self.report("pre_campaign")
        if self.has_won():
            self.campaign()

    def campaign(self, transfer: bool = False) -> None:
        """Begin a term, vote for oneself, and ask the others once that is durable."""
        self.role = Role.CANDIDATE
        self.leader = None
        self.votes = {}
        self.set_record(self.term + 1, self.node)
        for peer in self.other_voters():
            self.send(peer, RequestVote(self.term, self.log.last, self.log.last_term, transfer))
        if self._observer is not None:
            self.report("campaign", transfer=transfer)

    def own_vote_is_durable(self) -> None:
        """A candidate's own vote counts from now on: before, a crash would have made it forget that it had begun this term."""
        self.votes[self.node] = True
        if self.has_won():
            self.become_leader()

    def other_voters(self) -> list[NodeId]:
        """Return whom a candidate asks."""
        return [
            peer
            for peer in self.membership.everyone()
            if peer != self.node and self.membership.is_voter(peer)
        ]

    def has_won(self) -> bool:
        """Whether a quorum has granted its votes."""
        return self.membership.is_quorum({peer for peer, granted in self.votes.items() if granted})

    def become_leader(self) -> None:
        """Lead: assume that every log is like this one, and begin with an entry that does nothing."""
        self.role = Role.LEADER
        self.leader = self.node
        self.votes = {}
        self.progress = {}
        self.transferee = None
        self.follow_membership()
        self._heartbeat_elapsed = 0
        self._quorum_elapsed = 0
        if self._observer is not None:
            self.report("become_leader")
        if self.config.no_op:
            self.append_as_leader(NoOp())
        self.broadcast(heartbeat=True)
        self.advance_commit()

    # Newer terms

    def handle_newer_term(self, sender: NodeId, m: Message) -> bool:
        """A message of a newer term came in: begin that term as a follower. Whether the message is to be handled further."""
        if isinstance(m, PreVote) or (isinstance(m, PreVoteResponse) and m.granted):
            return True  # these speak of a term that nobody has begun
        if isinstance(m, RequestVote) and not m.transfer and self.config.check_quorum and self.hears_leader():
            return False
        leads = isinstance(m, AppendEntries | InstallSnapshot)
        self.update_term(m.term, sender if leads else None)
        return True

    def update_term(self, term: int, leader: NodeId | None) -> None:
        """Begin a newer term as a follower."""
        self.become_follower(term, leader)

    # Votes

    def handle_pre_vote(self, sender: NodeId, m: PreVote) -> None:
        """Answer whether this node would vote for the sender; nothing changes here."""
        granted = self.would_vote_for(m)
        self.reply(sender, PreVoteResponse(m.term if granted else self.term, granted))
        if self._observer is not None:
            self.report("handle_pre_vote", sender=sender, message=m, granted=granted)

    def would_vote_for(self, m: PreVote) -> bool:
        """There is no leader to be heard, the term would be new, and nothing would be lost."""
        return (
            m.term > self.term
            and not self.hears_leader()
            and self.log.is_up_to_date(m.last_index, m.last_term)
        )

    def handle_pre_vote_response(self, sender: NodeId, m: PreVoteResponse) -> None:
        """Campaign once a quorum would vote for this node."""
        if not self.counts_pre_vote(m):
            return
        self.votes[sender] = m.granted
        if self._observer is not None:
            self.report("handle_pre_vote_response", sender=sender, message=m)
        if self.has_won():
            self.campaign()

    def counts_pre_vote(self, m: PreVoteResponse) -> bool:
        """Whether an answer is to what this node asks now."""
        return self.role is Role.PRE_CANDIDATE and m.term == self.term + m.granted

    def handle_request_vote(self, sender: NodeId, m: RequestVote) -> None:
        """Vote for the sender, durably, or not."""
        granted = m.term == self.term and self.may_vote_for(sender, m)
        if granted:
            if self.voted_for is None:
                self.set_record(self.term, sender)
            self._elapsed = 0
        self.reply(sender, VoteResponse(self.term, granted))
        if self._observer is not None:
            self.report("handle_request_vote", sender=sender, message=m, granted=granted)

    def may_vote_for(self, candidate: NodeId, m: RequestVote) -> bool:
        """One vote in a term, for a log that is at least as up to date as this one."""
        return self.voted_for in (None, candidate) and self.log.is_up_to_date(m.last_index, m.last_term)

    def handle_vote_response(self, sender: NodeId, m: VoteResponse) -> None:
        """Lead once a quorum has voted for this node."""
        if not self.counts_vote(m):
            return
        self.votes[sender] = m.granted
        if self._observer is not None:
            self.report("handle_vote_response", sender=sender, message=m)
        if self.has_won():
            self.become_leader()

    def counts_vote(self, m: VoteResponse) -> bool:
        """Whether an answer is to this candidate, in its present term."""
        return self.role is Role.CANDIDATE and m.term == self.term

    def handle_timeout_now(self, sender: NodeId, m: TimeoutNow) -> None:
        """The leader wants this node to lead: campaign, without asking whether the leader is gone."""
        if m.term == self.term and sender == self.leader and self.membership.is_voter(self.node):
            self.reset_election_timer()
            self.campaign(transfer=True)
