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
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["check", "--help"],
        ["run", "--help"],
        ["mutants", "--help"],
        ["simulate", "--help"],
        ["list"],
    ],
)
def test_what_explores_nothing_imports_no_room_and_no_solver(arguments: list[str], tmp_path: Path) -> None:
    """Nor the language: it is what takes longest to import."""
    found = imported(arguments, tmp_path)
    assert not [name for name in found if name.partition(".")[0] in HEAVY]
    assert not [name for name in found if name.startswith((*PARTS, *LANGUAGE))]


def test_what_is_unchanged_needs_no_engine(tmp_path: Path) -> None:
    """Of most runs in CI all is known: then the language is imported, to know what the model means, and no more."""
    imported(["init"], tmp_path)
    engines = "ratified.explore.engines", "ratified.explore.reference", "ratified.explore.native.compile"
    assert set(engines) <= set(imported(["check"], tmp_path))
    found = imported(["check"], tmp_path)
    assert "ratified.language.model" in found
    assert not [name for name in found if name.startswith((*engines, *PARTS, "ratified.smt"))]
    assert not [name for name in found if name.partition(".")[0] in HEAVY]
