"""Functions and whole models: what the trees stand in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from ratified.language.errors import Span
from ratified.language.ir.expressions import Expr, Literal, Node
from ratified.language.types import SortType, Type

WEIGHT_MOST = 1_000_000_000
"""No step needs to be so many times as likely as another; sums of weights stay small."""


class Kind(Enum):
    """What a function of a model is."""

    INIT = "init"
    ACTION = "action"
    INVARIANT = "invariant"
    STEP_INVARIANT = "step invariant"
    CONSTRAINT = "constraint"
    ACTION_CONSTRAINT = "action constraint"
    ASSUMPTION = "assumption"
    REFINEMENT = "refinement"
    EVENTUALLY = "eventually claim"
    EVENTUALLY_ALWAYS = "eventually-always claim"
    LEADS_TO = "leads-to claim"
    VIEW = "view"
    HELPER = "helper"


@dataclass(frozen=True, slots=True)
class Argument:
    """A parameter of a function. For actions, `domain` is the set a guard at the top restricts it to, if one does."""

    name: str
    type: Type
    domain: Expr | None = None


@dataclass(frozen=True, slots=True)
class Fairness:
    """That an action which stays possible (if `strong`: is possible again and again) is taken in the end.

    `each` names the parameters for whose values this is so one by one; without any, the action as a whole is meant. Actions of
    one `group` are meant together: that some step of any of them is taken.
    """

    strong: bool
    each: tuple[str, ...] = ()
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A method or plain function, typed. `returns` is None for a procedure. `key` is its name in `Module.functions`.

    `fair` is what an action promises for liveness; None if it may be put off for ever. `weight` is how likely each of its steps
    is where steps are drawn: a number, or the key of a function of the same parameters that gives one.
    """

    key: str
    name: str
    kind: Kind
    arguments: tuple[Argument, ...]
    returns: Type | None
    body: tuple[Node, ...]
    span: Span
    doc: str
    fair: Fairness | None = None
    weight: int | str = 1


@dataclass(frozen=True, slots=True)
class Declaration:
    """A variable (or parameter) of a model. `default` is its initial value if the class gives one."""

    name: str
    type: Type
    default: Literal | None
    span: Span | None
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Module:
    """A model: its sorts in order of appearance, parameters, variables, and functions by kind, in order of definition."""

    name: str
    doc: str
    sorts: tuple[SortType, ...]
    parameters: tuple[Declaration, ...]
    variables: tuple[Declaration, ...]
    functions: Mapping[str, Function]
    span: Span | None

    def of_kind(self, kind: Kind) -> tuple[Function, ...]:
        """The model's own functions of a kind (overridden ones are not among them)."""
        return tuple(f for f in self.functions.values() if f.kind is kind and f.key == f.name)
