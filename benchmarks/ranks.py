"""How well several ranks do, and what that says about many machines.

    python benchmarks/ranks.py [--tiny | --large] [--only TEXT] [--tcp] [--repeat N] [--json FILE] [--model FILE]

Each measurement is an mpiexec of its own, in turn with one process of two threads, which the ratio is of; of several the best is
shown. The counts are held against the known ones. Columns: ranks and threads of each, seconds of exploring, seconds of processor
time of all ranks (with starting), the ratio of rates to one process with two threads, bytes a transition on the wire, imbalance
(largest over mean), and bytes a state of states, tables and workers. `--tcp` sends over TCP although the ranks are on one machine
(in place of shared memory). `--json` writes all figures. `--model` fits the model of cost in docs/scaling.md to a file that
`--json` has written, and prints what it predicts.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

LAYOUTS = ((1, 2), (1, 1), (2, 1), (4, 1))
"""Ranks, and threads of each; four are left out where a model is tiny."""


@dataclass(frozen=True, slots=True)
class Row:
    """A model at a size, and what it comes to."""

    name: str
    model: str
    distinct: int
    sizes: tuple[int, ...]
    claims: tuple[str, ...] | None = None
    symmetry: bool = False
    kind: str = ""


PAXOS = "ratified.models.paxos.paxos:Paxos:Acceptor,Value,Ballot"
RAFT = "ratified.models.raft.raft:Raft:Server,Value,max_term,max_log,max_messages,calm"
ROWS = (
    Row("Paxos, 3 ballots", PAXOS, 185_369, (3, 2, 3), kind="tiny"),
    Row("Paxos, 4 ballots", PAXOS, 8_220_065, (3, 2, 4), ("agreement",)),
    Row("Raft, standard", RAFT, 15_480_691, (3, 1, 3, 1, 2, True)),
    Row("Raft, thorough, symmetric", RAFT, 55_459_823, (3, 1, 3, 2, 3, True), symmetry=True, kind="large"),
)


def one(row: Row, threads: int) -> None:
    """This process's part of one measurement; rank 0 prints it."""
    from importlib import import_module

    from ratified.cli.ranks import started_by_mpi
    from ratified.explore.native.driver import NativeExploration, RunOptions
    from ratified.explore.native.preparing import made
    from ratified.explore.ranks import Alone, RankWorld, join
    from ratified.explore.ranks.engine import BATCH, LEAST_BATCH
    from ratified.explore.ranks.rank import Rank
    from ratified.explore.ranks.search import RankedSearch
    from ratified.explore.symmetry import symmetry_of

    module, name, sorts = row.model.split(":")
    model = getattr(import_module(module), name)(**dict(zip(sorts.split(","), row.sizes, strict=True)))
    if row.claims is not None:
        model = model.claiming(row.claims)
    _, library, _ = made(model, symmetry_of(model) if row.symmetry else None)
    options = RunOptions(threads=threads)
    world: RankWorld = join() if started_by_mpi({**os.environ, "PMI_SIZE": ""}) else Alone()
    begun = resource.getrusage(resource.RUSAGE_SELF)
    sent, imbalance = 0, 1.0
    if isinstance(world, Alone):
        with NativeExploration(library, options) as exploration:
            outcome = exploration.run()
    else:
        wanted = max(BATCH, LEAST_BATCH * world.size) // (8 * library.words + 4) // world.size
        with Rank(library, options, world.rank, world.size, wanted) as rank:
            outcome, traffic = RankedSearch(world, rank, options).run()
        sent, imbalance = traffic.sent, traffic.imbalance
    ended = resource.getrusage(resource.RUSAGE_SELF)
    used = ended.ru_utime + ended.ru_stime - begun.ru_utime - begun.ru_stime
    used = sum(world.gather(used))
    assert outcome.distinct == row.distinct, outcome
    if world.rank == 0:
        figures = {
            "states": outcome.distinct,
            "transitions": outcome.generated,
            "seconds": outcome.seconds,
            "processor": used,
            "sent": sent,
            "imbalance": imbalance,
            "memory": outcome.memory,
            "record": 8 * library.words + 2,
        }
        print(json.dumps(figures))


def measured(row: Row, ranks: int, threads: int, *, alone: bool, tcp: bool) -> dict[str, Any]:
    """One measurement, by itself."""
    own = [sys.executable, __file__, "--one", row.name, "--threads", str(threads)]
    mpiexec = str(Path(sys.executable).parent / "mpiexec")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if tcp:
        environment |= {"MPIR_CVAR_NOLOCAL": "1", "UCX_TLS": "tcp,self"}
    command = own if alone else [mpiexec, "-n", str(ranks), *own]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)  # noqa: S603
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    figures: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return {"name": row.name, "ranks": ranks, "threads": threads, "alone": alone, "tcp": tcp, **figures}


