"""How fast traces are checked, in how much memory, and how fast histories are decided.

    python benchmarks/conformance.py [--events N]... [--protocol NAME]... [--trace BINDING FILE]... [--json FILE]

*Traces*: chaos drives three nodes, what they report is written to a file and followed, as `ratified trace` does; `lock` and
`lease` are examples of bindings of your own, `lease` with a time in each event and three claims. Each is a process, whose peak
memory is told: it must not grow with the trace. `--trace` measures one of your own instead, followed ten times over.
Beside each is how long one and the same loop takes in the same process, in milliseconds: on a busy machine all is slower alike.
*Histories*: 10,000 operations of 10 clients on a store, and the same with one answer that cannot be.
Times are processor seconds.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from ratified.bundled.conformance import PROTOCOLS
from ratified.cli.loading import load_binding
from ratified.follow.follower import Follower
from ratified.follow.linearizability import HistoryRecorder, KeyValue, Operation, check_history
from ratified.follow.trace import read_events, read_heading
from ratified.results.result import Verdict

TARGET_EVENTS_PER_SECOND = 50_000
TARGET_SECONDS = 5
LOCK = str(Path(__file__).parents[1] / "examples" / "lock_binding.py") + ":LockServer"
HELD = Path(__file__).parents[1] / "examples" / "held"
BINDINGS = {"lock": LOCK, "lease": f"{HELD / 'lease_held.py'}:Log"}
CLIENTS = 20
NAMES = (*PROTOCOLS, *BINDINGS)


def record(name: str, events: int, path: Path) -> None:
    """Write a trace of so many events."""
    if name in BINDINGS:
        with path.open("w") as file:  # line by line: a child begins with the peak of its parent
            lines = lease_lines(events) if name == "lease" else map(json.dumps, lock_events(events))
            file.writelines(f"{line}\n" for line in lines)
        return
    subprocess.run(  # noqa: S603 - this very package
        [sys.executable, "-m", "ratified", "conform", name, "--record", path, "--events", str(events)],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def lock_events(count: int) -> Iterator[dict[str, Any]]:
    """What a lock server reports whose clients write much, and whose leases now and then end without a word."""
    random = Random(0)  # noqa: S311 - to repeat runs
    token, granted, written = 0, None, None
    for _ in range(count):
        arguments: dict[str, Any] = {}
        if granted is None or random.random() < 500 / count:
            token += 1
            granted = f"c{random.randrange(CLIENTS)}"
            action, arguments = "acquire", {"client": granted, "token": token}
        else:
            action, arguments, written = "write", {"client": granted}, token
        variables = {"granted": granted, "written": written}
        yield {"action": action, "arguments": arguments, "variables": variables}


def lease_lines(count: int) -> Iterator[str]:
    """The log of the lease server of examples/held, of so many calls, with a clock that is moved by hand."""
    sys.path.insert(0, str(HELD))
    from lease_server import LeaseClient, Leases

    random, now = Random(0), 0  # noqa: S311 - to repeat runs
    with tempfile.TemporaryDirectory() as folder:
        server = Leases(Path(folder) / "leases.db", 50, lambda: now)
        clients = [
            LeaseClient(f"c{n}", lambda do, *given: server.answer({"do": do, "with": given}))
            for n in range(4)
        ]
        while server.database.execute("SELECT count(*) < ? FROM log", (count,)).fetchone()[0]:
            for _ in range(1_000):
                now += random.choice((0, 0, 1, 2))
                client = random.choice(clients)
                random.choice((client.acquire, client.renew, client.write, client.write, client.write))()
                if random.random() < 0.01:
                    client.release()
        yield from server.log()


def loop_ms() -> float:
    """How long a loop of plain Python takes here and now, which no change of ours makes any quicker."""
    began, found = time.process_time(), {}
    for n in range(400_000):
        found[n & 255] = (n, str(n))
    return (time.process_time() - began) * 1_000


def follow(name: str, path: Path, times: int = 1) -> dict[str, Any]:
    """Follow a trace in this process, so many times over: each is a run of its own."""
    binding = load_binding(BINDINGS.get(name, name))
    events, seconds, loops, most_states = 0, 0.0, [loop_ms()], 0
    for time_ in range(times):
        if time_:
            binding = type(binding)()
        binding.begin(read_heading(path))
        follower = Follower(binding)
        began = time.process_time()
        result = follower.follow(read_events(path))
        seconds += time.process_time() - began
        loops.append(loop_ms())
        assert result.verdict is Verdict.HOLDS, result.stopped or result.mismatch
        events += result.events
        most_states = max(most_states, result.most_states)
    return {
        "binding": name.rpartition("/")[2],
        "events": events,
        "events_per_second": round(events / seconds),
        "loop_ms": round(sum(loops) / len(loops)),
        "most_states": most_states,
        "memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def history(seed: int, count: int = 10_000, clients: int = 10, keys: int = 3) -> list[Operation]:
    """Return what clients of a store see that works, each operation taking effect some time between its call and its end."""
    random = Random(seed)  # noqa: S311 - to repeat runs
    store: dict[int, Any] = {}
    recorder = HistoryRecorder()
    under_way: dict[int, tuple[Any, ...]] = {}
    calls = 0
    while calls < count or under_way:
        client = random.randrange(clients)
        step = under_way.pop(client, ())
        if not step and calls < count:
            calls += 1
            key = random.randrange(keys)
            function = random.choice(("get", "get", "put", "cas"))
            argument = {"get": None, "put": calls, "cas": [store.get(key), calls]}[function]
            recorder.call(client, function, argument, key)
            under_way[client] = (function, argument, key)
        elif len(step) == 3:
            function, argument, key = step
            result = store.get(key) if function == "get" else None
            if function == "cas":
                result = store.get(key) == argument[0]
            if function == "put" or result is True:
                store[key] = argument if function == "put" else argument[1]
            under_way[client] = (result,)
        elif step:
            recorder.end(client, step[0])
    return list(recorder.history().operations)


def decide(keys: int, spoilt: bool) -> dict[str, Any]:
    """Decide a history, with a read near its end that is older than it can be if `spoilt`."""
    operations = history(keys, keys=keys)
    if spoilt:
        at = max(i for i, o in enumerate(operations) if o.function == "get" and o.result is not None)
        old = next(o.argument for o in operations if o.function == "put" and o.key == operations[at].key)
        operations[at] = replace(operations[at], result=old)
    began = time.process_time()
    outcome = check_history(operations, KeyValue())
    seconds = time.process_time() - began
    assert outcome.verdict is (Verdict.VIOLATED if spoilt else Verdict.HOLDS)
    return {
        "keys": keys,
        "operations": outcome.operations,
        "verdict": outcome.verdict.value,
        "configurations": outcome.configurations,
        "seconds": round(seconds, 2),
    }


def measured(name: str, path: Path, times: int = 1) -> dict[str, Any]:
    """Follow a trace in a process of its own."""
    done = subprocess.run(  # noqa: S603 - this very file
        [sys.executable, __file__, "--follow", name, path, str(times)], check=True, stdout=subprocess.PIPE
    )
    row: dict[str, Any] = json.loads(done.stdout)
    return row


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, action="append", help="10,000 and 100,000 by default")
    parser.add_argument("--protocol", choices=NAMES, action="append", help="only this one")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--trace", nargs=2, action="append", metavar=("BINDING", "FILE"), help="your own")
    parser.add_argument("--follow", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.follow:
        name, file, times = given.follow
        print(json.dumps(follow(name, Path(file), int(times))))
        return
    rows = []
    print(f"traces (target: {TARGET_EVENTS_PER_SECOND:,} events a second)")
    print(f"  {'binding':20}{'events':>10}{'events/s':>10}{'loop ms':>9}{'states':>8}{'MB':>7}")

    def tell(row: dict[str, Any]) -> None:
        rows.append(row)
        print(
            f"  {row['binding']:20}{row['events']:10,}{row['events_per_second']:10,}{row['loop_ms']:9}"
            f"{row['most_states']:8,}{row['memory_bytes'] / 1e6:7.0f}",
            flush=True,
        )

    for binding, file in given.trace or ():
        tell(measured(binding, Path(file), 10))
    if given.trace:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.ndjson"
        for name in given.protocol or NAMES:
            for events in given.events or (10_000, 100_000):
                record(name, events, path)
                tell(measured(name, path))
    print(f"histories of 10 clients (target: {TARGET_SECONDS} s)")
    print(f"  {'keys':12}{'operations':>10}  {'verdict':10}{'looked at':>10}{'s':>8}")
    decided = [decide(keys, spoilt) for keys in (1, 3) for spoilt in (False, True)]
    for row in decided:
        print(
            f"  {row['keys']:<12}{row['operations']:10,}  {row['verdict']:10}{row['configurations']:10,}"
            f"{row['seconds']:8.2f}"
        )
    if given.json:
        given.json.write_text(json.dumps({"traces": rows, "histories": decided}, indent=2) + "\n")


if __name__ == "__main__":
    main()
