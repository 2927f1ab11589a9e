"""The implementations conform: chaos drives them, every step is one of the model's, and what clients saw is linearizable."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from ratified.bundled.conformance import PROTOCOLS
from ratified.cli import main as cli
from ratified.conform.cover import LazyGraph
from ratified.conform.mutants import planted
from ratified.conform.simulation import replayed, simulated
from ratified.conformance.multipaxos import hidden as multipaxos_hidden
from ratified.conformance.multipaxos.binding import MultiPaxosBinding
from ratified.conformance.paxos.binding import FollowedPaxos
from ratified.conformance.raft import hidden as raft_hidden
from ratified.follow.follower import Follower
from ratified.follow.trace import read_events
from ratified.language.ir import Kind
from ratified.language.machine import PythonMachine
from ratified.models.paxos.paxos import Paxos
from ratified.models.paxos.sorts import Acceptor, Ballot
from ratified.results.result import Verdict

HIDDEN = {"raft": raft_hidden.HIDDEN, "multi-paxos": multipaxos_hidden.HIDDEN}
"""Bugs that need more than chaos."""

SMALL = {"Acceptor": 2, "Value": 2, "Ballot": 2}


@pytest.mark.parametrize(
    ("protocol", "seeds", "events"),
    [
        ("raft", 20, 6_000),
        ("multi-paxos", 60, 6_000),
        ("paxos", 40, 1_200),
        *(
            pytest.param(*row, marks=pytest.mark.long(suite="conform"))
            for row in (("raft", 330, 100_000), ("multi-paxos", 940, 100_000), ("paxos", 400, 12_000))
        ),
    ],
)
def test_no_step_is_left_unexplained(protocol: str, seeds: int, events: int) -> None:
    checked = 0
    for seed in range(seeds):
        run = simulated(PROTOCOLS[protocol], seed, nodes=5 if seed % 4 == 1 else 3, claims_every=50)
        assert (run.verdict, run.why) == (Verdict.HOLDS, ""), f"seed {seed}"
        checked += run.events
    assert checked >= events


@pytest.mark.sampled(every=4)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("protocol", "mutant"),
    [
        (protocol, name)
        for protocol in PROTOCOLS
        for name in PROTOCOLS[protocol].mutants()
        if name not in HIDDEN.get(protocol, ())
    ],
)
def test_every_bug_is_caught(protocol: str, mutant: str) -> None:
    bug, by_model = PROTOCOLS[protocol].mutants()[mutant], replace(PROTOCOLS[protocol], reference=None)
    with planted(bug):
        run = next(
            run
            for seed in range(bug.first, bug.first + 400)
            if (run := simulated(by_model, seed, nodes=bug.nodes)).found
        )
        assert run.found in ("checker", "linearizability")
        # What was found is found again from the schedule alone.
        again = replayed(by_model, run.seed, run.nodes, run.schedule)
        assert (again.found, again.why) == (run.found, run.why)
    assert simulated(PROTOCOLS[protocol], run.seed, nodes=bug.nodes).verdict is Verdict.HOLDS


def test_planting_leaves_nothing_behind() -> None:
    from ratified.impl.raft.election import Election
    from ratified.impl.raft.log import Log
    from ratified.impl.raft.replication import Replication
    from ratified.impl.raft.state import State

    parts = (State, Replication, Election, Log)
    before = [dict(vars(part)) for part in parts]
    for mutant in PROTOCOLS["raft"].mutants().values():
        with planted(mutant):
            pass
    assert [dict(vars(part)) for part in parts] == before


class Careless(Paxos):
    """Acceptors that vote below what they have promised."""

    def may_vote(self, a: Acceptor, b: Ballot) -> bool:
        return True


class CarelessFollowed(FollowedPaxos):
    """The same."""

    def may_vote(self, a: Acceptor, b: Ballot) -> bool:
        return True


def test_paxos_is_asked_other_questions_and_gives_the_same_answers() -> None:
    every = [f.name for f in Paxos.module.of_kind(Kind.INVARIANT)]
    asked, model = PythonMachine(CarelessFollowed(**SMALL)), PythonMachine(Careless(**SMALL))
    graph = LazyGraph(model.model).all()
    graph.find()
    states = graph.states
    assert len(states) == 851
    refuted = {n: sum(model.refuted_by(n, s) is not None for s in states) for n in every}
    assert refuted["agreement"] > 0
    assert {n: sum(asked.refuted_by(n, s) is not None for s in states) for n in every} == refuted
    for state in states:
        assert asked.steps(state) == model.steps(state)


def test_what_is_settled_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "run.ndjson"
    with file.open("w") as record:
        run = simulated(PROTOCOLS["multi-paxos"], 0, steps=4_000, record=record)
    binding = MultiPaxosBinding()
    follower = Follower(binding)
    at = {name: n for name, n in follower.variables.items() if name in ("asked", "voted")}
    slots = ballots = 0
    for event in read_events(file):
        follower.expect(event)
        (state,) = follower.states
        ballots = max(ballots, len(state[at["asked"]]))
        slots = max(slots, *(len(votes) for votes in state[at["voted"]].values()))
    assert follower.result.events == run.events
    assert (binding.base, slots, ballots) == (72, 32, 18)


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
