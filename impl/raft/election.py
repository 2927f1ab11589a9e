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
from ratified.impl.raft.state import Role, State


class Election:
    """What makes a leader, and what unmakes one."""

    def __init__(self, state: State, replication: Replication) -> None:
        self.state = state
        self.replication = replication
        self.heartbeat_elapsed = 0
        self.quorum_elapsed = 0

    # Time

    def tick(self, ticks: int) -> None:
        """Time has gone by."""
        if self.state.role is Role.LEADER:
            self.tick_leader(ticks)
            return
        self.state.elapsed += ticks
        self.state.heard += ticks
        if self.state.elapsed >= self.state.timeout:
            self.reset_election_timer_only()
            self.start_election()

    def reset_election_timer_only(self) -> None:
        """Wait anew, without having heard from a leader."""
        heard = self.state.heard
        self.state.reset_election_timer()
        self.state.heard = heard

    def tick_leader(self, ticks: int) -> None:
        """A leader makes sure from time to time that it still leads, and says so."""
        self.quorum_elapsed += ticks
        self.heartbeat_elapsed += ticks
        if self.quorum_elapsed >= self.state.config.election_ticks:
            self.quorum_elapsed = 0
            self.state.transferee = None  # it took too long: go on leading
            if self.state.config.check_quorum and not self.has_active_quorum():
                self.state.become_follower(self.state.term, None)
                return
            for progress in self.state.progress.values():
                progress.active = False
                if progress.flow is Flow.SNAPSHOT:
                    progress.probe(progress.match + 1)  # the snapshot may be lost: begin again
        if self.heartbeat_elapsed >= self.state.config.heartbeat_ticks:
            self.heartbeat_elapsed = 0
            self.replication.broadcast(heartbeat=True)

    def has_active_quorum(self) -> bool:
        """Whether a quorum has said something since the leader last looked."""
        active = {peer for peer, progress in self.state.progress.items() if progress.active}
        return self.state.membership.is_quorum(active | {self.state.node})

    # Campaigns

    def start_election(self) -> None:
        """Campaign, or find out first whether that makes sense."""
        if self.state.role is Role.LEADER or not self.may_campaign():
            return
        if self.state.config.pre_vote:
            self.pre_campaign()
        else:
            self.campaign()

    def may_campaign(self) -> bool:
        """Whether this node votes; or did before changes that are not known to be committed.

        In that case it may be the only one with the entries that are needed to finish the change (dissertation, section 4.2.2).
        """
        committed = max(index for index, _ in self.state.memberships if index <= self.state.commit)
        return any(m.is_voter(self.state.node) for index, m in self.state.memberships if index >= committed)

    def pre_campaign(self) -> None:
        """Ask who would vote for this node in the next term."""
        self.state.role = Role.PRE_CANDIDATE
        self.state.leader = None
        self.state.votes = {self.state.node: True}
        for peer in self.other_voters():
            self.state.send(peer, PreVote(self.state.term + 1, self.state.log.last, self.state.log.last_term))
        self.state.report("pre_campaign")
        if self.has_won():
            self.campaign()

    def campaign(self, transfer: bool = False) -> None:
        """Begin a term, vote for oneself, and ask the others once that is durable."""
        self.state.role = Role.CANDIDATE
        self.state.leader = None
        self.state.votes = {}
        self.state.set_record(self.state.term + 1, self.state.node)
        for peer in self.other_voters():
            self.state.send(
                peer, RequestVote(self.state.term, self.state.log.last, self.state.log.last_term, transfer)
            )
        self.state.report("campaign", transfer=transfer)

    def own_vote_is_durable(self) -> None:
        """A candidate's own vote counts from now on: before, a crash would have made it forget that it had begun this term."""
        self.state.votes[self.state.node] = True
        if self.has_won():
            self.become_leader()

    def other_voters(self) -> list[NodeId]:
        """Return whom a candidate asks."""
        return [
            peer
            for peer in self.state.membership.everyone()
            if peer != self.state.node and self.state.membership.is_voter(peer)
        ]

    def has_won(self) -> bool:
        """Whether a quorum has granted its votes."""
        return self.state.membership.is_quorum(
            {peer for peer, granted in self.state.votes.items() if granted}
        )

    def become_leader(self) -> None:
        """Lead: assume that every log is like this one, and begin with an entry that does nothing."""
        self.state.role = Role.LEADER
        self.state.leader = self.state.node
        self.state.votes = {}
        self.state.progress = {}
        self.state.transferee = None
        self.replication.follow_membership()
        self.heartbeat_elapsed = 0
        self.quorum_elapsed = 0
        self.state.report("become_leader")
        if self.state.config.no_op:
            self.replication.append_as_leader(NoOp())
        self.replication.broadcast(heartbeat=True)
        self.replication.advance_commit()

    # Newer terms

    def handle_newer_term(self, sender: NodeId, m: Message) -> bool:
        """A message of a newer term came in: begin that term as a follower. Whether the message is to be handled further."""
        if isinstance(m, PreVote) or (isinstance(m, PreVoteResponse) and m.granted):
            return True  # these speak of a term that nobody has begun
        if (
            isinstance(m, RequestVote)
            and not m.transfer
            and self.state.config.check_quorum
            and self.state.hears_leader()
        ):
            return False
        leads = isinstance(m, AppendEntries | InstallSnapshot)
        self.update_term(m.term, sender if leads else None)
        return True

    def update_term(self, term: int, leader: NodeId | None) -> None:
        """Begin a newer term as a follower."""
        self.state.become_follower(term, leader)

    # Votes

    def handle_pre_vote(self, sender: NodeId, m: PreVote) -> None:
        """Answer whether this node would vote for the sender; nothing changes here."""
        granted = self.would_vote_for(m)
        self.state.reply(sender, PreVoteResponse(m.term if granted else self.state.term, granted))
        self.state.report("handle_pre_vote", sender=sender, message=m, granted=granted)

    def would_vote_for(self, m: PreVote) -> bool:
        """There is no leader to be heard, the term would be new, and nothing would be lost."""
        return (
            m.term > self.state.term
            and not self.state.hears_leader()
            and self.state.log.is_up_to_date(m.last_index, m.last_term)
        )

    def handle_pre_vote_response(self, sender: NodeId, m: PreVoteResponse) -> None:
        """Campaign once a quorum would vote for this node."""
        if not self.counts_pre_vote(m):
            return
        self.state.votes[sender] = m.granted
        self.state.report("handle_pre_vote_response", sender=sender, message=m)
        if self.has_won():
            self.campaign()

    def counts_pre_vote(self, m: PreVoteResponse) -> bool:
        """Whether an answer is to what this node asks now."""
        return self.state.role is Role.PRE_CANDIDATE and m.term == self.state.term + m.granted

    def handle_request_vote(self, sender: NodeId, m: RequestVote) -> None:
        """Vote for the sender, durably, or not."""
        granted = m.term == self.state.term and self.may_vote_for(sender, m)
        if granted:
            if self.state.voted_for is None:
                self.state.set_record(self.state.term, sender)
            self.state.elapsed = 0
        self.state.reply(sender, VoteResponse(self.state.term, granted))
        self.state.report("handle_request_vote", sender=sender, message=m, granted=granted)

    def may_vote_for(self, candidate: NodeId, m: RequestVote) -> bool:
        """One vote in a term, for a log that is at least as up to date as this one."""
        return self.state.voted_for in (None, candidate) and self.state.log.is_up_to_date(
            m.last_index, m.last_term
        )

    def handle_vote_response(self, sender: NodeId, m: VoteResponse) -> None:
        """Lead once a quorum has voted for this node."""
        if not self.counts_vote(m):
            return
        self.state.votes[sender] = m.granted
        self.state.report("handle_vote_response", sender=sender, message=m)
        if self.has_won():
            self.become_leader()

    def counts_vote(self, m: VoteResponse) -> bool:
        """Whether an answer is to this candidate, in its present term."""
        return self.state.role is Role.CANDIDATE and m.term == self.state.term

    def handle_timeout_now(self, sender: NodeId, m: TimeoutNow) -> None:
        """The leader wants this node to lead: campaign, without asking whether the leader is gone."""
        if (
            m.term == self.state.term
            and sender == self.state.leader
            and self.state.membership.is_voter(self.state.node)
        ):
            self.state.reset_election_timer()
            self.campaign(transfer=True)
