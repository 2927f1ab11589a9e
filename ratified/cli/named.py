"""A model that the command line names: loaded, at a size, with what the explorer is given for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ratified.cli.exploring import ExploreOptions, explore_options
from ratified.cli.instances import instance, is_symmetric
from ratified.cli.loading import described, load, name_of
from ratified.cli.requests import CheckRequest
from ratified.language.model import Model


@dataclass(frozen=True, slots=True)
class Named:
    """A model at a size, its name and description in reports, and how it is to be explored."""

    name: str
    description: str
    model: Model
    how: ExploreOptions


def named(request: CheckRequest, target: str, settings: Mapping[str, str]) -> Named:
    """Load a model and read its settings. Raises RatifiedError."""
    cls = load(target)
    name = name_of(target, cls)
    size = request.exploring.size
    model = instance(cls, size, settings)
    how = explore_options(
        request.exploring,
        symmetric=is_symmetric(cls, size),
        deadlock=request.deadlock,
        reduction=request.reduce,
        claims=request.claims,
        checkpoint=request.checkpoint,
        dump=request.dump,
    )
    return Named(name, described(name), model, how)
