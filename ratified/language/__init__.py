"""The modelling language: everything a model's file imports. See docs/language.md."""

from ratified.language.api import (
    Lifelines,
    Param,
    action,
    action_constraint,
    assume,
    at_size,
    choose,
    constraint,
    enabled,
    eventually,
    eventually_always,
    invariant,
    leads_to,
    majorities,
    maps,
    permutations,
    refines,
    require,
    sequences,
    step_invariant,
    subsets,
    view,
)
from ratified.language.errors import ModelError, RatifiedError, SizeError
from ratified.language.model import Model
from ratified.language.partial import PartialMap
from ratified.language.records import record, replace
from ratified.language.recursion import recursive
from ratified.language.sorts import Ordered, Sort, Symmetric, first, last
from ratified.language.types import AtMost, Range
from ratified.language.values import Bag, Map, Seq, Set

__all__ = [
    "AtMost",
    "Bag",
    "Lifelines",
    "Map",
    "Model",
    "ModelError",
    "Ordered",
    "Param",
    "PartialMap",
    "Range",
    "RatifiedError",
    "Seq",
    "Set",
    "SizeError",
    "Sort",
    "Symmetric",
    "action",
    "action_constraint",
    "assume",
    "at_size",
    "choose",
    "constraint",
    "enabled",
    "eventually",
    "eventually_always",
    "first",
    "invariant",
    "last",
    "leads_to",
    "majorities",
    "maps",
    "permutations",
    "record",
    "recursive",
    "refines",
    "replace",
    "require",
    "sequences",
    "step_invariant",
    "subsets",
    "view",
]
