"""A cluster is tortured, and what came of it is decided.

Its clients' history is decided by the linearizability checker, its nodes' traces by the model, their last states by each other.

Guarantees: HOLDS only if all three hold, of the whole run; what could not be decided in time, or a cluster that does not come to
rest after the last fault, is UNDECIDED; when it returns no process runs.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratified.conformance.cluster.clients import Client, History, opened
from ratified.conformance.cluster.nemesis import Fault, Nemesis, faketime
from ratified.conformance.cluster.proxy import Way
from ratified.diagram.load import Lane, LoadPicture, LoadSpan, Panel
from ratified.follow.clocks import read_clock
from ratified.follow.follower import Follower
from ratified.follow.linearizability.check import HistoryOutcome, check_history
from ratified.follow.linearizability.models import KeyValue
from ratified.follow.merge import Merged
from ratified.follow.trace import read_trace
from ratified.impl.contract import Done
from ratified.impl.runtime.cluster import Cluster, Restarts
from ratified.results.result import Verdict

if TYPE_CHECKING:
    from ratified.conformance.cluster.promises import Promises

KEYS = ("a", "b", "c")
CALM_SECONDS = 60.0
PATIENCE_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How to torture. `every` is how many seconds lie between two faults, `pause` between two operations of a client."""

    folder: Path
    nodes: int = 3
    spares: int = 1
    seconds: float = 60.0
    seed: int = 0
    clients: int = 4
    every: float = 0.5
    pause: float = 0.05
    protocol: str = "raft"
    machine: str = "kv"
    trace: bool = True
    plant: str | None = None
    kinds: tuple[str, ...] = ()
    decide_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class Tortured:
    """What came of it. `why` says in a line each what is wrong, or what was not decided."""

    plan: Plan
    verdict: Verdict
    why: tuple[str, ...]
    operations: int
    acknowledged: int
    open: int
    faults: tuple[Fault, ...]
    restarts: int
    linearizable: HistoryOutcome
    events: int
    trace: Verdict | None
    seconds: float
    decided_seconds: float
    promises: Mapping[str, int] | None = None
    """Of the store: how many changes a watch told, leases were kept, and times was written under a lock."""

    @property
    def by_kind(self) -> Mapping[str, int]:
        """How many faults of each kind there were."""
        return dict(sorted(Counter(fault.kind for fault in self.faults).items()))


def torture(plan: Plan) -> Tortured:
    """Do it. Raises RuntimeFault if the cluster does not even start."""
    return asyncio.run(_torture(plan))


async def _torture(plan: Plan) -> Tortured:
    plan.folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "ratified.conformance.cluster.served", "--parent"]
    command += ["--plant", plan.plant] if plan.plant else []
    joins = plan.protocol == "raft" and (not plan.kinds or "membership" in plan.kinds)
    cluster = Cluster(
        plan.nodes,
        plan.folder,
        spares=plan.spares if joins else 0,
        protocol=plan.protocol,
        machine=plan.machine,
        settings={"snapshot_every": 25, "snapshot_keep": 5, "tick_ms": 50},
        trace=plan.trace,
        restarts=Restarts(most=1_000_000, base_ms=50, cap_ms=400),
        command=command,
        environment=_environment,
        name="torture",
    )
    ways: list[Way] = []
    with opened(plan.folder / "history.ndjson") as out:
        history = History(out)
        try:
            cluster.reserve()
            ways = [
                Way(one, other, cluster.child(other).peer)
                for one in cluster.names
                for other in cluster.names
                if one != other
            ]
            for way in ways:
                await way.listen()
                cluster.proxied[way.sender, way.to] = way.address
            cluster.begin()
            await cluster.ready()
            began = time.monotonic()
            nemesis = Nemesis(cluster, ways, str(plan.seed), began, plan.every, plan.kinds)
            unrest, promises = await _run(plan, cluster, nemesis, history, began)
            lasted = time.monotonic() - began
            restarts = sum(cluster.child(name).restarts for name in cluster.names)
        finally:
            for way in ways:
                await way.close()
            await cluster.close()
    return _decided(plan, cluster, nemesis, history, unrest, promises, restarts, lasted)


