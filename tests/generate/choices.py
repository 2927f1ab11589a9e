"""One source of choices for the generator, with two drivers: a seeded `random.Random` and Hypothesis.

Guarantees: every decision is one small integer, 0 being the simplest alternative, so that Hypothesis shrinks a failing model by
shrinking the decisions; the same decisions give the same text.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Protocol, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Source(Protocol):
    """Where decisions come from."""

    def below(self, bound: int) -> int:
        """An integer from 0 to `bound - 1`, 0 being the simplest."""


class RandomSource:
    """Decisions from a seed: fast, for statistics and for corpora that other engines are run on."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # for tests

    def below(self, bound: int) -> int:
        """A uniform integer below `bound`."""
        return self._random.randrange(bound)


@cache
def _integers(bound: int) -> st.SearchStrategy[int]:
    return st.integers(0, bound - 1)


class HypothesisSource:
    """Decisions that Hypothesis draws, replays and shrinks."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def below(self, bound: int) -> int:
        """An integer below `bound`, as Hypothesis likes it."""
        return self._draw(_integers(bound))


class Chooser:
    """Ways to decide, all in terms of `Source.below`."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def below(self, bound: int) -> int:
        """An integer from 0 to `bound - 1`; no decision is spent where there is no choice."""
        return self._source.below(bound) if bound > 1 else 0

    def chance(self, percent: int) -> bool:
        """True about `percent` times in a hundred; shrinks to False."""
        return self.below(100) >= 100 - percent

    def pick(self, items: Sequence[T]) -> T:
        """One of `items`, the first being the simplest."""
        return items[self.below(len(items))]

    def weighted(self, options: Sequence[tuple[int, Callable[[], T]]]) -> T:
        """One of `options`, by weight, the first being the simplest; what it stands for is made only then."""
        at = self.below(sum(weight for weight, _ in options))
        for weight, make in options:
            if at < weight:
                return make()
            at -= weight
        raise AssertionError("weights are positive")

    def several(self, least: int, most: int, percent: int = 60) -> Iterator[int]:
        """0, 1, 2...: at least `least`, at most `most`, each more with chance `percent`. One draw an element shrinks best."""
        for number in range(most):
            if number >= least and not self.chance(percent):
                return
            yield number
