"""Scenes of Paxos Made Simple, section 2, played from scripts and compared with their transcripts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ratified.bundled.systems import play

SCENARIOS = sorted((Path(__file__).parent / "scenarios").glob("*.txt"))


@pytest.mark.parametrize("script", SCENARIOS, ids=lambda script: script.stem)
def test_scenario(script: Path, golden: Callable[[str, str], None]) -> None:
    transcript = play(script.read_text(encoding="utf-8"), script.name)
    assert "VIOLATION" not in transcript
    golden(script.name, transcript)
