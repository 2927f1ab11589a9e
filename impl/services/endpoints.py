"""What can be picked: endpoints with a name and a weight, and the errors of those who ask for what cannot be.

Guarantees: a set of endpoints that was checked has one of each name and weights that every policy computes with exactly; what
is wrong is a typed error that names it, raised before anything has changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

WEIGHT_MOST = 1_000_000
"""No balancer needs finer shares; sums and products of weights stay small."""

PRIORITY_MOST = 127
"""Levels of priority are few."""


class ServiceError(ValueError):
    """Something that was asked of a policy makes no sense. The policy is as it was before."""


class EndpointError(ServiceError):
    """This cannot be a set of endpoints: one is there twice, or has no name, or has a weight that is none."""


class NoEndpointError(ServiceError):
    """There is no endpoint to pick: there are none, or none that the request may go to."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests can go.

    `weight` is its share beside the others', 1 to WEIGHT_MOST; `zone` where it stands; `priority` its level, 0 first. Zones and
    levels are looked at by `ratified.impl.services.balancing.localities`.
    """

    name: str
    weight: int = 1
    zone: str = ""
    priority: int = 0


def checked(endpoints: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """Return endpoints, in their order, if they can be a set of endpoints. Raises EndpointError."""
    found: dict[str, Endpoint] = {}
    for endpoint in endpoints:
        name: object = endpoint.name
        weight: object = endpoint.weight
        if not isinstance(name, str) or not name:
            raise EndpointError(f"an endpoint needs a name, a text that is not empty, not {name!r}")
        if name in found:
            raise EndpointError(f"endpoint {name} is there twice")
        if not isinstance(weight, int) or isinstance(weight, bool):
            raise EndpointError(f"endpoint {name}: weight {weight!r} is not an int")
        if not 1 <= weight <= WEIGHT_MOST:
            remedy = "leave out an endpoint that is to get nothing"
            raise EndpointError(f"endpoint {name}: weight {weight} is not in 1 to {WEIGHT_MOST:,}; {remedy}")
        priority: object = endpoint.priority
        if type(priority) is not int or not 0 <= priority <= PRIORITY_MOST:
            raise EndpointError(f"endpoint {name}: priority {priority!r} is not in 0 to {PRIORITY_MOST}")
        found[name] = endpoint
    return tuple(found.values())


def whole(**values: object) -> None:
    """Raise ServiceError unless all are whole numbers: none of them a truth value, a fraction, or no number at all."""
    for name, value in values.items():
        if type(value) is not int:
            raise ServiceError(f"{name} is a whole number, not {value!r}")


def named(name: object) -> None:
    """Raise ServiceError unless this can be a name: a text that is not empty."""
    if not isinstance(name, str) or not name:
        raise ServiceError(f"a name is a text that is not empty, not {name!r}")


def nobody(endpoints: Collection[Endpoint]) -> NoEndpointError:
    """The error that says why there is no endpoint that a request may go to."""
    if endpoints:
        return NoEndpointError(f"all {len(endpoints)} are to be avoided")
    return NoEndpointError("there are no endpoints")


def eligible(endpoints: Collection[Endpoint], avoid: Collection[str]) -> list[Endpoint]:
    """The endpoints that a request may go to. Raises NoEndpointError if there are none."""
    found = [e for e in endpoints if e.name not in avoid]
    if not found:
        raise nobody(endpoints)
    return found
