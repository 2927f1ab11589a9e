"""Stress, calm and what must come about in it; each is shown something that is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

import pytest

from ratified.bundled.conformance import PROTOCOLS, caught_of
from ratified.conform.mutants import Edit, Mutant, planted
from ratified.conform.progress import FAIR
from ratified.conform.simulation import Cluster, Simulated, simulated
from ratified.conform.stress import Late, restressed, shrunk_stress, stressed
from ratified.conform.suite import kill, nodes_of
from ratified.conformance.paxos.binding import PaxosBinding
from ratified.follow.binding import Event, EventError
from ratified.follow.steps import Steps
from ratified.impl.contract import Command, Durable, WriteEntries, WriteRecord
from ratified.impl.multipaxos.messages import Alive
from ratified.impl.raft.messages import Entry, HardState, Snapshot
from ratified.impl.raft.replication import Replication
from ratified.results.result import Verdict
from ratified.simulator.disk import Disk

CUT_OFF = "quorum-never-checked"


@pytest.mark.parametrize(
    ("protocol", "seeds"),
    [
        ("raft", 4),
        ("multi-paxos", 2),
        ("paxos", 1),
        *(
            pytest.param(*row, marks=pytest.mark.long(suite="conform"))
            for row in (("raft", 200), ("multi-paxos", 200), ("paxos", 200))
        ),
    ],
)
def test_what_must_come_about_in_calm_does(protocol: str, seeds: int) -> None:
    for seed in range(seeds):
        run = stressed(PROTOCOLS[protocol], seed, nodes=nodes_of(seed), claims_every=50)
        assert (run.verdict, run.why) == (Verdict.HOLDS, ""), f"seed {seed}"


@pytest.mark.parametrize(
    ("protocol", "bug"),
    [
        ("raft", "truncated-still-durable"),
        ("raft", "pre-vote-of-own-term"),
        ("raft", CUT_OFF),
        ("raft", "term-told-early"),
        ("multi-paxos", CUT_OFF),
        ("multi-paxos", "asks-once"),
    ],
)
def test_a_bug_shows_under_stress(protocol: str, bug: str) -> None:
    with planted(PROTOCOLS[protocol].mutants()[bug]):
        found = next(
            run
            for seed in range(40)
            if (run := stressed(PROTOCOLS[protocol], seed, nodes=nodes_of(seed))).found
        )
        again = restressed(PROTOCOLS[protocol], found.seed, found.nodes, found.schedule)
        assert (again.found, again.why) == (found.found, found.why)
    assert stressed(PROTOCOLS[protocol], found.seed, nodes=found.nodes).found is None


def test_what_does_not_come_about_is_told_with_the_fairness_that_was_granted() -> None:
    alone = replace(PROTOCOLS["multi-paxos"], reference=None)
    with planted(alone.mutants()[CUT_OFF]):
        found = next(run for seed in range(40) if (run := stressed(alone, seed)).found)
        shorter = shrunk_stress(alone, found, attempts=12)
    assert found.found == shorter.found == "progress"
    assert len(shorter.schedule) < len(found.schedule)
    what, _, fairness = found.why.partition(": not within ")
    assert what.endswith(", which is cut off, gives up")
    assert (
        fairness.partition(" rounds, ")[2]
        == FAIR
        == (
            "in each of which every clock ticked once, and all that was being written and sent was durable and there"
        )
    )


def test_stress_comes_to_snapshots_that_cut_and_that_keep_what_is_behind_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    came: set[tuple[bool, bool]] = set()
    original = Replication.restore

    def restore(self: Replication, snapshot: Snapshot) -> bool:
        log = self.state.log
        came.add((log.matches(snapshot.index, snapshot.term), log.last > snapshot.index))
        return original(self, snapshot)

    monkeypatch.setattr(Replication, "restore", restore)
    for seed in range(12):
        if len(came) == 4:
            return
        cluster = Cluster(PROTOCOLS["raft"], 3, seed)
        Late(cluster, seed).scenes(3)
    pytest.fail(f"only {sorted(came)}")


def test_a_change_may_be_undone_if_a_removed_node_has_the_leader_replaced() -> None:
    """Without pre-votes, who was removed and does not know of it goes on standing for election, in newer and newer terms."""
    assert stressed(PROTOCOLS["raft"], 3029, nodes=5).verdict is Verdict.HOLDS


def test_a_disk_tells_what_was_there_after_each_token() -> None:
    disk = Disk(Durable(HardState(1, None)))
    disk.stages = []
    entry = Entry(1, Command("c", 1, b"put x 1"))
    disk.write(1, (WriteEntries(1, (entry,)),))
    disk.write(2, (WriteRecord(HardState(2, "n1")),))
    disk.persist(2)
    assert [(d.record.term, dict(d.entries)) for d in disk.stages] == [(1, {1: entry}), (2, {1: entry})]


def test_a_core_that_tells_nonsense_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, starts = PaxosBinding.steps, Counter[str]()

    def steps(self: PaxosBinding, event: Event) -> Steps:
        starts[event.action] += 1
        if starts["start"] > 3:
            raise EventError("start does not report the variable 'promised'")
        return asked(self, event)

    def after(run: Callable[..., Simulated], seed: int) -> Simulated:
        starts.clear()
        return run(PROTOCOLS["paxos"], seed)

    monkeypatch.setattr(PaxosBinding, "steps", steps)
    for run in (simulated, stressed):
        found = next(r for seed in range(9) if (r := after(run, seed)).found)
        assert (found.found, found.why[:13], found.why[16:]) == (
            "exception",
            "no exception:",
            ": start does not report the variable 'promised'",
        )


def test_who_caught_a_bug_last_time_is_asked_first() -> None:
    protocol = PROTOCOLS["raft"]
    first = kill(protocol, "unwritten-counted", thorough=False)
    assert first.caught
    again = kill(protocol, "unwritten-counted", thorough=False, last=first.run)
    assert again.run == first.run
    assert (again.checker or 0) <= (first.checker or 0)
    # What is remembered is no more than where to begin.
    assert kill(protocol, "unwritten-counted", thorough=False, last="chaos none").run == first.run
    # What is known before anybody has looked.
    known = caught_of("raft")
    assert known["unwritten-counted"] == first.run
    assert known.keys() <= protocol.mutants().keys()


def test_an_edit_replaces_what_stands_there_once() -> None:
    place = "ratified.impl.raft.log:Log.truncate"
    with (
        pytest.raises(
            AssertionError, match=r"'nothing' stands 0 times in Log.truncate: it cannot be replaced"
        ),
        planted(Mutant(((place, Edit("nothing", "pass")),))),
    ):
        pass


def test_what_is_planted_is_in_tables_of_handlers_too() -> None:
    place, module = (
        "ratified.impl.multipaxos.core:MultiPaxosCore._on_alive",
        import_module("ratified.impl.multipaxos.core"),
    )
    before = module._HANDLERS[Alive]
    with planted(Mutant(((place, Edit("is not None", "is None")),))):
        assert module._HANDLERS[Alive] is module.MultiPaxosCore._on_alive is not before
    assert module._HANDLERS[Alive] is module.MultiPaxosCore._on_alive is before
