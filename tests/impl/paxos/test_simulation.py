"""Runs with every fault on: one command is chosen, every node learns it, and every client is told what became of its own."""

from __future__ import annotations

import pytest

from ratified.impl.paxos.system import paxos_system
from ratified.simulator.run import simulate


@pytest.mark.parametrize("nodes", [1, 2, 3, 5])
def test_no_run_breaks_a_promise(nodes: int) -> None:
    applied = 0
    for seed in range(150):
        run = simulate(paxos_system(), nodes=nodes, steps=250, seed=seed, clients=4)
        assert run.violation is None, run.shrink().transcript()
        applied += run.applied
    assert applied >= 145  # in all runs but those in which nobody asked for anything


def test_a_run_repeats_to_the_byte() -> None:
    first, again = (simulate(paxos_system(), nodes=3, steps=200, seed=5) for _ in range(2))
    assert first.schedule == again.schedule
    assert first.transcript() == again.transcript()
