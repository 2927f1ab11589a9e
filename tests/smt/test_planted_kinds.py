"""Each kind of mistake that such translations have had is noticed once it is planted, by a generated script.

CI plants a few of them, `python3 dev.py long faults` the others, each with the script that finds it. `python -m tests.generate
kinds --keep` looks for the scripts, and writes their seeds down.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.generate.finding import FOUND, Found, by_engines, by_formulas, kept, script_at
from tests.generate.kinds import FAULTS, KINDS
from tests.generate.planting import Kind, all_changes
from tests.smt.test_every_engine import MODELS

EACH = 6
"""One fault of so many is planted in CI."""


def test_faults_are_told_apart_by_what_they_say() -> None:
    assert len({fault.says for fault in FAULTS}) == len(FAULTS)
    assert all(KINDS.values())
    assert all(map(all_changes, FAULTS))  # each can still be planted
    assert list(json.loads(FOUND.read_text(encoding="utf-8"))) == [fault.says for fault in FAULTS]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=fault.says, marks=[] if n % EACH == 0 else pytest.mark.long(suite="faults"))
        for n, fault in enumerate(FAULTS)
    ],
)
def test_a_planted_fault_is_noticed(fault: Kind, tmp_path: Path) -> None:
    found = kept().get(fault.says, Found())
    seed = found.engines if found.formulas is None else found.formulas
    assert seed is not None, f"no script finds it: {fault.says}"
    assert seed < MODELS
    script = script_at(seed, tmp_path)
    if found.formulas is not None:
        assert by_formulas(script, fault)
        assert not by_formulas(script, None)
    else:
        assert by_engines(script, fault, tmp_path)
        assert not by_engines(script, fault, tmp_path, right=True)


def test_a_query_that_a_solver_rejects_is_named_by_its_claim_and_action(tmp_path: Path) -> None:
    fault = next(f for f in FAULTS if f.says == "variables keep the names of the model")
    script = script_at(kept()[fault.says].engines or 0, tmp_path)
    assert by_engines(script, fault, tmp_path) == (
        'error: expanded rejects the query of never / String: (error "line 11: a name is expected that can be given")'
    )
