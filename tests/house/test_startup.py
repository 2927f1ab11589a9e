"""The command starts light: what only some commands need is not imported by all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["check", "--help"], ["list"]])
def test_what_needs_no_engine_imports_none(arguments: list[str], tmp_path: Path) -> None:
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
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    imported = made.stdout.splitlines()[-1].split()
    assert imported[0] == "IMPORTED"
    assert "ratified.cli" in imported
    assert not [name for name in imported if name.partition(".")[0] in HEAVY]
