"""Covering a graph, Hypothesis, and the commands; each is shown something that is wrong."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Annotated

import pytest

from ratified import Model, Param, Range, action, require
from ratified.bundled.conformance import PROTOCOLS
from ratified.cli import main as cli
from ratified.conform.cover import UNREACHED, Edge, LazyGraph, cover
from ratified.conform.ending import after
from ratified.conform.machine import explore, regression_test
from ratified.conform.mutants import planted
from ratified.conform.protocol import Protocol as Held
from ratified.conform.simulation import simulated
from ratified.conform.suite import covered
from ratified.conformance.raft.edges import RaftDriver
from ratified.language.machine import Values
from ratified.models.raft.servers import RaftServers
from ratified.results.result import Verdict

Capture = pytest.CaptureFixture[str]


class Walk(Model):
    """A place on a ring."""

    last: Param[int] = 4
    at: Annotated[int, Range(0, "last")]

    @action
    def forth(self) -> None:
        self.at = 0 if self.at == self.last else self.at + 1

    @action
    def back(self) -> None:
        require(self.at > 0)
        self.at -= 1

    @action
    def fly(self) -> None:
        require(self.at == 2)
        self.at = 0


class Branching(Model):
    """Three ways, and two from each."""

    first: Annotated[int, Range(0, 3)]
    second: Annotated[int, Range(0, 2)]

    @action
    def branch(self, n: Annotated[int, Range(1, 3)]) -> None:
        require(self.first == 0)
        self.first = n

    @action
    def end(self, n: Annotated[int, Range(1, 2)]) -> None:
        require(self.first > 0 and self.second == 0)
        self.second = n


class Follows:
    """Does whatever it is told."""

    def reset(self) -> None:
        self.at = (0, 0)

    def impossible(self, state: Values, edge: Edge) -> str | None:
        return None

    def drive(self, state: Values, edge: Edge) -> None:
        self.at = (edge.arguments[0], 0) if edge.action == "branch" else (self.at[0], edge.arguments[0])

    def differences(self, state: Values) -> list[str]:
        return [] if state == self.at else [f"{self.at}"]

    def consequence(
        self, before: Values, taken: Sequence[Edge], state: Values, edges: Sequence[Edge]
    ) -> Edge | None:
        return None


class Walker:
    """Walks, but does not fly; `stuck` is where it can no longer go forth."""

    def __init__(self, stuck: int = 99, lies: bool = False, lame: bool = False) -> None:
        self.at, self.stuck, self.lies, self.lame = 0, stuck, lies, lame

    def reset(self) -> None:
        self.at = 0

    def impossible(self, state: Values, edge: Edge) -> str | None:
        if edge.action == "fly":
            return "it has no wings"
        return "it is stuck" if edge.action == "forth" and state[0] >= self.stuck else None

    def drive(self, state: Values, edge: Edge) -> None:
        if edge.action == "fly":
            return
        if edge.action == "back":
            self.at -= 1
        elif self.at == self.stuck and not self.lies:
            return
        elif not (self.lame and self.at == 3):
            self.at = (self.at + 1) % 5

    def differences(self, state: Values) -> list[str]:
        return [] if state[0] == self.at else [f"it is at {self.at}, the model at {state[0]}"]

    def consequence(
        self, before: Values, taken: Sequence[Edge], state: Values, edges: Sequence[Edge]
    ) -> Edge | None:
        return None


def test_every_step_is_taken_or_has_its_reason() -> None:
    steps = LazyGraph(Walk()).all()
    done = cover(steps, Walker())
    assert (done.states, done.edges, done.taken, done.walks, done.holds) == (5, 10, 9, 1, True)
    assert dict(done.reasons) == {"it has no wings": 1}
    stuck = cover(steps, Walker(stuck=2))
    # Behind the place where it is stuck there is nothing that it could be blamed for.
    assert dict(stuck.reasons) == {"it has no wings": 1, "it is stuck": 3, UNREACHED: 2}
    assert stuck.holds


def test_there_are_as_few_walks_as_there_can_be() -> None:
    machine = Branching()
    done = cover(LazyGraph(machine).all(), Follows())
    # Three branches, each with two ends, and no way back: six walks, of which each takes a step that no other can.
    assert (done.states, done.edges, done.taken, done.walks, done.least) == (10, 9, 9, 6, 6)
    assert done.driven == 12


def test_a_step_that_is_declared_to_be_impossible_is_asked_for() -> None:
    assert cover(LazyGraph(Walk()).all(), Walker(), tries=True).refused == {"it has no wings": 1}
    lies = cover(LazyGraph(Walk()).all(), Walker(stuck=3, lies=True), tries=True)
    assert lies.failure == "forth() is taken, although it is declared that it is stuck"
    assert cover(LazyGraph(Walk()).all(), Walker(stuck=3, lies=True)).holds


def test_a_step_that_goes_wrong_is_a_failure() -> None:
    done = cover(LazyGraph(Walk()).all(), Walker(lame=True))
    assert (done.failure, done.holds) == ("after forth(): it is at 3, the model at 4", False)


def test_covering_that_runs_out_of_time_claims_nothing() -> None:
    ticks = itertools.count()
    over = after(13, clock=lambda: float(next(ticks)))
    done = cover(LazyGraph(Walk()).all(), Walker(), over=over)
    assert (done.stopped, done.holds, done.taken) == ("out of time", False, 3)
    found = cover(LazyGraph(Walk()).all(), Walker(), over=lambda: "interrupted")
    assert (found.stopped, found.holds, found.taken) == ("interrupted", False, 0)


def _graph_kept(protocol: str) -> Held:
    """A protocol, of whose model the small graph is found once."""
    held = PROTOCOLS[protocol]
    assert held.graph is not None
    graph = held.graph
    return replace(held, graph=lambda small: (_small_graph(protocol), graph(small)[1]))


@cache
def _small_graph(protocol: str) -> LazyGraph:
    graph = PROTOCOLS[protocol].graph
    assert graph is not None
    return graph(True)[0]


@pytest.mark.parametrize(
    ("protocol", "states", "edges", "taken", "walks", "least", "refused"),
    [
        ("raft", 922, 8_138, 5_728, 562, 506, {"crash": 168, "led": 96, "itself": 60}),
        ("paxos", 3_921, 22_994, 11_370, 2_226, 2_014, {"below": 48}),
        ("multi-paxos", 3_921, 23_018, 819, 170, 146, {"below": 12, "promised a higher": 36}),
    ],
)
def test_it_is_driven_along_every_step_of_a_small_graph(
    protocol: str, states: int, edges: int, taken: int, walks: int, least: int, refused: dict[str, int]
) -> None:
    done = covered(_graph_kept(protocol), small=True, tries=True)
    assert done is not None
    assert done.holds, done
    assert (done.states, done.edges, done.taken, done.walks, done.least) == (
        states,
        edges,
        taken,
        walks,
        least,
    )
    assert done.taken + sum(done.reasons.values()) == done.edges
    assert sorted(done.refused.values()) == sorted(refused.values())


@pytest.mark.long(suite="conform")
def test_raft_is_driven_along_every_step_of_its_elections() -> None:
    model = RaftServers(Server=2, Value=1, max_term=2, max_log=0)
    done = cover(LazyGraph(model).all(), RaftDriver(model))
    assert done.holds, done
    assert (done.states, done.edges, done.taken) == (9_087, 62_554, 33_288)


@pytest.mark.parametrize(
    ("protocol", "bug"),
    [
        ("raft", "forgets-vote"),
        ("raft", "commit-goes-back"),
        ("raft", "truncating-append"),
        ("paxos", "ignores-promise"),
        ("paxos", "ignores-votes"),
        ("multi-paxos", "ignores-votes"),
    ],
)
def test_a_bug_shows_on_the_graph(protocol: str, bug: str) -> None:
    with planted(PROTOCOLS[protocol].mutants()[bug]):
        done = covered(_graph_kept(protocol), small=True)
    assert done is not None
    assert done.failure is not None


def test_hypothesis_finds_a_bug_and_leaves_a_test_to_keep(tmp_path: Path) -> None:
    protocol = PROTOCOLS["raft"]
    clean = explore(protocol, examples=12, steps=40)
    assert (clean.found, clean.runs >= 12, clean.reached["an election"] > 0) == (None, True, True)
    with planted(PROTOCOLS["raft"].mutants()["forgets-vote"]):
        found = explore(protocol, examples=12, steps=40)
        assert found.found == "reference"
        assert 2 < len(found.script) < 30
        text = regression_test(protocol, 3, 0, found)
        scope: dict[str, object] = {}
        exec(compile(text, "kept.py", "exec"), scope)  # noqa: S102 - it is a test that we have written
        test = scope["test_it_conforms"]
        assert callable(test)
        with pytest.raises(AssertionError, match=r"^what is due: n\d, "):
            test()
    test()


def test_conform(capsys: Capture) -> None:
    assert cli.run(["conform", "raft", "--seconds", "0"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert re.match(r"HOLDS  raft: [\d,]+ events, each a step of the model\n", out)
    assert "922 states, 8,138 steps" in out


def test_conform_for_so_many_events(capsys: Capture) -> None:
    assert cli.run(["conform", "multi-paxos", "--events", "500", "--seed", "7", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["verdict"], told["failure"]) == ("ratified-conform/1", "holds", None)
    assert (told["runs"], told["events"], told["hypothesis"]["runs"]) == (5, 591, 0)
    with planted(PROTOCOLS["multi-paxos"].mutants()["ignores-promise"]):
        assert cli.run(["conform", "multi-paxos", "--events", "500", "--seed", "7"]) == 1
    assert "found by reference" in capsys.readouterr().out


def test_conform_tells_what_does_not(capsys: Capture) -> None:
    with planted(PROTOCOLS["paxos"].mutants()["reused-ballot"]):
        assert cli.run(["conform", "paxos", "--seconds", "0"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("VIOLATED  paxos: the implementation does not conform\n")
    assert "def test_it_conforms() -> None:" in out


def test_a_run_is_recorded(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "run.ndjson"
    assert cli.run(["conform", "raft", "--record", str(file)]) == 0
    assert json.loads(file.read_text().partition("\n")[0]) == {"trace": "raft", "nodes": ["n1", "n2", "n3"]}
    assert cli.run(["trace", "raft", str(file)]) == 0
    assert cli.run(["conform", "raft", "--record", str(tmp_path / "no" / "run.ndjson")]) == 2
    assert "cannot be written: No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize("protocol", ["multi-paxos", "raft"])
def test_a_run_may_end_at_any_event(protocol: str) -> None:
    for events in range(150, 180, 3):
        run = simulated(PROTOCOLS[protocol], 0, most=events)
        assert (run.verdict, run.found, run.events) == (Verdict.HOLDS, None, events)


def test_mutants(capsys: Capture) -> None:
    assert cli.run(["mutants", "paxos", "reused-ballot", "--quick"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].split() == [
        "bug",
        "reference",
        "checker",
        "linear.",
        "progress",
        "hypothesis",
        "edges",
        "time",
    ]
    assert out.endswith("1 of 1 caught; numbers are steps until caught\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["conform", "zab"],
            "there is no implementation 'zab'\n  bundled: paxos, multi-paxos, raft, etcd-watches, ",
        ),
        (
            ["mutants", "zab"],
            "there is no implementation 'zab'\n  bundled: paxos, multi-paxos, raft, etcd-watches, ",
        ),
        (
            ["mutants", "raft", "gremlin"],
            "there is no bug 'gremlin' of raft\n  there are forgets-vote, ",
        ),
    ],
)
def test_what_is_refused(arguments: list[str], message: str, capsys: Capture) -> None:
    assert cli.run(arguments) == 2
    assert f"Error: {message}" in capsys.readouterr().err
