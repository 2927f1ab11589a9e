"""What a sample says of where it came from: mean, deviation, quantiles and proportions, each with an interval.

Guarantees: counts come in, exactly; the same counts give the same numbers. Intervals of quantiles (order statistics) and of
proportions (Clopper and Pearson) hold whatever the distribution; those of a mean are Student's, which is exact for a normal
distribution and for others an approximation that is the better the more there are (central limit theorem).

All of it rests on one function, the regularized incomplete beta function: tails of the binomial and of Student's distribution are
both values of it. (Abramowitz and Stegun, "Handbook of mathematical functions", 1964, 26.5.24 and 26.7.1.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

IntOrFraction = int | Fraction
"""What is measured."""

QUANTILES = (Fraction(1, 2), Fraction(9, 10), Fraction(99, 100))


@dataclass(frozen=True, slots=True)
class Quantile:
    """The least value that at least a share of the sample is at or below; infinity if that is one that is missing.

    An end that is None is not known: there are too few values for it.
    """

    share: Fraction
    value: IntOrFraction | float
    low: IntOrFraction | float | None
    high: IntOrFraction | float | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a sample says. `count` values were seen, and `missing` ones are larger than any (what has not happened by then).

    `low` and `high` are about the `mean`, by `method`; with values missing there is no mean. `deviation` is the sample's standard
    deviation (n - 1). `values` are the distinct values in order, each with how often it was seen. `proportion`: values are 0
    and 1, and the mean is how often it was 1.
    """

    count: int
    missing: int
    confidence: float
    proportion: bool
    mean: float | None
    low: float | None
    high: float | None
    method: str
    deviation: float | None
    quantiles: tuple[Quantile, ...]
    values: tuple[tuple[IntOrFraction, int], ...]


def estimate(
    counted: Mapping[IntOrFraction, int],
    *,
    missing: int = 0,
    confidence: float = 0.95,
    proportion: bool = False,
    quantiles: Sequence[Fraction] = QUANTILES,
) -> Estimate:
    """Estimate from how often each value was seen. Of nothing there is nothing to say."""
    values = tuple(sorted((value, times) for value, times in counted.items() if times))
    count = sum(times for _, times in values)
    mean = low = high = deviation = None
    method = "Clopper and Pearson" if proportion else "Student's t"
    if count and not missing:
        total = sum(value * times for value, times in values)
        squares = sum(value * value * times for value, times in values)
        mean = float(Fraction(total) / count)
        if count > 1:
            deviation = math.sqrt(Fraction(count * squares - total * total) / (count * (count - 1)))
        if proportion:
            low, high = proportion_interval(int(total), count, confidence)
        elif deviation is not None:
            reach = student_quantile((1 + confidence) / 2, count - 1) * deviation / math.sqrt(count)
            low, high = mean - reach, mean + reach
    unknown = proportion or not count + missing
    ranked = () if unknown else tuple(_quantile(values, count + missing, q, confidence) for q in quantiles)
    return Estimate(
        count, missing, confidence, proportion, mean, low, high, method, deviation, ranked, values
    )


def _quantile(
    values: Sequence[tuple[IntOrFraction, int]], count: int, share: Fraction, confidence: float
) -> Quantile:
    """A quantile between order statistics: of a sample, how many are below the quantile is binomial."""
    tail = (1 - confidence) / 2
    p = float(share)

    def below(k: int) -> float:
        return binomial_below(k, count, p)

    # As many as `low` are below it with a probability of at most `tail`, more than `high` likewise.
    low = _first(0, count + 1, lambda k: below(k) > tail)
    high = _first(0, count + 1, lambda k: below(k) >= 1 - tail) + 1
    own = -(-share.numerator * count // share.denominator)
    return Quantile(
        share,
        _ranked(values, max(1, own)),
        _ranked(values, low) if low else None,
        _ranked(values, high) if high <= count else None,
    )


def _first(low: int, high: int, true: Callable[[int], bool]) -> int:
    """The first from low on for which something is true that stays true; high if there is none before it."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if true(middle) else (middle + 1, high)
    return low


def _ranked(values: Sequence[tuple[IntOrFraction, int]], rank: int) -> IntOrFraction | float:
    """The value of a rank, counted from 1; those that are missing come last."""
    for value, times in values:
        rank -= times
        if rank <= 0:
            return value
    return math.inf


# --- distributions ---


def proportion_interval(successes: int, trials: int, confidence: float) -> tuple[float, float]:
    """Where a probability is (Clopper and Pearson, 1934): never less often within it than `confidence` says."""
    tail = (1 - confidence) / 2
    low = _root(lambda p: 1 - binomial_below(successes - 1, trials, p), tail) if successes else 0.0
    high = _root(lambda p: -binomial_below(successes, trials, p), -tail) if successes < trials else 1.0
    return low, high


def binomial_below(k: int, trials: int, p: float) -> float:
    """The probability of at most k successes."""
    if k < 0:
        return 0.0
    return 1.0 if k >= trials else incomplete_beta(trials - k, k + 1, 1 - p)


def student_quantile(share: float, freedom: int) -> float:
    """The value that a variable with Student's distribution is at or below with a probability from 1/2 on."""
    tail = 1 - share
    # P(|T| > t) is I_x(freedom / 2, 1 / 2) at x = freedom / (freedom + t^2).
    x = _root(lambda x: incomplete_beta(freedom / 2, 0.5, x), 2 * tail)
    return math.sqrt(freedom * (1 - x) / x)


def _root(rising: Callable[[float], float], wanted: float) -> float:
    """Where in [0, 1] something that rises reaches a value, to the last bit."""
    low, high = 0.0, 1.0
    while True:
        middle = (low + high) / 2
        if not low < middle < high:
            return middle
        low, high = (middle, high) if rising(middle) < wanted else (low, middle)


def incomplete_beta(a: float, b: float, x: float) -> float:
    """I_x(a, b), by the continued fraction on the side on which it converges fast (Lentz, 1976)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    tiny = 1e-300
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > tiny else tiny)
    found = d
    for m in range(1, 100_000):
        for top in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 + top * d
            d = 1 / (d if abs(d) > tiny else tiny)
            c = 1 + top / c
            c = c if abs(c) > tiny else tiny
            found *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * found / a
