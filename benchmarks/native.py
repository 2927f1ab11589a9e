"""How fast the native explorer's runtime is: models packed by hand (the tests' own), so that nothing but the runtime is measured.

    python benchmarks/native.py [--small] [--repeat N] [--json FILE]

Each measurement is a process of its own; of several the best is shown, since what else the machine does only ever
adds. The counts are held against the known ones. Columns: states, transitions a second, peak memory of the process, bytes
a state (states, table and workers), seconds with one thread and with two, their ratio, and compile time with an empty cache.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "tests" / "explore" / "native"


@dataclass(frozen=True, slots=True)
class Row:
    """A model, its macros, what it must come to, and a memory budget (MiB) if it is to spill."""

    name: str
    model: str
    macros: tuple[str, ...]
    distinct: int
    small: bool = False
    memory: int = 0


ROWS = (
    Row("Paxos, 3 ballots", "paxos", ("-DBALLOTS=3",), 185_369, small=True),
    Row("Paxos, 4 ballots", "paxos", ("-DBALLOTS=4",), 8_220_065),
    Row("Paxos, 4 ballots, 100 MiB", "paxos", ("-DBALLOTS=4",), 8_220_065, memory=100),
    Row("two-phase commit, 6 managers", "twophase", ("-DMANAGERS=6",), 50_816, small=True),
    Row("two-phase commit, 7 managers", "twophase", ("-DMANAGERS=7",), 296_448, small=True),
    Row("two-phase commit, 8 managers", "twophase", ("-DMANAGERS=8",), 1_745_408),
    Row("two-phase commit, 9 managers", "twophase", ("-DMANAGERS=9",), 10_340_352),
    Row("two-phase commit, 10 managers", "twophase", ("-DMANAGERS=10",), 61_515_776),
)


def measure(row: Row, threads: int) -> dict[str, float]:
    """One exploration, in this process."""
    from ratified.models.language.errors import RatifiedError
    from ratified.proofs.explore.native.compile import compile_text
    from ratified.proofs.explore.native.driver import Exploration, Options, peak_memory
    from ratified.proofs.explore.native.library import Program
    from ratified.proofs.explore.result import Limits

    compiled = compile_text((MODELS / f"{row.model}.c").read_text(encoding="utf-8"), flags=row.macros)
    with tempfile.TemporaryDirectory() as folder:
        options = Options(threads=threads)
        if row.memory:
            options = Options(threads=threads, limits=Limits(memory=row.memory << 20), spill=Path(folder))
        with Exploration(Program(compiled.path), options) as exploration:
            outcome = exploration.run()
    if outcome.distinct != row.distinct or outcome.stopped:
        raise RatifiedError(f"{row.name}: {outcome.distinct} states, not {row.distinct} ({outcome.stopped})")
    return {
        "generated": outcome.generated,
        "depth": outcome.depth,
        "seconds": outcome.seconds,
        "memory": outcome.memory,
        "peak": peak_memory(),
        "compile": compiled.seconds,
    }


def best(row: Row, threads: int, repeat: int, cache: str) -> dict[str, float]:
    """The fastest of several processes; the compile time of the first."""
    command = [sys.executable, __file__, "--one", json.dumps(asdict(row)), "--threads", str(threads)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RATIFIED_CACHE": cache}
    runs: list[dict[str, float]] = []
    for _ in range(repeat):
        done = subprocess.run(  # noqa: S603 - this file itself
            command, capture_output=True, text=True, env=environment, check=False
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        runs.append(json.loads(done.stdout))
    return {**min(runs, key=lambda run: run["seconds"]), "compile": max(run["compile"] for run in runs)}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--small", action="store_true", help="only what takes a moment: for CI")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(Row(**json.loads(arguments.one)), arguments.threads)))
        return
    results = []
    print(
        f"{'model':32}{'states':>12}{'transitions':>13}{'Mtr/s':>7}{'peak MB':>9}{'B/state':>8}"
        f"{'1 thr s':>9}{'2 thr s':>9}{'ratio':>7}{'cc s':>6}"
    )
    with tempfile.TemporaryDirectory() as cache:
        for row in ROWS:
            if arguments.small and not row.small:
                continue
            one, two = (best(row, threads, arguments.repeat, cache) for threads in (1, 2))
            ratio, rate = one["seconds"] / two["seconds"], two["generated"] / two["seconds"] / 1e6
            results.append({**asdict(row), "one": one, "two": two, "speed_up": ratio})
            print(
                f"{row.name:32}{row.distinct:12,}{two['generated']:13,.0f}{rate:7.1f}{two['peak'] / 1e6:9.0f}"
                f"{two['memory'] / row.distinct:8.1f}{one['seconds']:9.3f}{two['seconds']:9.3f}{ratio:7.2f}{one['compile']:6.2f}",
                flush=True,
            )
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
