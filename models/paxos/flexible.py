"""Flexible Paxos: only quorums of different phases have to meet.

Paxos asks of its quorums that any two have a member in common. Its proof uses less: those that answer in phase 1 must meet
those that vote in phase 2. So a cluster may ask fewer acceptors for votes, which it does all the time, and more of them for
promises, which it does when a leader fails. (Howard, Malkhi & Spiegelman, "Flexible Paxos: Quorum intersection revisited",
2016, section 4. The protocol is that of `synod`.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ratified.language import Param, Set, assume, at_size, refines, subsets
from ratified.models.paxos.consensus import Consensus
from ratified.models.paxos.sorts import Acceptor, Value
from ratified.models.paxos.synod import Synod


class FlexiblePaxos(Synod):
    """Single-decree Paxos with a quorum system for each phase."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Acceptor": 3, "Value": 2, "Ballot": 2},
        "standard": {"Acceptor": 4, "Value": 2, "Ballot": 2},
        "large": {"Acceptor": 4, "Value": 2, "Ballot": 3},
    }

    phase1: Param[Set[Set[Acceptor]]] = at_size(lambda: subsets(Acceptor, len(Acceptor) // 2 + 1))
    phase2: Param[Set[Set[Acceptor]]] = at_size(lambda: subsets(Acceptor, (len(Acceptor) + 1) // 2))

    @assume
    def quorums_meet(self) -> bool:
        """Every quorum of phase 1 must have a member in common with every quorum of phase 2.

        Make the quorums of one of the phases larger.
        """
        return all(not p.isdisjoint(q) for p in self.phase1 for q in self.phase2)

    def phase1_quorums(self) -> Set[Set[Acceptor]]:
        """Those of phase 1."""
        return self.phase1

    def phase2_quorums(self) -> Set[Set[Acceptor]]:
        """Those of phase 2."""
        return self.phase2

    @refines(Consensus)
    def as_consensus(self, consensus: Consensus) -> None:
        """What a phase-2 quorum has voted for is chosen."""
        consensus.chosen = Set(v for v in Value if self.chosen(v))
