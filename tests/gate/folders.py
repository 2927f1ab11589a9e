"""Folders with a model, its configuration, and what the command line and pytest say in them."""

from __future__ import annotations

import linecache
import re
import sys
from pathlib import Path

import pytest

from ratified.cli.commands.init import contents
from ratified.cli.main import run

LOCK = contents(Path("nowhere"))["lock.py"]
"""The model that `ratified init` writes: 3 states with two clients, 4 with three."""

BROKEN = LOCK.replace("require(self.granted is None)", "require(True)")
CONFIGURED = '[[tool.ratified.models]]\nmodel = "lock.py:Lock"\nsizes = { Client = 2 }\n'


def write(folder: Path, **files: str) -> None:
    """Write files into a folder; `lock` is lock.py, and `toml` pyproject.toml."""
    names = {"lock": "lock.py", "toml": "pyproject.toml"}
    for name, text in files.items():
        (folder / names.get(name, f"{name}.py")).write_text(text)
    linecache.checkcache()


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run a command and return its status, and what it printed, without times and memory."""
    forget()
    capsys.readouterr()
    status = run(list(arguments))
    out, err = capsys.readouterr()
    return status, masked(out), masked(err)


def forget() -> None:
    """Forget the modules of such folders, as a process of its own would begin."""
    for name in ("lock", "proof", "impl", "leased", "broken", "helpers", "parts", "parts.more"):
        sys.modules.pop(name, None)


def places() -> list[str]:
    """Where imports are looked for, without folders that other tests have left there with modules of the same names."""
    return [p for p in sys.path if not any(Path(p, f"{n}.py").exists() for n in ("lock", "proof", "impl"))]


def squeezed(text: str) -> str:
    """A text whose columns are one space apart: how wide they are does not matter."""
    return re.sub(" +", " ", text)


def masked(text: str) -> str:
    """A text with times, rates and memory masked."""
    text = re.sub(r"\d+\.\d s(, [\d,]+ states/s)?", "T s", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "WHEN", text)
    text = re.sub(r"\d+ MB|\d+\.\d GB", "M MB", text)
    return re.sub(r"in \d+\.\d+s", "in T s", text)
