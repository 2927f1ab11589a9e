"""Levels of priority and zones: the shares that Envoy's documentation states, and what they are to add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from itertools import count
from random import Random as Dice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratified.impl.services.balancing import (
    LeastOutstanding,
    Maglev,
    Picking,
    PriorityLevels,
    RoundRobin,
    SmoothWeighted,
    ZoneAware,
)
from ratified.impl.services.balancing.localities import priority_loads
from ratified.impl.services.endpoints import Endpoint, EndpointError, NoEndpointError, ServiceError


def levels(*there: int) -> tuple[PriorityLevels, frozenset[str]]:
    """Levels of 100 endpoints each, of which so many are there, and those that are not."""
    made = PriorityLevels(RoundRobin)
    made.update(Endpoint(f"{level}-{n}", priority=level) for level in range(len(there)) for n in range(100))
    return made, frozenset(f"{level}-{n}" for level, up in enumerate(there) for n in range(up, 100))


@pytest.mark.parametrize(
    ("there", "loads"),
    [
        ((100, 100), (100, 0)),
        ((72, 100), (100, 0)),
        ((71, 100), (99, 1)),
        ((50, 100), (70, 30)),
        ((25, 100), (35, 65)),
        ((0, 100), (0, 100)),
        ((100, 100, 100), (100, 0, 0)),
        ((72, 72, 100), (100, 0, 0)),
        ((71, 71, 100), (99, 1, 0)),
        ((50, 50, 100), (70, 30, 0)),
        ((25, 100, 100), (35, 65, 0)),
        ((25, 25, 100), (35, 35, 30)),
        ((25, 25, 20), (36, 36, 28)),
        ((20, 20, 10, 25, 25), (28, 28, 14, 30, 0)),
        ((20, 0, 0, 20, 0), (50, 0, 0, 50, 0)),
    ],
)
def test_a_level_passes_on_what_it_cannot_take(there: tuple[int, ...], loads: tuple[int, ...]) -> None:
    made, down = levels(*there)
    assert tuple(made.loads(down).values()) == loads
    # Of a hundred draws, one of each number, so many are picks of each level; none of what is not there.
    drawn = count()
    picked = [made.pick(Picking(draw=lambda of: next(drawn) % of, avoid=down)).name for _ in range(100)]
    assert not down & set(picked)
    counted = Counter(name.partition("-")[0] for name in picked)
    assert tuple(counted[str(level)] for level in range(len(there))) == loads


@given(st.lists(st.integers(0, 100), min_size=1, max_size=6))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_all_requests_go_somewhere_and_none_to_a_level_that_is_gone(health: list[int]) -> None:
    loads = priority_loads(health)
    assert sum(loads) == (100 if any(health) else 0)
    assert all(load >= 0 for load in loads)
    assert all(load == 0 for load, level in zip(loads, health, strict=True) if level == 0)


def test_one_endpoint_of_many_still_gets_something() -> None:
    made = PriorityLevels(RoundRobin)
    made.update(Endpoint(f"e{n}") for n in range(1000))
    assert made.pick(Picking(avoid={f"e{n}" for n in range(999)})).name == "e999"


# --- zones ---


def zones(zone: str, clients: Mapping[str, int], endpoints: Mapping[str, int], least: int = 1) -> ZoneAware:
    made = ZoneAware(RoundRobin, zone, clients, least)
    made.update(Endpoint(f"{z}-{n}", zone=z) for z, some in endpoints.items() for n in range(some))
    return made


def shares(made: ZoneAware, avoid: frozenset[str] = frozenset()) -> dict[object, Fraction]:
    parts = made.shares(avoid)
    return {zone: Fraction(part, sum(parts.values())) for zone, part in parts.items()}


def test_a_zone_with_endpoints_enough_keeps_its_requests() -> None:
    assert shares(zones("x", {"x": 1, "y": 1}, {"x": 3, "y": 3})) == {"x": 1, "y": 0}
    assert shares(zones("x", {"x": 1, "y": 3}, {"x": 3, "y": 3})) == {"x": 1, "y": 0}


def test_a_zone_with_half_of_what_it_needs_keeps_half() -> None:
    """Half of the clients and a quarter of the endpoints: half of the requests leave, to whom has to spare."""
    made = zones("x", {"x": 2, "y": 1, "z": 1}, {"x": 2, "y": 4, "z": 2})
    assert shares(made) == {"x": Fraction(1, 2), "y": Fraction(1, 2), "z": 0}


def test_a_zone_without_endpoints_sends_all_to_the_others() -> None:
    made = zones("x", {"x": 1, "y": 1}, {"x": 2, "y": 2, "z": 2})
    assert shares(made, frozenset({"x-0", "x-1"})) == {"x": 0, "y": 0, "z": 1}


def test_few_endpoints_are_not_told_apart_by_zones() -> None:
    assert shares(zones("x", {"x": 1}, {"x": 1, "y": 4}, least=6)) == {
        "x": Fraction(1, 5),
        "y": Fraction(4, 5),
    }


@given(
    st.dictionaries(st.sampled_from("xyz"), st.integers(1, 5), min_size=1),
    st.dictionaries(st.sampled_from("xyz"), st.integers(1, 9), min_size=1),
)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_every_endpoint_gets_an_equal_share_of_what_all_clients_send(
    clients: dict[str, int], endpoints: dict[str, int]
) -> None:
    got: Counter[object] = Counter()
    for zone, some in clients.items():
        for to, share in shares(zones(zone, clients, endpoints)).items():
            got[to] += some * share  # type: ignore[assignment]  # fractions of requests
    total, count_ = sum(clients.values()), sum(endpoints.values())
    assert got == {zone: Fraction(total * some, count_) for zone, some in endpoints.items()}


def test_picks_are_by_the_shares_and_loads_are_kept_when_endpoints_change() -> None:
    made = ZoneAware(LeastOutstanding, "x", {"x": 2, "y": 1, "z": 1}, least=1)
    here = [Endpoint(f"{z}-{n}", zone=z) for z, some in (("x", 2), ("y", 4), ("z", 2)) for n in range(some)]
    made.update(here)
    dice = Dice(1)
    counted = Counter(made.pick(Picking(draw=dice.randrange)).zone for _ in range(20_000))
    # 6.2 standard deviations: less than once in 10**9
    assert abs(counted["x"] - 10_000) < 6.2 * 71
    assert counted["z"] == 0
    for endpoint in here:
        made.done(endpoint.name)
    made.update(here[:-1])
    assert made.pick(Picking(draw=dice.randrange)).zone in "xy"


# --- what cannot be ---


def test_an_update_that_one_group_refuses_changes_none() -> None:
    made = PriorityLevels(lambda: Maglev(2))
    made.update([Endpoint("a"), Endpoint("b", priority=1)])
    before = made.endpoints
    with pytest.raises(ServiceError, match="has no room"):
        made.update([Endpoint("z"), *(Endpoint(f"b{n}", priority=1) for n in range(3))])
    assert made.endpoints == before
    assert made.pick().name == "a"


@pytest.mark.parametrize("priority", [-1, 128, 1.0, float("nan"), True, "1"])
def test_a_priority_is_a_small_number(priority: object) -> None:
    made = PriorityLevels(SmoothWeighted)
    with pytest.raises(EndpointError, match=r"^endpoint a: priority .* is not in 0 to 127$"):
        made.update([Endpoint("a", priority=priority)])  # type: ignore[arg-type]  # that is what is tested


def test_nobody_is_left() -> None:
    for made in (PriorityLevels(RoundRobin), ZoneAware(RoundRobin, "", {"": 1})):
        with pytest.raises(NoEndpointError, match=r"^there are no endpoints$"):
            made.pick()
        made.update([Endpoint("a"), Endpoint("b", priority=1)])
        with pytest.raises(NoEndpointError, match=r"^all 2 are to be avoided$"):
            made.pick(Picking(avoid={"a", "b"}))


def test_settings_that_cannot_be() -> None:
    with pytest.raises(ServiceError, match="at least what it needs: 100 percent, not 99"):
        PriorityLevels(RoundRobin, 99)
    with pytest.raises(ServiceError, match="zone 'x' has at least 1 client"):
        ZoneAware(RoundRobin, "x", {"y": 1})
    with pytest.raises(ServiceError, match="clients in zone y is a whole number, not nan"):
        ZoneAware(RoundRobin, "x", {"x": 1, "y": float("nan")})  # type: ignore[dict-item]  # that is what is tested
