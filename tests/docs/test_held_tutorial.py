"""docs/tutorial.md, from an empty folder on: its files are written, its commands run, and what it shows is what they print."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VARIES = re.compile(r"^(engine|time|memory) .*$|\d+(\.\d+)? s\b|, [\d,]+ steps a second", re.MULTILINE)


def run(command: str, folder: Path, wheel: Path) -> str:
    """What a command prints, run by a shell."""
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder,
        env={**os.environ, "RATIFIED": str(wheel), "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout
    return done.stdout


@pytest.mark.slow
@pytest.mark.xdist_group("archives")
def test_every_step(checkout: Path, archives: tuple[Path, Path], tmp_path: Path) -> None:
    page = checkout / "docs" / "tutorial.md"
    text = now = page.read_text(encoding="utf-8")
    for language, block in BLOCK.findall(text):
        if language == "console":
            commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
            told = "".join(f"$ {command}\n{run(command, tmp_path, archives[1])}" for command in commands)
            if VARIES.sub("", told) != VARIES.sub("", block):
                now = now.replace(f"```console\n{block}```", f"```console\n{told}```", 1)
        else:
            name, _, source = block.partition("\n")
            (tmp_path / name.removeprefix("# ")).write_text(source, encoding="utf-8")
    if now != text and os.environ.get("RATIFIED_UPDATE_GOLDENS"):
        page.write_text(now, encoding="utf-8")
        pytest.fail("wrote the tutorial: read it, and run again without RATIFIED_UPDATE_GOLDENS")
    assert now == text
