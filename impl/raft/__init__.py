"""Raft as one would run it: a core without I/O, after Ongaro & Ousterhout (2014) and Ongaro's dissertation (2014).

config          what can be switched and set
messages        what nodes keep and say, and what cannot have been said
log membership progress     the log; who belongs and what a quorum is; what a leader knows of a follower
state           the variables, what is durable of them, and executing what is committed
replication election core   the rules: sections 5.3 and 5.4.2, 5.2 and 5.4.1; clients and operators
system          Raft for the simulator
"""

from __future__ import annotations

from ratified.impl.raft.config import Config
from ratified.impl.raft.core import RaftCore
from ratified.impl.raft.membership import Membership
from ratified.impl.raft.messages import Entry, HardState, NoOp, Snapshot
from ratified.impl.raft.operators import AddVoter, ChangeMembership, RemoveNode, TransferLeadership
from ratified.impl.raft.state import Role
from ratified.impl.raft.system import SMALL, RaftInspector, bootstrap, drawn_config, raft_system

__all__ = [
    "SMALL",
    "AddVoter",
    "ChangeMembership",
    "Config",
    "Entry",
    "HardState",
    "Membership",
    "NoOp",
    "RaftCore",
    "RaftInspector",
    "RemoveNode",
    "Role",
    "Snapshot",
    "TransferLeadership",
    "bootstrap",
    "drawn_config",
    "raft_system",
]
