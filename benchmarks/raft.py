"""How fast the Raft core is: committed commands a second of three nodes in one process, and core steps a second under chaos.

    python benchmarks/raft.py [--commands N] [--seeds N] [--json]

*Committed throughput*: clients keep so many commands on the way; the leader batches and pipelines them, disks write together
what has come together, messages arrive in the order in which they were sent, and nothing is lost. All three nodes and their
host run in this process, on one core. *Core steps*: `step` calls a second of whole simulated runs with every fault on, the
simulator and its checks included. Times are processor seconds.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import deque
from random import Random
from typing import Any

from ratified.impl.contract import Campaign, Command, Done, Effects, Persisted, Receive, Submit
from ratified.impl.machines import KeyValue
from ratified.impl.raft import Config, RaftCore, bootstrap, drawn_config, raft_system
from ratified.impl.simulator import simulate

NODES = ("n1", "n2", "n3")
TARGET_STEPS_PER_SECOND = 20_000


class Host:
    """Three cores whose messages and disks are queues."""

    def __init__(self, config: Config) -> None:
        self.cores = {
            node: RaftCore(node, bootstrap(NODES), config, Random(i), KeyValue())  # noqa: S311 - to repeat runs
            for i, node in enumerate(NODES)
        }
        self.messages: deque[tuple[str, str, Any]] = deque()
        self.held: dict[str, list[Any]] = {node: [] for node in NODES}
        self.unwritten: dict[str, int] = dict.fromkeys(NODES, 0)
        self.steps = 0
        self.done = 0

    def step(self, node: str, event: Any) -> None:
        """Give a core an input and queue what it asks for."""
        self.steps += 1
        effects: Effects = self.cores[node].step(event)
        if effects.token:
            self.unwritten[node] = effects.token
        for send in effects.sends:
            if send.after and self.unwritten[node] >= send.after:
                self.held[node].append(send)
            else:
                self.messages.append((node, send.to, send.message))
        self.done += sum(isinstance(answer.outcome, Done) for answer in effects.answers)

    def write(self) -> None:
        """Every disk writes what it has, in one go."""
        for node, token in self.unwritten.items():
            if token:
                self.unwritten[node] = 0
                for send in self.held[node]:
                    self.messages.append((node, send.to, send.message))
                self.held[node].clear()
                self.step(node, Persisted(token))

    def settle(self) -> None:
        """Messages arrive and disks write until nothing is left."""
        while self.messages or any(self.unwritten.values()):
            for _ in range(len(self.messages)):
                sender, to, message = self.messages.popleft()
                self.step(to, Receive(sender, message))
            self.write()


def throughput(commands: int, at_once: int, batch: int) -> dict[str, object]:
    """Commit so many commands, `at_once` of them on the way at a time."""
    host = Host(Config(max_batch=batch, max_inflight=8, snapshot_every=10_000, max_uncommitted=at_once + 1))
    host.step("n1", Campaign())
    host.settle()
    steps = host.steps
    began = time.process_time()
    for number in range(0, commands, at_once):
        for client in range(at_once):
            command = Command(f"c{client}", number // at_once + 1, b"put x 1")
            host.step("n1", Submit(command))
        host.settle()
    seconds = time.process_time() - began
    rounds = -(-commands // at_once)
    assert host.done == rounds * at_once, "not all commands were answered"
    assert all(core.machine.snapshot() == host.cores["n1"].machine.snapshot() for core in host.cores.values())
    return {
        "on the way": at_once,
        "max_batch": batch,
        "commands": host.done,
        "commands_per_second": round(host.done / seconds),
        "core_steps_per_second": round((host.steps - steps) / seconds),
    }


def chaos(seeds: int, nodes: int) -> dict[str, object]:
    """Run so many seeds with every fault on."""
    began, inputs = time.process_time(), 0
    for seed in range(seeds):
        run = simulate(raft_system(drawn_config(seed)), nodes, 400, seed)
        assert run.violation is None, run.violation
        inputs += run.inputs
    seconds = time.process_time() - began
    return {
        "nodes": nodes,
        "runs": seeds,
        "core_steps": inputs,
        "core_steps_per_second": round(inputs / seconds),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--commands", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    committed = [
        throughput(arguments.commands, at_once, batch)
        for at_once, batch in ((1, 64), (16, 1), (16, 64), (256, 64), (1024, 256))
    ]
    runs = [chaos(arguments.seeds, nodes) for nodes in (3, 5)]
    if arguments.json:
        print(json.dumps({"throughput": committed, "chaos": runs}, indent=2))
        return
    print("committed, 3 nodes in one process")
    for row in committed:
        print("  " + "  ".join(f"{name} {value:,}" for name, value in row.items()))
    print(f"core steps in the simulator, every fault on (target: {TARGET_STEPS_PER_SECOND:,} a second)")
    for row in runs:
        print("  " + "  ".join(f"{name} {value:,}" for name, value in row.items()))


if __name__ == "__main__":
    main()
