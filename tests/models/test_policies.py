"""What some models of policies say besides their counts: who is never picked, whom a limit ejects, what is retried."""

from __future__ import annotations

import pytest

from ratified.cli.instances import instance
from ratified.cli.loading import load
from ratified.explore import check
from ratified.models.services.budgets import RetriesInFlight, WaitingNotCounted
from ratified.models.services.health import Ejection, LimitTestedBefore
from ratified.results.result import PropertyKind, Verdict


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
