"""A report in one of its formats. Each brings modules of its own, and a command needs one of them."""

from __future__ import annotations

from collections.abc import Callable

from ratified.cli.report.checks import Report


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
