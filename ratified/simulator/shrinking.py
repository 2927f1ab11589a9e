"""Fewer steps that show the same: Zeller & Hildebrandt, "Simplifying and isolating failure-inducing input" (2002)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

S = TypeVar("S")


def leave_out(steps: Sequence[S], still: Callable[[Sequence[S]], bool], attempts: int) -> Sequence[S]:
    """Leave out steps while what is left is `still` so: large pieces first, then single ones, in at most `attempts` tries."""
    size = max(1, len(steps) // 2)
    while attempts > 0:
        start, shorter = 0, False
        while start < len(steps) and attempts > 0:
            attempts -= 1
            fewer = [*steps[:start], *steps[start + size :]]
            if still(fewer):
                steps, shorter = fewer, True
            else:
                start += size
        if size == 1 and not shorter:
            break
        size = max(1, size // 2)
    return steps
