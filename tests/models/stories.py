"""A counterexample as a story: what is wrong with the protocol, the run, and what it breaks."""

from __future__ import annotations

from ratified.cli.report.text import trace_lines
from ratified.language import Model
from ratified.results.result import Violation


def story(variant: type[Model], violation: Violation) -> str:
    """What is kept as a golden file."""
    claim = variant.module.functions[violation.name].doc.splitlines()[0]
    lines = [
        f"{variant.__name__}: {variant.module.doc.splitlines()[0]}",
        "",
        *trace_lines(violation.trace),
        f"{violation.name} fails after {len(violation.trace.steps)} steps: {claim}",
    ]
    return "\n".join(line.rstrip() for line in lines)
