"""Generated proof scripts through every engine: nothing is proved and false, and no two engines contradict each other.

CI's are few and always the same, the first of those of `python3 dev.py long engines`; `python -m tests.generate prove
--models 20000` puts any number of others through.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ratified.language.errors import RatifiedError
from ratified.smt.first_order.context import follows_from
from ratified.smt.terms import INT, Number, Term, at_most, constant, less, plus
from tests.generate.engines import Tally, many
from tests.generate.models import GeneratedModel
from tests.generate.provable import provable_model

LOW, MIDDLE, HIGH = (constant(name, INT) for name in ("low", "middle", "high"))

FEW = 30
MODELS = 500
PARTS = 5


def shares(tally: Tally) -> dict[str, float]:
    return {word: n / tally.total for word, n in tally.words.items()}


@pytest.mark.slow
@pytest.mark.parametrize("part", range(3))
def test_engines_agree_on_a_few_generated_scripts(part: int, tmp_path: Path) -> None:
    tally = many(provable_model, range(part * FEW, (part + 1) * FEW), tmp_path)
    assert (tally.total, tally.failures, tally.unexplained) == (FEW, [], [])
    assert {word for word, share in shares(tally).items() if share > 0.1} >= {"proved", "not proved"}


@pytest.mark.long(suite="engines")
@pytest.mark.parametrize("part", range(PARTS))
def test_engines_agree_on_generated_scripts(part: int, tmp_path: Path) -> None:
    each = MODELS // PARTS
    tally = many(provable_model, range(part * each, (part + 1) * each), tmp_path)
    assert tally.failures == []
    assert tally.unexplained == []
    found = shares(tally)
    assert found["proved"] > 0.25
    assert found["not proved"] > 0.1
    assert found.get("refused", 0) + found.get("unreadable", 0) < 0.2


def test_the_same_seed_writes_the_same_script() -> None:
    texts = [provable_model(seed).text for seed in range(40)]
    assert texts == [provable_model(seed).text for seed in range(40)]
    assert len(set(texts)) == 40


def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    lines, asked = tmp_path / "lines", list[int]()

    def made(seed: int) -> GeneratedModel:
        asked.append(seed)
        if seed % 2:
            raise RatifiedError("there is no such script")
        return provable_model(seed)

    whole = many(made, range(4), tmp_path, kept=lines)
    text = lines.read_text()
    lines.write_text(text[: text.rindex("{") + 5])
    asked.clear()
    assert many(made, range(4), tmp_path, kept=lines).lines() == whole.lines()
    assert (asked, lines.read_text()) == ([3], text)


@pytest.mark.parametrize(
    ("wanted", "follows"),
    [
        (at_most(LOW, HIGH), True),
        (less(LOW, plus(HIGH, Number(1))), True),
        (less(LOW, HIGH), False),
        (at_most(HIGH, LOW), False),
        (at_most(Number(1), LOW), True),
        (at_most(Number(3), LOW), False),
        (at_most(Number(2), HIGH), True),
    ],
)
def test_what_follows_from_comparisons_that_are_known(wanted: Term, *, follows: bool) -> None:
    known = {at_most(Number(2), LOW), less(LOW, MIDDLE), at_most(MIDDLE, HIGH)}
    assert follows_from(known, wanted) is follows
