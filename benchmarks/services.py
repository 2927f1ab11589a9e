"""How fast balancing is: picks a second of each policy, beside what one would write by hand and what PyPI has; memory; changes.

Run as `python benchmarks/services.py`, with `--json` for figures instead of a table, `--policy NAME` and `--endpoints N` (may be
repeated) for some policies and other sizes, and `--seconds S` for how long each is timed. Weights are 1 to 5 where a policy has
weights; each request ends at once. What is compared from PyPI is run where it is installed: `pip install uhashring
jump-consistent-hash`, in an environment of its own.

Hand-written: `itertools.cycle`, `random.choice`, `random.choices` with running sums, a loop over all endpoints for smooth turns
and for the least busy, a heap of floats, two by `random.sample`, and a ring with `bisect`: each the few lines that come to
mind, which know no endpoints to avoid and no change.
"""

from __future__ import annotations

import argparse
import bisect
import hashlib
import heapq
import itertools
import json
import random
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from ratified.impl.services.balancing import BALANCERS, Picking
from ratified.impl.services.endpoints import Endpoint

SIZES = (3, 100, 10_000)
WEIGHTED = ("weighted-random", "smooth-weighted", "earliest-deadline", "least-outstanding")
KEYS = 1_000
Pick = Callable[[int], object]
"""A pick for the request of a number."""


# --- by hand ---


def cycle(endpoints: Sequence[Endpoint]) -> Pick:
    """Round-robin."""
    turns = itertools.cycle(endpoints)
    return lambda _: next(turns)


def choice(endpoints: Sequence[Endpoint]) -> Pick:
    """Random."""
    return lambda _: random.choice(endpoints)  # noqa: S311  # no secret


def choices(endpoints: Sequence[Endpoint]) -> Pick:
    """Weighted random, in floats."""
    sums = list(itertools.accumulate(e.weight for e in endpoints))
    return lambda _: random.choices(endpoints, cum_weights=sums)[0]  # noqa: S311  # likewise


def smooth(endpoints: Sequence[Endpoint]) -> Pick:
    """The loop of nginx."""
    current, total = [0] * len(endpoints), sum(e.weight for e in endpoints)

    def pick(_: int) -> Endpoint:
        best = 0
        for i, e in enumerate(endpoints):
            current[i] += e.weight
            if current[i] > current[best]:
                best = i
        current[best] -= total
        return endpoints[best]

    return pick


def deadlines(endpoints: Sequence[Endpoint]) -> Pick:
    """Earliest deadline first, in floats that drift."""
    heap = [(1 / e.weight, i) for i, e in enumerate(endpoints)]
    heapq.heapify(heap)

    def pick(_: int) -> Endpoint:
        due, i = heap[0]
        heapq.heapreplace(heap, (due + 1 / endpoints[i].weight, i))
        return endpoints[i]

    return pick


def least(endpoints: Sequence[Endpoint]) -> Pick:
    """The first that has least on the way for its weight."""
    load: Counter[str] = Counter()

    def pick(_: int) -> Endpoint:
        found = min(endpoints, key=lambda e: (load[e.name] + 1) / e.weight)
        load[found.name] += 1
        load[found.name] -= 1  # it ends
        return found

    return pick


def two(endpoints: Sequence[Endpoint]) -> Pick:
    """Two choices."""
    load: Counter[str] = Counter()

    def pick(_: int) -> Endpoint:
        found = min(random.sample(endpoints, min(2, len(endpoints))), key=lambda e: load[e.name])
        load[found.name] += 1
        load[found.name] -= 1
        return found

    return pick


def ring(endpoints: Sequence[Endpoint]) -> Pick:
    """A ring of 100 points for each, without a bound."""

    def place(text: str) -> int:
        return int(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:16], 16)

    points = sorted((place(f"{e.name} {i}"), n) for n, e in enumerate(endpoints) for i in range(100))
    places = [p for p, _ in points]
    return lambda k: endpoints[points[bisect.bisect(places, place(f"key {k % KEYS}")) % len(points)][1]]


def remainder(endpoints: Sequence[Endpoint]) -> Pick:
    """A hash modulo the number of endpoints: as fast as Maglev's table, and a change moves nearly all keys."""
    return lambda k: endpoints[
        int(hashlib.md5(b"%d" % (k % KEYS), usedforsecurity=False).hexdigest()[:16], 16) % len(endpoints)
    ]


BY_HAND: dict[str, Callable[[Sequence[Endpoint]], Pick]] = {
    "round-robin": cycle,
    "random": choice,
    "weighted-random": choices,
    "smooth-weighted": smooth,
    "earliest-deadline": deadlines,
    "least-outstanding": least,
    "two-choices": two,
    "bounded-ring": ring,
    "maglev": remainder,
}


