"""Paxos: the nodes of a cluster choose one command, whatever is lost or late, whoever crashes.

Lamport, "Paxos Made Simple" (2001), section 2.

core.py       a node: the three roles, wired to the contract of cores
acceptor.py   promises and votes, and what of them must be durable
proposer.py   attempts, in growing ballots; backs off from duels
learner.py    finds out what has been chosen
ballots.py    ballots, votes, quorums; Multi-Paxos has the same
messages.py   what nodes say to each other
"""

from ratified.impl.paxos.core import Config, PaxosCore, bootstrap
from ratified.impl.paxos.system import paxos_system

__all__ = ["Config", "PaxosCore", "bootstrap", "paxos_system"]
