"""How soon the bugs are caught that only rare state shows, by the runs that `ratified conform` makes.

    python benchmarks/bugs.py [--protocol NAME] [--seed N]... [--within SECONDS] [BUG]...

Each bug of `conformance/PROTOCOL/hidden.py` is planted, and runs under stress and of chaos are made in turn from each seed until
one finds it: the median over the seeds and the most, in processor seconds, and who found it. Graph and Hypothesis, with which
`conform` begins, are left out.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from importlib import import_module

from ratified.bundled.conformance import PROTOCOLS
from ratified.conform.mutants import planted
from ratified.conform.protocol import Protocol
from ratified.conform.simulation import simulated
from ratified.conform.stress import stressed
from ratified.conform.suite import nodes_of

SEEDS = (0, 10_000, 20_000, 30_000, 40_000)


def caught(protocol: Protocol, bug: str, seed: int, within: float) -> tuple[float, str | None]:
    """After how long a bug is caught, and by whom; None if it is not."""
    began = time.process_time()
    with planted(protocol.mutants()[bug]):
        while (took := time.process_time() - began) < within:
            for run in (stressed, simulated):
                found = run(protocol, seed, nodes=nodes_of(seed), claims_every=50).found
                if found:
                    return time.process_time() - began, found
            seed += 1
    return took, None


def row(protocol: Protocol, bug: str, seeds: Sequence[int], within: float) -> str:
    """A line of the table."""
    found = [caught(protocol, bug, seed, within) for seed in seeds]
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
    parser.add_argument("bugs", nargs="*")
    given = parser.parse_args()
    print("| bug | mostly caught by | median | most |\n|---|---|---|---|")
    for name in given.protocol or ("raft", "multi-paxos"):
        hidden = import_module(f"ratified.conformance.{name.replace('-', '')}.hidden").HIDDEN
        for bug in hidden:
            if not given.bugs or bug in given.bugs:
                print(row(PROTOCOLS[name], bug, given.seed or SEEDS, given.within), flush=True)


if __name__ == "__main__":
    main()
