"""Mistakes in the cores of a protocol, planted systematically: what is planted, what is caught, how sure a sample is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ratified.bundled.conformance import PROTOCOLS, cores_of, explained_of
from ratified.cli import main as cli
from ratified.cli.report.cores import cores_json, cores_text
from ratified.conform.driving.sweep import MutantOutcome
from ratified.conform.mutants import planted
from ratified.conform.sweeping import Check, CoresSwept, Memory, Sweep, checks_of, plantings, wilson
from ratified.impl.raft.membership import quorum_size
from ratified.results.result import Verdict
from tests.cli.validators import valid_json

MEMBERSHIP = ("ratified.impl.raft.membership",)


def swept(path: Path, *extra: Check) -> tuple[Sweep, CoresSwept]:
    chaos = next(check for check in checks_of(PROTOCOLS["raft"]) if check.name == "chaos 2")
    sweep = Sweep(
        PROTOCOLS["raft"],
        MEMBERSHIP,
        {"membership quorum_size: 2 becomes 3": "for the test"},
        Memory.read(path),
        [replace(chaos, seconds=0.0), *extra],
    )
    sweep.plantings = [p for p in sweep.plantings if p.name.startswith("membership quorum_size")]
    sweep.watch()
    return sweep, sweep.run()


def test_every_mistake_in_a_function_has_a_name_and_can_be_planted() -> None:
    """And what is explained is one of them."""
    total = 0
    for name in PROTOCOLS:
        every = plantings(cores_of(name))
        total += len(every)
        names = {p.name for p in every}
        assert len(names) == len(every)
        assert set(explained_of(name)) <= names
        for one in every[::60]:
            with planted(one.mutation.mutant()):
                pass
    assert total > 2_000
    mistakes = {p.name: p.mistake.line for p in plantings(MEMBERSHIP)}
    assert {name for name in mistakes if "quorum_size:" in name} == {
        "membership quorum_size: count // 2 + 1 becomes count // 2 - 1",
        "membership quorum_size: count // 2 becomes count * 2",
        "membership quorum_size: 2 becomes 3",
        "membership quorum_size: 2 becomes 1",
        "membership quorum_size: 1 becomes 2",
        "membership quorum_size: 1 becomes 0",
        "membership quorum_size: without return count // 2 + 1",
    }
    assert quorum_size(3) == 2


def test_mistakes_are_caught_or_survive_and_who_caught_them_is_remembered(tmp_path: Path) -> None:
    path = tmp_path / "sweep.json"
    _, result = swept(path)
    fates = {fate.planting.mistake.what: fate.outcome for fate in result.fates}
    assert fates == {
        "count // 2 + 1 becomes count // 2 - 1": MutantOutcome.CAUGHT,
        "count // 2 becomes count * 2": MutantOutcome.CAUGHT,
        "2 becomes 3": MutantOutcome.SURVIVED,  # of three, two are a majority all the same
        "2 becomes 1": MutantOutcome.CAUGHT,
        "1 becomes 2": MutantOutcome.CAUGHT,
        "1 becomes 0": MutantOutcome.CAUGHT,
        "without return count // 2 + 1": MutantOutcome.CAUGHT,
    }
    assert (result.killed, result.explained, result.survivors) == (6, 1, ())
    assert result.verdict is Verdict.HOLDS
    assert "argued to be none\n  impl/raft/membership.py:" in cores_text(result, 1.0)
    unexplained = replace(result, fates=tuple(replace(fate, explained="") for fate in result.fates))
    assert unexplained.verdict is Verdict.VIOLATED
    text = cores_text(unexplained, 1.0)
    assert text.startswith("VIOLATED  raft: 6 of 7 mistakes caught, 85.7 %\n")
    assert "not noticed\n  impl/raft/membership.py:" in text
    assert valid_json(cores_json(result, 1.0))["schema"] == "ratified-cores/1"
    known = Memory.read(path).caught
    assert set(known.values()) == {"chaos 2"}
    # A check that is remembered comes first, whatever has caught more since.
    again, _ = swept(path, Check("never", lambda: None))
    again.kills["never"] = 99
    first = next(p for p in again.plantings if p.name in known)
    assert again.order(first)[0] == "chaos 2"


@pytest.mark.long(suite="mutants")
@pytest.mark.parametrize("name", ["raft", "multi-paxos"])
def test_every_mistake_of_a_sample_is_caught_or_argued_to_be_none(name: str) -> None:
    sweep = Sweep(PROTOCOLS[name], cores_of(name), explained_of(name), Memory(None))
    sweep.watch()
    result = sweep.run(sample=60, seed=7, jobs=2)
    assert [fate.planting.name for fate in result.survivors] == []


def test_what_no_check_runs_is_told_as_such(tmp_path: Path) -> None:
    sweep = Sweep(PROTOCOLS["raft"], MEMBERSHIP, {}, Memory(None), [Check("nothing", lambda: None)])
    sweep.watch()
    result = sweep.run(sample=5)
    assert [fate.outcome for fate in result.fates] == [MutantOutcome.NOT_RUN] * 5
    assert "in lines that are never run\n" in cores_text(result, 1.0)


def test_cores_that_do_not_conform_are_not_swept() -> None:
    sweep = Sweep(PROTOCOLS["raft"], MEMBERSHIP, {}, Memory(None), [Check("bad", lambda: "it is broken")])
    with pytest.raises(ValueError, match=r"^bad: it is broken$"):
        sweep.watch()


def test_a_check_that_is_slow_is_made_without_a_mistake_once_it_catches_one() -> None:
    always = Check("bad", lambda: "it is broken", 1.0)
    sweep = Sweep(PROTOCOLS["raft"], MEMBERSHIP, {}, Memory(None), [always])
    sweep.watch()
    with pytest.raises(ValueError, match=r"^bad: it is broken$"):
        sweep.run(sample=1)


def test_how_sure_a_sample_is() -> None:
    # Wilson's interval, as tables have it; of all that there is, no doubt is left.
    assert [round(x, 4) for x in wilson(9, 10)] == [0.5958, 0.9821]
    assert wilson(9, 10, 1.0) == (0.9, 0.9)
    assert wilson(0, 0) == (0.0, 1.0)


def test_what_is_not_swept(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["mutants", "paxos", "--sweep"]) == 2
    told = "the cores of paxos cannot be swept\n  those of multi-paxos, raft are\n"
    assert told in capsys.readouterr().err
    assert cli.run(["mutants", "raft", "stale-votes", "--sweep"]) == 2
    assert "With --sweep no bugs are named." in capsys.readouterr().err
