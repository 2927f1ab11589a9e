"""A model runs under pdb: a breakpoint in an action stops there, with the names of the source and the values by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

MODEL = """\
from ratified import Map, Model, Symmetric, action, check, require

class Client(Symmetric): ...

class Lock(Model):
    holder: Client | None

    @action
    def acquire(self, c: Client) -> None:
        holder = self.holder
        require(holder is None)
        self.holder = c

print(check(Lock(Client=2)).distinct)
"""

COMMANDS = [
    "break 12",
    "continue",
    "print(c, holder)",
    "next",
    "print(self.holder)",
    "clear 1",
    "continue",
    "quit",
]


def test_a_breakpoint_in_an_action(tmp_path: Path) -> None:
    (tmp_path / "lock.py").write_text(MODEL, encoding="utf-8")
    steps = [part for command in COMMANDS for part in ("-c", command)]
    program = [sys.executable, "-P", "-m", "pdb", *steps, "lock.py"]
    run = subprocess.run(
        program,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    lines = run.stdout.splitlines()
    assert lines[0].startswith("Breakpoint 1 at ")
    assert lines[1] == "c1 None"  # where the breakpoint stands
    assert "c1" in lines[2:]  # after the assignment
    assert "3" in lines  # and the exploration goes on
