"""What every model of Paxos speaks about.

An optional ballot stands for the "-1" of Lamport's specifications: None comes before every ballot.
"""

from __future__ import annotations

from enum import Enum

from ratified.language import Ordered, Symmetric, record


class Acceptor(Symmetric):
    """Votes; any two are interchangeable."""


class Value(Symmetric):
    """What may be chosen."""


class Ballot(Ordered):
    """Attempts, totally ordered; each belongs to one proposer, which the models leave out."""


class Stage(Enum):
    """How far a ballot has come, as pictures show it."""

    IDLE = "idle"
    PREPARED = "prepared"
    PROMISED = "promised"
    PROPOSED = "proposed"
    CHOSEN = "chosen"


@record
class Vote:
    """Cast by an acceptor in a ballot for a value."""

    ballot: Ballot
    value: Value


def at_most(earlier: Ballot | None, later: Ballot | None) -> bool:
    """Whether one ballot is no larger than another, None being before every ballot."""
    return earlier is None or (later is not None and earlier <= later)
