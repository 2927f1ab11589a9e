"""Why what implementations add to Raft is right, for every size: reads and sessions, pre-votes and handing over.

A read may be answered once a majority has told that it is still in the leader's term. Whatever was committed in a later term
before the read began, a majority held then, and was past the leader's term: one of them is in both majorities, so that there
was nothing of the kind (`later_commits_keep_reads_from_being_confirmed`). What was committed in the leader's own term it
committed itself; and what was committed before that stands, by leader completeness, before the first entry of its term.
"""

from __future__ import annotations

from typing import ClassVar

from ratified.language import Set
from ratified.models.raft.relational import Leader, Slot
from ratified.models.raft.relational_built import (
    Confirmed,
    Due,
    Reading,
    RelationalClients,
    RelationalElections,
)
from ratified.models.raft.sorts import Role, Server
from ratified.proofs.raft.raft import LOGS, RaftSafety
from ratified.smt.script import Goals, lemma


class RaftClientsSafety(RaftSafety, RelationalClients):
    """Reads are linearizable, and commands executed once, in the same order everywhere."""

    goals: ClassVar[Goals] = {
        **RaftSafety.goals,
        "reads_are_linearizable": ("what_is_due_is_read", "later_commits_keep_reads_from_being_confirmed"),
        "executions_agree": (
            "what_is_executed_was_committed",
            "leader_completeness",
            "leader_logs_have_one_entry_a_place",
            "commits_were_led",
        ),
    }

    @lemma(uses=())
    def reads_were_asked(self) -> bool:
        """Nothing is known of a read that nobody has asked for."""
        return (
            all(r.request in self.asked for r in self.reading)
            and all(c.request in self.asked for c in self.confirmed)
            and all(d.request in self.asked for d in self.due)
        )

    @lemma(uses=("reads_were_asked",))
    def reads_are_told_apart(self) -> bool:
        """A read is asked of one leader."""
        return all(r == s for r in self.reading for s in self.reading if r.request == s.request)

    @lemma(uses=("leaders_are_known",))
    def readers_were_elected(self) -> bool:
        """Who is asked for a read was elected in its term."""
        return all(Leader(r.term, r.server) in self.leaders for r in self.reading)

    @lemma(uses=("leaders_are_known", "election_safety", "commits_were_led", "who_wins_is_the_first"))
    def leaders_know_what_they_committed(self) -> bool:
        """Who leads knows of everything that was committed in its term."""
        return all(
            c.index <= self.commit_index[i]
            for i in Server
            if self.role[i] == Role.LEADER
            for c in self.committed
            if c.term == self.current_term[i]
        )

    @lemma(
        uses=(
            *LOGS,
            "reads_were_asked",
            "readers_were_elected",
            "leaders_know_what_they_committed",
            "leader_completeness",
            "commits_were_led",
            "leaders_have_their_log",
            "leaders_are_known",
            "leader_entries_are_of_its_past",
            "who_wins_is_the_first",
            "due_was_committed",
            "leader_entries_have_a_place",
            "leaders_have_their_length",
            "entries_are_within_the_length",
        )
    )
    def what_is_due_is_read(self) -> bool:
        """What was committed in the reader's term or before, when the read began, the reader knows to be."""
        return all(
            self.shows(r, d)
            for r in self.reading
            for d in self.due
            if d.request == r.request and d.term <= r.term
        )

    def shows(self, r: Reading, d: Due) -> bool:
        """The answer to the read shows what was committed."""
        return d.index <= r.index and self.alike(self.leader_log[d.term], self.leader_log[r.term], d.index)

    @lemma(uses=("commits_were_led", "who_wins_is_the_first"))
    def due_was_committed(self) -> bool:
        """What is due was committed."""
        return all(any(c.term == d.term and c.index == d.index for c in self.committed) for d in self.due)

    @lemma(
        uses=(
            "reads_were_asked",
            "reads_are_told_apart",
            "commits_are_on_a_majority",
            "holders_have_come_to_the_term",
        )
    )
    def later_commits_keep_reads_from_being_confirmed(self) -> bool:
        """Where something was committed in a later term, a majority was past the reader's term, and does not confirm it."""
        return all(
            self.is_quorum(
                Set(
                    j
                    for j in Server
                    if r.term < self.current_term[j] and Confirmed(r.request, j) not in self.confirmed
                )
            )
            for r in self.reading
            for d in self.due
            if d.request == r.request and r.term < d.term
        )

    @lemma(uses=())
    def applied_at_most_once(self) -> bool:
        """No command has been executed twice, however often clients have repeated it."""
        return super().applied_at_most_once()

    @lemma(
        uses=(
            "what_is_applied_was_committed",
            "commits_were_led",
            "who_wins_is_the_first",
        )
    )
    def what_is_executed_was_committed(self) -> bool:
        """What a server has executed is in the log of a leader that has committed it."""
        return all(self.is_decided(x) for i in Server for x in self.executed[i])

    def is_decided(self, x: Slot) -> bool:
        """A leader has committed the entry."""
        return any(x.index <= c.index and x in self.leader_log[c.term] for c in self.committed)


class RaftElectionsSafety(RaftSafety, RelationalElections):
    """Elections that disturb nobody leave Raft as it is."""

    goals: ClassVar[Goals] = {
        **RaftSafety.goals,
        "asking_changes_no_term": (),
        "no_leader_consents": (),
        "no_follower_is_disturbed": (),
        "transferee_is_caught_up": (
            "counted_answers_tell_what_is_held",
            "what_leaders_hold",
            "what_is_held_is_kept",
            "leaders_have_their_log",
            "leaders_have_their_length",
            "entries_are_within_the_length",
            "leaders_are_known",
        ),
    }
