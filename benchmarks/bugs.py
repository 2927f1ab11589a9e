"""How soon the bugs are caught that only rare state shows, by the runs that `ratified conform` makes.

    python benchmarks/bugs.py [--protocol NAME] [--seed N]... [--within SECONDS] [--clusters] [BUG]...

Each bug of `conformance/PROTOCOL/hidden.py` is planted, and from each seed on runs of chaos, of a core alone and under stress are
made in turn, as `conform` does, until one finds it: the median over the seeds and the most, in processor seconds, and who found
it. `--clusters` leaves out the runs of a core alone. Graph and Hypothesis, with which `conform` begins, are left out.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module

from ratified.bundled.conformance import PROTOCOLS
from ratified.conform.alone import alone
from ratified.conform.mutants import planted
from ratified.conform.protocol import Protocol
from ratified.conform.simulation import Simulated, simulated
from ratified.conform.stress import stressed
from ratified.conform.suite import nodes_of

SEEDS = (0, 10_000, 20_000, 30_000, 40_000)


def caught(
    protocol: Protocol, bug: str, seed: int, within: float, clusters: bool
) -> tuple[float, str | None]:
    """After how long a bug is caught, and by whom; None if it is not."""
    began = time.process_time()
    with planted(protocol.mutants()[bug]):
        while (took := time.process_time() - began) < within:
            for run in runs(protocol, seed, clusters):
                if found := run().found:
                    return time.process_time() - began, found
            seed += 1
    return took, None


def runs(protocol: Protocol, seed: int, clusters: bool) -> list[Callable[[], Simulated]]:
    """Those that `conform` makes of a seed."""
    nodes = nodes_of(seed)
    return [
        partial(simulated, protocol, seed, nodes=nodes, claims_every=50),
        *(partial(alone, protocol, one) for one in range(4 * seed, 4 * seed + 4) if not clusters),
        partial(stressed, protocol, seed, nodes=nodes, claims_every=50),
    ]


def row(protocol: Protocol, bug: str, seeds: Sequence[int], within: float, clusters: bool) -> str:
    """A line of the table."""
    found = [caught(protocol, bug, seed, within, clusters) for seed in seeds]
    times = [took if who else float("inf") for took, who in found]
    by = Counter(who for _, who in found if who).most_common(1)
    who = by[0][0] if by else "nobody"
    return f"| {protocol.name} `{bug}` | {who} | {statistics.median(times):.1f} | {max(times):.1f} |"


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--protocol", choices=("raft", "multi-paxos"), action="append")
    parser.add_argument("--seed", type=int, action="append")
    parser.add_argument("--within", type=float, default=60)
    parser.add_argument("--clusters", action="store_true")
    parser.add_argument("bugs", nargs="*")
    given = parser.parse_args()
    print("| bug | mostly caught by | median | most |\n|---|---|---|---|")
    for name in given.protocol or ("raft", "multi-paxos"):
        hidden = import_module(f"ratified.conformance.{name.replace('-', '')}.hidden").HIDDEN
        for bug in hidden:
            if not given.bugs or bug in given.bugs:
                print(
                    row(PROTOCOLS[name], bug, given.seed or SEEDS, given.within, given.clusters), flush=True
                )


if __name__ == "__main__":
    main()