def _environment(folder: Path) -> Mapping[str, str]:
    """What a node's clock is told to show, where libfaketime is there. Time-outs go by another clock, which is left alone."""
    library = faketime()
    if library is None:
        return {}
    file = folder / "time"
    if not file.exists():
        file.write_text("+0")
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_CACHE_DURATION": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }


async def _run(
    plan: Plan, cluster: Cluster, nemesis: Nemesis, history: History, began: float
) -> tuple[list[str], Promises | None]:
    """Clients and nemesis, for so long; then calm, and a last look. What is wrong then, and what the store promised."""
    over, calm = asyncio.Event(), asyncio.Event()
    made, where, known = Client, "peer", cluster.names
    if plan.machine == "etcd":
        from ratified.conformance.cluster.store_clients import EtcdClient

        made, where, known = EtcdClient, "client", cluster.founders  # a spare that is no member serves nobody

    def client(number: int, patience: float = PATIENCE_SECONDS) -> Client:
        return made(
            number,
            lambda: [(name, getattr(cluster.child(name), where)) for name in known],
            cluster.name,
            KEYS,
            history,
            str(plan.seed),
            began,
            plan.pause,
            patience,
        )

    clients = [client(number) for number in range(1, plan.clients + 1)]
    reader = client(0, CALM_SECONDS)
    asking = [asyncio.create_task(c.run(over), name=f"client {n}") for n, c in enumerate(clients, 1)]
    promises = None
    watching: list[asyncio.Task[None]] = []
    if plan.machine == "etcd":
        from ratified.conformance.cluster.promises import Promises

        places = [cluster.child(name).client for name in cluster.founders]
        promises = Promises(lambda: places, str(plan.seed))
        watching = [asyncio.create_task(promises.watch(n)) for n in range(promises.watches)]
        tenants, holders = range(promises.tenants), range(promises.holders)
        asking += [asyncio.create_task(promises.tenant(n, over), name=f"tenant {n}") for n in tenants]
        asking += [asyncio.create_task(promises.holder(n, over), name=f"holder {n}") for n in holders]

    async def looked() -> list[str]:
        """What is wrong when all is calm."""
        unrest = await _rested(cluster)
        if not unrest and promises is not None:
            unrest = await promises.settled(time.monotonic() + CALM_SECONDS) or promises.faults()
        if not unrest:
            await reader.read_all()
            unrest = await _same(cluster)
        return unrest

    breaking = asyncio.create_task(nemesis.run(calm), name="nemesis")
    running: list[asyncio.Task[Any]] = [breaking, *asking, *watching]
    try:
        await asyncio.wait([breaking, *asking], timeout=plan.seconds, return_when=asyncio.FIRST_COMPLETED)
        calm.set()
        unrest = await ended([breaking])
        over.set()
        unrest = unrest or await ended(asking)
        if not unrest:
            running.append(looking := asyncio.create_task(looked(), name="the last look"))
            unrest = await ended([looking], 3 * CALM_SECONDS) or looking.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for one in (*clients, reader):
            await one.close()
    refused = [c for c in map(cluster.child, cluster.names) if c.state in ("refused", "given up")]
    refusals = [f"{c.node} is {c.state}: {c.why}" for c in refused]
    return [*refusals, *unrest], promises


async def ended(tasks: Sequence[asyncio.Task[Any]], seconds: float = CALM_SECONDS) -> list[str]:
    """Wait for tasks to end, but not for ever: which did not, and where they wait. Raises what a task has raised."""
    done, waiting = await asyncio.wait(tasks, timeout=seconds)
    for task in done:
        task.result()
    return [
        f"{task.get_name()} did not come to rest in {seconds:g} s after the last fault: it waits at {place}"
        for task, place in sorted(((t, waits_at(t)) for t in waiting), key=lambda each: each[0].get_name())
    ]


