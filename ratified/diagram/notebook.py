"""What a notebook shows of a result: its counterexample as a sequence diagram, or the states as a picture where that is quick.

Guarantees: showing a result never raises; what cannot be drawn is told in words.
"""

from __future__ import annotations

from html import escape

from ratified.language.errors import RatifiedError
from ratified.results.result import Result

QUICK = 20_000
"""States that are explored again for a picture."""


def result_html(result: Result) -> str:
    """A headline and a picture."""
    said = f"{result.verdict.value.upper()}: {result.model}, {result.distinct:,} states, depth {result.depth}"
    if result.violation is not None:
        said += f"; {result.violation.name} fails after {len(result.violation.trace) - 1} steps"
    elif result.stopped:
        said += f"; {result.stopped}"
    return f"<p><b>{escape(said)}</b></p>\n{_picture(result)}"


def _picture(result: Result) -> str:
    if result.subject is None:
        return ""
    try:
        if result.violation is not None:
            from ratified.diagram.runs import sequence

            return sequence(result).to_svg()
        if result.distinct <= QUICK and result.stopped is None:
            from ratified.diagram.build import graph

            return graph(result.subject).to_svg()
    except RatifiedError as problem:
        return f"<pre>{escape(str(problem))}</pre>"
    return "<p>Too many states for a picture by itself: <code>graph(model, view=...)</code> draws a projection.</p>"
