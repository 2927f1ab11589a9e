"""What has gone wrong in implementations of Raft."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ratified.conform.mutants import Mutant
from ratified.conformance.raft.hidden import HIDDEN
from ratified.impl.contract import Command, Send, WriteRecord
from ratified.impl.raft.log import UNKNOWN_TERM
from ratified.impl.raft.membership import is_majority, majority_index
from ratified.impl.raft.messages import AppendResponse, HardState, PreVoteResponse
from ratified.impl.raft.progress import FollowerProgress
from ratified.impl.raft.replication import Replication
from ratified.impl.raft.state import Role, State

STATE = "ratified.impl.raft.state:State"
ELECTION = "ratified.impl.raft.election:Election"
REPLICATION = "ratified.impl.raft.replication:Replication"
READS = "ratified.impl.raft.reads:Reads"
OPERATORS = "ratified.impl.raft.operators:Operators"
LOG = "ratified.impl.raft.log:Log"
MEMBERSHIP = "ratified.impl.raft.membership"

# Voting and terms


def record_without_vote(self: Any, term: int, voted_for: str | None) -> None:
    self.term, self.voted_for = term, voted_for
    self._record_token = self._write(WriteRecord(HardState(term, None)))


def reply_at_once(self: Any, to: str, message: Any) -> None:
    self._sends.append(Send(to, message, self._token if isinstance(message, AppendResponse) else 0))


def record_in_two(self: Any, term: int, voted_for: str | None) -> None:
    before = self.voted_for
    self.term, self.voted_for = term, voted_for
    self._write(WriteRecord(HardState(term, before)))
    self._record_token = self._write(WriteRecord(HardState(term, voted_for)))


def counts_any_vote(self: Any, m: Any) -> bool:
    return bool(self.state.role is Role.CANDIDATE)


def longer_is_better(self: Any, last_index: int, last_term: int) -> bool:
    return bool(last_index >= self.last)


def half(count: int) -> int:
    return (count + 1) // 2


def stubborn(self: Any, term: int, leader: str | None) -> None:
    if self.state.role is Role.LEADER:
        self.state.set_record(term, None)
    else:
        self.state.become_follower(term, leader)


def would_vote_though_leading(self: Any, m: Any) -> bool:
    return bool(m.term > self.state.term and self.state.log.is_up_to_date(m.last_index, m.last_term))


def pre_vote_raises_term(self: Any, sender: str, m: Any) -> None:
    if m.term > self.state.term and self.state.role is not Role.LEADER:
        self.state.set_record(m.term, None)
    self.state.reply(sender, PreVoteResponse(m.term, True))
    self.state.report("handle_pre_vote", sender=sender, message=m, granted=True)


def _restore() -> Any:
    original = Replication.restore

    def restore_with_its_term(self: Any, snapshot: Any) -> bool:
        done = original(self, snapshot)
        if done:
            self.state.set_record(snapshot.term, None)
        return done

    return restore_with_its_term


# Log and commit


def always(*_: Any) -> bool:
    return True


def _commit_to() -> Any:
    original = State.commit_to

    def either_way(self: Any, index: int) -> None:
        if index < self.commit and self.role is not Role.LEADER:
            self.commit = max(index, self.snapshot.index)
        else:
            original(self, index)

    return either_way


def take_and_cut(self: Any, previous: int, entries: tuple[Any, ...]) -> bool:
    if previous < self.state.commit:
        entries = entries[self.state.commit - previous :]
        previous = self.state.commit
    if previous < self.state.log.last:
        self.truncate_conflict(previous + 1)
    if entries and previous == self.state.log.last:
        self.state.append(entries)
    return True


def take_what_is_beyond(self: Any, previous: int, entries: tuple[Any, ...]) -> bool:
    beyond = entries[max(0, self.state.log.last - previous) :]
    if beyond:
        self.state.append(beyond)
    return True


def match_is_what_was_said(self: Any, index: int) -> bool:
    news = index != self.match
    self.waiting = False
    self.inflight.clear()
    self.flow = type(self.flow).REPLICATE
    self.match = index
    self.next = max(self.next, index)
    return bool(news)


def _handle_append_response() -> Any:
    original = Replication.handle_append_response

    def every_answer_agrees(self: Any, sender: str, m: Any) -> None:
        progress = self.state.progress.get(sender)
        counted = progress is not None and not m.success and m.term == self.state.term
        if counted and m.index <= self.state.log.last and progress.matched(m.index):
            self.advance_commit()
        original(self, sender, m)

    return every_answer_agrees


def _take_entries() -> Any:
    original = Replication.take_entries

    def twice_at_the_beginning(self: Any, previous: int, entries: tuple[Any, ...]) -> bool:
        if previous == 0 and entries and not self.state.log.first_conflict(1, entries):
            self.state.append(entries)
            return True
        return original(self, previous, entries)

    return twice_at_the_beginning


def matches_what_is_unknown(self: Any, index: int, term: int) -> bool:
    return bool(term == UNKNOWN_TERM or self.term_at(index) == term)


def acknowledge_at_once(self: Any, to: str, message: Any) -> None:
    early = isinstance(message, AppendResponse) and message.success
    self._sends.append(Send(to, message, self._record_token if early else self._token))


def _matched() -> Any:
    original = FollowerProgress.matched

    def one_too_many(self: Any, index: int) -> bool:
        return original(self, index + 1)

    return one_too_many


def whatever_the_leader_has(self: Any, leader_commit: int, last_new: int) -> int:
    return min(leader_commit, int(self.state.log.last))


# Reconfiguration, reads, clients


def may_change_early(self: Any) -> bool:
    return bool(
        self.state.role is Role.LEADER
        and self.state.transferee is None
        and self.state.membership_index <= self.state.commit
    )


def union_quorum(self: Any, nodes: Any) -> bool:
    union = {*self.voters, *self.outgoing}
    return bool(union) and 2 * len(union & set(nodes)) > len(union)


def union_index(self: Any, match: Any) -> int:
    return majority_index(tuple({*self.voters, *self.outgoing}), match)


def incoming_quorum(self: Any, nodes: Any) -> bool:
    return is_majority(self.voters, nodes)


def incoming_index(self: Any, match: Any) -> int:
    return majority_index(self.voters, match)


def execute_again(self: Any, command: Command) -> bytes:
    result: bytes = self.machine.apply(command.payload)
    return result


def submit_again(self: Any, command: Command) -> bool:
    return False


MUTANTS: Mapping[str, Mutant] = {
    "forgets-vote": Mutant(((f"{STATE}.set_record", record_without_vote),)),
    "vote-answered-early": Mutant(((f"{STATE}.reply", reply_at_once),)),
    "torn-vote": Mutant(((f"{STATE}.set_record", record_in_two),)),
    "stale-votes": Mutant(((f"{ELECTION}.counts_vote", counts_any_vote),)),
    "shorter-history": Mutant(((f"{LOG}.is_up_to_date", longer_is_better),)),
    "any-log-wins": Mutant(((f"{LOG}.is_up_to_date", always),)),
    "half-quorums": Mutant(((f"{MEMBERSHIP}:quorum_size", half),), nodes=4),
    "stubborn-leader": Mutant(((f"{ELECTION}.update_term", stubborn),)),
    "consenting-leader": Mutant(((f"{ELECTION}.would_vote_for", would_vote_though_leading),)),
    "costly-pre-vote": Mutant(((f"{ELECTION}.handle_pre_vote", pre_vote_raises_term),)),
    "snapshot-lowers-term": Mutant(((f"{REPLICATION}.restore", _restore()),)),
    "counted-old-entries": Mutant(((f"{REPLICATION}.is_committable", always),)),
    "commit-goes-back": Mutant(((f"{STATE}.commit_to", _commit_to()),)),
    "truncating-append": Mutant(((f"{REPLICATION}.take_entries", take_and_cut),)),
    "kept-conflict": Mutant(((f"{REPLICATION}.take_entries", take_what_is_beyond),)),
    "match-goes-back": Mutant(
        (("ratified.impl.raft.progress:FollowerProgress.matched", match_is_what_was_said),)
    ),
    "match-too-high": Mutant((("ratified.impl.raft.progress:FollowerProgress.matched", _matched()),)),
    "commit-beyond-new": Mutant(((f"{REPLICATION}.commit_of_follower", whatever_the_leader_has),)),
    "counted-rejections": Mutant(((f"{REPLICATION}.handle_append_response", _handle_append_response()),)),
    "repeated-append": Mutant(((f"{REPLICATION}.take_entries", _take_entries()),)),
    "append-for-snapshot": Mutant(
        (
            (f"{REPLICATION}.needs_snapshot", lambda self, previous: False),
            (f"{LOG}.matches", matches_what_is_unknown),
        )
    ),
    "lost-entry": Mutant(((f"{STATE}.reply", acknowledge_at_once),)),
    "hasty-change": Mutant(((f"{OPERATORS}.may_change_membership", may_change_early),)),
    "union-majority": Mutant(
        (
            (f"{MEMBERSHIP}:Membership.is_quorum", union_quorum),
            (f"{MEMBERSHIP}:Membership.quorum_index", union_index),
        ),
        nodes=5,
        first=61,
    ),
    "incoming-elect": Mutant(((f"{MEMBERSHIP}:Membership.is_quorum", incoming_quorum),), nodes=5, first=29),
    "incoming-commit": Mutant(
        ((f"{MEMBERSHIP}:Membership.quorum_index", incoming_index),), nodes=5, first=29
    ),
    "unconfirmed-read": Mutant(((f"{READS}.is_confirmed", always),)),
    "repeated-command": Mutant(
        ((f"{STATE}.execute", execute_again), ("ratified.impl.sessions:Sessions.is_repeated", submit_again))
    ),
    "sessions-not-kept": Mutant((("ratified.impl.sessions:Sessions.table", lambda self: ()),), first=14),
    **HIDDEN,
}
"""By the names of the bugs, as `ratified.bundled` has them."""