def waits_at(task: asyncio.Task[Any]) -> str:
    """Where a task waits: the innermost function of ours, with its line."""
    found = "?"
    inner: Any = task.get_coro()
    while inner is not None:
        frame = _first_of(inner, "cr_frame", "ag_frame", "gi_frame")
        if frame is not None and frame.f_globals["__name__"].startswith("ratified."):
            found = (
                f"{frame.f_code.co_qualname}, line {frame.f_lineno} of {Path(frame.f_code.co_filename).name}"
            )
        inner = _first_of(inner, "cr_await", "ag_await", "gi_yieldfrom")
    return found


def _first_of(thing: object, *names: str) -> Any:
    """The first of these attributes that there is: coroutines, generators and both have their own."""
    return next((found for name in names if (found := getattr(thing, name, None)) is not None), None)


async def _rested(cluster: Cluster) -> list[str]:
    """Wait until those that began are the members, and all have the same."""
    deadline = time.monotonic() + CALM_SECONDS
    while time.monotonic() < deadline:
        try:
            if cluster.names != cluster.founders:
                await cluster.order("change " + " ".join(cluster.founders), 5)
            reports = {r["node"]: r for r in await cluster.status()}
        except TimeoutError:
            continue
        members = [reports[name] for name in cluster.founders]
        there = all("term" in r and r["leader"] for r in members)
        if (
            there
            and len({r["applied"] for r in members}) == 1
            and all({m["node"] for m in r["members"]} == {*cluster.founders} for r in members)
        ):
            return []
        await asyncio.sleep(0.2)
    return [f"the cluster did not come to rest in {CALM_SECONDS:g} s after the last fault"]


async def _same(cluster: Cluster) -> list[str]:
    """Whether nodes have different states, once all have applied everything. Leases may end meanwhile: they are asked again."""
    digests: dict[str, str] = {}
    for _ in range(50):
        for name in cluster.founders:
            remote = await cluster.remote(name)
            outcome = await remote.digest() if remote is not None else None
            digests[name] = outcome.result.hex()[:16] if isinstance(outcome, Done) else "?"
        if len(set(digests.values())) == 1:
            return []
        await asyncio.sleep(0.2)
    return [f"nodes have different states at the end: {', '.join(f'{n} {d}' for n, d in digests.items())}"]


# Deciding


def _decided(
    plan: Plan,
    cluster: Cluster,
    nemesis: Nemesis,
    history: History,
    unrest: Sequence[str],
    promises: Promises | None,
    restarts: int,
    lasted: float,
) -> Tortured:
    began = time.monotonic()
    recorded = history.recorder.history(str(plan.folder / "history.ndjson"))
    outcome = check_history(recorded, KeyValue(), seconds=plan.decide_seconds)
    unrest = [*unexpected(plan.folder / name / "node.log" for name in cluster.names), *unrest]
    why = list(unrest)
    verdicts = [Verdict.UNDECIDED if "did not come to rest" in w else Verdict.VIOLATED for w in unrest]
    verdicts.append(outcome.verdict)
    if outcome.verdict is Verdict.VIOLATED:
        why.append("the history is not linearizable")
    elif outcome.verdict is Verdict.UNDECIDED:
        why.append(f"whether the history is linearizable was not decided: {outcome.stopped}")
    events, followed = 0, None
    if plan.trace:
        events, followed, told = follow_traces(
            [plan.folder / name / "trace.ndjson" for name in cluster.names],
            plan.decide_seconds,
            plan.protocol,
        )
        verdicts.append(followed)
        why += [told] if told else []
    (plan.folder / "faults.json").write_text(json.dumps([asdict(f) for f in nemesis.faults], indent=1))
    picture(plan, cluster, history, nemesis.faults, lasted).save(plan.folder / "timeline.svg")
    return Tortured(
        plan,
        worst(verdicts),
        tuple(why),
        len(recorded.operations),
        history.acknowledged,
        sum(o.pending for o in recorded.operations),
        tuple(nemesis.faults),
        restarts,
        outcome,
        events,
        followed,
        lasted,
        time.monotonic() - began,
        None
        if promises is None
        else {
            "watched": sum(map(len, promises.seen.values())),
            "leases": len(promises.tenancies),
            "guarded": promises.written,
        },
    )


