"""What a claim of liveness costs, beside exploring the same states without it, natively.

Run as `python benchmarks/liveness.py`, with `--json` for figures instead of a table, and `--size N` for one size of each model.
The target is that a claim costs at most three times the exploration. Times are of the processor, over all threads, without
compiling; claims are asked one at a time, each with all choices of its arguments.
"""

from __future__ import annotations

import argparse
import json
import resource
from collections.abc import Callable, Sequence
from enum import Enum

from ratified import Map, Model, Ordered, Sort, action, eventually, first, last, leads_to, require
from ratified.explore import check
from ratified.language.ir import Kind
from ratified.results.result import Limits, Result, Verdict

TARGET = 3.0
MOST = 10_000_000


class Worker(Sort):
    """Takes turns with nobody."""


class Phase(Enum):
    """Where a worker is."""

    IDLE = 0
    ASKING = 1
    WORKING = 2
    DONE = 3
    RESTING = 4


class Workers(Model):
    """Workers go round through five phases, each at its own pace: one component of 5 to the power of the workers."""

    at: Map[Worker, Phase]

    def init(self) -> None:
        """All are idle."""
        self.at = Map({w: Phase.IDLE for w in Worker})

    @action(fair="weak", each=("w",))
    def move(self, w: Worker) -> None:
        """Go on."""
        if self.at[w] == Phase.IDLE:
            self.at[w] = Phase.ASKING
        elif self.at[w] == Phase.ASKING:
            self.at[w] = Phase.WORKING
        elif self.at[w] == Phase.WORKING:
            self.at[w] = Phase.DONE
        elif self.at[w] == Phase.DONE:
            self.at[w] = Phase.RESTING
        else:
            self.at[w] = Phase.IDLE

    @eventually
    def somebody_works(self) -> bool:
        """Sooner or later."""
        return any(self.at[w] == Phase.WORKING for w in Worker)

    @leads_to
    def the_first_rests(self, w: Worker) -> tuple[bool, bool]:
        """Whoever is idle rests at last."""
        return self.at[w] == Phase.IDLE, self.at[w] == Phase.RESTING


class Node(Ordered):
    """On a ring."""


class Count(Ordered):
    """Modulo their number."""


class TokenRing(Model):
    """Dijkstra's ring of counters, from any beginning (Self-stabilizing Systems in Spite of Distributed Control, 1974)."""

    count: Map[Node, Count]

    def init(self, count: Map[Node, Count]) -> None:
        """Anything."""
        self.count = count

    @action(fair="weak")
    def step(self, n: Node) -> None:
        """Pass the privilege on."""
        if n == first(Node):
            held = self.count[last(Node)]
            require(self.count[n] == held)
            self.count[n] = first(Count) if held.is_last() else held + 1
        else:
            require(self.count[n] != self.count[n - 1])
            self.count[n] = self.count[n - 1]

    @eventually
    def one_privilege(self) -> bool:
        """All but one of the nodes agree with the one before."""
        return sum(self.count[n] != self.count[n - 1] for n in Node if n != first(Node)) <= 1


MODELS: dict[str, tuple[Callable[[int], Model], Sequence[int]]] = {
    "workers": (lambda n: Workers(Worker=n), (6, 8, 10)),
    "token ring": (lambda n: TokenRing(Node=n, Count=n), (6, 7)),
}
"""By name: the model of a size, and the sizes."""


def measure(name: str, size: int) -> list[dict[str, object]]:
    """Explore a model without liveness, then with one claim at a time; seconds of the processor."""
    make = MODELS[name][0]
    model = make(size)
    claims = [f.name for f in model.module.functions.values() if f.kind in {Kind.EVENTUALLY, Kind.LEADS_TO}]
    explored, without = _timed(model, [])
    rows = []
    for claim in claims:
        result, seconds = _timed(model, [claim])
        assert result.verdict is Verdict.HOLDS, result
        rows.append(
            {
                "model": f"{name} {size}",
                "claim": claim,
                "states": result.distinct,
                "transitions": result.generated,
                "exploring_seconds": round(without, 3),
                "with_claim_seconds": round(seconds, 3),
                "claim_over_exploring": round((seconds - without) / without, 2),
                "memory_bytes": result.memory,
            }
        )
    assert explored.distinct == rows[0]["states"]
    return rows


def _timed(model: Model, claims: Sequence[str]) -> tuple[Result, float]:
    check(model, claims=tuple(claims), engine="native", limits=Limits(states=1))  # compiled from here on
    before = resource.getrusage(resource.RUSAGE_SELF)
    result = check(model, claims=tuple(claims), engine="native")
    after = resource.getrusage(resource.RUSAGE_SELF)
    return result, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the table, or figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--json", action="store_true", help="figures instead of a table")
    parser.add_argument("--size", type=int, help="this size of each model only")
    given = parser.parse_args()
    rows = [
        row
        for name, (_, sizes) in MODELS.items()
        for size in ([given.size] if given.size else sizes)
        for row in measure(name, size)
    ]
    if given.json:
        print(json.dumps(rows, indent=2))
        return
    print(
        f"{'model':<14} {'claim':<18} {'states':>11} {'exploring':>10} {'with claim':>11} {'claim costs':>12}"
    )
    for row in rows:
        costs = f"{row['claim_over_exploring']} times"
        print(
            f"{row['model']:<14} {row['claim']:<18} {row['states']:>11,} {row['exploring_seconds']:>8} s "
            f"{row['with_claim_seconds']:>9} s {costs:>12}"
        )
    print(f"target: at most {TARGET} times; and {MOST:,} states reached")


if __name__ == "__main__":
    main()
