"""The page for those who come from other languages: its snippets run, hold, and type-check in strict mode."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ratified import Model, Verdict, check
from tests.generate.agreement import agree

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def written(checkout: Path, folder: Path) -> Path:
    """The snippets of the page as one file."""
    page = (checkout / "docs" / "coming-from.md").read_text(encoding="utf-8")
    file = folder / "coming_from.py"
    file.write_text("\n\n".join(BLOCK.findall(page)), encoding="utf-8")
    return file


def loaded(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("coming_from", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["coming_from"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("name", "states"), [("Locks", 20), ("Queue", 616), ("Clock", 4)])
def test_a_snippet_holds(name: str, states: int, checkout: Path, tmp_path: Path) -> None:
    model: type[Model] = getattr(loaded(written(checkout, tmp_path)), name)
    instance = model() if name == "Clock" else model(Node=3)
    assert agree(instance, 30) > 1
    found = check(instance, engine="reference")
    assert (found.verdict, found.distinct) == (Verdict.HOLDS, states)


@pytest.mark.slow
def test_they_type_check(checkout: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--config-file="]
    done = subprocess.run(
        [*command, str(written(checkout, tmp_path))], capture_output=True, text=True, check=False
    )
    assert done.stdout == "Success: no issues found in 1 source file\n"