def benchmark(rows: list[Row], repeat: int, *, tcp: bool) -> list[dict[str, Any]]:
    """All measurements, in turn, so that what else the machine does is the same for all; the best of each."""
    head = (
        "model",
        "ranks",
        "threads",
        "seconds",
        "processor",
        "ratio",
        "B/transition",
        "imbalance",
        "B/state",
    )
    print("{:24} {:>6} {:>7} {:>8} {:>9} {:>6} {:>12} {:>9} {:>8}".format(*head))
    found: list[dict[str, Any]] = []
    for row in rows:
        layouts = [
            (1, 2, True),
            *((ranks, threads, False) for ranks, threads in LAYOUTS if ranks < 4 or row.kind != "tiny"),
        ]
        rounds = [
            [
                measured(row, ranks, threads, alone=alone, tcp=tcp and not alone)
                for ranks, threads, alone in layouts
            ]
            for _ in range(repeat)
        ]
        best = [min(runs, key=lambda run: run["seconds"]) for runs in zip(*rounds, strict=True)]
        for run in best:
            ratio = best[0]["seconds"] / run["seconds"]
            who = "alone" if run["alone"] else str(run["ranks"])
            print(
                f"{row.name:24} {who:>6} {run['threads']:7} {run['seconds']:8.2f} {run['processor']:9.2f} {ratio:6.2f} "
                f"{run['sent'] / run['transitions']:12.2f} {run['imbalance']:9.2f} {run['memory'] / run['states']:8.1f}"
            )
        found += best
    return found


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor seconds of a transition, and of a record that is sent and taken; records a transition where no rank is near."""

    transition: float
    record: float
    records: float
    bytes_a_record: float


def fitted(runs: list[dict[str, Any]]) -> Cost:
    """The cost of a model, from one rank and two, of which half of what is reached is on the other."""
    one_rank = next(run for run in runs if not run["alone"] and run["ranks"] == 1 and run["threads"] == 1)
    two = next(run for run in runs if run["ranks"] == 2)
    transitions, sent = two["transitions"], two["sent"] / two["record"]
    transition = one_rank["processor"] / transitions
    record = max(two["processor"] - one_rank["processor"], 0.0) / sent
    return Cost(transition, record, 2 * sent / transitions, two["record"])


CORES = 32
LATENCY = 20e-6
"""Seconds until a message of no length is there, with what MPI and the two machines' systems take."""


def predicted(cost: Cost, machines: int, gigabits: float, cores: int = CORES) -> dict[str, float]:
    """Millions of transitions a second, gigabytes a second on the wire of each machine, and what limits them.

    One rank a machine. Of the states that are reached a share of 1 - 1/machines is elsewhere.
    """
    away = cost.records * (1 - 1 / machines)
    by_cores = cores / (cost.transition + away * cost.record)
    bytes_each = away * cost.bytes_a_record
    by_wire = gigabits * 1e9 / 8 / bytes_each if bytes_each else float("inf")
    # A round sends a message to every other machine; it is as long as a box is large.
    box = max(2 << 20, (32 << 10) * machines) * cores
    round_transitions = box / bytes_each if bytes_each else float("inf")
    computing = round_transitions / min(by_cores, by_wire)
    whole = computing + LATENCY * machines
    rate = round_transitions / whole
    return {
        "rate": rate * machines / 1e6,
        "wire": rate * bytes_each / 1e9,
        "efficiency": rate / (cores / cost.transition),
        "wire bound": float(by_wire < by_cores),
        "box": box / 1e6,
    }


def tell_model(file: Path) -> None:
    """Print what the model of cost says of what was measured, for each model in it."""
    runs = json.loads(file.read_text())
    for name in dict.fromkeys(run["name"] for run in runs):
        cost = fitted([run for run in runs if run["name"] == name])
        print(
            f"{name}: {cost.transition * 1e9:.0f} ns a transition, {cost.record * 1e9:.0f} ns a record, "
            f"{cost.records:.2f} records a transition, {cost.bytes_a_record:.0f} bytes each"
        )
        print("  machines  Gbit/s  M transitions/s  GB/s a machine  efficiency  limit")
        for gigabits in (10, 100):
            for machines in (10, 100, 1000):
                p = predicted(cost, machines, gigabits)
                limit = "wire" if p["wire bound"] else "processors"
                print(
                    f"  {machines:8} {gigabits:7} {p['rate']:16,.0f} {p['wire']:15.2f} {p['efficiency']:11.2f}  {limit}"
                )


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--tcp", action="store_true")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--one")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    if given.one:
        one(next(row for row in ROWS if row.name == given.one), given.threads)
        return
    if given.model:
        tell_model(given.model)
        return
    kind = "tiny" if given.tiny else "large" if given.large else ""
    rows = [row for row in ROWS if row.kind == kind and given.only in row.name]
    found = benchmark(rows, given.repeat, tcp=given.tcp)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
