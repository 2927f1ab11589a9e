"""How far smooth weighted round-robin may be from the shares: the bounds of docs/services.md, proved and nearly reached."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations

import pytest
import z3

from ratified.impl.services.balancing import SmoothWeighted
from ratified.impl.services.endpoints import Endpoint


def harmonic(start: int, end: int) -> Fraction:
    """1 / start + ... + 1 / end."""
    return sum((Fraction(1, k) for k in range(start, end + 1)), Fraction(0))


def within(credit: list[z3.ArithRef]) -> list[z3.BoolRef]:
    """What is claimed of credits, in parts of the weights' sum: that of any k nodes is at most k (H_n - H_k)."""
    n = len(credit)
    subsets = (nodes for k in range(1, n) for nodes in combinations(credit, k))
    return [
        z3.Sum(credit) == 0,
        *(c >= -(1 - z3.Q(1, n)) for c in credit),
        *(z3.Sum(nodes) <= len(nodes) * rational(harmonic(len(nodes) + 1, n)) for nodes in subsets),
    ]


def rational(value: Fraction) -> z3.RatNumRef:
    return z3.Q(value.numerator, value.denominator)


@pytest.mark.parametrize("nodes", [2, 3, 4, 5, 6])
def test_the_bounds_are_kept_by_every_pick_with_any_weights(nodes: int) -> None:
    """Of real weights, which may be others at each pick: the claim holds of no credits at all, and a pick keeps it."""
    credit, weight = (z3.Reals([f"{name}{i}" for i in range(nodes)]) for name in "cw")
    gained = [c + w for c, w in zip(credit, weight, strict=True)]
    solver = z3.Solver()
    solver.add(*within(credit), z3.Sum(weight) == 1, *(w >= 0 for w in weight))
    solver.add(*(gained[0] >= g for g in gained))  # which one is picked is a matter of names
    after = [gained[0] - 1, *gained[1:]]
    solver.add(z3.Not(z3.And(within(after))))
    assert solver.check() == z3.unsat
    assert z3.simplify(z3.And(within([z3.RealVal(0)] * nodes)))


def test_without_what_is_claimed_of_several_nodes_it_would_not_be_kept() -> None:
    credit, weight = (z3.Reals([f"{name}{i}" for i in range(3)]) for name in "cw")
    gained = [c + w for c, w in zip(credit, weight, strict=True)]
    claim = rational(harmonic(2, 3))
    solver = z3.Solver()
    solver.add(
        z3.Sum(credit) == 0, *(c <= claim for c in credit), z3.Sum(weight) == 1, *(w >= 0 for w in weight)
    )
    solver.add(*(gained[0] >= g for g in gained), z3.Or(*(g > claim for g in gained[1:])))
    assert solver.check() == z3.sat


def furthest(weights: tuple[int, ...]) -> tuple[Fraction, Fraction]:
    """How far any is behind its share, and ahead of it, in picks, within a round of the policy itself."""
    balancer, total = SmoothWeighted(), sum(weights)
    balancer.update(Endpoint(f"e{i}", w) for i, w in enumerate(weights))
    behind = ahead = 0
    for _ in range(total):
        balancer.pick()
        behind, ahead = max(behind, *balancer.current), max(ahead, *(-c for c in balancer.current))
    return Fraction(behind, total), Fraction(ahead, total)


def tuples(most: int, nodes: int, least: int = 1) -> Iterator[tuple[int, ...]]:
    if nodes == 0:
        yield ()
        return
    for weight in range(least, most + 1):
        for rest in tuples(most, nodes - 1, weight):
            yield weight, *rest


@pytest.mark.parametrize(("nodes", "most"), [(2, 20), (3, 12), (4, 7), (5, 5)])
def test_the_bounds_hold_for_all_small_weights(nodes: int, most: int) -> None:
    for weights in tuples(most, nodes):
        behind, ahead = furthest(weights)
        assert behind <= harmonic(2, nodes)
        assert ahead <= 1 - Fraction(1, nodes)
        if len(set(weights)) == 1:
            assert ahead == 1 - Fraction(1, nodes), "reached by equal weights"


@pytest.mark.parametrize(
    ("weights", "behind"),
    [
        ((1, 199, 199), "0.8321"),  # of at most 0.8333
        ((1, 9, 149, 149), "1.0552"),  # 1.0833
        ((1, 1, 1, 3, 3, 3, 60, 60), "1.2727"),  # 1.7179
        ((1, 1, 1, 1, 10, 17, 140, 140), "1.3794"),
    ],
)
def test_weights_that_come_near_the_bound(weights: tuple[int, ...], behind: str) -> None:
    found, _ = furthest(weights)
    assert f"{float(found):.4f}" == behind
    assert found <= harmonic(2, len(weights))


def test_with_weights_that_change_the_bound_is_reached() -> None:
    """Whoever was picked weighs nothing any more, the others all as much: the last has then gained 1/n + ... + 1/2."""
    nodes = 7
    credit, left = [Fraction(0)] * nodes, set(range(nodes))
    while len(left) > 1:
        for i in left:
            credit[i] += Fraction(1, len(left))
        picked = max(left, key=lambda i: (credit[i], -i))
        credit[picked] -= 1
        left.remove(picked)
    assert max(credit) == harmonic(2, nodes)


def test_the_bound_of_ten_nodes_is_below_two_picks_and_that_of_eleven_is_not() -> None:
    assert harmonic(2, 10) < 2 < harmonic(2, 11)
    assert math.isclose(harmonic(2, 100), 4.18737751763962)
