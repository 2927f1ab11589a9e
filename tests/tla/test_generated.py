"""Generated models: our explorer and TLC, on the exported text, find the same.

CI's are few and always the same. `python -m tests.tla --from A --to B` holds any number of others against TLC and says which
disagree.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tla.generated import held
from tests.tla.service import Service

MODELS = 32

pytestmark = pytest.mark.xdist_group("tlc")


@pytest.mark.slow
def test_generated_models_agree_with_tlc(service: Service, tmp_path: Path) -> None:
    outcomes = [held(seed, service, tmp_path) for seed in range(MODELS)]
    assert [o.told for o in outcomes if o.what == "disagrees"] == []
    compared = [o for o in outcomes if o.what == "agrees"]
    assert len(compared) >= MODELS * 3 // 4
    assert {o.found for o in compared} >= {"holds", "invariant", "liveness"}
