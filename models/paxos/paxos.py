"""Paxos: the Synod with one quorum system, any two of whose quorums meet.

See `synod` for the messages, the two phases and what they come to. It is a way of voting, which it refines. (Lamport,
"Paxos Made Simple", 2001, section 2.2; module Paxos of his specifications.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ratified.language import Map, Param, Set, assume, majorities, refines
from ratified.models.paxos.sorts import Acceptor
from ratified.models.paxos.synod import Synod
from ratified.models.paxos.voting import Voting


class Paxos(Synod):
    """Single-decree Paxos."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Acceptor": 3, "Value": 2, "Ballot": 2},
        "standard": {"Acceptor": 3, "Value": 2, "Ballot": 3},
        "large": {"Acceptor": 3, "Value": 2, "Ballot": 4},
    }

    quorums: Param[Set[Set[Acceptor]]] = majorities(Acceptor)

    @assume
    def quorums_meet(self) -> bool:
        """Any two quorums must have a member in common.

        Make the quorums larger, or leave `quorums` out for majorities.
        """
        return all(not p.isdisjoint(q) for p in self.quorums for q in self.quorums)

    def phase1_quorums(self) -> Set[Set[Acceptor]]:
        """The same for both phases."""
        return self.quorums

    def phase2_quorums(self) -> Set[Set[Acceptor]]:
        """The same for both phases."""
        return self.quorums

    @refines(Voting)
    def as_voting(self, voting: Voting) -> None:
        """The votes are those in the messages; asking for promises and for votes changes nothing."""
        voting.max_ballot = self.max_ballot
        voting.votes = Map({a: self.votes(a) for a in Acceptor})
