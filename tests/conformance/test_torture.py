"""Clusters that run, with everything going wrong: what is right holds, and what is wrong is found."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import pytest

from ratified.cli.main import run as cli
from ratified.conformance.cluster.torture import Plan, Tortured, ended, known_kinds, torture, unexpected
from ratified.impl.client.aio import Event, Key, until_deleted
from ratified.results.result import Verdict
from tests.cli.validators import valid_json

pytestmark = pytest.mark.xdist_group("torture")  # they share their runs

Runs: TypeAlias = Mapping[str, "Future[Tortured]"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Runs at the same time: what they do most is wait."""
    folder = tmp_path_factory.mktemp("torture")
    cut = ("power cut",)
    plans = [
        Plan(folder / "store", seconds=8, every=3, machine="etcd", trace=False, clients=2, seed=1),
        Plan(folder / "multi-paxos", seconds=6, every=2, protocol="multi-paxos", clients=2, seed=1),
        Plan(folder / "forgets-vote", seconds=2, plant="forgets-vote", kinds=("pause",), spares=0, seed=3),
        Plan(folder / "no-fsync", seconds=5, every=1.5, plant="no-fsync", kinds=cut, spares=0, seed=3),
    ]
    with ThreadPoolExecutor(len(plans)) as pool:
        yield {plan.folder.name: pool.submit(torture, plan) for plan in plans}


@pytest.mark.slow
@pytest.mark.usefixtures("runs")  # they begin before this one
def test_a_tortured_cluster_keeps_its_promises(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    drawn = ["--seconds", "12", "--seed", "1", "--pause", "0.2", "--every", "1"]
    status = cli(["torture", "cluster", *drawn, "--data", str(folder), "--format", "json"])
    report = valid_json(capsys.readouterr().out)
    assert report["schema"] == "ratified-torture/1"
    assert (status, report["verdict"], report["why"]) == (0, "holds", [])
    assert (report["history"], report["traces"]) == ("holds", "holds")
    assert len(report["faults"]) >= 3
    assert {fault["kind"] for fault in report["faults"]} <= set(known_kinds())
    assert report["acknowledged"] + report["open"] <= report["operations"]
    assert report["acknowledged"] >= 6  # the last look at each key, and some more
    assert (folder / "timeline.svg").read_text().startswith("<svg")
    assert cli(["linearizable", str(folder / "history.ndjson")]) == 0
    state = json.loads((folder / "cluster.json").read_text())
    assert [node["process"] for node in state["nodes"].values()] == [None] * 4


@pytest.mark.slow
def test_a_tortured_store_keeps_what_it_promises_of_watches_leases_and_locks(runs: Runs) -> None:
    found = runs["store"].result()
    assert (found.verdict, found.why) == (Verdict.HOLDS, ())
    assert found.promises is not None
    assert found.promises["watched"] >= 1


@pytest.mark.slow
def test_tortured_nodes_of_multi_paxos_are_followed_by_their_model(runs: Runs) -> None:
    found = runs["multi-paxos"].result()
    assert (found.verdict, found.why) == (Verdict.HOLDS, ())
    assert found.events >= 1


@pytest.mark.slow
@pytest.mark.parametrize("plant", ["forgets-vote", "no-fsync"])
def test_what_is_planted_is_found(runs: Runs, plant: str) -> None:
    found = runs[plant].result()
    assert found.verdict is Verdict.VIOLATED
    assert any("the model does not allow event" in why for why in found.why)


def test_what_cannot_be_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli(["torture", "cluster", "--plant", "gremlins"]) == 2
    assert "there is no bug 'gremlins'; there are no-fsync, forgets-vote," in capsys.readouterr().err
    assert cli(["torture", "cluster", "--fault", "flood"]) == 2
    assert "there is no fault 'flood'; there are kill, kill leader, power cut, " in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert cli(["torture", "cluster", "--data", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"Error: {tmp_path} is not empty\n  a run needs a folder of its own\n"


def test_what_does_not_end_is_told_with_the_place_where_it_waits() -> None:
    async def nothing() -> AsyncGenerator[Event, None]:
        await asyncio.get_running_loop().create_future()
        yield Event(Key(b"", b"", 1, 1, 1, 0), deleted=False, previous=None)

    async def run() -> list[str]:
        done = asyncio.create_task(asyncio.sleep(0))
        waiting = asyncio.create_task(until_deleted(nothing()), name="holder 1")
        try:
            return await ended([done, waiting], 0.01)
        finally:
            waiting.cancel()

    (told,) = asyncio.run(run())
    assert re.fullmatch(
        r"holder 1 did not come to rest in 0\.01 s after the last fault: it waits at until_deleted, line \d+ of aio\.py",
        told,
    )


def test_what_may_never_happen_in_a_node_is_told_though_it_is_started_again(tmp_path: Path) -> None:
    lines = [
        '{"node": "n1", "event": "started"}',
        "Traceback (most recent call last):",
        '{"node": "n1", "what": "Task exception was never retrieved", "error": "KeyError(1)", "event": "unexpected"}',
        '{"node": "n1", "what": "Exception in callback", "error": "KeyError(2)", "event": "unexpected"}',
    ]
    (tmp_path / "n1.log").write_text("\n".join(lines))
    (tmp_path / "n2.log").write_text(lines[0])
    assert unexpected(tmp_path / f"{name}.log" for name in ("n1", "n2", "n3")) == [
        "n1 had an unexpected error: Task exception was never retrieved KeyError(1)"
    ]
