"""What a check of every bundled model at its standard size comes to: states, time, memory, and that nothing in it lies idle.

    python benchmarks/models.py [--size NAME] [--only TEXT] [--symmetry] [--json FILE]

A model that is right must hold; and at its standard size every action of it must have been possible, but for those that its
parameters switch off, and every claim must have been put to the test. Each check is a process of its own. Columns: states
(marked s where one of each orbit is counted, because the model asks for symmetry at the size), depth, millions of transitions
a second of wall time, seconds, peak memory of the process, and the same in bytes a state. Ends with status 1 if anything is
not as it should be.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ratified.bundled import models as bundled
from ratified.cli.instances import sizes_of
from ratified.cli.loading import load


def measure(name: str, size: str, symmetry: bool) -> dict[str, Any]:
    """Check a bundled model at a size; what its report says, with `idle` and `problem`."""
    command = [sys.executable, "-m", "ratified", "check", name, "--size", size, "--format", "json"]
    done = subprocess.run(  # noqa: S603 - this very package
        [*command, *(["--symmetry"] if symmetry else [])], capture_output=True, text=True, check=False
    )
    if not done.stdout:
        return {"name": name, "problem": done.stderr.strip()}
    (checked,) = json.loads(done.stdout)["checks"]
    idle = [a["name"] for a in checked["actions"] if not a["fired"] and not a["switched_off"]]
    idle += [p["name"] for p in checked["properties"] if p["vacuous"]]
    problem = "" if checked["verdict"] == "holds" else checked["verdict"]
    if not problem and idle and size == "standard":
        problem = f"idle: {', '.join(idle)}"
    return {**checked, "idle": idle, "problem": problem}


def line(row: Mapping[str, Any]) -> str:
    """A row of the table."""
    if "distinct" not in row:
        return f"{row['name']:20}  {row['problem']}"
    rate = row["generated"] / row["seconds"] / 1e6 if row["seconds"] else 0
    return (
        f"{row['name']:20}{row['distinct']:12,}{'s' if row['symmetry'] else ' '}{row['depth']:6}{rate:7.1f}{row['seconds']:8.1f}"
        f"{row['memory_bytes'] / 1e6:8.0f}{row['memory_bytes'] / row['distinct']:9.0f}  {row['problem']}"
    ).rstrip()


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", default="standard")
    parser.add_argument("--only", default="", help="only models whose name has this in it")
    parser.add_argument("--symmetry", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    print(f"{'model':20}{'states':>12} {'depth':>6}{'Mtr/s':>7}{'s':>8}{'MB':>8}{'B/state':>9}")
    rows = []
    for name, model in bundled.items():
        if model.broken or given.only not in name or given.size not in sizes_of(load(name)):
            continue
        rows.append(measure(name, given.size, given.symmetry))
        print(line(rows[-1]), flush=True)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    return 1 if any(row["problem"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
