"""Sessions that are kept alive: what answers that come late are worth."""

from __future__ import annotations

import pytest

from ratified.impl.services.keepalive import KeepAlive, SessionState


@pytest.mark.parametrize(("heard_ms", "expired_ms"), [(2_500, 6_000), (3_000, 5_000), (3_500, 5_000)])
def test_a_renewal_that_comes_when_it_is_over_does_not_lengthen_the_grace_period(
    heard_ms: int, expired_ms: int
) -> None:
    """A lease until 2,000 and three seconds of grace; a question at 1,000, whose answer gives it until 3,000."""
    session = KeepAlive(0, 2_000, grace_ms=3_000)
    session.asked(1_000)
    assert session.state(2_000) is SessionState.JEOPARDY
    safe = heard_ms < 3_000
    assert session.renewed(heard_ms, 2_000) is (SessionState.SAFE if safe else SessionState.JEOPARDY)
    assert session.state(expired_ms - 1) is SessionState.JEOPARDY
    assert session.state(expired_ms) is SessionState.EXPIRED
