"""A report in one of its formats. Each brings modules of its own, and a command needs one of them."""

from __future__ import annotations

from collections.abc import Callable

from ratified.cli.report.checks import Report


def render(report: Report, form: str, *, color: bool = False) -> str:
    """Return the report as `text`, `json`, `junit`, `sarif` or `github`, ending in a newline. `color` is for text alone."""
    if form == "text":
        from ratified.cli.report.text import text

        return text(report, color=color)
    import ratified.cli.report.machine as machine

    renderers: dict[str, Callable[[Report], str]] = {
        "json": machine.as_json,
        "junit": machine.as_junit,
        "sarif": machine.as_sarif,
        "github": machine.as_github,
    }
    return renderers[form](report)
