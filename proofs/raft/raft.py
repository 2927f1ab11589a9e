"""Why Raft is right, for every number of servers, values, terms and indices: the lemmas, and what they prove.

Every log is, up to each of its entries, the log of the leader that created that entry (`logs_are_the_leaders`). What a server has
held of a leader's log it keeps, unless a later leader lacks it (`what_is_held_is_kept`). So when a candidate wins, either nobody
of some majority has held an entry of an earlier leader and nobody of it ever will, or a voter has it, and the candidate has too
(`votes_pass_on_what_is_held`): that is `later_leaders_have_it_or_it_is_lost`, from which leader completeness follows as agreement
does from Lamport's P2c in Paxos.
"""

from __future__ import annotations

from typing import ClassVar

from ratified.language import Set, first
from ratified.models.raft.relational import (
    AppendEntries,
    AppendEntriesResponse,
    Committed,
    Held,
    Index,
    Leader,
    RelationalRaft,
    RequestVote,
    RequestVoteResponse,
    Slot,
    Term,
    Vote,
)
from ratified.models.raft.sorts import Role, Server
from ratified.smt.script import Goals, lemma

LOGS = ("logs_are_the_leaders", "leader_logs_are_the_leaders", "leader_logs_have_one_entry_a_place")
LEADING = ("leaders_have_their_log", "leaders_are_known")


