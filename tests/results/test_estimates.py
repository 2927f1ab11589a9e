"""Estimates: intervals beside published tables and exact probabilities, and how often they hold."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from itertools import pairwise
from random import Random

import pytest

from ratified.results.estimates import (
    IntOrFraction,
    binomial_below,
    estimate,
    incomplete_beta,
    proportion_interval,
    student_quantile,
)


@pytest.mark.parametrize(
    ("freedom", "share", "value"),
    [
        (1, 0.975, 12.7062),
        (2, 0.95, 2.91999),
        (10, 0.975, 2.22814),
        (30, 0.995, 2.74999),
        (10**6, 0.975, 1.95997),
    ],
)
def test_students_quantiles_are_those_of_the_tables(freedom: int, share: float, value: float) -> None:
    assert student_quantile(share, freedom) == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("trials", [1, 7, 40])
@pytest.mark.parametrize("p", [Fraction(1, 10), Fraction(1, 2), Fraction(97, 100)])
def test_binomial_tails_are_the_sums_that_they_stand_for(trials: int, p: Fraction) -> None:
    total = Fraction(0)
    for k in range(trials + 1):
        total += math.comb(trials, k) * p**k * (1 - p) ** (trials - k)
        assert binomial_below(k, trials, float(p)) == pytest.approx(float(total), rel=1e-11)
    assert binomial_below(-1, trials, float(p)) == 0


def test_the_incomplete_beta_function_at_its_ends() -> None:
    assert (incomplete_beta(2, 3, 0), incomplete_beta(2, 3, 1)) == (0, 1)
    assert incomplete_beta(2, 3, 0.25) + incomplete_beta(3, 2, 0.75) == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(0, 10, 0, 0.308497), (3, 10, 0.066740, 0.652453), (10, 10, 0.691503, 1), (81, 263, 0.252743, 0.367600)],
)
def test_proportions(successes: int, trials: int, low: float, high: float) -> None:
    assert proportion_interval(successes, trials, 0.95) == pytest.approx((low, high), abs=2e-4)


def test_a_proportion_is_within_its_interval_exactly_as_often_as_promised() -> None:
    """Over all outcomes of 12 trials, weighed by their probabilities, for a hundred probabilities."""
    for p in (k / 101 for k in range(1, 101)):
        misses = 0.0
        for k in range(13):
            low, high = proportion_interval(k, 12, 0.9)
            if not low <= p <= high:
                misses += math.comb(12, k) * p**k * (1 - p) ** (12 - k)
        assert misses <= 0.1 + 1e-12


def test_a_sample_of_normal_values() -> None:
    found = estimate({1: 1, 2: 1, 3: 1, 4: 1, 5: 1})
    assert (found.count, found.mean, found.deviation) == (5, 3.0, math.sqrt(2.5))
    assert found.low == pytest.approx(3 - 2.776445 * math.sqrt(2.5 / 5), rel=1e-6)
    assert found.method == "Student's t"


def test_quantiles_are_between_order_statistics() -> None:
    """Of 1 to 100, the median's ranks are 40 and 61: of 100 fair coins at most 39 show heads with a probability of 0.0176."""
    found = estimate({value: 1 for value in range(1, 101)}, quantiles=[Fraction(1, 2), Fraction(99, 100)])
    median, high = found.quantiles
    assert (median.value, median.low, median.high) == (50, 40, 61)
    assert (high.value, high.low, high.high) == (99, 97, None)  # no sample of 100 bounds it from above


def test_what_is_missing_is_larger_than_all_that_was_seen() -> None:
    found = estimate(
        {5: 60, 7: 30}, missing=10, quantiles=[Fraction(1, 2), Fraction(9, 10), Fraction(95, 100)]
    )
    assert (found.mean, found.deviation, found.count, found.missing) == (None, None, 90, 10)
    assert [q.value for q in found.quantiles] == [5, 7, math.inf]
    assert [q.high for q in found.quantiles] == [7, math.inf, math.inf]


def test_one_value_has_a_mean_and_no_interval() -> None:
    found = estimate({4: 1})
    assert (found.mean, found.low, found.high, found.deviation) == (4.0, None, None, None)
    assert estimate({True: 3}, proportion=True).low == pytest.approx(0.025 ** (1 / 3))


def test_fractions_are_counted_exactly() -> None:
    values: dict[IntOrFraction, int] = {Fraction(1, 3): 2, Fraction(2, 3): 1}
    found = estimate(values)
    assert found.mean == pytest.approx(4 / 9)
    assert found.deviation == pytest.approx(math.sqrt(1 / 27))


def test_intervals_hold_as_often_as_they_say() -> None:
    """Of 600 samples of a skewed distribution, and more of them the surer one is to be.

    Misses that are each at most as likely as promised are above their mean by 6.2 deviations less often than once in 10**9.
    """
    dice = Random(7)
    missed: Counter[float] = Counter()
    samples: list[Counter[IntOrFraction]] = [
        Counter(min(int(dice.expovariate(1)), 9) for _ in range(60)) for _ in range(600)
    ]
    for confidence in (0.5, 0.9, 0.99):
        for sample in samples:
            median = estimate(sample, confidence=confidence, quantiles=[Fraction(1, 2)]).quantiles[0]
            assert median.low is not None
            assert median.high is not None
            # P(0) is 0.632: the median is 0.
            missed[confidence] += not median.low <= 0 <= median.high
        most = 600 * (1 - confidence)
        assert missed[confidence] <= most + 6.2 * math.sqrt(most * confidence)
    assert all(missed[a] >= missed[b] for a, b in pairwise(sorted(missed)))
