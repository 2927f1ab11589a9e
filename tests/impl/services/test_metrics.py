"""Metrics are sums of events; modules that need a package say which extra brings it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from ratified.impl.services.events import (
    Answered,
    Cancelled,
    Checked,
    CircuitChanged,
    Drained,
    Draining,
    Ejected,
    Failed,
    GaveUp,
    Hedged,
    Picked,
    Readmitted,
    Waiting,
)
from ratified.impl.services.health import Circuit
from ratified.impl.services.metrics import Metrics
from ratified.impl.services.retry import Failure


def test_events_are_counted() -> None:
    registry = CollectorRegistry()
    metrics = Metrics("orders", registry)
    for event in (
        Picked(1, 1, "a", "it was drawn at random"),
        Failed(1, 1, "a", Failure.TIMED_OUT, 300),
        Waiting(1, 2, 100, "back-off"),
        Picked(1, 2, "b", "it was drawn at random"),
        Hedged(1, 3, "the answer takes long"),
        Picked(1, 3, "a", "it was drawn at random"),
        Answered(1, 2, "b", 20),
        Cancelled(1, 3, "a"),
        GaveUp(2, 3, "it was tried 3 times"),
        GaveUp(3, 5, "it was tried 5 times"),
        Ejected("a", "it failed too often in a row"),
        Ejected("b", "it failed too often in a row"),
        Readmitted("b"),
        CircuitChanged("a", Circuit.HALF_OPEN),
        Checked("a", ok=False),
        Checked("b", ok=False),
        Checked("b", ok=True),
        Draining("a"),
        Draining("b"),
        Drained("b"),
        Picked(4, 1, "b", "it was drawn at random"),
    ):
        metrics(event)
    text = generate_latest(registry).decode()
    lines = {
        line
        for line in text.splitlines()
        if line[0] != "#" and "_bucket" not in line and "_created" not in line
    }
    assert lines == {
        'orders_attempts_total{endpoint="a",outcome="timed out"} 1.0',
        'orders_attempts_total{endpoint="a",outcome="cancelled"} 1.0',
        'orders_attempts_total{endpoint="b",outcome="answered"} 1.0',
        'orders_attempt_seconds_count{endpoint="a"} 1.0',
        'orders_attempt_seconds_sum{endpoint="a"} 0.3',
        'orders_attempt_seconds_count{endpoint="b"} 1.0',
        'orders_attempt_seconds_sum{endpoint="b"} 0.02',
        'orders_on_the_way{endpoint="a"} 0.0',
        'orders_on_the_way{endpoint="b"} 1.0',
        'orders_again_total{why="back-off"} 1.0',
        'orders_again_total{why="the answer takes long"} 1.0',
        'orders_gave_up_total{why="it was tried n times"} 2.0',
        'orders_ejections_total{endpoint="a"} 1.0',
        'orders_ejections_total{endpoint="b"} 1.0',
        'orders_ejected{endpoint="a"} 1.0',
        'orders_ejected{endpoint="b"} 0.0',
        'orders_circuit_open{endpoint="a"} 0.5',
        'orders_fails_checks{endpoint="a"} 1.0',
        'orders_fails_checks{endpoint="b"} 0.0',
        'orders_drains{endpoint="a"} 1.0',
        'orders_drains{endpoint="b"} 0.0',
    }


@pytest.mark.parametrize(
    ("module", "package", "name", "extra"),
    [
        ("httpx", "httpx", "httpx", "http"),
        ("grpc", "grpc", "grpcio", "grpc"),
        ("metrics", "prometheus_client", "prometheus-client", "metrics"),
    ],
)
def test_what_is_not_installed_is_named_with_its_extra(
    module: str, package: str, name: str, extra: str
) -> None:
    program = f"import sys; sys.modules[{package!r}] = None\nimport ratified.impl.services.{module}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last == f"ModuleNotFoundError: this needs {name}: pip install {name}  (the extra `{extra}`)"


def test_the_client_needs_none_of_them() -> None:
    missing = "sys.modules.update(dict.fromkeys(('httpx', 'grpc', 'prometheus_client')))"
    subprocess.run(
        [sys.executable, "-c", f"import sys; {missing}\nimport ratified.impl.services.client"], check=True
    )
