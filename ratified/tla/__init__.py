"""Models in TLA+: written out so that people can read them, and held against TLC."""

from __future__ import annotations

from ratified.tla.crosscheck import Agreement, compare, crosscheck, timed
from ratified.tla.module import Export, export

__all__ = ["Agreement", "Export", "compare", "crosscheck", "export", "timed"]
