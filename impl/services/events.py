"""What a client decided, and why: one frozen event for each decision, which reads as a sentence.

    client = Client(send, watch=print)           # request 1: picked b because it is next in turn; avoided a (tried)
    client = Client(send, watch=tell(log.info, Metrics()))

Guarantees: everything that a client decides is one of these; an event of a request has its number, so that those of requests
that run side by side can be told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ratified.impl.services.balancing import (
    Balancer,
    BoundedRing,
    EarliestDeadline,
    LeastOutstanding,
    Maglev,
    PriorityLevels,
    Random,
    RoundRobin,
    SmoothWeighted,
    TwoChoices,
    WeightedRandom,
    ZoneAware,
)
from ratified.impl.services.endpoints import Endpoint
from ratified.impl.services.health import Circuit
from ratified.impl.services.retry import Failure


@dataclass(frozen=True, slots=True)
class Picked:
    """An endpoint was picked for an attempt; `avoided` are those that it could not be, each with the reason."""

    request: int
    attempt: int
    endpoint: str
    why: str
    avoided: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        others = ", ".join(f"{name} ({why})" for name, why in self.avoided)
        return f"request {self.request}: picked {self.endpoint} because {self.why}" + (
            f"; avoided {others}" if others else ""
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """An attempt ended well."""

    request: int
    attempt: int
    endpoint: str
    took_ms: int

    def __str__(self) -> str:
        return f"request {self.request}: {self.endpoint} answered after {self.took_ms} ms"


@dataclass(frozen=True, slots=True)
class Failed:
    """An attempt failed; `message` is what the transport says of it."""

    request: int
    attempt: int
    endpoint: str
    failure: Failure
    took_ms: int
    message: str = ""

    def __str__(self) -> str:
        more = f": {self.message}" if self.message not in ("", self.failure.value) else ""
        return f"request {self.request}: {self.endpoint} failed after {self.took_ms} ms, {self.failure.value}{more}"


@dataclass(frozen=True, slots=True)
class Cancelled:
    """An attempt was ended from outside: another was faster, or nobody waits for it any more."""

    request: int
    attempt: int
    endpoint: str

    def __str__(self) -> str:
        return f"request {self.request}: cancelled the attempt at {self.endpoint}, which is no longer needed"


@dataclass(frozen=True, slots=True)
class Waiting:
    """The next attempt begins after a while: after back-off, or when the server asked to be asked again."""

    request: int
    attempt: int
    after_ms: int
    why: str

    def __str__(self) -> str:
        return f"request {self.request}: attempt {self.attempt} starts after {self.after_ms} ms ({self.why})"


@dataclass(frozen=True, slots=True)
class Hedged:
    """There is no answer yet, and another attempt begins beside those that are on the way."""

    request: int
    attempt: int
    why: str

    def __str__(self) -> str:
        return f"request {self.request}: attempt {self.attempt} starts beside the others because {self.why}"


@dataclass(frozen=True, slots=True)
class GaveUp:
    """There is no next attempt; so many were sent."""

    request: int
    attempts: int
    why: str

    def __str__(self) -> str:
        many = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
        return f"request {self.request}: gave up after {many} because {self.why}"


@dataclass(frozen=True, slots=True)
class Ejected:
    """An endpoint fails more than others, and is avoided for a while."""

    endpoint: str
    why: str

    def __str__(self) -> str:
        return f"ejected {self.endpoint} because {self.why}"


@dataclass(frozen=True, slots=True)
class Readmitted:
    """An endpoint was out long enough, and is picked again."""

    endpoint: str

    def __str__(self) -> str:
        return f"readmitted {self.endpoint} after its ejection"


@dataclass(frozen=True, slots=True)
class CircuitChanged:
    """The circuit breaker of an endpoint has changed."""

    endpoint: str
    circuit: Circuit

    def __str__(self) -> str:
        return f"the circuit of {self.endpoint} is {self.circuit.value}"


@dataclass(frozen=True, slots=True)
class Checked:
    """What active checks say of an endpoint has changed."""

    endpoint: str
    ok: bool

    def __str__(self) -> str:
        return f"{self.endpoint} {'passes' if self.ok else 'fails'} its health checks"


@dataclass(frozen=True, slots=True)
class Draining:
    """An endpoint is to go, and gets nothing new."""

    endpoint: str

    def __str__(self) -> str:
        return f"{self.endpoint} is draining"


@dataclass(frozen=True, slots=True)
class Drained:
    """An endpoint that was to go is left out from now on: nothing is on the way to it any more, or its time is over."""

    endpoint: str

    def __str__(self) -> str:
        return f"{self.endpoint} has drained and is removed"


Event: TypeAlias = (
    Picked
    | Answered
    | Failed
    | Cancelled
    | Waiting
    | Hedged
    | GaveUp
    | Ejected
    | Readmitted
    | CircuitChanged
    | Checked
    | Draining
    | Drained
)

Watch: TypeAlias = Callable[[Event], None]
"""Is told every event, at once and in order. It must not raise: what it raises, the request does."""


def tell(*watchers: Watch) -> Watch:
    """Return a watcher that tells several."""

    def all_of_them(event: Event) -> None:
        for watcher in watchers:
            watcher(event)

    return all_of_them


def because(balancer: Balancer, endpoint: Endpoint) -> str:
    """Why a policy picked what it has just picked, in a few words."""
    reason = _REASONS.get(type(balancer))
    return f"{type(balancer).__name__} has it next" if reason is None else reason(balancer, endpoint)


def _busy(balancer: Any, endpoint: Endpoint) -> str:
    return f"{balancer.outstanding[endpoint.name]} in flight for weight {endpoint.weight}"


_REASONS: Mapping[type[Balancer], Callable[[Any, Endpoint], str]] = {
    RoundRobin: lambda _, __: "it is next in turn",
    Random: lambda _, __: "it was drawn at random",
    WeightedRandom: lambda _, endpoint: f"it was drawn at random, by weight {endpoint.weight}",
    SmoothWeighted: lambda _, endpoint: f"its turn is due, by weight {endpoint.weight}",
    EarliestDeadline: lambda _, endpoint: f"its deadline is first, by weight {endpoint.weight}",
    LeastOutstanding: lambda balancer, endpoint: f"it is the least busy, {_busy(balancer, endpoint)}",
    TwoChoices: lambda balancer, endpoint: f"it is the less busy of two, {_busy(balancer, endpoint)}",
    BoundedRing: lambda _, __: "it is the first on the ring, from the key, that has room",
    Maglev: lambda _, __: "the key's entry in the table is this endpoint",
    PriorityLevels: lambda _, endpoint: f"level {endpoint.priority} gets the request, and has it next",
    ZoneAware: lambda _, endpoint: f"zone {endpoint.zone or 'of no name'} gets the request, and has it next",
}
