"""What the solver says of generated models is what the search says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from ratified.language.errors import RatifiedError
from ratified.language.model import Model
from ratified.smt.finite.circuit import FALSE
from ratified.smt.finite.unrolled import Unrolled
from tests.generate.agreement import Disagreement
from tests.generate.claiming import claiming_model
from tests.generate.engines import load_script
from tests.generate.models import random_model
from tests.generate.provable import provable_model
from tests.generate.running import load
from tests.smt.finite.against_search import judged


def general(seed: int, folder: Path) -> Model:
    return load(random_model(seed), folder)


def loose(seed: int, folder: Path) -> Model:
    """With fewer guards before its bounds, assumptions and refinements."""
    return load(claiming_model(seed), folder)


def protocol(seed: int, folder: Path) -> Model:
    """Like a protocol with its lemmas, two elements of each sort."""
    cls = load_script(provable_model(seed), folder)
    return cls(**{t.sort.__name__: 2 for t in cls.module.sorts})


def outcomes(make: Callable[[int, Path], Model], seeds: range, folder: Path) -> Counter[str]:
    found: Counter[str] = Counter()
    for seed in seeds:
        try:
            model = make(seed, folder)
        except RatifiedError:
            continue
        try:
            found[judged(model, deadlock=seed % 4 == 0)] += 1
        except Disagreement as problem:
            raise Disagreement(f"seed {seed}: {problem}") from None
    return found


@pytest.mark.parametrize(
    ("make", "least"),
    [
        (general, {"holds": 5, "violated": 8}),
        (loose, {"holds": 5, "violated": 8, "undecided": 2}),
        (protocol, {"holds": 15, "violated": 3}),
    ],
)
def test_both_say_the_same(make: Callable[[int, Path], Model], least: dict[str, int], tmp_path: Path) -> None:
    found = outcomes(make, range(40), tmp_path)
    assert all(found[word] >= number for word, number in least.items()), found


@pytest.mark.parametrize("blind_to", ["violations", "bounds"])
def test_a_solver_that_overlooks_something_is_noticed(
    blind_to: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if blind_to == "violations":
        monkeypatch.setattr(Unrolled, "fails", lambda _self, _claim: FALSE)
    else:
        monkeypatch.setattr(Unrolled, "bounds", lambda _self: ())
    with pytest.raises(Disagreement, match="search"):
        outcomes(loose, range(30), tmp_path)
