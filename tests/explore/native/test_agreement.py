"""Where the engines might differ: limits that are just reached, and which of many counterexamples is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratified.explore.native.engine import check_native
from ratified.explore.native.preparing import BuildRequest, Preparation
from ratified.explore.reference import check_reference
from ratified.language.model import Model
from ratified.models.commit.two_phase import TwoPhase
from ratified.models.paxos.broken import ForgottenPromise, HalfQuorums, IgnoredVotes
from ratified.models.paxos.voting import Voting
from ratified.results.limits import LimitWatch
from ratified.results.result import Limits, Result, Verdict
from tests.explore.native.differential import told

FLAGS = ("-O0",)


@pytest.mark.parametrize(
    ("model", "full"),
    [
        (TwoPhase(ResourceManager=3), 11),
        (Voting(Acceptor=2, Value=2, Ballot=2), 9),
        (HalfQuorums(**HalfQuorums.sizes["small"]), None),
    ],
)
def test_depth_limits(model: Model, full: int | None) -> None:
    """The last level needs looking at: if there is nothing behind it, all has been seen, and otherwise nothing more is told."""

    def reference(depth: int | None) -> Result:
        limits = Limits(depth=depth)
        return check_reference(model, limits=limits, symmetry=False, deadlock=False, progress=None)

    deepest = reference(None).depth
    assert full in (None, deepest)
    for depth in range(1, deepest + 2):
        expected, found = reference(depth), check_native(model, limits=Limits(depth=depth), flags=FLAGS)
        assert told(found) == told(expected)
        assert found.stopped == expected.stopped
        assert (found.verdict is Verdict.UNDECIDED) == (depth < deepest)


@pytest.mark.parametrize("model", [ForgottenPromise, HalfQuorums, IgnoredVotes])
@pytest.mark.parametrize("symmetry", [False, True])
def test_the_same_counterexample_on_every_run(model: type[Model], symmetry: bool) -> None:
    """Among many shortest ones, whatever the threads and however they take turns."""
    instance = model(**model.sizes["small"])
    first, *others = (
        check_native(instance, threads=threads, symmetry=symmetry, flags=FLAGS)
        for threads in (1, 2, 3, 2, 4, 2)
    )
    assert first.violation is not None
    assert [(told(r), r.violation) for r in others] == [(told(first), first.violation)] * 5


def test_a_disk_that_fails_leaves_what_was_seen(tmp_path: Path) -> None:
    """States that do not fit into memory, and nowhere to put them: undecided, with the counts so far."""
    missing = tmp_path / "missing"
    limits = Limits(memory=2 << 20)
    model = TwoPhase(ResourceManager=7)
    preparation = Preparation(
        BuildRequest(model, flags=FLAGS), LimitWatch()
    )  # so that states meet the limit, not the compiler
    preparation.wait(None)
    result = check_native(model, limits=limits, spill=missing, preparation=preparation)
    assert result.verdict is Verdict.UNDECIDED
    assert result.stopped is not None
    assert result.stopped.startswith(f"cannot make a file in {missing}")
    assert result.notes == (
        "free some space or name another folder; the checkpoint is intact and can be resumed",
    )
    assert 0 < result.distinct < 296_448
    assert result.depth > 5
