"""In a state: of all steps those that are taken, a stubborn set (docs/exploring.md has the argument).

Guarantees: what is chosen depends on the state, on what its steps come to, and on which states were met on levels up to its own;
so it is the same for any number of threads. The native engine chooses the same (native/reduce.h).
"""

from __future__ import annotations

from collections.abc import Callable

from ratified.explore.reduction.relations import Relations


def chosen(
    relations: Relations, enabled: int, refusing: Callable[[int], int], fresh: Callable[[int], bool]
) -> int:
    """The instances of which steps are taken, of those that are enabled.

    `refusing` gives which condition of an instance is the first that is false (0 if that cannot be said, or else its number plus
    one); `fresh`, whether some step of these instances leads to a state that was not met on a level up to this one.

    The smallest set that is closed, not everything, and has a fresh step; of several the one closed from the first instance.
    """
    several: list[tuple[int, int, int]] = []
    rest = enabled
    while rest:
        seed = rest & -rest
        rest ^= seed
        some = enabled & closed(relations, seed, enabled, refusing)
        if some != enabled:
            several.append((some.bit_count(), seed, some))
    for _, _, some in sorted(several):
        if fresh(some):
            return some
    return enabled


def closed(relations: Relations, seed: int, enabled: int, refusing: Callable[[int], int]) -> int:
    """The closure of a set: what an instance in it needs is in it too. Ended early once all that is enabled is in it."""
    found = waiting = seed
    while waiting and enabled & ~found:
        bit = waiting & -waiting
        at = bit.bit_length() - 1
        more = relations.needed[at] if enabled & bit else relations.enabling[at][refusing(at)]
        waiting = (waiting | (more & ~found)) ^ bit
        found |= more
    return found
