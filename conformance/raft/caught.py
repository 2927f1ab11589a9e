"""Which run caught which bug of Raft the last time that somebody looked: it is tried first, and decides nothing else."""

from __future__ import annotations

from collections.abc import Mapping

CAUGHT: Mapping[str, str] = {}
