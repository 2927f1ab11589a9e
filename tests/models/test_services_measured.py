"""What runs of the models of services come to, beside the closed forms: loads, tables, attempts, time to recover.

The models are those that are checked. Each interval misses with a probability below 1e-11 (Clopper and Pearson, exact), so that a
test of up to a hundred of them fails with one below 1e-9, were seeds not given; they are, so that it never does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest

from ratified.cli.instances import instance
from ratified.cli.loading import load
from ratified.explore.measure import Figure, Measured, measure
from ratified.language import Model
from ratified.results.estimates import proportion_interval

SURE = 1 - 1e-11

ON_THE_FULLEST = "max(load[s] for s in Server)"


def made(name: str, **given: object) -> Model:
    return instance(load(name), None, {key: str(value) for key, value in given.items()})


def holds(figure: Figure, values: dict[Any, Fraction]) -> None:
    """Each value is as probable as is said: all that were seen are among them."""
    counted = dict(figure.estimate.values)
    assert set(counted) <= set(values)
    assert sum(values.values()) == 1
    runs = sum(counted.values())
    for value, probability in values.items():
        low, high = proportion_interval(counted.get(value, 0), runs, SURE)
        assert low <= probability <= high, (value, float(probability), low, high)


def balls(name: str, servers: int, runs: int) -> Measured:
    """As many requests as servers, none of which ends."""
    return measure(
        made(name, Server=servers, requests=servers),
        ON_THE_FULLEST,
        runs=runs,
        length=2 * servers,
        seed=servers,
        weights={"end": 0},
    )


def fullest_of_random(n: int) -> dict[int, Fraction]:
    """Of n balls thrown into n bins, the probability of each greatest load: n! [x^n] (sum of x^j / j! for j <= k)^n / n^n."""

    def at_most(k: int) -> Fraction:
        one = [Fraction(1, math.factorial(j)) for j in range(k + 1)]
        power = [Fraction(1)] + [Fraction(0)] * n
        for _ in range(n):
            power = [
                sum((one[j] * power[m - j] for j in range(min(k, m) + 1)), Fraction(0)) for m in range(n + 1)
            ]
        return power[n] * math.factorial(n) / Fraction(n) ** n

    below = [Fraction(0), *(at_most(k) for k in range(1, n + 1))]
    return {k: below[k] - below[k - 1] for k in range(1, n + 1)}


def fullest_of_two_choices(n: int) -> dict[int, Fraction]:
    """The same where two different bins are looked at: exactly, over the sorted loads that are possible."""
    chances: dict[tuple[int, ...], Fraction] = {(0,) * n: Fraction(1)}
    for _ in range(n):
        after: dict[tuple[int, ...], Fraction] = {}
        for loads, chance in chances.items():
            # In ascending order, bin i is the less full of two in which it is the first: n - 1 - i pairs.
            for i in range(n - 1):
                more = tuple(sorted((*loads[:i], loads[i] + 1, *loads[i + 1 :])))
                share = chance * Fraction(n - 1 - i, n * (n - 1) // 2)
                after[more] = after.get(more, Fraction(0)) + share
        chances = after
    found: dict[int, Fraction] = {}
    for loads, chance in chances.items():
        found[max(loads)] = found.get(max(loads), Fraction(0)) + chance
    return found


def mean(values: dict[int, Fraction]) -> float:
    return float(sum(value * chance for value, chance in values.items()))


@pytest.mark.parametrize(
    ("name", "exact", "known"),
    [
        ("services-one-draw", fullest_of_random, 2.77),
        ("two-draws", fullest_of_two_choices, 2.01),
    ],
)
def test_the_fullest_of_ten(name: str, exact: Any, known: float) -> None:
    expected = exact(10)
    assert mean(expected) == pytest.approx(known, abs=0.05)
    holds(balls(name, 10, 20_000).figures[0], expected)


@pytest.mark.parametrize(("name", "known"), [("services-one-draw", 4.24), ("two-draws", 2.54)])
def test_the_fullest_of_a_hundred(name: str, known: float) -> None:
    """The means are published to 0.05. A mean is the sum over k of the probabilities of a load of at least k.

    Those from 2 to 10 are measured; those of 11 and more add up to less than 100 / 11! + 100 / 12! + ... < 3e-6, by the union
    over servers of P(k of 100 balls in one bin) <= 1 / k!, for one choice, and two choices have less.
    """
    found = balls(name, 100, 2_000).figures[0].estimate
    low, high = 1.0, 1.0 + 3e-6
    for k in range(2, 11):
        at_least = sum(times for value, times in found.values if value >= k)
        ends = proportion_interval(at_least, 2_000, 1 - 1e-11)
        low, high = low + ends[0], high + ends[1]
    assert high - low < 0.5
    assert low - 0.05 <= known <= high + 0.05


def test_with_replacement_the_idle_one_of_two_is_missed_in_a_quarter() -> None:
    """One of two servers is busy: the idle one is picked with 1 - (1/2)^2 = 0.75 with replacement, else always (Envoy, 20420)."""
    for name, share in (("services-drawn-twice", Fraction(3, 4)), ("two-choices", Fraction(1))):
        found = measure(
            made(name, Node=2, most=2),
            "outstanding[n1] == outstanding[n2]",
            runs=20_000,
            length=2,
            weights={"end": 0, "fail": 0, "recover": 0},
        )
        low, high = proportion_interval(dict(found.figures[0].estimate.values).get(1, 0), 20_000, SURE)
        assert low <= share <= high


# --- Maglev ---


def test_a_node_of_maglev_has_its_share_of_every_table() -> None:
    """Of 23 places three nodes have 8, 8 and 7, in the order of their turns, whatever their orders; all of one that goes move."""
    texts = [f"sum(1 for p in Place if before[p] == {b})" for b in ("b0", "b1", "b2")]
    found = measure(made("maglev", Node=3, Place=23), *texts, runs=500, length=60)
    assert [dict(f.estimate.values) for f in found.figures] == [{8: 500}, {8: 500}, {7: 500}]


def orders(size: int) -> Iterator[tuple[int, int]]:
    return ((offset, skip) for offset in range(size) for skip in range(1, size))


def filled(size: int, chosen: list[tuple[int, int]], nodes: list[int]) -> list[int]:
    """The paper's algorithm, in so many words."""
    table, at = [-1] * size, {n: 0 for n in nodes}
    taken = 0
    while True:
        for n in nodes:
            offset, skip = chosen[n]
            while table[place := (offset + at[n] * skip) % size] >= 0:
                at[n] += 1
            table[place] = n
            taken += 1
            if taken == size:
                return table