def unexpected(logs: Iterable[Path]) -> list[str]:
    """What happened in nodes that never may: they are started again, so nobody else would notice."""
    found = []
    for log in logs:
        for line in log.read_text("utf-8", "replace").splitlines() if log.exists() else ():
            if line.startswith('{"') and '"event": "unexpected"' in line:
                told = json.loads(line)
                found.append(f"{told['node']} had an unexpected error: {told['what']} {told['error']}"[:400])
                break  # what comes after it may follow from it
    return found


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict of all together."""
    for verdict in (Verdict.VIOLATED, Verdict.UNDECIDED):
        if verdict in verdicts:
            return verdict
    return Verdict.HOLDS


def follow_traces(paths: Sequence[Path], seconds: float, protocol: str = "raft") -> tuple[int, Verdict, str]:
    """Follow the traces of a run: how many events, the verdict, and what is wrong in a line, if anything is."""
    from ratified.conformance.multipaxos.binding import MultiPaxosBinding
    from ratified.conformance.raft.binding import RaftBinding

    clock = read_clock("hlc:hlc", None)
    read = [read_trace(path, None, clock.field) for path in paths]
    binding = RaftBinding() if protocol == "raft" else MultiPaxosBinding()
    binding.begin(read[0][0])
    follower = Follower(binding)
    merged = Merged(follower, [events for _, events in read], clock)
    deadline = time.monotonic() + seconds
    for _ in merged.events():
        if time.monotonic() > deadline:
            events = follower.result.events
            return (
                events,
                Verdict.UNDECIDED,
                f"the traces were followed for {events:,} events, until time ran out",
            )
        if not merged.step():
            break
    result = follower.result
    if result.verdict is Verdict.HOLDS:
        return result.events, result.verdict, ""
    if result.mismatch is None:
        return result.events, result.verdict, f"the traces could not be followed: {result.stopped}"
    event = result.mismatch.event
    claim = f", which breaks {result.mismatch.claim}" if result.mismatch.claim else ""
    return (
        result.events,
        result.verdict,
        f"the model does not allow event {result.mismatch.number:,} of the traces, {event.node}: {event.action}{claim} "
        f"({os.path.relpath(event.source) if event.source else '?'}:{event.line})",
    )


def picture(
    plan: Plan, cluster: Cluster, history: History, faults: Sequence[Fault], seconds: float
) -> LoadPicture:
    """Return what happened over time: for each node the operations that it answered, and what went wrong with it."""
    slice_s = max(0.25, seconds / 240)
    slices = int(seconds / slice_s) + 1

    def lane(name: str) -> Lane:
        mine = [e for e in history.ended if e.node == name]

        def counted(what: Any) -> tuple[int, ...]:
            found = Counter(min(slices - 1, int(e.began / slice_s)) for e in mine if what(e))
            return tuple(found[n] for n in range(slices))

        return Lane(
            name,
            counted(lambda _: True),
            counted(lambda e: not e.ok),
            (0,) * slices,
            counted(lambda e: e.sends > 1),
            tuple(
                LoadSpan(f.began, max(f.ended, f.began + slice_s), f.kind) for f in faults if f.node == name
            ),
        )

    title = f"{plan.protocol}, {plan.nodes} nodes, seed {plan.seed}: {len(faults)} faults in {seconds:.0f} s"
    return LoadPicture(title, slice_s, (Panel("nodes", tuple(map(lane, cluster.names))),))


def known_kinds() -> tuple[str, ...]:
    """Return the kinds of faults that there can be, here."""
    cluster = Cluster(1, Path(), spares=1)
    return tuple(Nemesis(cluster, (), "", 0.0, 1.0).kinds)


def known_plants(protocol: str = "raft", machine: str = "kv") -> tuple[str, ...]:
    """Return the names of the bugs that can be planted."""
    from ratified.conformance.cluster.served import NO_FSYNC, mutants

    return (NO_FSYNC, *mutants(protocol, machine))
