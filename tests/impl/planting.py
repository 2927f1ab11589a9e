"""Mistakes planted into implementations beside those that conformance plants, and what the simulator is to find of each.

A mistake that conformance has is taken from its table, by its name there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from ratified.conform.mutants import Mutant, planted
from ratified.impl.system import System
from ratified.simulator.run import SimulatedRun, simulate


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, what takes the place of what, and the promises that the simulator may find broken first."""

    name: str
    mutant: Mutant
    promise: str
    seeds: int = 100  # within so many it must be found


@dataclass(slots=True)
class Catalogue:
    """The mistakes planted in one protocol; functions are added by a decorator that names what they take the place of."""

    package: str
    mutants: Mapping[str, Mutant]
    mistakes: list[Mistake] = field(default_factory=list)

    def __call__(
        self, where: str, promise: str, *, nodes: int = 3, **more: Any
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Plant the decorated function at a place below the package; its docstring says what is wrong."""

        def add(function: Callable[..., Any]) -> Callable[..., Any]:
            mutant = Mutant(((f"{self.package}.{where}", function),), nodes)
            self.mistakes.append(Mistake(str(function.__doc__).rstrip("."), mutant, promise, **more))
            return function

        return add

    def known(self, name: str, promise: str, *, nodes: int | None = None, **more: Any) -> None:
        """Plant what conformance does under this name."""
        mutant = self.mutants[name]
        self.mistakes.append(Mistake(name, replace(mutant, nodes=nodes or mutant.nodes), promise, **more))


def found(mistake: Mistake, system: System, steps: int = 400) -> SimulatedRun:
    """Return the first run in which the planted mistake shows; it is to be planted while the run is looked at."""
    for seed in range(mistake.seeds):
        run = simulate(system, nodes=mistake.mutant.nodes, steps=steps, seed=seed)
        if run.violation is not None:
            return run
    pytest.fail(f"not found in {mistake.seeds} runs: {mistake.name}")


__all__ = ["Catalogue", "Mistake", "found", "planted"]
