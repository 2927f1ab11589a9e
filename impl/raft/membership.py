"""Who belongs to a cluster, and what a quorum of it is (Raft paper, section 6; dissertation, chapter 4).

Guarantees: values only; nothing here knows of logs or terms.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from ratified.impl.contract import NodeId


@dataclass(frozen=True, slots=True)
class Membership:
    """A configuration. While it is *joint*, `outgoing` are the voters before the change, and both sets must agree.

    Learners get the log but do not vote. No node is both a voter and a learner.
    """

    voters: tuple[NodeId, ...] = ()
    outgoing: tuple[NodeId, ...] = ()
    learners: tuple[NodeId, ...] = ()

    def __str__(self) -> str:
        before = f", before {' '.join(self.outgoing)}" * self.joint
        learning = f", learners {' '.join(self.learners)}" if self.learners else ""
        return f"voters {' '.join(self.voters)}{before}{learning}"

    @property
    def joint(self) -> bool:
        """Whether a change is half-way."""
        return bool(self.outgoing)

    def is_voter(self, node: NodeId) -> bool:
        """Whether a node votes, in either set."""
        return node in self.voters or node in self.outgoing

    def everyone(self) -> tuple[NodeId, ...]:
        """Return all who get the log, each once, in a fixed order."""
        return tuple(dict.fromkeys((*self.voters, *self.outgoing, *self.learners)))

    def is_quorum(self, nodes: Collection[NodeId]) -> bool:
        """Whether these nodes are a quorum: a majority of the voters and, while joint, of those before."""
        return is_majority(self.voters, nodes) and (not self.outgoing or is_majority(self.outgoing, nodes))

    def quorum_index(self, match: Callable[[NodeId], int]) -> int:
        """Return the largest index that a quorum has reached, given how far each node has."""
        index = majority_index(self.voters, match)
        return min(index, majority_index(self.outgoing, match)) if self.outgoing else index


NOBODY = Membership()
"""What a node knows that has not heard of any cluster yet."""


def quorum_size(count: int) -> int:
    """Return how many of so many voters are a majority."""
    return count // 2 + 1


def is_majority(voters: Collection[NodeId], nodes: Collection[NodeId]) -> bool:
    """Whether more than half of the voters are among these nodes. Nothing is a majority of nobody."""
    return bool(voters) and sum(voter in nodes for voter in voters) >= quorum_size(len(voters))


def majority_index(voters: Collection[NodeId], match: Callable[[NodeId], int]) -> int:
    """Return the largest index that a majority has reached."""
    if not voters:
        return 0
    reached = sorted(map(match, voters))
    return reached[-quorum_size(len(voters))]


def change(now: Membership, voters: tuple[NodeId, ...], learners: tuple[NodeId, ...]) -> Membership | str:
    """Return the configuration to append in order to come from one that is not joint to these voters and learners, or why not.

    One voter more or less is done in one step (dissertation, section 4.1), anything else through a joint configuration (4.3).
    """
    if now.joint:
        return "a change is half-way"
    if not voters:
        return "there would be no voter"
    if len(set(voters)) < len(voters) or len(set(learners)) < len(learners) or set(voters) & set(learners):
        return "a node is named twice"
    wanted = Membership(voters, (), learners)
    if needs_joint(now.voters, voters):
        return Membership(voters, now.voters, learners)
    return "nothing would change" if wanted == now else wanted


def needs_joint(old: tuple[NodeId, ...], new: tuple[NodeId, ...]) -> bool:
    """Whether majorities of these voters may be disjoint: if more than one voter comes or goes."""
    return len(set(old) ^ set(new)) > 1


def leave_joint(now: Membership) -> Membership:
    """Return the configuration that ends a change."""
    return Membership(now.voters, (), now.learners)
