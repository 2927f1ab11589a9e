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
