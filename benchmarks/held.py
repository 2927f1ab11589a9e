"""Mistakes planted into systems of examples/held: which are found by a trace, by driving, by Hypothesis, and how soon.

    python benchmarks/held.py [--sample N] [--seed S] [--only NAME]... [--json FILE]

The mistakes are drawn from those of `ratified mutants --sweep`, in lines that are run. Each is put to three things: a run of 300
random calls whose log is held to the model; driving along every step and what is forbidden; 25 examples of Hypothesis. Times are
processor seconds until it is found, of the process and those that it started; lists of what none of them finds follow.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import cachetools
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from ratified import Binding, Driver, Event, Model, Verdict, drive
from ratified.conform.driving.machine import DriverMachine
from ratified.conform.driving.sweep import DrivingAnswer, Swept, sweep
from ratified.follow.follower import Follower

HELD = Path(__file__).parents[1] / "examples" / "held"
CALLS = 300
EXAMPLES = 25
SEED = 0
WITHIN = 60
WAYS = ("trace", "driving", "hypothesis")


def lease() -> tuple[type[Driver], Model, Callable[[], bool]]:
    """The lease server: a driver, a model, and whether a run of it is one of the model."""
    import lease_held
    import lease_model
    from lease_server import LeaseClient, Leases

    def run() -> bool:
        with tempfile.TemporaryDirectory() as folder:
            now, random = [0], Random(SEED)
            path = Path(folder) / "leases.db"
            server = [Leases(path, 50, lambda: now[0])]
            clients = [
                LeaseClient(f"c{n}", lambda do, *given: server[0].answer({"do": do, "with": given}))
                for n in range(3)
            ]
            for _ in range(CALLS):
                now[0] += random.choice((0, 1, 5, 60))
                if random.random() < 0.02:
                    server[0] = Leases(path, 50, lambda: now[0])
                client = random.choice(clients)
                what = random.choice((client.acquire, client.renew, client.write, client.release))
                if random.random() < 0.8 or what != client.release:
                    what()
            events = [json.loads(line) for line in server[0].log()]
        return follows(
            lease_held.Log(), (Event(e["action"], e["arguments"], "", e["variables"]) for e in events)
        )

    return lease_held.Service, lease_model.LeaseService(Client=2), run


def jobs() -> tuple[type[Driver], Model, Callable[[], bool]]:
    """The queue of jobs."""
    import job_held
    from job_queue import JobQueue, Taken

    def run() -> bool:
        now, random, taken = [0], Random(SEED), [Taken("none", 1)]
        queue = JobQueue(":memory:", lambda: now[0])

        def events() -> Iterator[Event]:
            for n in range(CALLS):
                now[0] += random.choice((0, 1, 7, 31))
                what, job = (
                    random.choice(("put", "take", "take", "done", "failed", "more_time")),
                    random.choice(taken),
                )
                if what == "put":
                    name = f"j{random.randrange(n // 6 + 1)}"
                    yield Event(what, {"now": now[0], "job": name, "done": queue.put(name)})
                elif what == "take":
                    got = queue.take()
                    taken.extend([got] if got else [])
                    yield Event(what, {"now": now[0], "job": got.name if got else None})
                else:
                    done = getattr(queue, what)(job)
                    told = {"job": job.name, "receipt": job.receipt, "done": done}
                    yield Event(what, {"now": now[0], **told})

        return follows(job_held.Log(), events())

    return job_held.Queue, job_held.Jobs(Job=2), run


def cache() -> tuple[type[Driver], Model, Callable[[], bool]]:
    """The cache of cachetools that forgets what was used least recently."""
    import lru_held
    from cachetools import LRUCache

    def run() -> bool:
        random, kept = Random(SEED), LRUCache(8)

        def events() -> Iterator[Event]:
            for n in range(CALLS):
                what, key = (
                    random.choice(("put", "put", "get", "get", "get", "drop", "evict")),
                    f"k{random.randrange(16)}",
                )
                if what == "put":
                    kept[key] = f"v{n % 40}"
                    yield Event(what, {"key": key, "value": f"v{n % 40}"})
                elif what == "get":
                    yield Event(what, {"key": key, "value": kept.get(key)})
                elif what == "drop":
                    yield Event(what, {"key": key, "done": kept.pop(key, None) is not None})
                else:
                    yield Event(what, {"key": kept.popitem()[0] if kept else None})

        return follows(lru_held.Log(), events())

    return lru_held.Cache, lru_held.LeastRecentlyUsed(Key=3, Value=2), run


SYSTEMS = {
    "lease server": (lease, HELD / "lease_server.py"),
    "queue": (jobs, HELD / "job_queue.py"),
    "cache": (cache, Path(cachetools.__file__)),
}


def follows(binding: Binding, events: Iterator[Event]) -> bool:
    """Whether a run is one of the model."""
    return Follower(binding).follow(events).verdict is Verdict.HOLDS


def put_to_all(make: Callable[[], tuple[type[Driver], Model, Callable[[], bool]]]) -> DrivingAnswer:
    """What each way says: the seconds after which it found something, or None."""
    driver_of, model_of, run = make()

    class Machine(DriverMachine):
        driver = driver_of
        model = model_of

    def examples() -> bool:
        chosen = settings(
            max_examples=EXAMPLES,
            stateful_step_count=30,
            database=None,
            derandomize=True,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(Machine, settings=chosen)
        return True

    found: dict[str, float | None] = {}
    ways = (run, lambda: drive(driver_of, model_of, shrink=False).holds, examples)
    for name, way in zip(WAYS, ways, strict=True):
        began = seconds()
        try:
            holds = way()
        except Exception:  # noqa: BLE001 - a mistake may raise anything, which is noticed
            holds = False
        found[name] = None if holds else round(seconds() - began, 2)
    verdict = Verdict.HOLDS if all(s is None for s in found.values()) else Verdict.VIOLATED
    return DrivingAnswer(verdict.value, json.dumps(found))


def seconds() -> float:
    """Of this process, and of those that it started and that have ended."""
    started = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + started.ru_utime + started.ru_stime


def row(name: str, swept: Swept) -> dict[str, Any]:
    """What came of a system's mistakes."""
    found = [json.loads(t.by) if t.by.startswith("{") else {} for t in swept.tried]
    told: dict[str, Any] = {"system": name, "mistakes": len(swept.tried), "of": swept.drawn_of}
    for way in WAYS:
        times = sorted(f[way] for f in found if f.get(way) is not None)
        told[way] = {"found": len(times), "median": times[len(times) // 2] if times else None}
    told["ended or slow"] = sum(
        t.outcome.is_caught and not f for t, f in zip(swept.tried, found, strict=True)
    )
    told["each"] = [
        {"line": t.mistake.line, "mistake": t.mistake.what, "outcome": t.outcome.value, **f}
        for t, f in zip(swept.tried, found, strict=True)
    ]
    return told


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sample", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=SYSTEMS, action="append")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    sys.path.insert(0, str(HELD))
    rows = []
    print(f"  {'system':14}{'mistakes':>9}" + "".join(f"{way:>18}" for way in WAYS) + f"{'ended':>7}")
    for name in given.only or SYSTEMS:
        make, module = SYSTEMS[name]
        swept = sweep(
            module,
            lambda make=make: put_to_all(make),
            jobs=given.jobs,
            sample=given.sample,
            seed=given.seed,
            within=WITHIN,
        )
        told = row(name, swept)
        rows.append(told)
        ways = "".join(f"{told[w]['found']:9} ({told[w]['median'] or 0:.2f} s)" for w in WAYS)
        print(f"  {name:14}{told['mistakes']:9}{ways}{told['ended or slow']:7}", flush=True)
        for tried in swept.survivors:
            print(f"    {module.name}:{tried.mistake.line}: {tried.mistake.what}")
    if given.json:
        given.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
