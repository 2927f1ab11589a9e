"""How fast the cores are: committed commands a second of three nodes in one process, and core steps a second under chaos.

    python benchmarks/implementations.py [--protocol NAME] [--commands N] [--seeds N] [--json]

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
from collections.abc import Callable
from random import Random
from typing import Any

from ratified.bundled import implementations
from ratified.bundled.systems import make_system
from ratified.impl.contract import Campaign, Command, Done, Effects, Persisted, Receive, Submit, Tick
from ratified.impl.multipaxos.state import Config as MultiPaxosConfig
from ratified.impl.multipaxos.system import multipaxos_system
from ratified.impl.raft import Config, raft_system
from ratified.impl.system import System
from ratified.simulator import simulate

NODES = ("n1", "n2", "n3")
TARGET_STEPS_PER_SECOND = 20_000


def raft(at_once: int, batch: int) -> System:
    """Return Raft that takes so many commands at once."""
    return raft_system(
        Config(max_batch=batch, max_inflight=8, snapshot_every=10_000, max_uncommitted=at_once + 1)
    )


def multipaxos(at_once: int, batch: int) -> System:
    """Return Multi-Paxos that takes so many commands at once."""
    return multipaxos_system(
        MultiPaxosConfig(
            max_batch=batch, pipeline=8, compact_after=10_000, window=2 * at_once, max_queue=at_once + 1
        )
    )


THROUGHPUT: dict[str, Callable[[int, int], System]] = {"raft": raft, "multi-paxos": multipaxos}


class Host:
    """Three cores whose messages and disks are queues."""

    def __init__(self, system: System) -> None:
        self.cores = {
            node: system.make(node, system.bootstrap(node, NODES), Random(i), None)  # noqa: S311 - to repeat runs
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


def throughput(protocol: str, commands: int, at_once: int, batch: int) -> dict[str, object]:
    """Commit so many commands, `at_once` of them on the way at a time."""
    host = Host(THROUGHPUT[protocol](at_once, batch))
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
    for _ in range(4):  # followers learn what is committed
        host.step("n1", Tick())
        host.settle()
    rounds = -(-commands // at_once)
    assert host.done == rounds * at_once, "not all commands were answered"
    assert all(core.machine.snapshot() == host.cores["n1"].machine.snapshot() for core in host.cores.values())
    return {
        "protocol": protocol,
        "on the way": at_once,
        "max_batch": batch,
        "commands": host.done,
        "commands_per_second": round(host.done / seconds),
        "core_steps_per_second": round((host.steps - steps) / seconds),
    }


def chaos(protocol: str, seeds: int, nodes: int) -> dict[str, object]:
    """Run so many seeds with every fault on."""
    began, inputs = time.process_time(), 0
    for seed in range(seeds):
        run = simulate(make_system(protocol, seed=seed), nodes, 400, seed)
        assert run.violation is None, run.violation
        inputs += run.inputs
    seconds = time.process_time() - began
    return {
        "protocol": protocol,
        "nodes": nodes,
        "runs": seeds,
        "core_steps": inputs,
        "core_steps_per_second": round(inputs / seconds),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--protocol", choices=list(implementations), action="append", help="only this one")
    parser.add_argument("--commands", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    protocols = arguments.protocol or list(implementations)
    committed = [
        throughput(protocol, arguments.commands, at_once, batch)
        for protocol in THROUGHPUT
        if protocol in protocols
        for at_once, batch in ((1, 64), (16, 1), (16, 64), (256, 64), (1024, 256))
    ]
    runs = [chaos(protocol, arguments.seeds, nodes) for protocol in protocols for nodes in (3, 5)]
    if arguments.json:
        print(json.dumps({"throughput": committed, "chaos": runs}, indent=2))
        return
    print("committed, 3 nodes in one process")
    for row in committed:
        print(
            "  "
            + "  ".join(
                f"{name} {value:,}" if isinstance(value, int) else f"{value:<11}"
                for name, value in row.items()
            )
        )
    print(f"core steps in the simulator, every fault on (target: {TARGET_STEPS_PER_SECOND:,} a second)")
    for row in runs:
        print(
            "  "
            + "  ".join(
                f"{name} {value:,}" if isinstance(value, int) else f"{value:<11}"
                for name, value in row.items()
            )
        )


if __name__ == "__main__":
    main()
