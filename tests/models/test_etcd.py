"""The models of the store: their states counted, their bugs refuted by runs of these lengths."""

from __future__ import annotations

import pytest

from ratified.bundled import protocols
from ratified.cli.instances import instance
from ratified.cli.loading import load
from ratified.explore import check
from ratified.results.result import Verdict

COUNTS = [
    ("etcd-watches", "small", 2_282, 13),
    ("etcd-leases", "small", 4_159, 15),
    ("etcd-locks", "small", 382, 13),
    ("etcd-locks", "standard", 2_450, 18),
    ("etcd-keys", "small", 71, 4),
    ("etcd-keys", "standard", 366, 5),
]


@pytest.mark.parametrize(("name", "size", "states", "depth"), COUNTS)
def test_what_is_right_holds(name: str, size: str, states: int, depth: int) -> None:
    result = check(instance(load(name), size, {}), engine="reference")
    assert (result.verdict, result.distinct, result.depth) == (Verdict.HOLDS, states, depth)
    assert result.never_fired == ()


REFUTED = [
    ("etcd-progress-overtakes", "no_gap", 6),
    ("etcd-moved-forward", "no_gap", 6),
    ("etcd-resumed-from-now", "no_gap", 4),
    ("etcd-older-events", "told_in_order_and_once", 5),
    ("etcd-deletion-forgotten", "no_gap", 5),
    ("etcd-deposed-leader-ends", "a_deposed_leader_ends_nothing", 6),
    ("etcd-counted-on", "none_ends_early", 3),
    ("etcd-lost-with-the-leader", "none_ends_early", 2),
    ("etcd-unconfirmed", "none_ends_early", 9),
    ("etcd-renewed-while-ending", "none_ends_early", 8),
    ("etcd-counted-from-the-answer", "none_ends_early", 8),
    ("etcd-not-looked-again", "who_is_told_has_it", 4),
    ("etcd-unguarded", "writes_take_effect_in_order", 11),
    ("etcd-out-of-turn", "one_holder", 6),
    ("etcd-guarded-by-name", "writes_take_effect_in_order", 11),
    ("etcd-forgets-the-compacted", "what_is_not_compacted_can_be_read", 2),
    ("etcd-version-goes-on", "versions_count_since_the_creation", 2),
    ("etcd-two-revisions", "one_revision_at_a_time", 1),
    ("etcd-compares-again", "all_or_nothing", 1),
]


@pytest.mark.parametrize(("name", "claim", "steps"), REFUTED)
def test_each_bug_is_refuted_by_a_shortest_run(name: str, claim: str, steps: int) -> None:
    result = check(instance(load(name), "small", {}), engine="reference")
    assert result.violation is not None
    assert (result.violation.name, len(result.violation.trace.steps)) == (claim, steps)


def test_every_bug_is_among_them() -> None:
    assert [name for name, _, _ in REFUTED] == [model.name for model in protocols["etcd"].broken]
