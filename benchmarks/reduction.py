"""What partial-order reduction leaves out, and what choosing costs: states and seconds, in full and reduced, natively.

Run as `python benchmarks/reduction.py`, with names of models for these alone, and `--json` for figures. Claims about whole runs
are left out, for they cannot be reduced. Seconds are of the processor, over all threads, without compiling: each exploration is
done twice, and the second one counts.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from ratified import Map, Model, Sort, action, invariant, require
from ratified.cli.loading import load
from ratified.explore import check
from ratified.language.ir import Kind
from ratified.models.commit.two_phase import TwoPhase
from ratified.models.paxos.paxos import Paxos
from ratified.models.raft.raft import Raft
from ratified.results.result import Result

EXAMPLES = Path(__file__).resolve().parents[1] / "examples" / "specifications"

SAFETY = Kind.INVARIANT, Kind.STEP_INVARIANT, Kind.REFINEMENT


class Philosopher(Sort):
    """Sits at a round table."""


class Dining(Model):
    """Philosophers who take the fork on their left, then the one on their right."""

    taken: Map[Philosopher, bool]
    has: Map[Philosopher, Literal["none", "left", "both"]]

    def right(self, p: Philosopher) -> Philosopher:
        """The fork between p and the next one."""
        return Philosopher((int(p) + 1) % len(Philosopher))

    @action
    def take_left(self, p: Philosopher) -> None:
        """Philosopher p takes the first fork."""
        require(self.has[p] == "none" and not self.taken[p])
        self.taken[p] = True
        self.has[p] = "left"

    @action
    def take_right(self, p: Philosopher) -> None:
        """Philosopher p takes the second fork and eats."""
        require(self.has[p] == "left" and not self.taken[self.right(p)])
        self.taken[self.right(p)] = True
        self.has[p] = "both"

    @action
    def put_back(self, p: Philosopher) -> None:
        """Philosopher p puts both back."""
        require(self.has[p] == "both")
        self.taken[p] = False
        self.taken[self.right(p)] = False
        self.has[p] = "none"

    @invariant
    def first_two_apart(self) -> bool:
        """Two neighbours do not eat at the same time."""
        return not (self.has[Philosopher(0)] == "both" and self.has[Philosopher(1)] == "both")


def rows() -> Iterator[tuple[str, Model, tuple[str, ...] | None]]:
    """Names, models, and the claims that are asked: all of safety, or these."""
    for n in (5, 7, 9):
        yield f"two-phase commit, {n} managers", TwoPhase(ResourceManager=n), None
        yield f"two-phase commit, {n} managers: one_decision", TwoPhase(ResourceManager=n), ("one_decision",)
    paxos = {"Acceptor": 3, "Value": 2, "Ballot": 3}
    yield "Paxos, 3 ballots", Paxos(**paxos), None
    yield "Paxos, 3 ballots: one_value_per_ballot", Paxos(**paxos), ("one_value_per_ballot",)
    for size in ("small", "standard"):
        yield f"Raft, {size}", Raft(**Raft.sizes[size]), None
    for n in (6, 10):
        yield f"dining philosophers, {n}", Dining(Philosopher=n), None
        yield f"dining philosophers, {n}: deadlock alone", Dining(Philosopher=n), ()
    for file, name, sizes in (
        ("stores", "SnapshotStore", {"Key": 2, "Transaction": 3}),
        ("algorithms", "ParallelReachable", {"Node": 4, "Marker": 2}),
        ("commit", "PaxosCommit", {"Manager": 2, "Acceptor": 3, "Ballot": 2}),
        ("locks", "Barrier", {"Process": 6}),
        ("locks", "TimeStamps", {"Process": 3}),
    ):
        cls: Any = load(f"{EXAMPLES / file}.py:{name}")
        yield f"examples: {name}", cls(**sizes), None
        if name in ("Barrier", "ParallelReachable"):
            yield f"examples: {name}: deadlock alone", cls(**sizes), ()


def measured(model: Model, claims: tuple[str, ...], *, reduction: bool) -> tuple[Result, float]:
    """An exploration that was compiled before, and its seconds."""
    found, seconds = None, 0.0
    for _ in range(2):
        began = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        found = check(model, engine="native", claims=claims, reduction=reduction)
        seconds = resource.getrusage(resource.RUSAGE_SELF).ru_utime - began
    assert found is not None
    return found, seconds


def main(arguments: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="beginnings of names of rows; all by default")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    for name, model, chosen in rows():
        if asked.names and not name.startswith(tuple(asked.names)):
            continue
        claims = tuple(f.name for kind in SAFETY for f in model.module.of_kind(kind))
        claims = claims if chosen is None else chosen
        full, before = measured(model, claims, reduction=False)
        reduced, after = measured(model, claims, reduction=True)
        figures = {
            "states": full.distinct,
            "reduced": reduced.distinct,
            "seconds": before,
            "reduced_seconds": after,
        }
        if asked.json:
            print(json.dumps({"name": name, **figures}), flush=True)
        else:
            print(
                f"{name:50} {full.distinct:>12,} {reduced.distinct:>12,} {before:8.2f} {after:8.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1:])
