"""Protocols that were published with a bug, and specifications that were published with their numbers of states."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from ratified import Model, Verdict, check


def example(checkout: Path, file: str, model: str) -> type[Model]:
    name = f"published_{Path(file).stem}"
    spec = importlib.util.spec_from_file_location(name, checkout / "examples" / file)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: type[Model] = getattr(module, model)
    return found


BROKEN = [
    ("published/write_skew.py", "SnapshotIsolation", {"Doctor": 2}, "somebody_is_on_call", 4),
    ("published/needham_schroeder.py", "NeedhamSchroeder", {"Agent": 2}, "secret", 4),
    ("published/bracha.py", "Bracha", {"Process": 3}, "agreement", 6),
    ("published/sloppy_quorum.py", "SloppyQuorum", {"Replica": 5}, "reads_are_fresh", 3),
]


@pytest.mark.parametrize(("file", "model", "sizes", "claim", "steps"), BROKEN, ids=[b[1] for b in BROKEN])
def test_the_published_bug_is_found(
    file: str, model: str, sizes: dict[str, Any], claim: str, steps: int, checkout: Path
) -> None:
    found = check(example(checkout, file, model)(**sizes))
    assert found.verdict is Verdict.VIOLATED
    assert found.violation is not None
    assert (found.violation.name, len(found.violation.trace.steps)) == (claim, steps)


MENDED = [
    ("published/write_skew.py", "Serializable", {"Doctor": 3}, 195),
    pytest.param("published/needham_schroeder.py", "Lowe", {"Agent": 2}, 17_561, marks=pytest.mark.slow),
    ("published/bracha.py", "Bracha", {"Process": 4}, 517),
    ("published/sloppy_quorum.py", "Strict", {"Replica": 5}, 800),
]


@pytest.mark.parametrize(("file", "model", "sizes", "states"), MENDED)
def test_what_was_mended_holds(
    file: str, model: str, sizes: dict[str, Any], states: int, checkout: Path
) -> None:
    found = check(example(checkout, file, model)(**sizes))
    assert (found.verdict, found.distinct) == (Verdict.HOLDS, states)


COUNTED = [
    ("TransactionCommit", {"Manager": 3}, 34, 7),
    ("CoffeeCan", {"beans": 100}, 5_150, 1),
    ("SynchronousTermination", {"Node": 7}, 129, 1),
    ("TokenRing", {"Node": 3}, 302, 9),
]
"""The distinct states that TLC counts in the community's specifications, and our depths."""


@pytest.mark.parametrize(("model", "sizes", "states", "depth"), COUNTED, ids=[c[0] for c in COUNTED])
def test_a_specification_has_its_published_number_of_states(
    model: str, sizes: dict[str, Any], states: int, depth: int, checkout: Path
) -> None:
    found = check(example(checkout, "specifications.py", model)(**sizes))
    assert (found.verdict, found.distinct, found.depth) == (Verdict.HOLDS, states, depth)


IN_THESE_WORDS = [
    pytest.param("SpanningTree", {"Node": 4}, (3_984, 21_784, 4), "auto", marks=pytest.mark.slow),
    pytest.param("ReadersWriters", {"Actor": 3}, (21_527, 59_674, 13), "native", marks=pytest.mark.slow),
    ("Allocator", {"Client": 3, "Resource": 2}, (400, 1_633, 6), "reference"),
    ("Smokers", {"Ingredient": 3}, (6, 15, 2), "reference"),
    ("Fifo", {"Message": 3, "most": 3}, (3_864, 9_660, 11), "reference"),
    ("Prisoners", {"Prisoner": 4}, (214, 860, 14), "reference"),
    ("Stabilizing", {"Machine": 3, "Counter": 3}, (27, 72, 1), "reference"),
]
"""What TLC counts, as published: distinct states, states generated, depth. The last is a smaller ring, counted by hand."""


@pytest.mark.parametrize(("model", "sizes", "counts", "engine"), IN_THESE_WORDS)
def test_a_specification_in_these_words_has_its_published_numbers(
    model: str, sizes: dict[str, Any], counts: tuple[int, int, int], engine: str, checkout: Path
) -> None:
    found = check(example(checkout, "words.py", model)(**sizes), engine=engine)
    assert found.verdict is Verdict.HOLDS
    assert (found.distinct, found.generated, found.depth) == counts


@pytest.mark.slow
def test_all_of_a_ring_of_six_have_their_privileges_counted(checkout: Path) -> None:
    model = example(checkout, "words.py", "Stabilizing")(Machine=6, Counter=6)
    found = check(model.claiming(["somebody_is_privileged", "never_more"]), engine="native")
    assert (found.verdict, found.distinct, found.depth) == (Verdict.HOLDS, 46_656, 1)
