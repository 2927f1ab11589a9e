"""Which endpoint a request goes to. Every policy is a `Balancer`; `BALANCERS` has them by name.

    balancer = SmoothWeighted()
    balancer.update([Endpoint("a", 5), Endpoint("b"), Endpoint("c")])
    [balancer.pick().name for _ in range(7)]         # a a b a c a a

| policy | takes turns by | knows | a pick costs | a change costs |
|---|---|---|---|---|
| `RoundRobin` | order | nothing | O(1) | O(n) |
| `Random` | chance | nothing | O(1) | O(n) |
| `WeightedRandom` | chance | weights | O(1) | O(n) |
| `SmoothWeighted` | weights, spread out | weights, failures | O(n) | O(n) |
| `EarliestDeadline` | weights | weights | O(log n) | O(n log n) |
| `LeastOutstanding` | load | requests on the way | O(n) | O(n) |
| `TwoChoices` | load, of two by chance | requests on the way | O(1) | O(n) |
| `BoundedRing` | key | requests on the way | O(log n) | O(n log n) |
| `Maglev` | key | weights | O(1) | O(table) |
| `PriorityLevels` | level, then a policy of its own | who is there | O(n) | O(n) |
| `ZoneAware` | zone, likewise | who is there, clients by zone | O(n) | O(n) |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ratified.impl.services.balancing.base import Balancer, Draw, Picking
from ratified.impl.services.balancing.chance import Random, WeightedRandom
from ratified.impl.services.balancing.deadline import EarliestDeadline
from ratified.impl.services.balancing.hashing import BoundedRing, Maglev
from ratified.impl.services.balancing.load import LeastOutstanding, TwoChoices
from ratified.impl.services.balancing.localities import PriorityLevels, ZoneAware
from ratified.impl.services.balancing.turns import RoundRobin, SmoothWeighted

__all__ = [
    "BALANCERS",
    "Balancer",
    "BoundedRing",
    "Draw",
    "EarliestDeadline",
    "LeastOutstanding",
    "Maglev",
    "Picking",
    "PriorityLevels",
    "Random",
    "RoundRobin",
    "SmoothWeighted",
    "TwoChoices",
    "WeightedRandom",
    "ZoneAware",
]

BALANCERS: Mapping[str, Callable[[], Balancer]] = {
    "round-robin": RoundRobin,
    "random": Random,
    "weighted-random": WeightedRandom,
    "smooth-weighted": SmoothWeighted,
    "earliest-deadline": EarliestDeadline,
    "least-outstanding": LeastOutstanding,
    "two-choices": TwoChoices,
    "bounded-ring": BoundedRing,
    "maglev": Maglev,
}
"""The policies, by the names of the command line."""
