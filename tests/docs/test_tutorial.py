"""What the tutorial shows is what is there: its models are the example's, and its output is what the commands print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VARIES = re.compile(r"^(engine|time|memory|z3) .*$|\b\d\.\d\d\b", re.MULTILINE)  # from machine to machine


def tutorial(checkout: Path) -> Path:
    return checkout / "README.md"


def blocks(page: Path, language: str) -> list[str]:
    return [text for name, text in BLOCK.findall(page.read_text(encoding="utf-8")) if name == language]


def test_its_models_are_the_example(checkout: Path) -> None:
    example = (checkout / "examples" / "lock_service.py").read_text(encoding="utf-8")
    for block in blocks(tutorial(checkout), "python")[1:]:  # the first is a glance at Paxos
        for part in block.split("\n\n\n"):
            assert part.strip("\n") in example


def printed(command: str, checkout: Path) -> str:
    """Return what a command of the tutorial prints, run by this Python from the checkout."""
    name, *arguments = command.split()
    assert name == "ratified"
    program = [sys.executable, "-m", "ratified", *arguments]
    run = subprocess.run(program, cwd=checkout, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode in (0, 1), run.stderr
    return run.stdout


def test_its_output_is_what_the_commands_print(checkout: Path) -> None:
    page = tutorial(checkout)
    text = page.read_text(encoding="utf-8")
    for block in blocks(page, "console"):
        command = block.splitlines()[0].removeprefix("$ ")
        now = f"$ {command}\n{printed(command, checkout)}"
        if VARIES.sub("", now) != VARIES.sub("", block):
            text = text.replace(f"```console\n{block}```", f"```console\n{now}```")
    if text != page.read_text(encoding="utf-8") and os.environ.get("RATIFIED_UPDATE_GOLDENS"):
        page.write_text(text, encoding="utf-8")
        pytest.fail("wrote the tutorial: read it, and run again without RATIFIED_UPDATE_GOLDENS")
    assert text == page.read_text(encoding="utf-8")
