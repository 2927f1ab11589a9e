"""What Raft nodes keep and what they say to each other: frozen values.

`well_formed` tells what can have been said by a correct node from what cannot; a core ignores the latter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, TypeGuard

from ratified.impl.contract import Command, NodeId
from ratified.impl.raft.membership import NOBODY, Membership
from ratified.impl.sessions import Session

# What is kept


@dataclass(frozen=True, slots=True)
class HardState:
    """The record: written in one piece, so that a vote never turns up in another term."""

    term: int = 0
    voted_for: NodeId | None = None


@dataclass(frozen=True, slots=True)
class NoOp:
    """Does nothing; with it a leader commits what is before it."""

    def __str__(self) -> str:
        return "no-op"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the log: the term in which a leader made it, and a command, a membership or nothing."""

    term: int
    value: Command | Membership | NoOp

    def __str__(self) -> str:
        return f"({self.term}) {self.value}"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Stands for the log up to `index`, where the entry was of `term`."""

    index: int = 0
    term: int = 0
    membership: Membership = NOBODY
    sessions: tuple[Session, ...] = ()
    state: bytes = b""


# What is said


@dataclass(frozen=True, slots=True)
class PreVote:
    """The sender asks whether the receiver would vote for it in `term`, which it has not begun yet."""

    term: int
    last_index: int
    last_term: int


@dataclass(frozen=True, slots=True)
class PreVoteResponse:
    """It would (and `term` is the one asked about), or it would not (and `term` is its own)."""

    term: int
    granted: bool


@dataclass(frozen=True, slots=True)
class RequestVote:
    """The sender asks for a vote. With `transfer` the leader itself wants to be replaced."""

    term: int
    last_index: int
    last_term: int
    transfer: bool = False


@dataclass(frozen=True, slots=True)
class VoteResponse:
    """The answer."""

    term: int
    granted: bool


@dataclass(frozen=True, slots=True)
class AppendEntries:
    """The leader's entries after `prev_index`. Without entries a heartbeat; `read` is the leader's last round of reads."""

    term: int
    prev_index: int
    prev_term: int
    entries: tuple[Entry, ...] = ()
    commit: int = 0
    read: int = 0


@dataclass(frozen=True, slots=True)
class AppendResponse:
    """How an append was taken.

    With `success` the logs agree up to `index`, durably. Otherwise `index` is the `prev_index` that did not fit; the logs may
    agree at `hint_index`, where the sender has an entry of `hint_term`, but nowhere between.
    """

    term: int
    success: bool
    index: int
    hint_index: int = 0
    hint_term: int = 0
    read: int = 0


@dataclass(frozen=True, slots=True)
class InstallSnapshot:
    """The leader's snapshot, for one who needs entries that the leader has dropped."""

    term: int
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class TimeoutNow:
    """The leader asks the receiver to campaign at once (dissertation, section 3.10)."""

    term: int


Message: TypeAlias = (
    PreVote
    | PreVoteResponse
    | RequestVote
    | VoteResponse
    | AppendEntries
    | AppendResponse
    | InstallSnapshot
    | TimeoutNow
)


def well_formed(message: object) -> TypeGuard[Message]:
    """Whether a correct node can have sent this."""
    match message:
        case AppendEntries(term, prev_index, prev_term, entries, commit, read):
            return (
                _naturals(term, prev_index, prev_term, commit, read)
                and (prev_term == 0) == (prev_index == 0)
                and type(entries) is tuple
                and _rising(prev_term, entries, term)
            )
        case AppendResponse(term, success, index, hint_index, hint_term, read):
            return _is_bool(success) and _naturals(term, index, hint_index, hint_term, read)
        case RequestVote(term, last_index, last_term) | PreVote(term, last_index, last_term):
            return _naturals(term, last_index, last_term) and last_term < term
        case VoteResponse(term, granted) | PreVoteResponse(term, granted):
            return _is_bool(granted) and _naturals(term)
        case InstallSnapshot(term, snapshot):
            return _naturals(term) and type(snapshot) is Snapshot and _is_snapshot(snapshot, term)
        case TimeoutNow(term):
            return _naturals(term)
    return False


def _naturals(*numbers: object) -> bool:
    return all(type(number) is int and number >= 0 for number in numbers)


def _is_bool(value: object) -> bool:
    return type(value) is bool


def _rising(before: int, entries: tuple[object, ...], term: int) -> bool:
    """Whether the terms of entries only rise, from the entry before them to the sender's own term."""
    for entry in entries:
        if (
            type(entry) is not Entry
            or type(entry.term) is not int
            or entry.term < before
            or not _is_value(entry.value)
        ):
            return False
        before = entry.term
    return before <= term and (not entries or before > 0)


def _is_value(value: object) -> bool:
    kind = type(value)
    if kind is Membership:
        assert isinstance(value, Membership)
        return _is_membership(value)
    return kind is Command or kind is NoOp


def _is_membership(membership: object) -> bool:
    return (
        type(membership) is Membership
        and bool(membership.voters)
        and all(
            type(nodes) is tuple and all(type(node) is str for node in nodes)
            for nodes in (membership.voters, membership.outgoing, membership.learners)
        )
    )


def _is_snapshot(snapshot: Snapshot, term: int) -> bool:
    return (
        _naturals(snapshot.index, snapshot.term)
        and snapshot.index > 0
        and 0 < snapshot.term <= term
        and _is_membership(snapshot.membership)
        and type(snapshot.state) is bytes
        and type(snapshot.sessions) is tuple
        and all(
            type(session) is tuple and [type(part) for part in session] == [str, int, bytes]
            for session in snapshot.sessions
        )
    )
