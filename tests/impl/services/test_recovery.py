"""Recovery: supervision within its intensity, one owner of a folder, sessions that are taken up again."""

from __future__ import annotations

import pytest

from ratified.impl.services.endpoints import ServiceError
from ratified.impl.services.recovery import (
    GiveUp,
    OwnedError,
    Owner,
    Reattachment,
    Session,
    Start,
    Stop,
    Strategy,
    Supervisor,
    take_over,
)
from ratified.impl.services.retry import Backoff, Jitter

STEADY = Backoff(100, 1000, 2, Jitter.NONE)


def never(_: int) -> int:
    raise AssertionError("nothing is drawn")


@pytest.mark.parametrize(
    ("strategy", "orders"),
    [
        (Strategy.ONE, [Start("b", 100)]),
        (Strategy.REST, [Stop("c"), Start("b", 100), Start("c")]),
        (Strategy.ALL, [Stop("c"), Stop("a"), Start("a", 100), Start("b"), Start("c")]),
    ],
)
def test_who_is_started_again(strategy: Strategy, orders: list[object]) -> None:
    supervisor = Supervisor("abc", strategy, backoff=STEADY)
    assert supervisor.start() == [Start("a"), Start("b"), Start("c")]
    assert list(supervisor.ended("b", 0, never)) == orders


def test_restarts_are_slower_and_slower_until_a_child_runs_well() -> None:
    supervisor = Supervisor("a", most=100, backoff=STEADY)
    assert [supervisor.ended("a", now, never) for now in range(5)] == [
        [Start("a", ms)] for ms in (100, 200, 400, 800, 1000)
    ]
    supervisor.well("a")
    assert supervisor.ended("a", 10, never) == [Start("a", 100)]


def test_too_many_restarts_end_the_supervisor() -> None:
    supervisor = Supervisor("abc", most=2, window_ms=1000, backoff=STEADY)
    assert supervisor.ended("a", 0, never) == [Start("a", 100)]
    assert supervisor.ended("a", 500, never) == [Start("a", 200)]
    assert supervisor.ended("a", 1000, never) == [Start("a", 400)]  # the first is forgotten
    assert supervisor.ended("b", 1001, never) == [
        Stop("c"),
        Stop("a"),
        GiveUp("b ended; 3 restarts in 1000 ms"),
    ]
    assert supervisor.given_up
    assert supervisor.ended("c", 1002, never) == []


def test_a_folder_has_one_owner_at_a_time() -> None:
    first = take_over(None, "p1", alive=False)
    assert first == Owner("p1", 1)
    assert take_over(first, "p1", alive=True) == first
    with pytest.raises(OwnedError, match=r"^it belongs to p1, which is running$"):
        take_over(first, "p2", alive=True)
    assert take_over(first, "p2", alive=False) == Owner("p2", 2)


def test_a_session_goes_on_where_it_was() -> None:
    session = Session("c", serial=7, leases={1: 100, 2: 500})
    session.watch("quiet")
    assert [session.seen("k", revision) for revision in (3, 4, 4, 3, 6)] == [True, True, False, False, True]
    assert [session.begin() for _ in range(3)] == [8, 9, 10]
    assert [session.answered(number) for number in (9, 9, 11)] == [True, False, False]
    assert session.reattach(200) == Reattachment({"quiet": 1, "k": 7}, (2,), (1,), (8, 10))
    assert session.leases == {2: 500}
    assert session.serial == 10
    assert session.reattach(200) == Reattachment({"quiet": 1, "k": 7}, (2,), (), (8, 10))


def test_a_lease_runs_from_when_it_was_asked_for() -> None:
    session = Session("c")
    session.granted(1, asked_ms=100, lasts_ms=50)
    assert [session.holds(1, now) for now in (140, 149, 150)] == [True, True, False]
    assert session.renewed(1, asked_ms=149, lasts_ms=50)
    assert session.holds(1, 198)
    assert (session.lost(199), session.lost(199)) == ([1], [])
    assert not session.renewed(1, asked_ms=190, lasts_ms=50)
    assert session.leases == {}


@pytest.mark.parametrize(
    "make",
    [
        lambda: Supervisor(""),
        lambda: Supervisor("aa"),
        lambda: Supervisor("a", most=-1),
        lambda: Supervisor("a", window_ms=0),
        lambda: Supervisor("a").ended("z", 0, never),
        lambda: Session("c").watch("k", -1),
        lambda: Session("c").granted(1, 0, 0),
    ],
)
def test_what_makes_no_sense_is_refused(make: object) -> None:
    with pytest.raises(ServiceError):
        make()  # type: ignore[operator]  # a function
