"""Nodes that are all alike, for tests of symmetry; `sorts` has those that are told apart."""

from __future__ import annotations

from ratified.language import Symmetric


class Node(Symmetric):
    """Any two are interchangeable."""
