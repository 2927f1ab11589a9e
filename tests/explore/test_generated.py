"""On generated models: the search agrees with a plain run, and symmetry with the orbits of all states."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratified.models.language import Model, RatifiedError
from ratified.models.language.machine import PythonMachine
from ratified.proofs.explore import check
from ratified.proofs.explore.result import Limits, Result
from ratified.proofs.explore.search import explore
from ratified.proofs.explore.symmetry import Symmetry, order_risks
from tests.generate.models import random_model
from tests.generate.running import load, run

SEEDS = range(40)
STATES = Limits(states=1_500)


def told(result: Result) -> tuple[object, ...]:
    """What symmetry must not change."""
    failed = result.violation and (result.violation.name, len(result.violation.trace))
    return result.verdict, result.depth, failed, result.vacuous


def explored(seed: int, folder: Path) -> tuple[Model, Result]:
    """A generated model and all its states; skipped if there are too many, or it has no answer somewhere."""
    try:
        model = load(random_model(seed), folder)
        result = check(model, limits=STATES)
    except RatifiedError:
        pytest.skip("the model is refused, or has no answer in some state")
    if result.stopped is not None and result.stopped.startswith("the limit"):
        pytest.skip("too many states")
    return model, result


@pytest.mark.parametrize("seed", SEEDS)
def test_counts_are_those_of_a_plain_run(seed: int, tmp_path: Path) -> None:
    model, result = explored(seed, tmp_path)
    plain = run(model)
    if result.violation is None and plain.complete:
        assert (result.distinct, result.depth) == (plain.states, plain.depth)


@pytest.mark.parametrize("seed", SEEDS)
def test_symmetry_visits_one_state_of_each_orbit_and_finds_the_same(seed: int, tmp_path: Path) -> None:
    model, result = explored(seed, tmp_path)
    if order_risks(model.module):
        pytest.skip("it could tell symmetric values apart")
    reduced = check(model, symmetry=True, limits=STATES)
    assert told(reduced) == told(result)
    if result.violation is None:
        symmetry = Symmetry(model)
        states = explore(PythonMachine(model)).states
        assert reduced.distinct == len({symmetry.canonical(state) for state in states})
