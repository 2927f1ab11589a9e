"""Ratified: models of protocols in plain Python, checked exhaustively. These are its public names.

A name is imported when it is first used: the command line shows its help without waiting for the language, and what only
wants to explore does not pay for what comes later. docs/language.md describes the words that models are written in.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ratified.results import pictures
from ratified.version import __version__

if TYPE_CHECKING:
    from ratified.diagram.build import graph
    from ratified.diagram.runs import sequence
    from ratified.explore import check
    from ratified.explore.simulate import Simulation, simulate
    from ratified.language import (
        AtMost,
        Bag,
        Lifelines,
        Map,
        Model,
        ModelError,
        Ordered,
        Param,
        Range,
        RatifiedError,
        Seq,
        Set,
        SizeError,
        Sort,
        Symmetric,
        action,
        assume,
        at_size,
        constraint,
        eventually,
        first,
        invariant,
        last,
        leads_to,
        majorities,
        record,
        refines,
        replace,
        require,
        step_invariant,
        subsets,
        view,
    )
    from ratified.results.result import Limits, Progress, Result, Verdict
    from ratified.smt.finite.bounded import Bounded, bounded
    from ratified.smt.proving import prove
    from ratified.smt.result import Proof
    from ratified.smt.script import Goals, lemma

__all__ = [
    "AtMost",
    "Bag",
    "Bounded",
    "Goals",
    "Lifelines",
    "Limits",
    "Map",
    "Model",
    "ModelError",
    "Ordered",
    "Param",
    "Progress",
    "Proof",
    "Range",
    "RatifiedError",
    "Result",
    "Seq",
    "Set",
    "Simulation",
    "SizeError",
    "Sort",
    "Symmetric",
    "Verdict",
    "__version__",
    "action",
    "assume",
    "at_size",
    "bounded",
    "check",
    "constraint",
    "eventually",
    "first",
    "graph",
    "invariant",
    "last",
    "leads_to",
    "lemma",
    "majorities",
    "prove",
    "record",
    "refines",
    "replace",
    "require",
    "sequence",
    "simulate",
    "step_invariant",
    "subsets",
    "view",
]

_ELSEWHERE = {
    "check": "ratified.explore",
    "Goals": "ratified.smt.script",
    "graph": "ratified.diagram.build",
    "sequence": "ratified.diagram.runs",
    "Bounded": "ratified.smt.finite.bounded",
    "bounded": "ratified.smt.finite.bounded",
    "Limits": "ratified.results.result",
    "Progress": "ratified.results.result",
    "Proof": "ratified.smt.result",
    "Result": "ratified.results.result",
    "Simulation": "ratified.explore.simulate",
    "Verdict": "ratified.results.result",
    "lemma": "ratified.smt.script",
    "prove": "ratified.smt.proving",
    "simulate": "ratified.explore.simulate",
}
"""Where a name comes from that is not a word of the language."""


if not TYPE_CHECKING:  # a type checker that saw it would take any name for a public one

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module 'ratified' has no attribute {name!r}")
        value = getattr(import_module(_ELSEWHERE.get(name, "ratified.language")), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return __all__


def _picture(result: Any) -> str:
    from ratified.diagram.notebook import result_html

    return result_html(result)


pictures.html = _picture
