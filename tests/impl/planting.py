"""Mistakes planted into implementations, each by replacing functions by name, without touching a source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from ratified.impl.system import System
from ratified.simulator.run import Run, simulate


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, what takes the place of what, and the promises that the simulator may find broken first."""

    name: str
    planted: Mapping[str, Any]
    promise: str
    nodes: int = 3
    seeds: int = 100  # within so many it must be found


@dataclass(slots=True)
class Catalogue:
    """The mistakes planted in one protocol; functions are added by a decorator that names what they take the place of."""

    package: str
    mistakes: list[Mistake] = field(default_factory=list)

    def __call__(
        self, where: str, promise: str, **more: Any
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Plant the decorated function at a place below the package; its docstring says what is wrong."""

        def add(function: Callable[..., Any]) -> Callable[..., Any]:
            targets = {f"{self.package}.{place}": function for place in where.split()}
            self.mistakes.append(Mistake(str(function.__doc__).rstrip("."), targets, promise, **more))
            return function

        return add


def found(mistake: Mistake, system: System, patch: pytest.MonkeyPatch, steps: int = 400) -> Run:
    """Return the first run in which the planted mistake shows."""
    for target, function in mistake.planted.items():
        patch.setattr(target, function)
    for seed in range(mistake.seeds):
        run = simulate(system, nodes=mistake.nodes, steps=steps, seed=seed)
        if run.violation is not None:
            return run
    pytest.fail(f"not found in {mistake.seeds} runs: {mistake.name}")
