"""Failover: hints that never go back; leases and tokens that keep two primaries apart, however clocks drift; priorities."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratified.impl.services.clock import ClockError
from ratified.impl.services.endpoints import NoEndpointError, ServiceError
from ratified.impl.services.failover import (
    Fence,
    FencedError,
    Grantor,
    Holder,
    LeaderHints,
    Priorities,
)


def test_an_older_term_is_not_believed() -> None:
    hints = LeaderHints()
    assert hints.heard(2, "b")
    assert not hints.heard(1, "a")
    assert not hints.heard(2, "c")
    assert (hints.term, hints.leader) == (2, "b")
    assert hints.heard(3, None)
    assert hints.leader is None
    assert hints.heard(3, "a")
    assert not hints.heard(3, None)
    assert hints.leader == "a"


def test_whom_to_ask() -> None:
    hints = LeaderHints()
    assert hints.ask("abc") == "a"
    assert hints.ask("abc", "a") == "b"
    hints.heard(1, "c")
    assert hints.ask("abc") == "c"
    assert hints.ask("abc", "c") == "a"
    hints.failed("c")
    assert hints.ask("abc") == "a"
    with pytest.raises(NoEndpointError, match=r"^all 3 were asked$"):
        hints.ask("abc", "abc")
    with pytest.raises(NoEndpointError, match=r"^there are no endpoints$"):
        hints.ask("")


def test_a_fence_lets_nothing_older_through() -> None:
    fence = Fence()
    fence.admit(1)
    fence.admit(3)
    fence.admit(3)
    with pytest.raises(FencedError, match=r"^token 2 is older than 3$"):
        fence.admit(2)
    assert fence.seen == 3


def test_a_lease_is_given_to_one_at_a_time_and_each_new_holder_has_a_greater_token() -> None:
    grantor = Grantor(1000, drift_ppm=1000)
    first = grantor.ask("a", 0)
    assert first is not None
    assert grantor.ask("b", 1000) is None  # the grantor waits for longer than the lease, by the drift
    assert grantor.ask("a", 1000) == first
    assert grantor.ask("b", 2000) is None
    second = grantor.ask("b", 2001)
    assert second is not None
    assert (first.token, second.token) == (1, 2)
    grantor.release(first.token)
    assert grantor.holder == "b"
    grantor.release(second.token)
    third = grantor.ask("a", 2001)
    assert third is not None
    assert third.token == 3
    lapsed = grantor.ask("a", 10_000)
    assert lapsed is not None
    assert lapsed.token == 4


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 400), st.integers(0, 300)), min_size=1, max_size=40
    ),
    st.integers(-900, 900),
    st.integers(-900, 900),
)
def test_no_two_lead_at_once_while_clocks_drift_less_than_was_promised(
    asks: list[tuple[str, int, int]],
    drift_a: int,
    drift_b: int,
) -> None:
    """Clocks of the holders gain or lose up to 900 ppm against the grantor's; 2000 are promised, for both ends of a lease."""

    def local(name: str, now_us: int) -> int:
        drift = drift_a if name == "a" else drift_b
        return (now_us * (1_000_000 + drift)) // 1_000_000 // 1000

    grantor, holders = Grantor(500, 2000), {"a": Holder(2000), "b": Holder(2000)}
    now_us = 1_000_000_000
    for name, pause, flight in asks:
        now_us += pause * 1000
        asked = local(name, now_us)
        now_us += flight * 1000
        grant = grantor.ask(name, now_us // 1000)
        now_us += flight * 1000
        if grant is not None:
            holders[name].granted(grant, asked)
        leading = [n for n, h in holders.items() if h.leads(local(n, now_us))]
        assert len(leading) <= 1


def test_clocks_that_drift_more_than_was_promised_let_two_lead_and_the_fence_keeps_them_apart() -> None:
    grantor, slow, other = Grantor(1000, 1000), Holder(1000), Holder(1000)
    grant = grantor.ask("slow", 0)
    assert grant is not None
    slow.granted(grant, 0)
    late = grantor.ask("other", 1001)
    assert late is not None
    other.granted(late, 1001)
    assert slow.leads(800)  # its clock shows 800 where 1001 have passed
    assert other.leads(1001)
    fence = Fence()
    fence.admit(late.token)
    with pytest.raises(FencedError):
        fence.admit(grant.token)


def test_a_release_that_comes_twice_ends_no_later_lease() -> None:
    grantor, holder = Grantor(100, 0), Holder(0)
    first = grantor.ask("a", 0)
    assert first is not None
    holder.granted(first, 0)
    assert holder.leads(1)
    token = holder.resign()
    assert token == 1
    assert not holder.leads(1)
    grantor.release(token)
    assert grantor.ask("a", 2) is not None
    grantor.release(token)
    assert grantor.holder == "a"


def test_a_grantor_that_starts_anew_waits_for_a_lease_that_may_still_run() -> None:
    grantor = Grantor(1000, drift_ppm=1000, token=7)
    assert grantor.ask("b", 5_000) is None
    assert grantor.ask("b", 6_000) is None
    grant = grantor.ask("b", 6_001)
    assert grant is not None
    assert grant.token == 8


def test_an_answer_of_before_does_not_bring_an_old_token_back() -> None:
    holder = Holder()
    grantor = Grantor(100)
    old = grantor.ask("a", 0)
    assert old is not None
    grantor.release(old.token)
    new = grantor.ask("a", 50)
    assert new is not None
    holder.granted(new, 50)
    holder.granted(old, 0)
    assert holder.token == new.token
    assert holder.renew_at_ms() > 50


def test_the_first_by_priority_leads_and_one_that_flaps_waits() -> None:
    order = Priorities(flaps=2, window_ms=1000, quarantine_ms=500, longest_ms=800)
    order.update("abc")
    for name in "abc":
        order.up(name, 0)
    assert order.primary(0) == "a"
    order.down("a", 10)
    assert order.primary(10) == "b"
    order.up("a", 20)
    assert order.primary(20) == "a"
    order.down("a", 30)
    order.up("a", 40)
    assert order.primary(40) == "b"
    assert order.primary(530) == "a"
    order.down("b", 540)
    order.down("c", 540)
    for now in (550, 560):
        order.down("a", now)
        order.up("a", now)
    assert order.primary(560) == "a"  # nobody else is there
    order.up("c", 570)
    assert order.primary(570) == "c"
    assert order.primary(1359) == "c"
    assert order.primary(1360) == "a"  # 800 ms: the longest
    order.down("a", 1400)
    order.down("c", 1400)
    with pytest.raises(NoEndpointError, match=r"^all 3 are down$"):
        order.primary(1400)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Grantor(0),
        lambda: Grantor(10, -1),
        lambda: Grantor(10, 1_000_000),
        lambda: Holder(-1),
        lambda: Priorities(flaps=0),
        lambda: Priorities(quarantine_ms=10, longest_ms=5),
        lambda: Priorities().update("aa"),
    ],
)
def test_what_makes_no_sense_is_refused(make: object) -> None:
    with pytest.raises(ServiceError):
        make()  # type: ignore[operator]  # a function


def test_a_clock_that_goes_back_gives_no_lease() -> None:
    grantor = Grantor(100)
    grantor.ask("a", 50)
    with pytest.raises(ClockError):
        grantor.ask("b", 49)
    assert grantor.holder == "a"
