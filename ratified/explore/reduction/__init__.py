"""Partial-order reduction: of steps that come to the same in any order, one order is explored.

Guarantees: every invariant, step invariant and refinement that some run violates is violated by one that is explored; every
deadlock is reached, every action that is ever possible is taken, every bound that is ever left is reported. What is visited is
the same for every engine and any number of threads. docs/exploring.md has the argument.
"""

from ratified.explore.reduction.reducing import MachineStep, Reducing, sensitive
from ratified.explore.reduction.relations import Relations, relations_of

__all__ = ["MachineStep", "Reducing", "Relations", "relations_of", "sensitive"]
