"""What nodes say to each other in Paxos. Frozen; a ballot names whoever it belongs to, so senders need not be repeated.

Guarantees: what `is_sound` lets pass can be handled without looking at its form again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from ratified.impl.contract import Command, NodeId
from ratified.impl.paxos.ballots import Ballot, Vote, is_ballot, is_command


@dataclass(frozen=True, slots=True)
class Prepare:
    """1a. The proposer asks for a promise to accept nothing below its ballot any more, and for the last vote."""

    ballot: Ballot


@dataclass(frozen=True, slots=True)
class Promise:
    """1b. The acceptor promises, and tells the proposal with the highest number that it has accepted, if any."""

    ballot: Ballot
    voted: Vote[Command] | None


@dataclass(frozen=True, slots=True)
class Accept:
    """2a. The proposer asks to accept its proposal."""

    ballot: Ballot
    value: Command


@dataclass(frozen=True, slots=True)
class Accepted:
    """2b. The acceptor has accepted a proposal."""

    ballot: Ballot
    value: Command


@dataclass(frozen=True, slots=True)
class Rejected:
    """The acceptor has promised a higher ballot: this one should be given up (section 2.2, at its end)."""

    ballot: Ballot
    promised: Ballot


@dataclass(frozen=True, slots=True)
class Inquire:
    """A learner asks an acceptor what it has accepted, and a learner what it has learned (section 2.3)."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A learner tells what has been chosen."""

    value: Command


Message: TypeAlias = Prepare | Promise | Accept | Accepted | Rejected | Inquire | Chosen


def is_sound(sender: NodeId, node: NodeId, message: Any) -> bool:
    """Whether a message of a type above can be from that sender and for that node, and is made up of what it should be."""
    match message:
        case Prepare(ballot):
            return is_ballot(ballot, sender)
        case Accept(ballot, value):
            return is_ballot(ballot, sender) and is_command(value)
        case Promise(ballot, voted):
            return is_ballot(ballot, node) and (voted is None or is_vote(voted, ballot))
        case Rejected(ballot, promised):
            return is_ballot(ballot, node) and is_ballot(promised) and promised > ballot
        case Accepted(ballot, value):
            return is_ballot(ballot) and is_command(value)
        case Chosen(value):
            return is_command(value)
    return type(message) is Inquire


def is_vote(given: Any, below: Ballot) -> bool:
    """Whether this is a vote cast before a ballot."""
    return (
        type(given) is Vote
        and is_ballot(given.ballot)
        and bool(given.ballot < below)
        and is_command(given.value)
    )