# --- from PyPI ---


def uhashring(endpoints: Sequence[Endpoint]) -> Pick:
    """The ketama ring of uhashring."""
    from uhashring import HashRing

    hashing = HashRing(nodes=[e.name for e in endpoints], vnodes=100)
    return lambda k: hashing.get_node(f"key {k % KEYS}")


def jump(endpoints: Sequence[Endpoint]) -> Pick:
    """Jump consistent hashing (in C): endpoints can only come and go at the end."""
    import jump as jumping

    return lambda k: endpoints[jumping.hash(k % KEYS * 0x9E3779B97F4A7C15 % 2**64, len(endpoints))]


PACKAGES: dict[str, Callable[[Sequence[Endpoint]], Pick]] = {"bounded-ring": uhashring, "maglev": jump}


# --- measuring ---


def endpoints_of(name: str, count: int) -> list[Endpoint]:
    """So many, with weights if the policy has weights."""
    return [Endpoint(f"e{i}", 1 + i % 5 if name in WEIGHTED else 1) for i in range(count)]


def picks_a_second(pick: Pick, seconds: float) -> int:
    """The best of three."""
    best, number = 0.0, 0
    for _again in range(3):
        done, begun = 0, time.perf_counter()
        while (taken := time.perf_counter() - begun) < seconds / 3:
            for _ in range(50):
                pick(number)
                number += 1
            done += 50
        best = max(best, done / taken)
    return round(best)


def ours(name: str, endpoints: Sequence[Endpoint]) -> tuple[Pick, float, float, int]:
    """A policy that has them: its pick, the seconds to be told of all of them and of one that comes, and the bytes it keeps."""
    tracemalloc.start()
    balancer = BALANCERS[name]()
    balancer.update(endpoints[:-1])
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    fresh = BALANCERS[name]()
    begun = time.perf_counter()
    fresh.update(endpoints)
    whole = time.perf_counter() - begun
    begun = time.perf_counter()
    balancer.update(endpoints)
    change = time.perf_counter() - begun
    requests = [Picking(draw=random.Random(1).randrange, key=b"key %d" % i) for i in range(KEYS)]  # noqa: S311

    def pick(number: int) -> Endpoint:
        found = balancer.pick(requests[number % KEYS])
        balancer.done(found.name)
        return found

    return pick, whole, change, kept


def measure(name: str, count: int, seconds: float) -> dict[str, object]:
    """Figures by name: picks a second, seconds, bytes."""
    endpoints = endpoints_of(name, count)
    pick, whole, change, kept = ours(name, endpoints)
    figures: dict[str, object] = {
        "policy": name,
        "endpoints": count,
        "picks": picks_a_second(pick, seconds),
        "by_hand": picks_a_second(BY_HAND[name](endpoints), seconds),
        "update_seconds": round(whole, 6),
        "one_more_seconds": round(change, 6),
        "bytes": kept,
    }
    try:
        package = PACKAGES[name](endpoints)
    except (KeyError, ImportError):
        return figures
    return {**figures, "package": PACKAGES[name].__name__, "package_picks": picks_a_second(package, seconds)}


def rows(figures: dict[str, object]) -> Iterator[str]:
    """A line of the table."""
    compared = f"{figures['by_hand']:,}"
    if "package" in figures:
        compared += f"; {figures['package']} {figures['package_picks']:,}"
    size = f"{int(str(figures['bytes'])) / 1024:,.0f}"
    times = (f"{1000 * float(str(figures[k])):,.2f}" for k in ("update_seconds", "one_more_seconds"))
    counts = f"{figures['endpoints']:,} | {figures['picks']:,}"
    yield f"| `{figures['policy']}` | {counts} | {compared} | {' | '.join(times)} | {size} |"


def main() -> None:
    """Measure all that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--endpoints", type=int, action="append")
    parser.add_argument("--policy", choices=list(BALANCERS), action="append")
    parser.add_argument("--seconds", type=float, default=0.6)
    asked = parser.parse_args()
    if not asked.json:
        print("| policy | endpoints | picks/s | by hand; package | all at once, ms | one more, ms | KiB |")
        print("|---|---|---|---|---|---|---|")
    for name in asked.policy or BALANCERS:
        for count in asked.endpoints or SIZES:
            figures = measure(name, count, asked.seconds)
            print(json.dumps(figures) if asked.json else "\n".join(rows(figures)), flush=True)


if __name__ == "__main__":
    main()
