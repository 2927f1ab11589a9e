"""What a bundled protocol is described by. A *place* is text, `package.module:name`, and is imported when it is asked for.

Guarantees: importing this imports no model, proof, implementation or engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any


def resolve(place: str) -> Any:
    """Return what is at a place."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


@dataclass(frozen=True, slots=True)
class BundledModel:
    """A model. `target` is its place, `proof` that of its proof script; `broken` ones must be refuted."""

    name: str
    target: str
    description: str
    proof: str | None = None
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Bug:
    """A mistake, under the one name that it has wherever it is planted.

    `model` is the place of a model with the mistake, which is called after the protocol and the bug (`paxos-stale-promise`).
    `relational` is that of a variant of the model that proofs are about, where this is another one; `no_proof` says why there
    cannot be one. `planted_in` names the implementations whose mutants have it, `seen_in` systems that had it.
    """

    name: str
    description: str
    model: str | None = None
    relational: str | None = None
    no_proof: str = ""
    planted_in: tuple[str, ...] = ()
    seen_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Implementation:
    """An implementation that is run in the simulator and held to a model.

    All but `name`, `at_once`, `disks` and `hosted` (it runs on real nodes, too) are places.

    `system` makes a `System` from a configuration, by default `config`, or one that `drawn` draws from a seed. `binding` is the
    class that maps its events to the model, `mutants` a mapping of bugs by name, `graph` what drives it along the model's edges
    (see `ratified.conform.protocol.Protocol`, also for `at_once`, `disks`, `pending`, `voters`, `left`, `reference` and
    `inputs`). `cores` are its modules that a sweep plants mistakes into, `survivors` why some of these are none, `caught` which
    run caught which bug.
    """

    name: str
    system: str
    config: str
    binding: str
    mutants: str
    graph: str
    drawn: str | None = None
    at_once: tuple[str, ...] = ()
    disks: bool = False
    hosted: bool = False
    pending: str | None = None
    voters: str | None = None
    left: str | None = None
    reference: str | None = None
    inputs: str | None = None
    cores: tuple[str, ...] = ()
    survivors: str | None = None
    caught: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyObject:
    """An implementation that is a plain object, held to a model; all but `name` and `model` are places.

    `model` is the name of the bundled model. `subject` is a class that makes the object, calls it and tells what that came to;
    `mutants` has, by name of the object, a mapping of bugs; systematic mistakes are planted in the functions of `sources`, and
    `survivors` says why some of them are none. `graph` makes a small model and a subject that is driven along its graph. See
    `ratified.conform.policy`.
    """

    name: str
    model: str
    subject: str
    mutants: str
    sources: tuple[str, ...]
    graph: str | None = None
    survivors: str | None = None


@dataclass(frozen=True, slots=True)
class BundledProtocol:
    """Everything there is about a protocol. `models` come most abstract first, as `ratified verify` explores them."""

    name: str
    description: str
    models: tuple[BundledModel, ...]
    bugs: tuple[Bug, ...] = ()
    implementations: tuple[Implementation, ...] = ()
    policies: tuple[PolicyObject, ...] = ()
    variants: Mapping[str, Bug] = field(init=False)

    def __post_init__(self) -> None:
        """Name the bugs as models are named."""
        object.__setattr__(self, "variants", {f"{self.name}-{bug.name}": bug for bug in self.bugs})

    @property
    def broken(self) -> tuple[BundledModel, ...]:
        """The variants of models that are broken on purpose."""
        return tuple(
            BundledModel(name, bug.model, bug.description, broken=True)
            for name, bug in self.variants.items()
            if bug.model is not None
        )
