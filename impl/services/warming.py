"""Slow start: an endpoint that is new, or healthy again, gets its share little by little.

Guarantees: weights only grow while an endpoint warms up, in ten steps, and are all counted in hundredths, so that those of the
others are the same all the time; the endpoints of the first update are warm, since there are no others; an update that the
balancer refuses changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ratified.impl.services.balancing.base import Balancer
from ratified.impl.services.endpoints import (
    WEIGHT_MOST,
    Endpoint,
    EndpointError,
    ServiceError,
    checked,
    whole,
)
from ratified.impl.services.health import slow_start

STEPS = 10
"""In which a weight grows: each is an update of the balancer."""


@dataclass(frozen=True, slots=True)
class SlowStart:
    """An endpoint has `least_percent` of its weight at first, and all of it after `window_ms`."""

    window_ms: int = 30_000
    least_percent: int = 10

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        whole(window_ms=self.window_ms, least_percent=self.least_percent)
        if self.window_ms < STEPS or not 1 <= self.least_percent <= 100:
            raise ServiceError(
                f"a slow start takes {STEPS} ms or more and begins at 1 to 100 percent: {self.window_ms}, {self.least_percent}"
            )


class Warming:
    """The endpoints of a balancer whose weights are those of a slow start."""

    def __init__(self, config: SlowStart, balancer: Balancer) -> None:
        self._config, self._balancer = config, balancer
        self._steps: dict[str, int] = {}  # of those that warm up: steps that are done
        self._began_ms: dict[str, int] = {}
        self.named: dict[str, Endpoint] = {}  # as they were given

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The endpoints, with the weights that were given."""
        return tuple(self.named.values())

    def update(self, endpoints: Iterable[Endpoint], now_ms: int) -> None:
        """Have these endpoints from now on. Raises EndpointError; all is then as before."""
        given = checked(endpoints)
        for e in given:
            if 100 * e.weight > WEIGHT_MOST:
                most = WEIGHT_MOST // 100
                raise EndpointError(
                    f"endpoint {e.name}: with a slow start weights are 1 to {most:,}, not {e.weight}"
                )
        known = set(self.named) or {e.name for e in given}
        began = {e.name: self._began_ms.get(e.name, now_ms) for e in given if self._is_cold(e.name, known)}
        self._apply(given, began, now_ms)

    def _is_cold(self, name: str, known: set[str]) -> bool:
        return name not in known or name in self._began_ms

    def again(self, name: str, now_ms: int) -> None:
        """An endpoint is healthy again: it begins anew."""
        self._apply(self.endpoints, {**self._began_ms, name: now_ms}, now_ms)

    def advance(self, now_ms: int) -> None:
        """Time has gone by."""
        if any(self._step(began, now_ms) != self._steps[name] for name, began in self._began_ms.items()):
            self._apply(self.endpoints, self._began_ms, now_ms)

    def _step(self, began_ms: int, now_ms: int) -> int:
        return min(STEPS, STEPS * (now_ms - began_ms) // self._config.window_ms)

    def _apply(self, given: tuple[Endpoint, ...], began: dict[str, int], now_ms: int) -> None:
        steps = {name: self._step(ms, now_ms) for name, ms in began.items()}
        least = self._config.least_percent
        self._balancer.update(
            replace(e, weight=slow_start(e.weight, steps.get(e.name, STEPS), STEPS, least)) for e in given
        )
        self.named = {e.name: e for e in given}
        self._steps = {name: step for name, step in steps.items() if step < STEPS}
        self._began_ms = {name: began[name] for name in self._steps}
