"""Generated proof scripts through every engine: nothing is proved and false, and no two engines contradict each other.

`python -m tests.generate prove --models 20000` is the long version.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.generate.engines import Tally, many
from tests.generate.provable import provable_model

MODELS = 500
PARTS = 5


def shares(tally: Tally) -> dict[str, float]:
    return {word: n / tally.total for word, n in tally.words.items()}


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_engines_agree_on_generated_scripts(part: int, tmp_path: Path) -> None:
    each = MODELS // PARTS
    tally = many(provable_model, range(part * each, (part + 1) * each), tmp_path)
    assert tally.failures == []
    found = shares(tally)
    assert found["proved"] > 0.4
    assert found["not proved"] > 0.1
    assert found.get("refused", 0) + found.get("unreadable", 0) < 0.2


def test_the_same_seed_writes_the_same_script() -> None:
    texts = [provable_model(seed).text for seed in range(40)]
    assert texts == [provable_model(seed).text for seed in range(40)]
    assert len(set(texts)) == 40
