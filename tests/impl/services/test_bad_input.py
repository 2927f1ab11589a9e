"""What makes no sense is a typed error that says what, and every policy is as it was before, down to each of its variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from fractions import Fraction
from types import FunctionType, MethodType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratified.bundled.conformance import POLICIES
from ratified.conform.policy import calls_of
from ratified.impl.services.balancing import BALANCERS, Picking, SmoothWeighted
from ratified.impl.services.clock import ClockError
from ratified.impl.services.endpoints import Endpoint, EndpointError, NoEndpointError, ServiceError
from ratified.impl.services.failover import Fence, Grant, Grantor, Holder, LeaderHints, Priorities
from ratified.impl.services.health import Draining, slow_start
from ratified.impl.services.hedging import Hedge
from ratified.impl.services.recovery import Session
from ratified.impl.services.retry import Backoff, RetryPolicy, pushed_back

YEAR_MS = 365 * 24 * 3_600_000


def frozen(value: object) -> object:
    """All that a value is made of, as a value that can be compared. What is a heap has no order of its own."""
    match value:
        case (
            None
            | bool()
            | int()
            | float()
            | str()
            | bytes()
            | Fraction()
            | Enum()
            | FunctionType()
            | MethodType()
            | type()
        ):
            return value
        case dict() | Mapping():
            return {frozen(k): frozen(v) for k, v in value.items()} if value else {}
        case list() | tuple() | set() | frozenset():
            items = [repr(frozen(item)) for item in value]
            return sorted(items) if isinstance(value, set | frozenset | list) else items
    if is_dataclass(value):
        return {field.name: frozen(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, SmoothWeighted):
        value._settle()  # its rows are another way of keeping the same
    slots = [name for cls in type(value).__mro__ for name in getattr(cls, "__slots__", ())]
    names = [*vars(value)] if hasattr(value, "__dict__") else []
    return {name: frozen(getattr(value, name)) for name in (*names, *slots) if hasattr(value, name)}


@pytest.mark.parametrize("name", POLICIES)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(data=st.data())
def test_whatever_happened_before_what_is_wrong_changes_nothing(name: str, data: st.DataObject) -> None:
    subject = POLICIES[name].subject(data.draw(st.integers(0, 999)))
    calls = calls_of(subject)
    for _ in range(data.draw(st.integers(0, 12))):
        call = data.draw(st.sampled_from(sorted(calls)))
        numbers = [data.draw(st.integers(0, limit - 1)) for limit in calls[call]]
        tuple(getattr(subject, call)(*numbers))
    for ask, says in subject.wrong():
        before = frozen(subject)
        with pytest.raises(ServiceError) as refused:
            ask()
        assert str(refused.value).startswith(says)
        assert frozen(subject) == before


NUMBERS: list[Any] = [float("nan"), float("inf"), 1.5, "1", None, True, b"", 1j]
"""What is no whole number."""

WRONG: list[Callable[[Any], object]] = [
    Hedge,
    lambda x: Hedge(1, x),
    lambda x: LeaderHints().heard(x, "a"),
    lambda x: Priorities(flaps=x),
    lambda x: Priorities(window_ms=x),
    lambda x: Priorities().up("a", x),
    lambda x: Priorities().down("a", x),
    lambda x: Draining().drain("a", x, 0),
    lambda x: Draining().drain("a", 0, x),
    lambda x: Draining().gone(x, {}),
    lambda x: slow_start(x, 1, 2),
    lambda x: slow_start(1, x, 2),
    lambda x: Session("a").seen("k", x),
    lambda x: Session("a").reattach(x),
    lambda x: Backoff(base_ms=x),
    lambda x: Backoff(multiplier=x),
    lambda x: RetryPolicy(attempts=x),
    lambda x: Fence().admit(x),
    Grantor,
    lambda x: Grantor(1).ask("a", x),
    Holder,
    lambda x: Holder().granted(Grant("a", x, 1), 0),
]


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
def test_what_is_no_whole_number_is_said_to_be_none(value: Any) -> None:
    for ask in WRONG:
        with pytest.raises(ServiceError, match="is a whole number"):
            ask(value)


@pytest.mark.parametrize("name", BALANCERS)
@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    weight=st.one_of(
        st.integers(max_value=0), st.integers(min_value=1_000_001), st.floats(), st.sampled_from(NUMBERS)
    ),
    picks=st.integers(0, 6),
)
def test_a_weight_that_is_none_leaves_every_balancer_as_it_was(name: str, weight: Any, picks: int) -> None:
    balancer = BALANCERS[name]()
    balancer.update([Endpoint("a", 3), Endpoint("b"), Endpoint("c", 2)])
    for _ in range(picks):
        balancer.pick(Picking(draw=lambda n: n - 1, key=b"k"))
    before = frozen(balancer)
    for wrong in ([Endpoint("a", weight)], [Endpoint("d"), Endpoint("e", weight)]):
        with pytest.raises(EndpointError, match="weight"):
            balancer.update(wrong)
        assert frozen(balancer) == before
    with pytest.raises(NoEndpointError, match="all 3 are to be avoided"):
        balancer.pick(Picking(avoid={"a", "b", "c"}))
    assert frozen(balancer) == before


def test_clocks_that_go_back() -> None:
    priorities, draining = Priorities(), Draining()
    priorities.update(["a"])
    priorities.up("a", 10)
    draining.drain("a", 10, 5)
    for made, asks in (
        (priorities, (lambda: priorities.down("a", 9), lambda: priorities.up("a", 9))),
        (draining, (lambda: draining.drain("b", 9, 5), lambda: draining.gone(9, {}))),
    ):
        before = frozen(made)
        for ask in asks:
            with pytest.raises(ClockError, match="the clock went back from 10 to 9 ms"):
                ask()
            assert frozen(made) == before


def test_a_server_that_answers_nonsense() -> None:
    hints = LeaderHints()
    hints.heard(3, "a")
    with pytest.raises(ServiceError):
        hints.heard(float("nan"), "b")  # type: ignore[arg-type]  # that is what is tested
    assert (hints.term, hints.leader) == (3, "a")
    session = Session("c", watches={"k": 5})
    with pytest.raises(ServiceError):
        session.seen("k", "6")  # type: ignore[arg-type]  # likewise
    assert session.watches == {"k": 5}
    for told in (str(YEAR_MS), "-1", "1e3", "0x10", "1_000", " 7", "+7", "", "٣", None, 5):
        assert pushed_back(told) is None  # type: ignore[arg-type]  # likewise
    assert pushed_back("3600000") == 3_600_000