class RaftSafety(RelationalRaft):
    """Figure 3 of the paper."""

    goals: ClassVar[Goals] = {
        "log_matching": LOGS,
        "state_machine_safety": (
            "leader_completeness",
            "what_is_applied_was_committed",
            "logs_are_the_leaders",
            "leader_logs_have_one_entry_a_place",
            "commits_were_led",
            "entries_are_within_the_length",
        ),
        "leader_append_only": (),
    }

    # Votes (section 5.2)

    @lemma(uses=())
    def one_vote_a_term(self) -> bool:
        """A server votes for one candidate in a term."""
        return all(
            v.candidate == w.candidate
            for v in self.votes
            for w in self.votes
            if v.voter == w.voter and v.term == w.term
        )

    @lemma(uses=())
    def voters_have_come_to_the_term(self) -> bool:
        """Who has voted in a term has come to it."""
        return all(v.term <= self.current_term[v.voter] for v in self.votes)

    @lemma(uses=("requests_are_of_the_past",))
    def candidates_have_come_to_the_term(self) -> bool:
        """So has who is voted for."""
        return all(v.term <= self.current_term[v.candidate] for v in self.votes)

    @lemma(uses=())
    def grants_are_votes(self) -> bool:
        """An answer that grants a vote tells of a vote that was cast."""
        return all(
            Vote(m.term, m.source, m.dest) in self.votes
            for m in self.messages
            if isinstance(m, RequestVoteResponse) and m.vote_granted
        )

    @lemma(uses=("grants_are_votes",))
    def counted_votes_are_votes(self) -> bool:
        """The votes that a candidate has counted were cast for it in its term."""
        return all(
            Vote(self.current_term[i], j, i) in self.votes
            for i in Server
            if self.role[i] == Role.CANDIDATE
            for j in self.votes_granted[i]
        )

    @lemma(uses=("counted_votes_are_votes",))
    def leaders_were_elected(self) -> bool:
        """A majority has voted for each leader in its term."""
        return all(self.elected(w.term, w.server) for w in self.leaders)

    def elected(self, t: Term, i: Server) -> bool:
        """A majority has voted for server i in term t."""
        return self.is_quorum(Set(j for j in Server if Vote(t, j, i) in self.votes))

    @lemma(follows=("one_vote_a_term", "leaders_were_elected"))
    def election_safety(self) -> bool:
        """At most one leader can be elected in a given term (section 5.2)."""
        return super().election_safety()

    @lemma(uses=())
    def leaders_have_come_to_the_term(self) -> bool:
        """Who was elected in a term has come to it."""
        return all(w.term <= self.current_term[w.server] for w in self.leaders)

    @lemma(uses=("leaders_have_come_to_the_term",))
    def candidates_do_not_lead(self) -> bool:
        """A candidate has not been elected in its term before."""
        return not any(
            self.role[i] == Role.CANDIDATE and Leader(self.current_term[i], i) in self.leaders for i in Server
        )

    @lemma(
        follows=(
            "one_vote_a_term",
            "leaders_were_elected",
            "counted_votes_are_votes",
            "candidates_do_not_lead",
        )
    )
    def who_wins_is_the_first(self) -> bool:
        """A candidate that has a majority is in a term that nobody leads."""
        return not any(
            self.role[i] == Role.CANDIDATE
            and self.is_quorum(self.votes_granted[i])
            and self.led(self.current_term[i])
            for i in Server
        )

    @lemma(uses=())
    def leaders_are_known(self) -> bool:
        """Who leads was elected in its term."""
        return all(
            Leader(self.current_term[i], i) in self.leaders for i in Server if self.role[i] == Role.LEADER
        )

    # Logs (section 5.3)

    @lemma(uses=())
    def entries_are_within_the_length(self) -> bool:
        """No entry of a log is beyond its length."""
        return all(first(Index) < x.index <= self.length[i] for i in Server for x in self.log[i])

    @lemma(uses=("entries_are_within_the_length",))
    def logs_have_one_entry_a_place(self) -> bool:
        """A log has one entry at an index."""
        return all(x == y for i in Server for x in self.log[i] for y in self.log[i] if x.index == y.index)

    @lemma(uses=("leaders_are_known", "election_safety", "who_wins_is_the_first"))
    def leaders_have_their_log(self) -> bool:
        """The log of who leads is the log of its term's leader."""
        return all(
            x in self.log[i]
            for i in Server
            if self.role[i] == Role.LEADER
            for x in self.leader_log[self.current_term[i]]
        ) and all(
            x in self.leader_log[self.current_term[i]]
            for i in Server
            if self.role[i] == Role.LEADER
            for x in self.log[i]
        )

    @lemma(uses=("leaders_are_known", "election_safety", "who_wins_is_the_first"))
    def leaders_have_their_length(self) -> bool:
        """And so is its length."""
        return all(
            self.leader_length[self.current_term[i]] == self.length[i]
            for i in Server
            if self.role[i] == Role.LEADER
        )

    @lemma(uses=("logs_have_one_entry_a_place", "entries_are_within_the_length", "leaders_have_their_log"))
    def leader_logs_have_one_entry_a_place(self) -> bool:
        """The log of a leader has one entry at an index."""
        return all(
            x == y for t in Term for x in self.leader_log[t] for y in self.leader_log[t] if x.index == y.index
        )

    @lemma(uses=("leaders_are_known",))
    def only_leaders_have_logs(self) -> bool:
        """A term that nobody leads has no log."""
        return all(self.led(t) for t in Term if self.leader_log[t])

    @lemma(uses=("entries_are_within_the_length", "leaders_have_their_length"))
    def leader_entries_have_a_place(self) -> bool:
        """No entry of a leader's log is beyond its length."""
        return all(first(Index) < x.index <= self.leader_length[t] for t in Term for x in self.leader_log[t])

    @lemma(
        uses=(
            *LOGS,
            "sent_entries_are_the_leaders",
            "only_leaders_have_logs",
            "who_wins_is_the_first",
            "leaders_have_their_log",
            "entries_are_within_the_length",
            "leader_entries_have_a_place",
        )
    )
    def logs_are_the_leaders(self) -> bool:
        """Up to each of its entries, a log is that of the leader of the entry's term."""
        return all(
            self.alike(self.log[i], self.leader_log[x.term], x.index) for i in Server for x in self.log[i]
        )

    @lemma(
        uses=(
            "logs_are_the_leaders",
            "only_leaders_have_logs",
            "who_wins_is_the_first",
            "leaders_have_their_log",
            "entries_are_within_the_length",
        )
    )
    def leader_logs_are_the_leaders(self) -> bool:
        """So is the log of a leader."""
        return all(
            self.alike(self.leader_log[t], self.leader_log[x.term], x.index)
            for t in Term
            for x in self.leader_log[t]
        )

    @lemma(uses=("leader_entries_are_of_its_past", "sent_entries_are_the_leaders"))
    def entries_are_of_the_past(self) -> bool:
        """No entry of a log is of a term that its server has not come to."""
        return all(x.term <= self.current_term[i] for i in Server for x in self.log[i])

    @lemma(uses=("entries_are_of_the_past",))
    def leader_entries_are_of_its_past(self) -> bool:
        """No entry of a leader's log is of a later term."""
        return all(x.term <= t for t in Term for x in self.leader_log[t])

    # Messages

    @lemma(
        uses=(
            "leaders_have_their_log",
            "leaders_are_known",
            "who_wins_is_the_first",
            "only_leaders_have_logs",
        )
    )
    def sent_entries_are_the_leaders(self) -> bool:
        """What is sent is in the log of the leader of the term: the entry, just after the one before it."""
        return all(self.is_the_leaders(m) for m in self.messages if isinstance(m, AppendEntries))

    def is_the_leaders(self, m: AppendEntries) -> bool:
        """The entries that a message speaks of are in the log of the leader of its term."""
        return self.led(m.term) and self.holds_before(m) and self.holds_entry(m)

    def holds_before(self, m: AppendEntries) -> bool:
        """The entry before, if there is one."""
        prev, entry = m.prev, m.entry
        if prev is None:
            return entry is None or self.none_between(first(Index), entry.index)
        return any(x.index == prev.index and x.term == prev.term for x in self.leader_log[m.term]) and (
            entry is None or self.none_between(prev.index, entry.index)
        )

    def none_between(self, low: Index, high: Index) -> bool:
        """The one index comes just after the other."""
        return low < high and all(n <= low or high <= n for n in Index)

    def holds_entry(self, m: AppendEntries) -> bool:
        """The entry, if there is one; else the message ends with the one before."""
        entry, prev = m.entry, m.prev
        if entry is not None:
            return entry in self.leader_log[m.term] and m.end == entry.index
        return m.end == first(Index) if prev is None else m.end == prev.index

    @lemma(uses=("requests_are_of_the_past",))
    def requests_tell_the_last_entry(self) -> bool:
        """A candidate's log ends as it has told."""
        return all(
            self.ends_with(m.source, m.last)
            for m in self.messages
            if isinstance(m, RequestVote)
            and m.term == self.current_term[m.source]
            and self.role[m.source] == Role.CANDIDATE
        )

    @lemma(uses=())
    def requests_are_of_the_past(self) -> bool:
        """Nobody has asked for votes in a term that it has not come to."""
        return all(m.term <= self.current_term[m.source] for m in self.messages if isinstance(m, RequestVote))

    # What servers have held of a leader's log

    @lemma(uses=())
    def holders_have_come_to_the_term(self) -> bool:
        """Who has held something in a term has come to it."""
        return all(h.term <= self.current_term[h.server] for h in self.held)

    @lemma(uses=("leaders_have_their_log", "leaders_are_known"))
    def what_leaders_hold(self) -> bool:
        """Who leads holds all of its log."""
        return all(
            Held(self.current_term[i], i, self.length[i]) in self.held
            for i in Server
            if self.role[i] == Role.LEADER
        )

    @lemma(
        uses=(
            "leaders_have_their_length",
            "entries_are_within_the_length",
            "leader_entries_have_a_place",
            "sent_entries_are_the_leaders",
            "who_wins_is_the_first",
            "leaders_are_known",
        )
    )
    def only_entries_are_held(self) -> bool:
        """What is held is there: in a term that was led, and no further than its leader's log reaches."""
        return all(self.led(h.term) and h.index <= self.leader_length[h.term] for h in self.held)

    @lemma(
        uses=(
            *LOGS,
            "entries_are_within_the_length",
            "leader_entries_have_a_place",
            "only_entries_are_held",
            "leaders_have_their_log",
            "leaders_have_their_length",
            "leader_entries_are_of_its_past",
            "holders_have_come_to_the_term",
            "sent_entries_are_the_leaders",
            "who_wins_is_the_first",
            "only_leaders_have_logs",
            "leaders_are_known",
        )
    )
    def what_is_held_is_kept(self) -> bool:
        """A server keeps what it has held of a leader's log, unless the leader of a later term does not have it."""
        return all(self.keeps(h.server, h.term, n) for h in self.held for n in Index if n <= h.index)

    def keeps(self, i: Server, t: Term, n: Index) -> bool:
        """Server i has the log of the leader of t up to n, or follows a later leader that has not."""
        return (n <= self.length[i] and self.alike(self.log[i], self.leader_log[t], n)) or any(
            t < w.term <= self.current_term[i]
            and not self.alike(self.leader_log[w.term], self.leader_log[t], n)
            for w in self.leaders
        )

    # Leader completeness (section 5.4)

    @lemma(
        uses=(
            *LOGS,
            "what_is_held_is_kept",
            "only_entries_are_held",
            "voters_have_come_to_the_term",
            "candidates_have_come_to_the_term",
            "holders_have_come_to_the_term",
            "requests_tell_the_last_entry",
            "requests_are_of_the_past",
            "entries_are_of_the_past",
            "leader_entries_are_of_its_past",
            "only_leaders_have_logs",
            "leaders_have_their_log",
            "leaders_have_their_length",
            "entries_are_within_the_length",
            "leaders_are_known",
            "leader_entries_have_a_place",
            "who_wins_is_the_first",
        )
    )
    def votes_pass_on_what_is_held(self) -> bool:
        """Who votes for a candidate has held nothing that the candidate lacks, unless a leader in between lacked it."""
        return all(
            self.alike(self.log[v.candidate], self.leader_log[h.term], x.index)
            for v in self.votes
            if self.stands(v.candidate, v.term)
            for h in self.held
            if h.server == v.voter and h.term < v.term
            for x in self.leader_log[h.term]
            if x.term == h.term and x.index <= h.index and self.handed_down(x, v.term)
        )

    def stands(self, i: Server, t: Term) -> bool:
        """Server i is a candidate in term t, which nobody leads yet."""
        return self.role[i] == Role.CANDIDATE and self.current_term[i] == t and not self.led(t)

    def handed_down(self, x: Slot, until: Term) -> bool:
        """All leaders after the entry's term and before another have the log up to the entry."""
        return all(
            self.alike(self.leader_log[w.term], self.leader_log[x.term], x.index)
            for w in self.leaders
            if x.term < w.term < until
        )

    @lemma(
        uses=(
            "votes_pass_on_what_is_held",
            "leaders_were_elected",
            "voters_have_come_to_the_term",
            "counted_votes_are_votes",
            "only_entries_are_held",
            "leaders_have_their_log",
            "leaders_have_their_length",
            "leaders_are_known",
            "who_wins_is_the_first",
            "holders_have_come_to_the_term",
            "entries_are_within_the_length",
            "leader_entries_are_of_its_past",
            "only_leaders_have_logs",
            "entries_are_of_the_past",
        )
    )
    def later_leaders_have_it_or_it_is_lost(self) -> bool:
        """An entry of a leader is in the log of a later one, or a majority has not held it and never will."""
        return all(
            self.alike(self.leader_log[u.term], self.leader_log[t], x.index) or self.lost(t, x.index)
            for u in self.leaders
            for t in Term
            if t < u.term
            for x in self.leader_log[t]
            if x.term == t
        )

    def lost(self, t: Term, n: Index) -> bool:
        """A majority has left the term without having held the log of its leader up to n."""
        return self.is_quorum(
            Set(
                j
                for j in Server
                if t < self.current_term[j]
                and not any(h.term == t and h.server == j and n <= h.index for h in self.held)
            )
        )

    @lemma(uses=())
    def answers_tell_what_is_held(self) -> bool:
        """A yes tells what the follower has held."""
        return all(
            Held(m.term, m.source, m.match_index) in self.held
            for m in self.messages
            if isinstance(m, AppendEntriesResponse) and m.success
        )

    @lemma(uses=("answers_tell_what_is_held",))
    def counted_answers_tell_what_is_held(self) -> bool:
        """What a leader has counted has been held."""
        return all(
            self.match_index[i][j] == first(Index)
            or Held(self.current_term[i], j, self.match_index[i][j]) in self.held
            for i in Server
            if self.role[i] == Role.LEADER
            for j in Server
        )

    @lemma(uses=("counted_answers_tell_what_is_held", "what_leaders_hold", "entries_are_within_the_length"))
    def commits_are_on_a_majority(self) -> bool:
        """What is committed has been held by a majority."""
        return all(
            self.is_quorum(
                Set(
                    j
                    for j in Server
                    if any(h.term == c.term and h.server == j and c.index <= h.index for h in self.held)
                )
            )
            for c in self.committed
        )

    @lemma(uses=("leaders_have_their_log", "leaders_are_known", "who_wins_is_the_first"))
    def commits_were_led(self) -> bool:
        """What is committed ends with an entry of the term, in the log of its leader."""
        return all(
            self.led(c.term) and any(x.index == c.index and x.term == c.term for x in self.leader_log[c.term])
            for c in self.committed
        )

    @lemma(follows=("later_leaders_have_it_or_it_is_lost", "commits_are_on_a_majority", "commits_were_led"))
    def leader_completeness(self) -> bool:
        """What is committed in a term is in the logs of the leaders of all later terms (section 5.4)."""
        return super().leader_completeness()

    # State machine safety (section 5.4.3)

    @lemma(uses=("what_is_applied_was_committed",))
    def sent_commits_were_committed(self) -> bool:
        """What a leader tells to be committed is, and is no more than what the follower will then have."""
        return all(
            m.leader_commit <= m.end
            and (
                m.leader_commit == first(Index)
                or any(c.term <= m.term and m.leader_commit <= c.index for c in self.committed)
            )
            for m in self.messages
            if isinstance(m, AppendEntries)
        )

    @lemma(
        uses=(
            *LOGS,
            "leader_completeness",
            "sent_commits_were_committed",
            "sent_entries_are_the_leaders",
            "entries_are_within_the_length",
            "leader_entries_have_a_place",
            "leaders_have_their_log",
            "leaders_have_their_length",
            "leaders_are_known",
            "commits_were_led",
            "only_leaders_have_logs",
            "who_wins_is_the_first",
            "entries_are_of_the_past",
        )
    )
    def what_is_applied_was_committed(self) -> bool:
        """What a server knows to be committed is, and is in its log."""
        return all(
            self.commit_index[i] == first(Index)
            or (
                self.commit_index[i] <= self.length[i]
                and any(self.is_committed(i, c) for c in self.committed)
            )
            for i in Server
        )

    def is_committed(self, i: Server, c: Committed) -> bool:
        """What server i knows to be committed is so by a commit of its term or before."""
        return (
            c.term <= self.current_term[i]
            and self.commit_index[i] <= c.index
            and self.alike(self.log[i], self.leader_log[c.term], self.commit_index[i])
        )
