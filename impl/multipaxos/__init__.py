"""Multi-Paxos: a log of slots, in each of which Paxos chooses a command; one leader runs phase 1 for all of them, once.

Lamport, "Paxos Made Simple" (2001), section 3.

    core.py       a node: who leads, when to try, and what comes in from where
    candidate.py  phase 1: promises, and what they oblige to
    leader.py     phase 2: proposals in batches, several on their way; reads
    acceptor.py   promises and votes, for all slots
    learner.py    what is chosen: executing it, catching up, snapshots
    state.py      what the roles share, and what of it is on the disk
    messages.py   what nodes say to each other
"""

from ratified.impl.multipaxos.core import MultiPaxosCore
from ratified.impl.multipaxos.state import Config, bootstrap
from ratified.impl.multipaxos.system import drawn_config, multipaxos_system

__all__ = ["Config", "MultiPaxosCore", "bootstrap", "drawn_config", "multipaxos_system"]
