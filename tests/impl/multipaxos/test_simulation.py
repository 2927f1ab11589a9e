"""Runs with every fault on: nothing diverges, nothing that was acknowledged is lost, and calm brings everything about."""

from __future__ import annotations

import pytest

from ratified.impl.multipaxos.system import drawn_config, multipaxos_system
from ratified.simulator.chaos import NO_FAULTS
from ratified.simulator.run import simulate


@pytest.mark.parametrize("nodes", [1, 2, 3, 5])
@pytest.mark.parametrize("block", range(4))
def test_no_run_breaks_a_promise(nodes: int, block: int) -> None:
    applied = 0
    for seed in range(50 * block, 50 * (block + 1)):
        run = simulate(multipaxos_system(drawn_config(seed)), nodes=nodes, steps=500, seed=seed, clients=4)
        assert run.violation is None, run.shrink().transcript()
        applied += run.applied
    assert applied > 200  # the runs do something


def test_a_run_repeats_to_the_byte() -> None:
    first, again = (simulate(multipaxos_system(), nodes=3, steps=300, seed=5) for _ in range(2))
    assert first.schedule == again.schedule
    assert first.transcript() == again.transcript()


def test_the_leader_of_a_calm_cluster_stays_and_everything_is_done_once() -> None:
    run = simulate(multipaxos_system(), nodes=5, steps=2_000, seed=1, faults=NO_FAULTS, clients=8)
    assert run.violation is None
    assert {operation.returned is not None for operation in run.history} == {True}
    writes = [operation for operation in run.history if not operation.query]
    assert run.applied == len(writes) > 50  # no no-ops, no repetitions
