"""Metrics of a client for Prometheus: a watcher of its events.

    client = Client(send, watch=Metrics("orders"))

| metric | labels | what |
|---|---|---|
| `<name>_attempts_total` | endpoint, outcome | attempts that ended: `answered`, `cancelled`, or how they failed |
| `<name>_attempt_seconds` | endpoint | a histogram of how long attempts took, failed ones included |
| `<name>_on_the_way` | endpoint | attempts that have begun and have not ended |
| `<name>_again_total` | why | further attempts: after back-off, pushback, or beside those on the way |
| `<name>_gave_up_total` | why | requests that failed for good |
| `<name>_ejections_total` | endpoint | |
| `<name>_ejected` | endpoint | 1 while it is out |
| `<name>_circuit_open` | endpoint | 1 while its circuit is open, 0.5 while one probe decides |

Guarantees: a metric is a sum of events; labels are endpoints, and reasons of which there are few.
"""

from __future__ import annotations

import re

from ratified.impl.services.events import (
    Answered,
    Cancelled,
    Checked,
    CircuitChanged,
    Drained,
    Draining,
    Ejected,
    Event,
    Failed,
    GaveUp,
    Hedged,
    Picked,
    Readmitted,
    Waiting,
)
from ratified.impl.services.extras import missing
from ratified.impl.services.health import Circuit

try:
    from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
except ModuleNotFoundError as error:
    raise missing("prometheus_client", "prometheus-client", "metrics", error) from None

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bounds of the histogram, in seconds."""

OPEN = {Circuit.CLOSED: 0.0, Circuit.HALF_OPEN: 0.5, Circuit.OPEN: 1.0}


class Metrics:
    """A watcher that counts. `name` begins the names of all metrics; a registry can have it once."""

    def __init__(self, name: str = "ratified", registry: CollectorRegistry = REGISTRY) -> None:
        self._attempts = Counter(
            f"{name}_attempts", "Attempts that ended.", ("endpoint", "outcome"), registry=registry
        )
        self._seconds = Histogram(
            f"{name}_attempt_seconds",
            "How long attempts took.",
            ("endpoint",),
            buckets=BUCKETS,
            registry=registry,
        )
        self._on_the_way = Gauge(
            f"{name}_on_the_way", "Attempts on the way.", ("endpoint",), registry=registry
        )
        self._again = Counter(f"{name}_again", "Further attempts.", ("why",), registry=registry)
        self._gave_up = Counter(
            f"{name}_gave_up", "Requests that failed for good.", ("why",), registry=registry
        )
        self._ejections = Counter(f"{name}_ejections", "Ejections.", ("endpoint",), registry=registry)
        self._ejected = Gauge(f"{name}_ejected", "1 while ejected.", ("endpoint",), registry=registry)
        self._fails = Gauge(f"{name}_fails_checks", "1 while checks fail.", ("endpoint",), registry=registry)
        self._drains = Gauge(f"{name}_drains", "1 while it drains.", ("endpoint",), registry=registry)
        self._circuit = Gauge(f"{name}_circuit_open", "1 while open.", ("endpoint",), registry=registry)

    def __call__(self, event: Event) -> None:
        """Count an event."""
        match event:
            case Picked():
                self._on_the_way.labels(event.endpoint).inc()
            case Answered():
                self._ended(event.endpoint, "answered", event.took_ms)
            case Failed():
                self._ended(event.endpoint, event.failure.value, event.took_ms)
            case Cancelled():
                self._ended(event.endpoint, "cancelled", None)
            case Waiting() | Hedged():
                self._again.labels(event.why).inc()
            case GaveUp():
                self._gave_up.labels(re.sub(r"\d+", "n", event.why)).inc()
            case Ejected():
                self._ejections.labels(event.endpoint).inc()
                self._ejected.labels(event.endpoint).set(1)
            case Readmitted():
                self._ejected.labels(event.endpoint).set(0)
            case CircuitChanged():
                self._circuit.labels(event.endpoint).set(OPEN[event.circuit])
            case Checked():
                self._fails.labels(event.endpoint).set(not event.ok)
            case Draining() | Drained():
                self._drains.labels(event.endpoint).set(isinstance(event, Draining))

    def _ended(self, endpoint: str, outcome: str, took_ms: int | None) -> None:
        self._on_the_way.labels(endpoint).dec()
        self._attempts.labels(endpoint, outcome).inc()
        if took_ms is not None:
            self._seconds.labels(endpoint).observe(took_ms / 1000)
