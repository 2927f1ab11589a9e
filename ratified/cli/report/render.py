"""A report in one of its formats. Each brings modules of its own, and a command needs one of them."""

from __future__ import annotations

from collections.abc import Callable

from ratified.cli.report.checks import Checked, Report
from ratified.results.result import Decided, Result


def render(report: Report, form: str, *, color: bool = False) -> str:
    """Return the report as `text`, `json`, `junit`, `sarif` or `github`, ending in a newline. `color` is for text alone."""
    if form == "text":
        from ratified.cli.report.text import text

        return text(report, color=color)
    from ratified.cli.report.machine import as_github, as_json, as_junit, as_sarif

    renderers: dict[str, Callable[[Report], str]] = {
        "json": as_json,
        "junit": as_junit,
        "sarif": as_sarif,
        "github": as_github,
    }
    return renderers[form](report)


def told(answer: Decided) -> str:
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
