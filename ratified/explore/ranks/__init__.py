"""Exploration by several processes, on one machine or many: exact, resumable, and with the numbers of a single process.

States belong to ranks by a hash of their packed form; what a rank reaches of another's travels in large batches over MPI. The
answer (counts, depth, verdict, the counterexample itself) does not depend on how many ranks and threads there are.
"""

from __future__ import annotations

from ratified.explore.ranks.engine import RankOptions, check_on_ranks
from ratified.explore.world import Alone, RankWorld, join

__all__ = ["Alone", "RankOptions", "RankWorld", "check_on_ranks", "join"]
