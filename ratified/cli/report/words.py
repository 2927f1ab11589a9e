"""Words that reports share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """Return a count with its noun: `1 state`, `2,000 states`."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


class OfModel(Protocol):
    """What is found of a model at a size."""

    @property
    def model(self) -> str:
        """Its name."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Sizes by the names of sorts."""

    @property
    def parameters(self) -> Mapping[str, object]:
        """Parameters that are not at their defaults."""


def model_and_settings(found: OfModel) -> Iterator[tuple[str, str]]:
    """Return the rows that say what a report is of: the model, its sizes, its parameters."""
    from ratified.language.values import show  # help needs words, and no language

    yield "model", found.model
    if found.sizes:
        yield "sizes", " ".join(f"{name}={size}" for name, size in found.sizes.items())
    if found.parameters:
        yield "parameters", " ".join(f"{name}={show(value)}" for name, value in found.parameters.items())
