"""A report in one of its formats. Each brings modules of its own, and a command needs one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ratified.cli.output import Renderer
from ratified.cli.report.checks import Checked, Report
from ratified.results.result import Decided, Result

if TYPE_CHECKING:
    from ratified.cli.report.entries import Summary
    from ratified.cli.report.junit import Stamp


def render(report: Report, form: str, *, color: bool = False, stamp: Stamp | None = None) -> str:
    """Return the report in a format (`text`, `json`, or one of `written`), ending in a newline. `color` is for text alone."""
    if form == "text":
        from ratified.cli.report.text import text

        return text(report, color=color)
    if form == "json":
        from ratified.cli.report.machine import as_json

        return as_json(report)
    from ratified.cli.report.summary import summary

    return written(summary(report), form, stamp)


def written(summary: Summary, form: str, stamp: Stamp | None = None) -> str:
    """Return a summary as `junit`, `sarif`, `github` or `gitlab`, ending in a newline. `stamp` is by default now and here."""
    if form == "junit":
        from ratified.cli.report.junit import as_junit, stamped

        return as_junit(summary, stamp or stamped())
    if form == "sarif":
        from ratified.cli.report.sarif import as_sarif

        return as_sarif(summary)
    from ratified.cli.report.annotations import as_github, as_gitlab

    return {"github": as_github, "gitlab": as_gitlab}[form](summary)


def renderer(
    text: Callable[[bool], str], json: Callable[[], str], summary: Callable[[], Summary]
) -> Renderer:
    """Return what renders a command's report: its own text and JSON, and every other format from its summary.

    `text` is told whether to use colours.
    """

    def rendered(form: str, *, color: bool = False) -> str:
        if form == "text":
            return text(color)
        return json() if form == "json" else written(summary(), form)

    return rendered


def report_of(answer: Decided) -> str:
    """Return the report of any engine's answer as text, without the newline at its end."""
    name = str(getattr(answer, "model", "")) or type(answer).__name__
    if isinstance(answer, Result):
        return render(Report((Checked(name, answer),)), "text").rstrip("\n")
    from ratified.explore.simulate import Simulation
    from ratified.smt.result import Proof

    if isinstance(answer, Simulation):
        from ratified.cli.report.simulation import simulation_text

        return simulation_text(name, answer).rstrip("\n")
    if isinstance(answer, Proof):
        from ratified.cli.report.proof import proof_text

        return proof_text(name, answer).rstrip("\n")
    from ratified.conform.driving.result import Driven

    if isinstance(answer, Driven):
        from ratified.cli.report.drive import drive_text

        return drive_text(answer).rstrip("\n")
    from ratified.smt.finite.bounded import Bounded

    if isinstance(answer, Bounded):
        from ratified.cli.report.bounded import bounded_text

        return bounded_text(name, answer).rstrip("\n")
    return repr(answer)
