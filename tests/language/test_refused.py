"""What is not the language is refused when the class is defined: one message with place, caret and remedy (golden files)."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from ratified import RatifiedError

FOLDER = Path(__file__).parent / "refused"
CASES = sorted(p.stem for p in FOLDER.glob("*.py"))


def test_there_are_cases() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize("case", CASES)
def test_refused(case: str, golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    with pytest.raises(RatifiedError) as caught:
        runpy.run_path(f"{case}.py")
    assert caught.value.span is not None, caught.value.message
    assert caught.value.remedy, caught.value.message
    golden(f"{case}.txt", f"{caught.value}\n")
