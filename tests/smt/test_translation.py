"""The translation to first-order logic is held to CPython: on random models, at small sizes, without a solver.

In the finite structure that stands for a state of the reference machine, the guard of an action's paths must be true exactly
where CPython takes the step, the state after it must be CPython's, and an invariant's formula must say what CPython says.
"""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import pytest

from ratified.language.errors import RatifiedError
from ratified.language.machine import OutOfBounds, PythonMachine, Values
from ratified.language.types import BagType, parts
from ratified.smt.validation.comparing import Share
from ratified.smt.validation.evaluation import TooMuch
from ratified.smt.validation.validate import comparison_of
from tests.generate.models import random_model
from tests.generate.running import load

STATES_MOST = 8
EFFORT = 20_000_000
ALL = Share(tried=400, leading=400, others=400, conclusions=400)
"""Every step from a state is compared, and every conclusion."""


def states_of(machine: PythonMachine) -> list[Values]:
    """The first few reachable states."""
    found = dict.fromkeys(after for _, after in machine.initial() if not isinstance(after, OutOfBounds))
    for state in itertools.islice(iter(list(found)), STATES_MOST):
        for *_, after in machine.steps(state):
            if not isinstance(after, OutOfBounds):
                found.setdefault(after)
    return list(found)[:STATES_MOST]


def compared(seed: int, folder: Path) -> Counter[str] | None:
    """Compare the model of a seed; None if it cannot be translated, or goes wrong by itself."""
    try:
        model = load(random_model(seed), folder)
        if any(isinstance(p, BagType) for d in model.module.variables for p in parts(d.type)):
            return None  # what is left of a bag is not determined
        comparison = comparison_of(model, effort=EFFORT, share=ALL)
        comparison.beginning()
        for state in states_of(comparison.machine):
            comparison.state(state)
    except (RatifiedError, TooMuch):
        return None
    return comparison.counted


@pytest.mark.parametrize(
    "seeds",
    [
        range(15, 40),
        *(pytest.param(range(n, n + 50), marks=pytest.mark.long(suite="random")) for n in range(0, 200, 50)),
    ],
)
def test_random_models_mean_the_same(seeds: range, tmp_path: Path) -> None:
    counted: Counter[str] = Counter()
    for seed in seeds:
        found = compared(seed, tmp_path)
        if found is not None:
            counted.update(found)
            counted["models"] += 1
    assert counted["models"] >= 8, counted
    assert counted["steps"] >= 100, counted
