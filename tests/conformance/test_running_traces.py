"""Traces of nodes that run are followed by the model: restarts, snapshots, changes of members; what is wrong in them is seen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from random import Random

from ratified.conform.mutants import planted
from ratified.conformance.cluster.torture import follow_traces
from ratified.conformance.multipaxos.mutants import MUTANTS as PAXOS_MUTANTS
from ratified.conformance.raft.mutants import MUTANTS
from ratified.impl.contract import Campaign, Durable, Persisted
from ratified.impl.machines import KeyValue
from ratified.impl.multipaxos.core import MultiPaxosCore
from ratified.impl.multipaxos.state import Config
from ratified.impl.runtime.clock import Hybrid
from ratified.impl.runtime.hosted import Pace, hosted
from ratified.impl.runtime.settings import Place, Settings
from ratified.impl.runtime.trace import HeldTrace
from ratified.results.result import Verdict
from tests.impl.runtime.nodes import Nodes


async def absence(made: Nodes, paths: Mapping[str, Path], before: range, meanwhile: range) -> str:
    """Start all nodes and put `before`; the leader is stopped while `meanwhile` is put, and started again. Return its name."""
    for name in made.names:
        await made.start(name, trace=paths[name])
    for serial in before:
        await made.put(serial, f"put x {serial}")
    first = (await made.leader()).name
    await made.stop(first)
    for serial in meanwhile:
        await made.put(serial, f"put x {serial}")
    await made.start(first, trace=paths[first])
    return first


def paxos_traced(folder: Path) -> list[Path]:
    """Run three nodes of Multi-Paxos, of which one is stopped for a while, longer than the others keep their logs."""
    paths = {f"n{i}": folder / f"n{i}.ndjson" for i in range(1, 4)}

    async def run() -> None:
        made = Nodes(3, folder, protocol="multi-paxos", pace=Pace(10, 2, 8, 2))
        try:
            first = await absence(made, paths, range(1, 6), range(6, 25))
            while made.up[first].machine.query(b"get x") != b"24":
                await asyncio.sleep(0.01)
        finally:
            await made.close()

    asyncio.run(run())
    return list(paths.values())


def test_a_run_of_multi_paxos_is_one_of_its_models(tmp_path: Path) -> None:
    paths = paxos_traced(tmp_path)
    events, verdict, told = follow_traces(paths, 600, "multi-paxos")
    assert (verdict, told) == (Verdict.HOLDS, "")
    lines = [json.loads(line) for path in paths for line in path.read_text().splitlines()]
    actions = [line["action"] for line in lines if "action" in line]
    assert events == len(actions)
    assert {"prepare", "promise", "accept", "propose", "learn", "compact", "restore"} <= set(actions)
    assert actions.count("start") == 4
    assert all(path.with_name(path.name + ".waiting").read_bytes() == b"" for path in paths)


def test_what_multi_paxos_may_not_do_is_seen(tmp_path: Path) -> None:
    with planted(PAXOS_MUTANTS["forgotten-vote"]):
        paths = paxos_traced(tmp_path)
    _, verdict, told = follow_traces(paths, 600, "multi-paxos")
    assert verdict is Verdict.VIOLATED
    assert "start" in told


def test_what_a_crash_may_have_undone_is_told_at_the_next_start(tmp_path: Path) -> None:
    places = {"n1": Place("127.0.0.1:0")}
    settings = Settings(
        "n1", tmp_path, places, insecure=True, protocol="multi-paxos", trace=tmp_path / "t.ndjson"
    )

    def begun() -> tuple[HeldTrace, MultiPaxosCore]:
        trace = HeldTrace(settings, Hybrid(), hosted("multi-paxos").at_once or ())
        trace.begin(Durable())
        durable = hosted("multi-paxos").bootstrap(["n1"])
        core = MultiPaxosCore(
            "n1", durable, Config(), random=Random(1), machine=KeyValue(), observer=trace.observed
        )
        trace.started(core)
        return trace, core

    trace, core = begun()
    core.step(Campaign())
    trace.stepped()  # the promise to itself is being written
    trace, core = begun()  # the process was killed
    effects = core.step(Campaign())
    trace.stepped()
    trace.durable(effects.token)
    core.step(Persisted(effects.token))
    trace.stepped()
    trace.close()
    events = [json.loads(line) for line in (tmp_path / "t.ndjson").read_text().splitlines()][1:]
    assert [(e["action"], e.get("certain", True)) for e in events[:6]] == [
        ("start", True),
        ("prepare", True),
        ("promise", False),
        ("start", True),
        ("prepare", True),
        ("promise", True),
    ]
    stamps = [tuple(event["hlc"]) for event in events]
    assert stamps == sorted(set(stamps))


def traced(folder: Path) -> list[Path]:
    """Run four nodes, of which the last joins; stop some; return their traces."""
    paths = {f"n{i}": folder / f"n{i}.ndjson" for i in range(1, 5)}

    async def run() -> None:
        made = Nodes(4, folder, founders=("n1", "n2", "n3"), pace=Pace(10, 2, 8, 2))
        try:
            await absence(made, paths, range(1, 12), range(12, 30))
            (await made.leader()).order(["add", "n4"])
            for serial in range(30, 40):
                await made.put(serial, f"put x {serial}")
            while made.up["n4"].machine.query(b"get x") != b"39":
                await asyncio.sleep(0.01)
        finally:
            await made.close()

    asyncio.run(run())
    return list(paths.values())


def test_a_run_with_restarts_and_snapshots_is_one_of_the_models(tmp_path: Path) -> None:
    paths = traced(tmp_path)
    events, verdict, told = follow_traces(paths, 600)
    assert (verdict, told) == (Verdict.HOLDS, "")
    lines = [json.loads(line) for path in paths for line in path.read_text().splitlines()]
    actions = [line["action"] for line in lines if "action" in line]
    assert events == len(actions)
    assert {"handle_install_snapshot", "compact", "become_leader", "durable", "start"} <= set(actions)
    assert actions.count("start") == 5


def test_a_trace_that_tells_of_another_commit_is_not(tmp_path: Path) -> None:
    paths = traced(tmp_path)
    lines = paths[1].read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if '"advance_commit"' in line)
    event = json.loads(lines[at])
    event["arguments"]["index"] += 1
    lines[at] = json.dumps(event)
    paths[1].write_text("\n".join(lines) + "\n")
    _, verdict, told = follow_traces(paths, 600)
    assert verdict is Verdict.VIOLATED
    assert told.endswith(f"/n2.ndjson:{at + 1})")
    assert "n2: advance_commit" in told


def test_a_vote_that_is_not_kept_is_seen(tmp_path: Path) -> None:
    with planted(MUTANTS["forgets-vote"]):
        paths = traced(tmp_path)
    assert follow_traces(paths, 600)[1] is Verdict.VIOLATED


def test_a_line_that_a_crash_cut_is_taken_away_and_stamps_go_on(tmp_path: Path) -> None:
    async def run() -> None:
        made = Nodes(1, tmp_path)
        trace = tmp_path / "n1.ndjson"
        try:
            await made.start("n1", trace=trace)
            await made.put(1, "put x 1")
            await made.stop("n1")
            with trace.open("a") as file:
                file.write('{"node":"n1","action":"app')
            await made.start("n1", trace=trace)
            await made.put(2, "put x 2")
        finally:
            await made.close()

    asyncio.run(run())
    events = [json.loads(line) for line in (tmp_path / "n1.ndjson").read_text().splitlines()]
    stamps = [tuple(event["hlc"]) for event in events[1:]]
    assert stamps == sorted(set(stamps))
    assert [event["action"] for event in events[1:]].count("start") == 2
    assert follow_traces([tmp_path / "n1.ndjson"], 600)[1] is Verdict.HOLDS
