"""What every model of Raft speaks about: servers, terms, logs and messages.

Terms and indices are numbers, as in the paper: 0 stands for "no entry". The types reach one further than the bounds of a
check, so that the step that crosses a bound leads to a state that is left out, and is not a step that cannot be taken.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from ratified.language import AtMost, Range, Seq, Symmetric, record


class Server(Symmetric):
    """Keeps a log; any two are interchangeable."""


class Value(Symmetric):
    """What clients ask for: a command of their state machine."""


class Role(Enum):
    """What a server takes itself for (section 5.1)."""

    FOLLOWER = 0
    CANDIDATE = 1
    LEADER = 2


Term = Annotated[int, Range(0, "max_term + 1")]
Index = Annotated[int, Range(0, "max_log + 1")]


@record
class Entry:
    """A command in a log, and the term of the leader that put it there."""

    term: Term
    value: Value


Log = Annotated[Seq[Entry], AtMost("max_log + 1")]


@record
class RequestVote:
    """A candidate asks for a vote (Figure 2, RequestVote RPC)."""

    source: Server
    dest: Server
    term: Term
    last_log_index: Index
    last_log_term: Term


@record
class RequestVoteResponse:
    """The answer to it."""

    source: Server
    dest: Server
    term: Term
    vote_granted: bool


@record
class AppendEntries:
    """A leader sends entries of its log, or none to be heard of (Figure 2, AppendEntries RPC)."""

    source: Server
    dest: Server
    term: Term
    prev_log_index: Index  # the index just before the entries
    prev_log_term: Term
    entries: Annotated[Seq[Entry], AtMost("max_entries")]
    leader_commit: Index


@record
class AppendEntriesResponse:
    """The answer to it."""

    source: Server
    dest: Server
    term: Term
    success: bool
    match_index: Index  # up to where the follower's log is known to be the leader's


Message = RequestVote | RequestVoteResponse | AppendEntries | AppendEntriesResponse


def last_term(log: Log) -> int:
    """The term of a log's last entry."""
    return term_at(log, len(log))


def term_at(log: Log, index: int) -> int:
    """The term of the entry at an index, counted from 1."""
    return log[index - 1].term if index > 0 else 0