def test_how_many_keys_of_others_move_when_a_node_of_maglev_goes() -> None:
    """Over all 8,000 choices of orders of three nodes in five places, counted apart from the model."""
    counts: dict[int, int] = {}
    every = list(orders(5))
    for chosen in ([a, b, c] for a in every for b in every for c in every):
        before = filled(5, chosen, [0, 1, 2])
        for gone in range(3):
            after = filled(5, chosen, [n for n in range(3) if n != gone])
            moved = sum(b not in (gone, a) for b, a in zip(before, after, strict=True))
            counts[moved] = counts.get(moved, 0) + 1
    found = measure(made("maglev", Node=3, Place=5), "moved()", runs=20_000, length=30)
    holds(found.figures[0], {moved: Fraction(n, 24_000) for moved, n in counts.items()})


# --- retries and recovery ---

QUIET = {"crash": 0, "lose_request": 0, "lose_reply": 0, "learn": 0}


@pytest.mark.parametrize(
    ("budget", "chances"),
    [
        (2, {1: Fraction(1, 2), 2: Fraction(1, 4), 3: Fraction(1, 4)}),
        (1, {1: Fraction(1, 2), 2: Fraction(1, 2)}),
        (0, {1: Fraction(1)}),
    ],
)
def test_attempts_under_a_budget(budget: int, chances: dict[int, Fraction]) -> None:
    """A client tries again as often as its request arrives, while it may: a geometric distribution, cut off."""
    found = measure(
        made("retries", Client=1, attempts=3, budget=budget),
        "sent[c1]",
        runs=20_000,
        length=20,
        until="executed[c1] > 0",
        weights=QUIET,
    )
    assert found.complete
    holds(found.figures[0], chances)


def test_three_times_as_many_arrive_as_are_tried_again() -> None:
    """The weights say so: 3/4, 3/16, 1/16."""
    found = measure(
        made("retries", Client=1),
        "sent[c1]",
        runs=20_000,
        length=20,
        until="executed[c1] > 0",
        weights={**QUIET, "execute": 3},
    )
    holds(found.figures[0], {1: Fraction(3, 4), 2: Fraction(3, 16), 3: Fraction(1, 16)})


HEALED = "outages_left == 0 and not outage and queue <= load + budget and unhappy == 0"


def ticks(before: int, during: int) -> tuple[int, int]:
    """All ticks until an overload has healed, and the longest queue: with so many ticks before the outage and during it."""
    queue = unhappy = longest = 0
    for tick in range(1_000):
        outage = before <= tick < before + during
        if tick >= before + during and queue <= 3 and not unhappy:
            return tick, longest
        served = 0 if outage else min(queue, 4)
        late = served if queue > 4 else 0
        waiting = queue - served + 2 + min(unhappy, 1)
        queue, unhappy = min(waiting, 12), min(20, late + max(0, waiting - 12))
        longest = max(longest, queue)
    raise AssertionError


def test_how_long_an_overload_takes_to_heal() -> None:
    """An outage begins, and ends, before the next tick with probability 1/2: the ticks before and during it are geometric."""
    expected: tuple[dict[int, Fraction], dict[int, Fraction]] = {}, {}
    for before in range(60):
        for during in range(60):
            chance = Fraction(1, 2 ** (before + 1) * 2 ** (during + 1))
            for chances, value in zip(expected, ticks(before, during), strict=True):
                chances[value] = chances.get(value, Fraction(0)) + chance
    found = measure(
        made("overload", room=12, outages=1),
        "times_tick",
        "max: queue",
        runs=50_000,
        length=500,
        until=HEALED,
    )
    assert found.complete
    for figure, chances in zip(found.figures, expected, strict=True):
        for seen, times in figure.estimate.values:
            low, high = proportion_interval(times, 50_000, SURE)
            assert low <= chances[int(seen)] <= high
    assert [float(expected[1][2 * m]) for m in range(1, 6)] == pytest.approx(
        [3 / 4 / 2**m for m in range(1, 6)]
    )
