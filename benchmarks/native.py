"""How fast the native explorer is.

Models are compiled from Python with all their claims, or packed by hand, where nothing but the search is measured.

    python benchmarks/native.py [--tiny | --small | --large | --scaling] [--only TEXT] [--repeat N] [--json FILE]

Each measurement is a process of its own; of several the best is shown, since what else the machine does only ever
adds. The counts are held against the known ones. Columns: states, transitions a second, peak memory of the process, bytes
a state (states, table and workers), seconds with one thread and with two, their ratio, and compile time with an empty cache.
`--json` writes the same and more: each row's description, and for one and two threads `distinct`, `generated`, `depth`, `seconds`
of exploring, `memory` and `peak` in bytes, `generate` and `compile` in seconds. `--scaling` is one model, 10^2 to 10^7 states.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "tests" / "explore" / "native"


@dataclass(frozen=True, slots=True)
class Row:
    """A model, what it must come to, and a memory budget (MiB) if it is to spill.

    `model` is a bundled model with `sizes` (and `claims`, if not all), or a C file of the tests with `macros`. `distinct` is 0
    where nobody has counted yet.
    """

    name: str
    model: str
    distinct: int
    sizes: tuple[int, ...] = ()
    claims: tuple[str, ...] | None = None
    symmetry: bool = False
    macros: tuple[str, ...] = ()
    tiny: bool = False
    small: bool = False
    large: bool = False
    scaling: bool = False
    memory: int = 0


PAXOS = "ratified.models.paxos.paxos:Paxos:Acceptor,Value,Ballot"
TWO_PHASE = "ratified.models.commit.two_phase:TwoPhase:ResourceManager"
RAFT = "ratified.models.raft.raft:Raft:Server,Value,max_term,max_log,max_messages,calm"
AGREEMENT = ("agreement",)

ROWS = (
    Row("Paxos, 2 ballots", PAXOS, 3_921, (3, 2, 2), tiny=True),
    Row("two-phase commit, 3 managers", TWO_PHASE, 288, (3,), tiny=True, scaling=True),
    Row("two-phase commit, 4 managers", TWO_PHASE, 1_568, (4,), scaling=True),
    Row("two-phase commit, 5 managers", TWO_PHASE, 8_832, (5,), tiny=True, scaling=True),
    Row("Paxos, 3 ballots", PAXOS, 185_369, (3, 2, 3), small=True),
    Row("Paxos, 3 ballots, agreement", PAXOS, 185_369, (3, 2, 3), AGREEMENT, small=True),
    Row("Paxos, 4 ballots", PAXOS, 8_220_065, (3, 2, 4)),
    Row("Paxos, 4 ballots, agreement", PAXOS, 8_220_065, (3, 2, 4), AGREEMENT),
    Row("Paxos, 4 ballots, 100 MiB", PAXOS, 8_220_065, (3, 2, 4), AGREEMENT, memory=100),
    Row("Paxos, 3 ballots, symmetric", PAXOS, 17_153, (3, 2, 3), AGREEMENT, symmetry=True, small=True),
    Row("Paxos, 4 ballots, symmetric", PAXOS, 0, (3, 2, 4), AGREEMENT, symmetry=True),
    Row("Paxos, 5 ballots, symmetric", PAXOS, 29_730_227, (3, 2, 5), AGREEMENT, symmetry=True, large=True),
    Row("two-phase commit, 6 managers", TWO_PHASE, 50_816, (6,), small=True, scaling=True),
    Row("two-phase commit, 7 managers", TWO_PHASE, 296_448, (7,), small=True, scaling=True),
    Row("two-phase commit, 8 managers", TWO_PHASE, 1_745_408, (8,), scaling=True),
    Row("two-phase commit, 9 managers", TWO_PHASE, 10_340_352, (9,), scaling=True),
    Row("by hand: Paxos, 2 ballots", "paxos", 3_921, macros=("-DBALLOTS=2",), tiny=True),
    Row("Raft as published, small", RAFT, 13_479, (2, 1, 2, 1, 2, False), small=True),
    Row("Raft as published", RAFT, 1_662_206, (2, 1, 3, 2, 2, False)),
    Row("Raft, 3 servers", RAFT, 1_931_973, (3, 1, 2, 1, 1, False)),
    Row("Raft, standard", RAFT, 15_480_691, (3, 1, 3, 1, 2, True)),
    Row("Raft, standard, symmetric", RAFT, 2_580_725, (3, 1, 3, 1, 2, True), symmetry=True),
    Row("Raft, thorough, symmetric", RAFT, 55_459_823, (3, 1, 3, 2, 3, True), symmetry=True, large=True),
    Row("by hand: Paxos, 3 ballots", "paxos", 185_369, macros=("-DBALLOTS=3",), small=True),
    Row("by hand: Paxos, 4 ballots", "paxos", 8_220_065, macros=("-DBALLOTS=4",)),
    Row("by hand: two-phase, 8 managers", "twophase", 1_745_408, macros=("-DMANAGERS=8",)),
    Row("by hand: two-phase, 9 managers", "twophase", 10_340_352, macros=("-DMANAGERS=9",)),
    Row("by hand: two-phase, 10 managers", "twophase", 61_515_776, macros=("-DMANAGERS=10",), large=True),
)


def program_text(row: Row) -> tuple[str, str | None]:
    """The C of a row, and of its other part: a test's file, or what is generated from the model."""
    if not row.sizes:
        return (MODELS / f"{row.model}.c").read_text(encoding="utf-8"), None
    from ratified.explore.native.codegen.program import generate
    from ratified.explore.symmetry import symmetry_of

    module, name, sorts = row.model.split(":")
    model = getattr(import_module(module), name)(**dict(zip(sorts.split(","), row.sizes, strict=True)))
    if row.claims is not None:
        model = model.claiming(row.claims)
    generated = generate(model, symmetry_of(model) if row.symmetry else None)
    return generated.text, generated.explorer


