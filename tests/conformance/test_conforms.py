"""The implementations conform: chaos drives them, every step is one of the model's, and what clients saw is linearizable."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from ratified import cli
from ratified.conformance.mutants import mutants_of, planted
from ratified.conformance.protocols import PROTOCOLS
from ratified.conformance.simulation import replayed, simulated
from ratified.proofs.explore.result import Verdict


@pytest.mark.slow
@pytest.mark.parametrize(
    ("protocol", "seeds", "events"),
    [("raft", 330, 100_000), ("multi-paxos", 3, 300), ("paxos", 120, 3_000)],
)
def test_no_step_is_left_unexplained(protocol: str, seeds: int, events: int) -> None:
    checked = 0
    for seed in range(seeds):
        run = simulated(PROTOCOLS[protocol], seed, nodes=5 if seed % 4 == 1 else 3, claims_every=50)
        assert (run.verdict, run.why) == (Verdict.HOLDS, ""), f"seed {seed}"
        checked += run.events
    assert checked >= events


@pytest.mark.slow
@pytest.mark.parametrize(
    ("protocol", "mutant"),
    [(protocol, name) for protocol in PROTOCOLS for name in mutants_of(protocol)],
)
def test_every_bug_is_caught(protocol: str, mutant: str) -> None:
    bug = mutants_of(protocol)[mutant]
    with planted(bug):
        run = next(
            run
            for seed in range(bug.first, bug.first + 400)
            if (run := simulated(PROTOCOLS[protocol], seed, nodes=bug.nodes)).found
        )
        assert run.found in ("checker", "linearizability")
        # What was found is found again from the schedule alone.
        again = replayed(PROTOCOLS[protocol], run.seed, run.nodes, run.schedule)
        assert (again.found, again.why) == (run.found, run.why)
    assert simulated(PROTOCOLS[protocol], run.seed, nodes=bug.nodes).verdict is Verdict.HOLDS


def test_planting_leaves_nothing_behind() -> None:
    from ratified.impl.raft.core import RaftCore
    from ratified.impl.raft.log import Log

    before = dict(vars(RaftCore)), dict(vars(Log))
    for mutant in mutants_of("raft").values():
        with planted(mutant):
            pass
    assert (dict(vars(RaftCore)), dict(vars(Log))) == before


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_run_that_was_recorded_is_followed_from_its_file(
    protocol: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = io.StringIO()
    run = simulated(PROTOCOLS[protocol], 3, record=record)
    file = tmp_path / "run.ndjson"
    file.write_text(record.getvalue())
    assert cli.run(["trace", protocol, str(file), "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["verdict"], told["events"]) == ("holds", run.events)
