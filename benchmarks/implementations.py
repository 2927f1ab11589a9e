"""How fast the implementations are, in the simulator, on one core: steps of cores a second, and committed commands a second.

Steps are counted in runs with every fault on; the simulator and all that it watches are part of the time. Commands are those of
so many clients, each with one command at a time on its way, to the leader of three nodes that lose nothing; what counts
has been executed and answered.

Run as `python benchmarks/implementations.py`, with `--json` for figures instead of a table, `--seeds N` and `--commands N` for
how much, and `--profile NAME` to see where the time goes.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import time
from collections.abc import Callable, Sequence

from ratified.impl.contract import Campaign, Command
from ratified.impl.multipaxos.state import Config as MultiPaxosConfig
from ratified.impl.multipaxos.system import multipaxos_system
from ratified.impl.paxos.system import paxos_system
from ratified.impl.raft.config import Config as RaftConfig
from ratified.impl.raft.system import raft_system
from ratified.impl.simulator.run import simulate
from ratified.impl.simulator.steps import Ask, Order
from ratified.impl.simulator.system import System
from ratified.impl.simulator.world import World

TARGET_STEPS_PER_SECOND = 20_000
CLIENTS = 256

CHAOS: dict[str, Callable[[], System]] = {
    "raft": raft_system,
    "multi-paxos": multipaxos_system,
    "paxos": paxos_system,
}
"""In their small configurations, in which everything happens often."""

THROUGHPUT: dict[str, Callable[[], System]] = {
    "raft": lambda: raft_system(RaftConfig()),
    "multi-paxos": lambda: multipaxos_system(MultiPaxosConfig()),
}
"""As they are by default."""


def steps(name: str, nodes: int, seeds: int) -> dict[str, object]:
    """Run a protocol through chaos and calm, and count the steps of its cores."""
    before = time.process_time()
    runs = [simulate(CHAOS[name](), nodes=nodes, steps=400, seed=seed) for seed in range(seeds)]
    seconds = time.process_time() - before
    taken = sum(run.inputs for run in runs)
    assert all(run.violation is None for run in runs)
    return {
        "protocol": name,
        "nodes": nodes,
        "steps": taken,
        "processor_seconds": round(seconds, 3),
        "steps_per_second": round(taken / seconds),
    }


def commands(name: str, wanted: int) -> dict[str, object]:
    """Have a leader of three nodes commit so many commands."""
    world = World(THROUGHPUT[name](), 3)
    world.perform(Order("n1", Campaign()))
    world.stabilise()
    before = time.process_time()
    done = 0
    while done < wanted:
        size = min(CLIENTS, wanted - done)
        for client in range(size):
            serial = done // CLIENTS + 1
            command = Command(f"c{client}", serial, b"put k%d v%d" % (client % 16, serial))
            world.perform(Ask("n1", command))
        world.stabilise()
        done += size
    seconds = time.process_time() - before
    assert not world.checks.history.open()
    return {
        "protocol": name,
        "nodes": 3,
        "commands": done,
        "processor_seconds": round(seconds, 3),
        "commands_per_second": round(done / seconds),
        "core_steps_per_command": round(world.inputs / done, 2),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="figures instead of a table")
    parser.add_argument("--seeds", type=int, default=200, metavar="N", help="runs with faults, each")
    parser.add_argument("--commands", type=int, default=50_000, metavar="N", help="commands to commit, each")
    parser.add_argument("--profile", choices=list(CHAOS), help="show where the time goes instead")
    options = parser.parse_args(arguments)
    if options.profile:
        profile = cProfile.Profile()
        profile.runcall(steps, options.profile, 3, options.seeds)
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return
    chaos = [steps(name, nodes, options.seeds) for name in CHAOS for nodes in (3, 5)]
    throughput = [commands(name, options.commands) for name in THROUGHPUT]
    if options.json:
        print(
            json.dumps(
                {"target": TARGET_STEPS_PER_SECOND, "chaos": chaos, "throughput": throughput}, indent=2
            )
        )
        return
    for row in chaos:
        print("{protocol:<12} {nodes} nodes, every fault  {steps_per_second:>8,} steps/s".format_map(row))
    print(f"{'wanted':<33}  {TARGET_STEPS_PER_SECOND:>8,} steps/s")
    for row in throughput:
        print(
            "{protocol:<12} {nodes} nodes, no fault     {commands_per_second:>8,} commands/s".format_map(row)
        )


if __name__ == "__main__":
    main()