def measure(row: Row, threads: int) -> dict[str, float]:
    """One exploration, in this process."""
    from ratified.explore.native.compile import compile_text
    from ratified.explore.native.driver import NativeExploration, RunOptions
    from ratified.explore.native.library import NativeLibrary
    from ratified.language.errors import RatifiedError
    from ratified.results.limits import peak_memory
    from ratified.results.result import Limits

    begun = time.perf_counter()
    text, explorer = program_text(row)
    generating = time.perf_counter() - begun
    compiled = compile_text(text, flags=row.macros, explorer=explorer)
    with tempfile.TemporaryDirectory() as folder:
        options = RunOptions(threads=threads)
        if row.memory:
            options = RunOptions(threads=threads, limits=Limits(memory=row.memory << 20), spill=Path(folder))
        with NativeExploration(NativeLibrary(compiled.path), options) as exploration:
            outcome = exploration.run()
    if outcome.distinct != (row.distinct or outcome.distinct) or outcome.stopped:
        raise RatifiedError(f"{row.name}: {outcome.distinct} states, not {row.distinct} ({outcome.stopped})")
    return {
        "distinct": outcome.distinct,
        "generated": outcome.generated,
        "depth": outcome.depth,
        "seconds": outcome.seconds,
        "memory": outcome.memory,
        "peak": peak_memory(),
        "generate": generating,
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


def wanted(row: Row, arguments: argparse.Namespace) -> bool:
    """Whether a row is among those asked for; without any choice, all but the tiny and the large ones."""
    for name in ("tiny", "small", "scaling"):
        if getattr(arguments, name):
            return bool(getattr(row, name))
    ordinary = not row.large and row.distinct not in range(1, 10_000)
    return ordinary or (row.large and arguments.large)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tiny", action="store_true", help="only what takes no time: that it runs")
    parser.add_argument(
        "--scaling", action="store_true", help="one model at sizes three decades and more apart"
    )
    parser.add_argument("--small", action="store_true", help="only what takes a moment: for CI")
    parser.add_argument("--large", action="store_true", help="also what takes minutes and gigabytes")
    parser.add_argument("--only", default="", help="only rows whose name has this in it")
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
            if not wanted(row, arguments) or arguments.only not in row.name:
                continue
            one, two = (best(row, threads, arguments.repeat, cache) for threads in (1, 2))
            ratio, rate = one["seconds"] / two["seconds"], two["generated"] / two["seconds"] / 1e6
            results.append({**asdict(row), "one": one, "two": two, "speed_up": ratio})
            counts = f"{two['distinct']:12,.0f}{two['generated']:13,.0f}{rate:7.1f}{two['peak'] / 1e6:9.0f}"
            times = f"{one['seconds']:9.3f}{two['seconds']:9.3f}{ratio:7.2f}{one['compile']:6.2f}"
            print(f"{row.name:32}{counts}{two['memory'] / two['distinct']:8.1f}{times}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
