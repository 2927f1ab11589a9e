"""What a node does for operators: other members, another leader, a snapshot (Raft paper, section 6; dissertation, 3 and 4).

Guarantees: one change of the membership at a time, by a leader that knows what is committed; what makes no sense is ignored.
"""

from __future__ import annotations

from dataclasses import dataclass

from ratified.impl.contract import Campaign, Compact, Control, NodeId
from ratified.impl.raft.election import Election
from ratified.impl.raft.membership import change
from ratified.impl.raft.replication import Replication
from ratified.impl.raft.state import Role, State


@dataclass(frozen=True, slots=True)
class ChangeMembership(Control):
    """Have these voters and learners from now on; given to the leader."""

    voters: tuple[NodeId, ...]
    learners: tuple[NodeId, ...] = ()


@dataclass(frozen=True, slots=True)
class AddVoter(Control):
    """Have one more voter; given to the leader. If it was a learner it is none any more."""

    node: NodeId


@dataclass(frozen=True, slots=True)
class RemoveNode(Control):
    """Have one voter or learner less; given to the leader, which may be the one."""

    node: NodeId


@dataclass(frozen=True, slots=True)
class TransferLeadership(Control):
    """Let another voter lead; given to the leader (dissertation, section 3.10)."""

    to: NodeId


class Operators:
    """Takes orders."""

    def __init__(self, state: State, replication: Replication, election: Election) -> None:
        self.state = state
        self.replication = replication
        self.election = election

    def control(self, control: Control) -> None:
        """Do what an operator orders, if it makes sense here."""
        match control:
            case Campaign():
                self.election.start_election()
            case Compact():
                self.state.compact()
            case ChangeMembership(voters, learners):
                self.change_membership(voters, learners)
            case AddVoter(node):
                voters, learners = self._without(node)
                self.change_membership((*voters, node), learners)
            case RemoveNode(node):
                self.change_membership(*self._without(node))
            case TransferLeadership(to):
                self.transfer_leadership(to)

    def _without(self, node: NodeId) -> tuple[tuple[NodeId, ...], tuple[NodeId, ...]]:
        """Return the voters and the learners but for one node."""
        now = self.state.membership
        return tuple(v for v in now.voters if v != node), tuple(n for n in now.learners if n != node)

    def change_membership(self, voters: tuple[NodeId, ...], learners: tuple[NodeId, ...]) -> None:
        """Append a new configuration, which counts from now on."""
        if not self.may_change_membership():
            return
        new = change(self.state.membership, voters, learners)
        if isinstance(new, str):
            self.state.report("refuse_membership", reason=new)
            return
        self.replication.append_as_leader(new)
        self.replication.broadcast()
        self.replication.advance_commit()

    def may_change_membership(self) -> bool:
        """One change at a time, by a leader that has committed an entry of its term.

        The latter was found missing after publication (Ongaro, "bug in single-server membership changes", raft-dev, 2015).
        """
        return (
            self.state.role is Role.LEADER
            and self.state.transferee is None
            and self.state.membership_index <= self.state.commit
            and self.state.committed_in_term()
        )

    def transfer_leadership(self, to: NodeId) -> None:
        """Stop taking commands until a voter has the whole log, and tell it to campaign."""
        if (
            self.state.role is Role.LEADER
            and to != self.state.node
            and to in self.state.progress
            and self.state.membership.is_voter(to)
        ):
            self.state.transferee = to
            self.election.quorum_elapsed = 0
            self.state.report("transfer_leadership", to=to)
            self.replication.continue_transfer(to)
            self.replication.send_append(to, self.state.progress[to])
