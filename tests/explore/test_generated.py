"""On generated models: the search agrees with a plain run, and symmetry with the orbits of all states."""

from __future__ import annotations

from pathlib import Path

from ratified.explore import check
from ratified.explore.search import explore
from ratified.explore.symmetry import Symmetry, order_risks
from ratified.language import Model, RatifiedError
from ratified.language.machine import PythonMachine
from ratified.results.result import Limits, Result
from tests.generate.models import random_model
from tests.generate.running import load, run

SEEDS = range(40)
STATES = Limits(states=1_500)


def told(result: Result) -> tuple[object, ...]:
    """What symmetry must not change."""
    failed = result.violation and (result.violation.name, len(result.violation.trace))
    return result.verdict, result.depth, failed, result.vacuous


def explored(seed: int, folder: Path) -> tuple[Model, Result] | None:
    """A generated model and all its states; None if there are too many, or it has no answer somewhere."""
    try:
        model = load(random_model(seed), folder)
        result = check(model, limits=STATES, engine="reference")
    except RatifiedError:
        return None
    too_many = result.stopped is not None and result.stopped.startswith("the limit")
    return None if too_many else (model, result)


def test_counts_are_those_of_a_plain_run(tmp_path: Path) -> None:
    compared = 0
    for seed in SEEDS:
        if (found := explored(seed, tmp_path)) is None:
            continue
        model, result = found
        plain = run(model)
        if result.violation is None and plain.complete:
            assert (result.distinct, result.depth) == (plain.states, plain.depth), seed
            compared += 1
    assert compared >= len(SEEDS) // 3


def test_symmetry_visits_one_state_of_each_orbit_and_finds_the_same(tmp_path: Path) -> None:
    compared = 0
    for seed in SEEDS:
        if (found := explored(seed, tmp_path)) is None:
            continue
        model, result = found
        if order_risks(model.module):
            continue  # symmetry is refused
        reduced = check(model, symmetry=True, limits=STATES, engine="reference")
        assert told(reduced) == told(result), seed
        if result.violation is None:
            symmetry = Symmetry(model)
            states = explore(PythonMachine(model)).states
            assert reduced.distinct == len({symmetry.canonical(state) for state in states}), seed
            compared += 1
    assert compared >= len(SEEDS) // 5
