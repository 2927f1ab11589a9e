"""The bundled implementations as what chaos, Hypothesis and the model's graph are given.

Guarantees: importing this imports no model and no implementation.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from random import Random
from types import MappingProxyType
from typing import Any

from ratified.bundled import Implementation, PolicyObject, implementations, policies
from ratified.bundled.description import resolve
from ratified.bundled.systems import make_system
from ratified.conform.cover import EdgeDriver, LazyGraph
from ratified.conform.mutants import Mutant
from ratified.conform.policy import Policy, Subject
from ratified.conform.protocol import Protocol
from ratified.conform.reference import Reference
from ratified.follow.binding import Binding
from ratified.impl.contract import Core, Durable, Input
from ratified.impl.system import System
from ratified.language.model import Model


def _protocol(made: Implementation) -> Protocol:
    def system(seed: int) -> System:
        return make_system(made.name, seed=seed)

    def binding(*nodes: Any) -> Binding:
        bound: Binding = resolve(made.binding)(*nodes)
        return bound

    def mutants() -> Mapping[str, Mutant]:
        planted: Mapping[str, Mutant] = resolve(made.mutants)
        return planted

    def graph(small: bool) -> tuple[LazyGraph, EdgeDriver]:
        edges: tuple[LazyGraph, EdgeDriver] = resolve(made.graph)(small)
        return edges

    def pending(variables: Mapping[str, Any]) -> str | None:
        under_way: str | None = resolve(made.pending)(variables) if made.pending else None
        return under_way

    def voters(variables: Mapping[str, Any]) -> Collection[str]:
        assert made.voters is not None
        who: Collection[str] = resolve(made.voters)(variables)
        return who

    def left(core: Core) -> str | None:
        to_do: str | None = resolve(made.left)(core) if made.left else None
        return to_do

    def reference(core: Core, durable: Durable) -> Reference:
        assert made.reference is not None
        held: Reference = resolve(made.reference)(core, durable)
        return held

    def inputs(random: Random, core: Core, names: Sequence[str]) -> Input:
        assert made.inputs is not None
        drawn: Input = resolve(made.inputs)(random, core, names)
        return drawn

    return Protocol(
        made.name,
        f'{__name__}:PROTOCOLS["{made.name}"]',
        system,
        binding,
        mutants,
        graph,
        made.at_once,
        made.disks,
        pending if made.pending else None,
        voters if made.voters else None,
        left if made.left else None,
        reference if made.reference else None,
        inputs if made.inputs else None,
    )


PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {name: _protocol(made) for name, made in implementations.items()}
)
"""By the names of the implementations."""


def cores_of(name: str) -> tuple[str, ...]:
    """The modules of an implementation that a sweep plants mistakes into; none where it is not swept."""
    return implementations[name].cores


def explained_of(name: str) -> Mapping[str, str]:
    """Why some mistakes in the cores of an implementation are none."""
    place = implementations[name].survivors
    explained: Mapping[str, str] = resolve(place) if place else {}
    return explained


def caught_of(name: str) -> Mapping[str, str]:
    """Which run is known to catch which bug of an implementation, as `kind seed`."""
    place = implementations[name].caught
    caught: Mapping[str, str] = resolve(place) if place else {}
    return caught


def _policy(made: PolicyObject) -> Policy:
    def subject(number: int) -> Subject:
        held: Subject = resolve(made.subject)(number)
        return held

    def mutants() -> Mapping[str, Mutant]:
        planted: Mapping[str, Mutant] = resolve(made.mutants)[made.name]
        return planted

    def graph() -> tuple[Model, Subject]:
        assert made.graph is not None
        small: tuple[Model, Subject] = resolve(made.graph)()
        return small

    def survivors() -> Mapping[str, str]:
        explained: Mapping[str, str] = resolve(made.survivors).get(made.name, {}) if made.survivors else {}
        return explained

    place = f'{__name__}:POLICIES["{made.name}"]'
    return Policy(
        made.name,
        place,
        subject,
        mutants,
        graph if made.graph is not None else None,
        made.sources,
        survivors,
    )


POLICIES: Mapping[str, Policy] = MappingProxyType({name: _policy(made) for name, made in policies.items()})
"""By the names of the implementations that are plain objects."""
