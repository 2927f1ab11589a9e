"""The models of the policies: their states counted by both engines, their bugs refuted by runs of these lengths."""

from __future__ import annotations

import pytest

from ratified.cli.instances import instance
from ratified.cli.loading import load
from ratified.explore import check
from ratified.models.services.budgets import RetriesInFlight, WaitingNotCounted
from ratified.models.services.health import Ejection, LimitTestedBefore
from ratified.results.result import PropertyKind, Verdict

ENGINES = ("reference", "native")

COUNTS = [
    ("round-robin", "small", 84, 7),
    ("round-robin", "standard", 359, 8),
    ("earliest-deadline", "standard", 7, 7),
    ("least-outstanding", "small", 30, 7),
    ("least-outstanding", "standard", 140, 9),
    ("two-choices", "standard", 140, 9),
    ("bounded-ring", "small", 30, 7),
    ("bounded-ring", "standard", 245, 10),
    ("ejection", "small", 1136, 24),
    ("circuit-breaker", "small", 207, 21),
    ("circuit-breaker", "standard", 444, 25),
    ("retries-in-flight", "small", 16, 8),
    ("retries-in-flight", "standard", 58, 23),
    ("retry-budget", "small", 20, 9),
    ("throttle", "small", 46, 13),
    ("throttle", "standard", 151, 20),
    ("adaptive", "small", 20, 7),
    ("adaptive", "standard", 84, 13),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("name", "size", "states", "depth"), COUNTS)
def test_what_is_right_holds(name: str, size: str, states: int, depth: int, engine: str) -> None:
    result = check(instance(load(name), size, {}), engine=engine)
    assert (result.verdict, result.distinct, result.depth) == (Verdict.HOLDS, states, depth)
    assert result.never_fired == ()


REFUTED = [
    ("services-same-start", "no_rush_at_the_beginning", 2),
    ("services-weights-not-looked-at", "the_least_is_picked", 1),
    ("services-drawn-twice", "the_busiest_is_not_picked", 2),
    ("services-bound-not-looked-at", "load_is_bounded", 3),
    ("services-limit-tested-before", "the_limit_holds", 4),
    ("services-not-longer", "each_is_longer", 5),
    ("services-never-forgiven", "all_is_forgiven_in_time", 6),
    ("services-no-panic", "somebody_is_used", 2),
    ("services-many-probes", "one_probe", 8),
    ("services-late-answers-count", "only_its_own_answers_change_it", 12),
    ("services-waiting-not-counted", "retries_are_limited", 4),
    ("services-one-too-many", "retries_are_a_share", 2),
    ("services-throttle-at-half", "no_retry_at_half", 8),
    ("services-counted-when-ended", "what_begins_counts", 1),
    ("services-released-by-name", "one_primary", 5),
    ("services-lease-forgotten", "one_primary", 3),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("name", "claim", "steps"), REFUTED)
def test_what_is_wrong_is_refuted_by_a_shortest_run(name: str, claim: str, steps: int, engine: str) -> None:
    result = check(instance(load(name), "small", {}), engine=engine)
    assert result.violation is not None
    assert (result.violation.name, len(result.violation.trace.steps)) == (claim, steps)


@pytest.mark.parametrize(("name", "steps"), [("services-begun-anew", 3), ("services-rounded-away", 5)])
def test_who_is_never_picked_is_shown_by_a_run_that_repeats(name: str, steps: int) -> None:
    result = check(instance(load(name), "small", {}))
    assert result.violation is not None
    assert (result.violation.kind, result.violation.name) == (PropertyKind.LIVENESS, "nobody_starves")
    assert result.violation.trace.loop is not None
    assert len(result.violation.trace.steps) == steps


@pytest.mark.parametrize(("percent", "holds"), [(50, False), (67, True)])
def test_looking_at_the_limit_first_ejects_one_too_many(percent: int, holds: bool) -> None:
    """Of three endpoints at 50 percent two are then out. At 67 two may be, and the third is the last, which never is."""
    sizes = {"Node": 3, "percent": percent, "consecutive": 1}
    assert check(Ejection(**sizes)).verdict is Verdict.HOLDS
    found = check(LimitTestedBefore(**sizes)).violation
    assert (found is None) is holds
    assert found is None or (found.name, len(found.trace.steps)) == ("the_limit_holds", 2)


def test_many_that_fail_at_once_are_not_all_retried() -> None:
    """Of twenty requests that fail at once a fifth is retried; where those that wait are not counted, all are."""
    right = check(RetriesInFlight(most=20, least=3), claims=["retries_are_limited"])
    wrong = check(WaitingNotCounted(most=20, least=3), claims=["retries_are_limited"])
    assert right.verdict is Verdict.HOLDS
    assert wrong.violation is not None
    assert [step.action for step in wrong.violation.trace.steps] == ["begin"] * 4 + ["fail"] * 4
