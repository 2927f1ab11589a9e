"""What a model claims of itself, as opposed to what it does and is: the one list of kinds of claims.

An engine that does not check every kind says in its result which claims it has not checked, in every format; a result that leaves
out all that was asked never holds. That is found out from what the engine did check, so that a new kind is told by all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ratified.language.ir import Function, Kind, Module

LIVENESS = (Kind.EVENTUALLY, Kind.EVENTUALLY_ALWAYS, Kind.LEADS_TO)
"""The kinds of claims of what will happen."""

CLAIMS = (Kind.INVARIANT, Kind.STEP_INVARIANT, Kind.REFINEMENT, *LIVENESS)
"""The kinds of claims."""


@dataclass(frozen=True, slots=True)
class Unchecked:
    """A claim that was not checked, and its kind."""

    name: str
    kind: str

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})"


def claims_of(module: Module) -> tuple[Function, ...]:
    """Return the claims of a model, kind by kind, in order of definition."""
    return tuple(f for kind in CLAIMS for f in module.of_kind(kind))


def unchecked(module: Module, checked: Collection[str]) -> tuple[Unchecked, ...]:
    """Return the claims of a model that are not among those checked."""
    return tuple(Unchecked(f.name, f.kind.value) for f in claims_of(module) if f.name not in checked)


def not_checked(engine: str, claims: Iterable[Unchecked]) -> str:
    """Return what a report says of claims that an engine has not checked."""
    return f"not checked by {engine}: {', '.join(map(str, claims))}"
