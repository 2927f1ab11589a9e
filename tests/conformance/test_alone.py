"""One core alone beside its reference, given anything; shown cores that do not guard against nonsense."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ratified.bundled.conformance import PROTOCOLS
from ratified.conform.alone import alone
from ratified.conform.machine import Explored, regression_test
from ratified.conform.mutants import Edit, Mutant, planted
from ratified.conform.suite import conform
from ratified.results.result import Verdict

GUARDS = {
    "raft": [
        ("ratified.impl.raft.core:RaftCore.step", "if ticks > 0:", "if True:"),
        (
            "ratified.impl.raft.replication:Replication.take_entries",
            "if conflict <= self.state.commit:",
            "if False:",
        ),
        (
            "ratified.impl.raft.replication:Replication.handle_append_response",
            "if m.index > self.state.log.last:",
            "if False:",
        ),
    ],
    "multi-paxos": [
        ("ratified.impl.multipaxos.leader:Leader.on_alive", "or message.round > self._round", ""),
        ("ratified.impl.multipaxos.learner:Learner.on_chosen", "if 0 <= known < len", "if known < len"),
    ],
}


@pytest.mark.parametrize("protocol", list(GUARDS))
def test_whatever_is_said_a_core_does_what_is_due(protocol: str) -> None:
    for seed in range(12):
        run = alone(PROTOCOLS[protocol], seed)
        assert (run.verdict, run.why, run.steps) == (Verdict.HOLDS, "", 600), f"seed {seed}"


@pytest.mark.parametrize(
    ("protocol", "place", "before", "after"),
    [(name, *guard) for name, some in GUARDS.items() for guard in some],
)
def test_a_core_without_a_guard_is_caught(protocol: str, place: str, before: str, after: str) -> None:
    with planted(Mutant(((place, Edit(before, after)),))):
        assert any(alone(PROTOCOLS[protocol], seed).found for seed in range(40))


def test_what_is_found_is_a_test_to_keep() -> None:
    with planted(PROTOCOLS["raft"].mutants()["hasty-hand-over"]):
        found = next(run for seed in range(40) if (run := alone(PROTOCOLS["raft"], seed)).found)
        assert found.why.startswith("what is due: n1, given ")
        text = regression_test(PROTOCOLS["raft"], 3, found.seed, Explored(), alone=found.steps)
        scope: dict[str, object] = {}
        exec(compile(text, "kept.py", "exec"), scope)  # noqa: S102 - it is a test that we have written
        test = scope["test_it_conforms"]
        assert callable(test)
        with pytest.raises(AssertionError, match=r"^what is due: n1, given "):
            test()
    test()


def test_conform_tells_of_a_core_alone() -> None:
    calm = replace(PROTOCOLS["raft"], graph=None)
    with planted(calm.mutants()["hasty-hand-over"]):
        done = conform(calm, seconds=0, seed=8)
    assert done.verdict is Verdict.VIOLATED
    assert (done.runs, done.alone, done.failure is not None) == (1, 1, True)
