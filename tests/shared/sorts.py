"""Sorts that many tests are about. A model of a test's own has sorts of its own only where their names or texts matter."""

from __future__ import annotations

from ratified.language import Ordered, Sort, Symmetric


class Node(Sort):
    """One of a few, told apart."""


class Slot(Sort):
    """Holds something."""


class Lamp(Sort):
    """Is on or off."""


class Client(Symmetric):
    """One of a few, all alike."""


class Turn(Ordered):
    """One after the other."""


class Time(Ordered):
    """Goes by."""


class Round(Ordered):
    """Comes after the one before."""


class Term(Ordered):
    """Grows."""


class Floor(Ordered):
    """Lies above the one below."""
