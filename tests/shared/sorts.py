"""Sorts, and an Enum, that many tests are about. A test declares its own only where their names or texts matter."""

from __future__ import annotations

from enum import Enum

from ratified.language import Ordered, Sort, Symmetric


class Node(Sort):
    """One of a few, told apart."""


class Slot(Sort):
    """Holds something."""


class Lamp(Sort):
    """Is on or off."""


class Client(Symmetric):
    """One of a few, all alike."""


class Acceptor(Sort):
    """Votes."""


class Ballot(Ordered):
    """Attempts."""


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


class Light(Enum):
    """Is one of two."""

    RED = 0
    GREEN = 1
