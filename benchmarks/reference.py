"""How fast the reference explorer is: states and transitions a second on the bundled models, on one core.

Run as `python benchmarks/reference.py`, with `--json` for figures instead of a table, `--states N` for how far to go in a model,
and `--profile NAME` to see where the time goes in one of them.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import resource
from collections.abc import Callable, Sequence

from ratified.explore import check
from ratified.language import Model
from ratified.models.commit.two_phase import TwoPhase
from ratified.models.paxos.paxos import Paxos
from ratified.models.paxos.voting import Voting
from ratified.results.result import Limits, Result

TARGET = "paxos"
TARGET_TRANSITIONS_PER_SECOND = 20_000

RUNS: dict[str, tuple[Callable[[], Model], bool, tuple[str, ...] | None]] = {
    "paxos": (lambda: Paxos(Acceptor=3, Value=2, Ballot=3), False, ()),
    "paxos, all it claims": (lambda: Paxos(Acceptor=3, Value=2, Ballot=3), False, None),
    "paxos, symmetric": (lambda: Paxos(Acceptor=3, Value=2, Ballot=3), True, None),
    "voting, all it claims": (lambda: Voting(Acceptor=3, Value=2, Ballot=3), False, None),
    "two_phase, all it claims": (lambda: TwoPhase(ResourceManager=6), False, None),
}
"""By name: the model, whether symmetry is used, and the claims to check (None for all)."""


def measure(name: str, states: int) -> dict[str, object]:
    """Explore one model up to so many states; figures by name, times in seconds, memory in bytes."""
    make, symmetry, claims = RUNS[name]
    model = make()
    before = _processor_seconds()
    result = check(model, limits=Limits(states=states), symmetry=symmetry, claims=claims, engine="reference")
    return {"model": name, **_figures(result, _processor_seconds() - before)}


def _figures(result: Result, processor: float) -> dict[str, object]:
    return {
        "states": result.distinct,
        "transitions": result.generated,
        "depth": result.depth,
        "seconds": round(result.seconds, 3),
        "processor_seconds": round(processor, 3),
        "transitions_per_second": round(result.generated / processor),
        "memory_bytes": result.memory,
    }


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def table(rows: Sequence[dict[str, object]]) -> str:
    """The figures in columns. Transitions a second are of processor time, which other programs disturb less."""
    lines = [
        f"{'model':<26}{'states':>10}{'transitions':>13}{'depth':>7}{'time, s':>9}{'CPU, s':>8}{'trans/s':>9}{'peak, MB':>10}"
    ]
    lines += [
        f"{r['model']:<26}{r['states']:>10,}{r['transitions']:>13,}{r['depth']:>7}{r['seconds']:>9.2f}"
        f"{r['processor_seconds']:>8.2f}{r['transitions_per_second']:>9,}{r['memory_bytes'] / 1e6:>10.0f}"  # type: ignore[operator]  # a number
        for r in rows
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]  # not stripped
    parser.add_argument("--json", action="store_true", help="print figures as JSON")
    parser.add_argument("--states", type=int, default=50_000, help="how many states to visit at most")
    parser.add_argument("--profile", choices=RUNS, help="profile one run instead")
    given = parser.parse_args()
    if given.profile:
        profile = cProfile.Profile()
        profile.runcall(measure, given.profile, given.states)
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)
        return
    rows = [measure(name, given.states) for name in RUNS]
    if given.json:
        print(json.dumps({"target": {TARGET: TARGET_TRANSITIONS_PER_SECOND}, "rows": rows}, indent=2))
    else:
        print(table(rows))
        reached = next(r["transitions_per_second"] for r in rows if r["model"] == TARGET)
        print(
            f"\ntarget for {TARGET}: {TARGET_TRANSITIONS_PER_SECOND:,} transitions a second; reached {reached:,}"
        )


if __name__ == "__main__":
    main()
