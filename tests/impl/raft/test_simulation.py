"""Raft in the simulator: what it promises holds in hundreds of runs, and not if there is a bug in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ratified.bundled.systems import play
from ratified.conform.mutants import Mutant, planted
from ratified.follow.linearizability import KeyValue, check_history, read_history
from ratified.impl.raft import Config, drawn_config, raft_system
from ratified.results.result import Verdict
from ratified.simulator import EVERY_FAULT, NO_FAULTS, SimulatedRun, read_schedule, replay, simulate
from tests.impl.raft.bugs import BUGS

SCENARIOS = Path(__file__).parent / "scenarios"


@pytest.mark.parametrize(
    ("nodes", "first", "count"), [(3, 0, 300), (5, 10_000, 200), (4, 20_000, 50), (2, 30_000, 25)]
)
def test_everything_promised_holds_with_every_fault_on(nodes: int, first: int, count: int) -> None:
    for seed in range(first, first + count):
        run = simulate(raft_system(drawn_config(seed)), nodes, 400, seed)
        assert run.violation is None, f"seed {seed}: {run.violation}\n{run.shrink().transcript()}"


def test_nodes_that_are_no_members_at_first_join_and_leave() -> None:
    joined = 0
    for seed in range(60):
        run = simulate(raft_system(drawn_config(seed), spares=2), 5, 400, seed)
        assert run.violation is None, f"seed {seed}: {run.violation}"
        joined += "takes over the snapshot" in run.transcript() if seed < 10 else 0
    assert joined > 0


def test_a_single_node_is_a_cluster() -> None:
    run = simulate(raft_system(), 1, 300, 1, NO_FAULTS)
    assert (run.violation, run.applied > 20) == (None, True)


def test_without_faults_clients_get_their_answers_on_the_way() -> None:
    run = simulate(raft_system(), 3, 2_000, 1, NO_FAULTS)
    assert run.violation is None
    assert run.applied > 60


def test_the_same_seed_gives_the_same_run_to_the_byte() -> None:
    once, again = (simulate(raft_system(), 5, 400, 11) for _ in range(2))
    assert once.transcript() == again.transcript()
    assert once.history.ndjson() == again.history.ndjson()
    assert simulate(raft_system(), 5, 400, 12).transcript() != once.transcript()


def test_a_schedule_repeats_its_run_without_the_scheduler() -> None:
    run = simulate(raft_system(), 5, 400, 11)
    again = replay(run.system, 5, 11, read_schedule(run.script(), run.system))
    assert again.transcript() == run.transcript()
    assert (again.inputs, again.applied) == (run.inputs, run.applied)


def test_watching_changes_nothing() -> None:
    seen = []
    run = simulate(raft_system(), 3, 400, 4)
    before = run.history.ndjson()
    seen.append(run.transcript())
    assert run.history.ndjson() == before
    assert seen[0].count("\n") > 400


def test_no_line_of_a_transcript_is_longer_than_100_columns() -> None:
    transcript = simulate(raft_system(), 5, 400, 11).transcript()
    assert max(map(len, transcript.splitlines())) <= 100


def test_what_clients_saw_is_linearizable(tmp_path: Path) -> None:
    """By the checker of histories, which knows nothing of logs: it agrees with what the simulator watches along the way."""
    file = tmp_path / "history.ndjson"
    operations = 0
    for seed in range(16):
        run = simulate(raft_system(drawn_config(seed)), 3, 600, seed, clients=4)
        file.write_text(run.history.ndjson(), encoding="utf-8")
        outcome = check_history(read_history(file), KeyValue())
        assert outcome.verdict is Verdict.HOLDS
        operations += outcome.operations
    assert operations > 300


CAUGHT_BY_SCENARIO = {
    "shorter-history": "longer_log",
    "counted-old-entries": "figure_8",
    "changes_early": "single_server_bug",
    "union_of_both": "joint_majorities",
    "unconfirmed-read": "deposed_reader",
    "reads_early": "new_leader_reads",
}
"""Bugs that take several things to go wrong in the right order: chaos finds them once in thousands of runs, a script at once."""

SEEDS = 200
"""How many runs chaos has to find any of the others."""


def first_failure(seeds: int) -> SimulatedRun | None:
    """Return the first run that breaks a promise."""
    for seed in range(seeds):
        run = simulate(raft_system(drawn_config(seed)), (3, 5, 4)[seed % 3], 400, seed)
        if run.violation is not None:
            return run
    return None


@pytest.mark.parametrize("name", [name for name in BUGS if name not in CAUGHT_BY_SCENARIO])
def test_chaos_finds_the_bug(name: str) -> None:
    bug = BUGS[name]
    with planted(bug):
        assert first_failure(SEEDS) is not None


@pytest.mark.parametrize("name", CAUGHT_BY_SCENARIO)
def test_a_scenario_shows_the_bug(name: str) -> None:
    bug = BUGS[name]
    script = (SCENARIOS / f"{CAUGHT_BY_SCENARIO[name]}.txt").read_text(encoding="utf-8")
    assert "VIOLATION" not in play(script)
    with planted(bug):
        assert "\nVIOLATION: " in play(script)


@pytest.mark.parametrize("name", ["stale-votes", "two_writes", "half-quorums", "votes_for_everybody"])
def test_a_failure_is_shrunk_to_what_it_takes(name: str) -> None:
    bug = BUGS[name]
    with planted(bug):
        run = first_failure(SEEDS)
        assert run is not None
        assert run.violation is not None
        promise = run.violation.promise
        shortest = run.shrink()
        assert shortest.violation is not None
        assert shortest.violation.promise == promise
        assert len(shortest.schedule) < len(run.schedule)
        for i in range(len(shortest.schedule)):  # no step can be left out
            fewer = [*shortest.schedule[:i], *shortest.schedule[i + 1 :]]
            violation = replay(run.system, run.nodes, run.seed, fewer).violation
            assert violation is None or violation.promise != promise
    assert replay(run.system, run.nodes, run.seed, shortest.schedule).violation is None


def test_a_failure_is_told_line_by_line(golden: Callable[[str, str], None]) -> None:
    """Two servers lead in one term, since the third has voted for both."""
    system = raft_system(Config(pre_vote=False, election_ticks=6))
    schedule = read_schedule(
        "tick n1 12\ntick n2 12\npersist n1\npersist n2\ndeliver n1 n3 1\ndeliver n2 n3 1\npersist n3\n"
        "deliver n3 n1 1\ndeliver n3 n2 1\n",
        system,
    )
    bug = BUGS["votes_for_everybody"]
    with planted(bug):
        run = replay(system, 3, 7, schedule)
        assert run.violation is not None
        assert run.violation.promise == "election safety"
        golden("told.txt", run.transcript())


def test_an_exception_out_of_a_core_is_a_broken_promise() -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError("oh")

    (where, _), *_ = BUGS["commit_goes_back"].patches
    with planted(Mutant(((where, fails),))):
        run = simulate(raft_system(), 3, 400, 0, EVERY_FAULT)
    assert run.violation is not None
    assert run.violation.promise == "no exception"
    assert "raised ZeroDivisionError('oh') when it was given" in run.violation.how


def test_a_run_that_holds_is_not_shrunk() -> None:
    run = simulate(raft_system(), 3, 50, 0)
    assert run.shrink() is run


def test_events_of_a_history_are_json() -> None:
    run = simulate(raft_system(), 3, 400, 3)
    events = [json.loads(line) for line in run.history.ndjson().splitlines()]
    assert len(events) == 2 * len(run.history)
    assert {event["type"] for event in events} == {"invoke", "ok"}
