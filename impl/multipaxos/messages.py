"""What nodes say to each other in Multi-Paxos, and what stands in slots and snapshots. All frozen.

Slots are numbered from 1. `chosen`, wherever it is said, means: up to this slot I know what is chosen, without a gap.

Guarantees: what `is_sound` lets pass can be handled without looking at its form again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from ratified.impl.contract import Command, NodeId
from ratified.impl.paxos.ballots import Ballot, Vote, is_ballot, is_command
from ratified.impl.sessions import Session


@dataclass(frozen=True, slots=True)
class NoOp:
    """Leaves the state as it is; fills gaps (section 3)."""

    def __str__(self) -> str:
        return "no-op"


NO_OP = NoOp()

Value: TypeAlias = Command | NoOp


@dataclass(frozen=True, slots=True)
class Learned:
    """In a slot in place of a vote: what is known to be chosen there, from somebody who knew."""

    value: Value


Entry: TypeAlias = Vote[Value] | Learned


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What executing the log up to a slot has come to."""

    index: int
    state: bytes  # the state machine's
    sessions: tuple[Session, ...]


@dataclass(frozen=True, slots=True)
class Prepare:
    """1a, for all slots. The candidate asks for the votes in slots from `first` on; it knows what is chosen below.

    An acceptor that hears from a leader does not answer, except if the candidate insists.
    """

    ballot: Ballot
    first: int
    insist: bool = False


@dataclass(frozen=True, slots=True)
class Promise:
    """1b, for all slots. The acceptor's last vote in each that is above both `chosen` and what the candidate knows."""

    ballot: Ballot
    chosen: int
    votes: tuple[tuple[int, Vote[Value]], ...]


@dataclass(frozen=True, slots=True)
class Accept:
    """2a, for the slots `first`, `first + 1`, ... The leader asks to accept a value in each."""

    ballot: Ballot
    first: int
    values: tuple[Value, ...]
    chosen: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """2b, for `count` slots from `first` on."""

    ballot: Ballot
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """The acceptor has promised a higher ballot."""

    ballot: Ballot
    promised: Ballot


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The leader is there. Rounds are numbered, so that answers tell that it still led when it sent this one."""

    ballot: Ballot
    chosen: int
    round: int


@dataclass(frozen=True, slots=True)
class Alive:
    """So is the follower, which has promised nothing above the ballot."""

    ballot: Ballot
    round: int


@dataclass(frozen=True, slots=True)
class CatchUp:
    """A learner asks what is chosen from a slot on."""

    first: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is chosen in the slots `first`, `first + 1`, ...: as much as goes into a message."""

    first: int
    values: tuple[Value, ...]
    chosen: int


@dataclass(frozen=True, slots=True)
class Install:
    """What is chosen from the start, as a snapshot, since the slots that were asked for are no longer kept."""

    snapshot: Snapshot
    chosen: int


Message: TypeAlias = (
    Prepare | Promise | Accept | Accepted | Rejected | Heartbeat | Alive | CatchUp | Chosen | Install
)


def is_sound(sender: NodeId, node: NodeId, message: Any) -> bool:
    """Whether this is a message that can be from that sender and for that node, made up of what it should be."""
    match message:
        case Accept(ballot, first, values, chosen):
            return is_ballot(ballot, sender) and is_slot(first) and are_values(values) and is_count(chosen)
        case Accepted(ballot, first, count):
            return is_ballot(ballot, node) and is_slot(first) and is_slot(count)
        case Heartbeat(ballot, chosen, number):
            return is_ballot(ballot, sender) and is_count(chosen) and is_count(number)
        case Alive(ballot, number):
            return is_ballot(ballot, node) and is_count(number)
        case Prepare(ballot, first, insist):
            return is_ballot(ballot, sender) and is_slot(first) and type(insist) is bool
        case Promise(ballot, chosen, votes):
            return is_ballot(ballot, node) and is_count(chosen) and are_votes(votes, chosen, ballot)
        case Rejected(ballot, promised):
            return is_ballot(ballot, node) and is_ballot(promised) and promised > ballot
        case CatchUp(first):
            return is_slot(first)
        case Chosen(first, values, chosen):
            return is_slot(first) and are_values(values) and is_count(chosen)
        case Install(snapshot, chosen):
            return is_snapshot(snapshot) and is_count(chosen)
    return False


def is_count(given: Any) -> bool:
    """Whether this is a number from 0 on."""
    return type(given) is int and given >= 0


def is_slot(given: Any) -> bool:
    """Whether this is a number from 1 on."""
    return type(given) is int and given > 0


def is_value(given: Any) -> bool:
    """Whether this can stand in a slot."""
    return is_command(given) or type(given) is NoOp


def are_values(given: Any) -> bool:
    """Whether these can stand in slots; at least one."""
    return type(given) is tuple and bool(given) and all(map(is_value, given))


def are_votes(given: Any, above: int, below: Ballot) -> bool:
    """Whether these are votes in slots, in order and above one, cast before a ballot."""
    if type(given) is not tuple:
        return False
    for pair in given:
        if type(pair) is not tuple or len(pair) != 2 or not is_slot(pair[0]) or pair[0] <= above:
            return False
        above, vote = pair
        if not (type(vote) is Vote and is_ballot(vote.ballot) and vote.ballot < below):
            return False
        if not is_value(vote.value):
            return False
    return True


def is_snapshot(given: Any) -> bool:
    """Whether this is a snapshot, as far as can be seen without the state machine."""
    return (
        type(given) is Snapshot
        and is_slot(given.index)
        and type(given.state) is bytes
        and type(given.sessions) is tuple
        and all(map(is_session, given.sessions))
    )


def is_session(given: Any) -> bool:
    """Whether this is what is remembered of a client."""
    return (
        type(given) is tuple
        and len(given) == 3
        and type(given[0]) is str
        and is_slot(given[1])
        and type(given[2]) is bytes
    )
