"""Generated proof scripts through every engine: nothing is proved and false, and no two engines contradict each other.

CI's are always the same 80, and a few about sums; `python3 dev.py long engines` asks those of the first 500 that are left, and
the 4,500 that come next, `python -m tests.generate prove --models 20000` any number of others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from ratified.language.errors import RatifiedError
from ratified.smt.first_order.context import follows_from
from ratified.smt.terms import INT, Number, Term, at_most, constant, less, plus
from tests.generate.engines import many
from tests.generate.models import GeneratedModel
from tests.generate.provable import provable_model
from tests.generate.summing import summing_model

LOW, MIDDLE, HIGH = (constant(name, INT) for name in ("low", "middle", "high"))

MODELS = 500
"""So many in CI, and as many in each test of the long ones."""
EACH = 50
SUMS, SUMS_IN_CI = 40, (1, 3, 4, 5, 6, 7)
"""The two that are left out take solvers twice as long as all these."""


def held(seeds: range, folder: Path) -> Counter[str]:
    """How often which verdict was given. No engine may be wrong, and no verdict without a reason."""
    tally = many(provable_model, seeds, folder)
    assert (tally.total, tally.failures, tally.unexplained) == (len(seeds), [], [])
    return tally.words


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, MODELS, EACH))
def test_engines_agree_on_generated_scripts(first: int, tmp_path: Path) -> None:
    words = held(range(first, first + EACH), tmp_path)
    assert words["proved"] > EACH // 4
    assert words["not proved"] > EACH // 10
    assert words["refused"] + words["unreadable"] < EACH // 5


@pytest.mark.parametrize(
    "seeds",
    [
        pytest.param(SUMS_IN_CI, id="some"),
        pytest.param(range(SUMS), id="more", marks=pytest.mark.long(suite="engines")),
    ],
)
def test_engines_agree_on_generated_scripts_about_sums(seeds: Sequence[int], tmp_path: Path) -> None:
    tally = many(summing_model, seeds, tmp_path)
    assert (tally.total, tally.failures, tally.unexplained) == (len(seeds), [], [])
    assert {"proved", "not proved"} <= tally.words.keys()


@pytest.mark.long(suite="engines")
@pytest.mark.parametrize("first", range(MODELS, 10 * MODELS, MODELS))
def test_engines_agree_on_more_generated_scripts(first: int, tmp_path: Path) -> None:
    held(range(first, first + MODELS), tmp_path)


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
