"""Generated models: our explorer and TLC, on the exported text, find the same.

CI's are few and always the same; `python3 dev.py long tlc` has some more, and `python -m tests.tla --from A --to B` holds any
number of others against TLC and says which disagree.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tla.generated import SECONDS_MOST, held
from tests.tla.service import Service

MODELS = 10
MORE = 32

pytestmark = pytest.mark.xdist_group("tlc")


@pytest.mark.slow
@pytest.mark.parametrize("models", [MODELS, pytest.param(MORE, marks=pytest.mark.long(suite="tlc"))])
def test_generated_models_agree_with_tlc(models: int, service: Service, tmp_path: Path) -> None:
    outcomes = [held(seed, service, tmp_path) for seed in range(models)]
    assert [o.told for o in outcomes if o.what == "disagrees"] == []
    compared = [o for o in outcomes if o.what == "agrees"]
    assert len(compared) >= models * 3 // 4
    if models == MORE:
        assert {o.found for o in compared} >= {"holds", "invariant", "liveness"}


NEVER = """---- MODULE Never ----
VARIABLE x
Init == x = FALSE
Next == x' = x
Spec == Init /\\ [][Next]_x
Late == <>x
====
"""


def test_a_violation_of_liveness_is_found_again(service: Service) -> None:
    """TLC keeps in a static field that it has told of one."""
    files = {"Never.tla": NEVER, "Never.cfg": "SPECIFICATION Spec\nPROPERTY Late\n"}
    told = [service.explore(files, "Never", SECONDS_MOST) for _ in range(2)]
    assert [(one.verdict, one.kind) for one in told] == [("violated", "liveness")] * 2
