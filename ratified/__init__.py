"""Models of protocols in plain Python, checked exhaustively and proved for every size.

A model is a class: annotated variables, actions that may happen, and claims about every state that they lead to.

    >>> from ratified import Map, Model, Symmetric, action, check, invariant, require
    >>> class Client(Symmetric):
    ...     '''Wants the lock.'''
    >>> class Lock(Model):
    ...     holds: Map[Client, bool]
    ...
    ...     @action
    ...     def acquire(self, c: Client) -> None:
    ...         require(not self.holds[c])  # it should ask whether anybody holds it
    ...         self.holds[c] = True
    ...
    ...     @action
    ...     def release(self, c: Client) -> None:
    ...         self.holds[c] = False
    ...
    ...     @invariant
    ...     def mutual_exclusion(self) -> bool:
    ...         return all(c == d for c in Client if self.holds[c] for d in Client if self.holds[d])
    >>> result = check(Lock(Client=3))
    >>> result.verdict.value, result.violation.name
    ('violated', 'mutual_exclusion')
    >>> for step in result.violation.trace.steps:
    ...     print(step.action, *step.arguments)
    acquire ('c', c1)
    acquire ('c', c2)

`check`, `simulate` and `bounded` look at one size, `prove` at every size, `graph` and `sequence` draw, and a `Binding` holds the
runs of an implementation to its model. docs/language.md describes the language; `ratified --help` lists the commands.

These are the public names. Each is imported when it is first used, so that `import ratified` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ratified.results import pictures
from ratified.version import __version__

if TYPE_CHECKING:
    from ratified.conform.driving.driver import Driver, DriverError, NotAsked, Observation, Refused
    from ratified.conform.driving.engine import drive
    from ratified.conform.driving.graph import Ask
    from ratified.conform.driving.process import ProcessDriver
    from ratified.conform.driving.result import Deviation, Driven
    from ratified.conform.driving.walk import Asked, Came
    from ratified.diagram.build import graph
    from ratified.diagram.graph import StateGraph
    from ratified.diagram.picture import GraphEdge, GraphNode
    from ratified.diagram.rows import Ending, Fate, Message, Row
    from ratified.diagram.runs import sequence
    from ratified.diagram.sequence import SequenceDiagram
    from ratified.explore import NativeOptions, check
    from ratified.explore.simulate import Simulation, simulate
    from ratified.follow.binding import Binding, Claim, Event, Names, Observed, States
    from ratified.follow.follower import ConformanceError, Follower
    from ratified.follow.steps import (
        Attempt,
        Change,
        Do,
        Either,
        Holds,
        Refusal,
        Repeat,
        Steps,
        attempt,
        change,
        do,
        either,
        holds,
        maybe,
        refused,
        repeat,
    )
    from ratified.follow.tracker import Followed, Mismatch
    from ratified.language import (
        AtMost,
        Bag,
        Lifelines,
        Map,
        Model,
        ModelError,
        Ordered,
        Param,
        PartialMap,
        Range,
        RatifiedError,
        Seq,
        Set,
        SizeError,
        Sort,
        Symmetric,
        action,
        action_constraint,
        assume,
        at_size,
        choose,
        constraint,
        enabled,
        eventually,
        eventually_always,
        first,
        invariant,
        last,
        leads_to,
        majorities,
        maps,
        permutations,
        record,
        recursive,
        refines,
        replace,
        require,
        sequences,
        step_invariant,
        subsets,
        view,
    )
    from ratified.language.claims import Unchecked
    from ratified.language.errors import Span
    from ratified.language.machine import StepError
    from ratified.results.errors import EvaluationError
    from ratified.results.result import (
        ActionReport,
        BoundReport,
        ConstraintReport,
        Limits,
        Progress,
        PropertyKind,
        PropertyReport,
        Ranks,
        Result,
        State,
        Step,
        Trace,
        Unexpected,
        Verdict,
        Violation,
    )
    from ratified.smt.certificate.ethos import Ethos
    from ratified.smt.certificate.making import Certificates
    from ratified.smt.finite.bounded import Bounded, InductionGap, bounded
    from ratified.smt.first_order.concrete import FalsePart
    from ratified.smt.first_order.obligations import Part
    from ratified.smt.proving import ProofOptions, ProofProgress, prove
    from ratified.smt.result import Cell, Counterexample, Held, Opinion, Proof, Status
    from ratified.smt.script import Goals, lemma
    from ratified.testing import RatifiedWarning
    from ratified.testing.decorator import model_test

__all__ = [
    "ActionReport",
    "Ask",
    "Asked",
    "AtMost",
    "Attempt",
    "Bag",
    "Binding",
    "BoundReport",
    "Bounded",
    "Came",
    "Cell",
    "Certificates",
    "Change",
    "Claim",
    "ConformanceError",
    "ConstraintReport",
    "Counterexample",
    "Deviation",
    "Do",
    "Driven",
    "Driver",
    "DriverError",
    "Either",
    "Ending",
    "Ethos",
    "EvaluationError",
    "Event",
    "FalsePart",
    "Fate",
    "Followed",
    "Follower",
    "Goals",
    "GraphEdge",
    "GraphNode",
    "Held",
    "Holds",
    "InductionGap",
    "Lifelines",
    "Limits",
    "Map",
    "Message",
    "Mismatch",
    "Model",
    "ModelError",
    "Names",
    "NativeOptions",
    "NotAsked",
    "Observation",
    "Observed",
    "Opinion",
    "Ordered",
    "Param",
    "Part",
    "PartialMap",
    "ProcessDriver",
    "Progress",
    "Proof",
    "ProofOptions",
    "ProofProgress",
    "PropertyKind",
    "PropertyReport",
    "Range",
    "Ranks",
    "RatifiedError",
    "RatifiedWarning",
    "Refusal",
    "Refused",
    "Repeat",
    "Result",
    "Row",
    "Seq",
    "SequenceDiagram",
    "Set",
    "Simulation",
    "SizeError",
    "Sort",
    "Span",
    "State",
    "StateGraph",
    "States",
    "Status",
    "Step",
    "StepError",
    "Steps",
    "Symmetric",
    "Trace",
    "Unchecked",
    "Unexpected",
    "Verdict",
    "Violation",
    "__version__",
    "action",
    "action_constraint",
    "assume",
    "at_size",
    "attempt",
    "bounded",
    "change",
    "check",
    "choose",
    "constraint",
    "do",
    "drive",
    "either",
    "enabled",
    "eventually",
    "eventually_always",
    "first",
    "graph",
    "holds",
    "invariant",
    "last",
    "leads_to",
    "lemma",
    "majorities",
    "maps",
    "maybe",
    "model_test",
    "permutations",
    "prove",
    "record",
    "recursive",
    "refines",
    "refused",
    "repeat",
    "replace",
    "require",
    "sequence",
    "sequences",
    "simulate",
    "step_invariant",
    "subsets",
    "view",
]

_PLACES = {
    "ratified.conform.driving.driver": ("Driver", "DriverError", "NotAsked", "Observation", "Refused"),
    "ratified.conform.driving.engine": ("drive",),
    "ratified.conform.driving.graph": ("Ask",),
    "ratified.conform.driving.process": ("ProcessDriver",),
    "ratified.conform.driving.result": ("Deviation", "Driven"),
    "ratified.conform.driving.walk": ("Asked", "Came"),
    "ratified.diagram.build": ("graph",),
    "ratified.diagram.graph": ("StateGraph",),
    "ratified.diagram.picture": ("GraphEdge", "GraphNode"),
    "ratified.diagram.rows": ("Ending", "Fate", "Message", "Row"),
    "ratified.diagram.runs": ("sequence",),
    "ratified.diagram.sequence": ("SequenceDiagram",),
    "ratified.explore": ("NativeOptions", "check"),
    "ratified.explore.simulate": ("Simulation", "simulate"),
    "ratified.follow.binding": ("Binding", "Claim", "Event", "Names", "Observed", "States"),
    "ratified.follow.follower": ("ConformanceError", "Follower"),
    "ratified.follow.steps": (
        "Attempt",
        "Change",
        "Do",
        "Either",
        "Holds",
        "Refusal",
        "Repeat",
        "Steps",
        "attempt",
        "change",
        "do",
        "either",
        "holds",
        "maybe",
        "refused",
        "repeat",
    ),
    "ratified.follow.tracker": ("Followed", "Mismatch"),
    "ratified.language.claims": ("Unchecked",),
    "ratified.language.errors": ("Span",),
    "ratified.language.machine": ("StepError",),
    "ratified.results.errors": ("EvaluationError",),
    "ratified.results.result": (
        "ActionReport",
        "BoundReport",
        "ConstraintReport",
        "Limits",
        "Progress",
        "PropertyKind",
        "PropertyReport",
        "Ranks",
        "Result",
        "State",
        "Step",
        "Trace",
        "Unexpected",
        "Verdict",
        "Violation",
    ),
    "ratified.smt.certificate.ethos": ("Ethos",),
    "ratified.smt.certificate.making": ("Certificates",),
    "ratified.smt.finite.bounded": ("Bounded", "InductionGap", "bounded"),
    "ratified.smt.first_order.concrete": ("FalsePart",),
    "ratified.smt.first_order.obligations": ("Part",),
    "ratified.smt.proving": ("ProofOptions", "ProofProgress", "prove"),
    "ratified.smt.result": ("Cell", "Counterexample", "Held", "Opinion", "Proof", "Status"),
    "ratified.smt.script": ("Goals", "lemma"),
    "ratified.testing.decorator": ("model_test",),
    "ratified.testing": ("RatifiedWarning",),
}
"""Where the names come from that are not words of the language."""

_PLACE_OF = {name: place for place, names in _PLACES.items() for name in names}

if not TYPE_CHECKING:  # a type checker that saw it would take any name for a public one

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module 'ratified' has no attribute {name!r}")
        value = getattr(import_module(_PLACE_OF.get(name, "ratified.language")), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return __all__


def _picture(result: Any) -> str:
    from ratified.diagram.notebook import result_html

    return result_html(result)


def _report(result: Any) -> str:
    from ratified.cli.report.render import report_of

    return report_of(result)


pictures.html = _picture
pictures.text = _report
