"""What is not the language is refused when the class is defined: one message with place, caret and remedy (golden files).

A case is a file of its own; one that imports nothing begins with what `declared.txt` declares for all of them.
"""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from ratified import RatifiedError

FOLDER = Path(__file__).parent / "refused"
DECLARED = (FOLDER / "declared.txt").read_text(encoding="utf-8")
CASES = sorted(p.stem for p in FOLDER.glob("*.py"))


def test_there_are_cases() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize("case", CASES)
def test_refused(
    case: str, golden: Callable[[str, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (FOLDER / f"{case}.py").read_text(encoding="utf-8")
    whole = any(line.startswith(("import ", "from ")) for line in text.splitlines())
    (tmp_path / f"{case}.py").write_text(text if whole else DECLARED + text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RatifiedError) as caught:
        runpy.run_path(f"{case}.py")
    assert caught.value.span is not None, caught.value.message
    assert caught.value.remedy, caught.value.message
    golden(f"{case}.txt", f"{caught.value}\n")
