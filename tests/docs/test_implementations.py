"""The examples of docs/implementations.md do what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ratified.bundled.systems import play


@pytest.fixture
def page(checkout: Path) -> str:
    return (checkout / "docs" / "implementations.md").read_text(encoding="utf-8")


def test_the_programs_print_what_their_comments_say(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    programs = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    for program in programs:
        exec(program, {})  # noqa: S102 - the page's own program
    printed = capsys.readouterr().out.splitlines()
    promised = re.findall(r"^print\(.*\) +# ([(N].*)$", "\n".join(programs), flags=re.MULTILINE)
    assert len(programs) == len(promised) == 2
    assert set(promised) <= set(printed)


def test_the_scenario_can_be_played(page: str) -> None:
    (script,) = re.findall(r"```\n(# A candidate.*?)```", page, flags=re.DOTALL)
    assert play(script).splitlines()[-3:] == [
        "    a  candidate     term 3   commit 0   log 1",
        "    b  follower      term 3   commit 0   log 1 2",
        "    c  follower      term 3   commit 0   log 1 2",
    ]
