"""The command starts light: what only some commands need is not imported by all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LANGUAGE = ("ratified.language",)
PARTS = ("ratified.models", "ratified.proofs", "ratified.impl", "ratified.conformance")
HEAVY = (
    "z3",
    "cvc5",
    "scipy",
    "numpy",
    "graphviz",
    "hypothesis",
    "networkx",
    "rich",
    "asyncio",
    "multiprocessing",
)


def imported(arguments: list[str], folder: Path) -> list[str]:
    """Return the modules that a run of the command has imported."""
    program = (
        "import sys\n"
        "from ratified.__main__ import main\n"
        f"sys.argv = ['ratified', *{arguments!r}]\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as leaving:\n"
        "    assert leaving.code in (0, None), leaving.code\n"
        "print('IMPORTED', *sorted(sys.modules))\n"
    )
    made = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True
    )
    word, *modules = made.stdout.splitlines()[-1].split()
    assert word == "IMPORTED"
    assert "ratified.cli.main" in modules
    return modules


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["check", "--help"], ["simulate", "--help"], ["list"]]
)
def test_what_needs_no_engine_imports_none(arguments: list[str], tmp_path: Path) -> None:
    assert not [name for name in imported(arguments, tmp_path) if name.partition(".")[0] in HEAVY]


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["check", "--help"], ["run", "--help"], ["mutants", "--help"], ["list"]],
)
def test_help_imports_no_room(arguments: list[str], tmp_path: Path) -> None:
    """Nor the language: it is what takes longest to import."""
    assert not [name for name in imported(arguments, tmp_path) if name.startswith((*PARTS, *LANGUAGE))]
