"""Ballots (the paper's proposal numbers), votes, and quorums.

Guarantees: ballots are totally ordered, and no two nodes ever use the same one, since a ballot carries its owner's name.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from ratified.impl.contract import Command, NodeId

V = TypeVar("V")


class Ballot(NamedTuple):
    """An attempt to get something chosen: numbered by rounds, and within a round by the names of those who try."""

    round: int
    node: NodeId

    def __str__(self) -> str:
        return f"{self.round}.{self.node}" if self.round else "-"

    def __repr__(self) -> str:
        return str(self)


NO_BALLOT = Ballot(0, "")
"""Before all ballots: what an acceptor has promised that has promised nothing."""


@dataclass(frozen=True, slots=True)
class Vote(Generic[V]):
    """An acceptor has accepted the proposal of a value in a ballot."""

    ballot: Ballot
    value: V


def is_quorum(some: Collection[NodeId], members: Collection[NodeId]) -> bool:
    """Whether some of the members are a majority. Any two majorities have a member in common: all rests on that."""
    return 2 * len(some) > len(members)


def following(ballot: Ballot, node: NodeId) -> Ballot:
    """Return a node's ballot in the round after that of another ballot."""
    return Ballot(ballot.round + 1, node)


def highest(votes: Sequence[Vote[V]]) -> Vote[V] | None:
    """Return the vote with the highest ballot; of several it does not matter which, since in one ballot there is one value."""
    return max(votes, key=lambda vote: vote.ballot, default=None)


def parse_ballot(text: str) -> Ballot:
    """Read a ballot as it is printed: 2.n1.

    Raises:
        ValueError: it is none.
    """
    number, _, node = text.partition(".")
    if not (number.isdecimal() and int(number) and node):
        raise ValueError(f"a ballot is ROUND.NODE, such as 2.n1, not {text!r}")
    return Ballot(int(number), node)


def parse_vote(text: str) -> Vote[Command]:
    """Read a vote, 2.n1:name: in that ballot, for a command `put x name` of a client of that name.

    Raises:
        ValueError: it is none.
    """
    ballot, _, name = text.partition(":")
    if not name:
        raise ValueError(f"a vote is BALLOT:NAME, such as 2.n1:red, not {text!r}")
    return Vote(parse_ballot(ballot), Command(name, 1, f"put x {name}".encode()))


# What comes in from outside may be anything


def is_ballot(given: Any, owner: NodeId | None = None) -> bool:
    """Whether this is a ballot that somebody can have used: that node, if one is named."""
    return (
        type(given) is Ballot
        and type(given.round) is int
        and given.round > 0
        and type(given.node) is str
        and (owner is None or given.node == owner)
    )


def is_command(given: Any) -> bool:
    """Whether this is a client's command, as clients number them."""
    return (
        type(given) is Command
        and type(given.client) is str
        and type(given.serial) is int
        and given.serial > 0
        and type(given.payload) is bytes
    )
