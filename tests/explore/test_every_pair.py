"""Every engine against every other, on a few generated models; `python -m tests.generate pairs` has many, and TLC too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.generate.pair_faults import FAULTS, Fault
from tests.generate.pairs import Asked, cases, hold
from tests.generate.planting import planted
from tests.generate.said import NOTHING, Said, differ


def test_engines_agree_pair_by_pair(tmp_path: Path) -> None:
    models = list(cases(range(8), tmp_path))
    assert len(models) >= 5
    table = hold(Asked(None), models)
    assert [(pair, held.wrong) for pair, held in table.items() if held.wrong] == []
    compared = {pair: held.models for pair, held in table.items() if held.models}
    # What solvers come to in their time is not counted on.
    quick = ("evaluator", "reference", "native", "walks")
    assert [compared["CPython", other] for other in quick] == [len(models)] * len(quick)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.engines[0]}: {fault.kind.says}")
def test_a_fault_is_one_of_the_sources_as_they_are(fault: Fault) -> None:
    with planted(fault.kind):
        pass


def test_a_planted_fault_is_a_disagreement(tmp_path: Path) -> None:
    fault = next(f for f in FAULTS if f.kind.says == "transitions to known states are not counted")
    with planted(fault.kind):
        table = hold(Asked(None), cases([6], tmp_path))
    assert [text.split()[-1] for _, text in table["CPython", "reference"].wrong] == ["transitions"]
    assert table["CPython", "evaluator"].wrong == []


HOLDS = Said(10, 3, 30, "holds")
FAILS = Said(verdict="violated", failed="safe", shortest=4)


@pytest.mark.parametrize(
    ("one", "other", "wrong"),
    [
        (HOLDS, HOLDS, []),
        (HOLDS, Said(11, 3, 30, "holds"), ["10 and 11 states"]),
        (HOLDS, Said(10, 4, None, "holds"), ["3 and 4 levels"]),
        (HOLDS, Said(met=11), ["11 states met of 10"]),
        (HOLDS, FAILS, ["holds and violated"]),
        (HOLDS, Said(verdict="holds", liveness="holds"), []),
        (FAILS, Said(verdict="violated", failed="safe", shortest=5), ["shortest runs of 4 and 5 states"]),
        (FAILS, Said(verdict="violated", failed="safe", shortest=5, at_least=True), []),
        (
            FAILS,
            Said(verdict="violated", failed="safe", shortest=3, at_least=True),
            ["shortest runs of 4 and 3 states"],
        ),
        (FAILS, Said(clear=3), []),
        (FAILS, Said(clear=4), ["violated after 4 states, and nothing within 4"]),
        (FAILS, Said(verdict="holds", claims=frozenset({"safe"})), ["violated and holds"]),
        (FAILS, Said(verdict="holds", claims=frozenset({"other"})), []),
        (FAILS, Said(verdict="error", shortest=4), []),
        (FAILS, NOTHING, []),
    ],
)
def test_what_two_engines_say_differently(one: Said, other: Said, wrong: list[str]) -> None:
    assert differ(one, other)[1] == wrong
    assert len(differ(other, one)[1]) == len(wrong)
