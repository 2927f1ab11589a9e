"""Reports: what was checked, told as text, JSON, JUnit, SARIF or GitHub annotations.

Guarantees: rendering is pure; the same checks give the same report; nothing here decides anything that a `Result` does not say.
The formats are described in docs/reports.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ratified.results.result import Result, Verdict


@dataclass(frozen=True, slots=True)
class Checked:
    """One model that was checked: the name it was asked for by, what came out, and whether it is broken on purpose."""

    name: str
    result: Result
    description: str = ""
    broken: bool = False

    @property
    def verdict(self) -> Verdict:
        """What the outcome means: a model that is broken on purpose and refuted is as it should be."""
        if not self.broken:
            return self.result.verdict
        return {
            Verdict.VIOLATED: Verdict.HOLDS,
            Verdict.HOLDS: Verdict.VIOLATED,
            Verdict.UNDECIDED: Verdict.UNDECIDED,
        }[self.result.verdict]


@dataclass(frozen=True, slots=True)
class Report:
    """What one command found. `protocol` is the name of the protocol that was verified, if one was."""

    checks: tuple[Checked, ...]
    protocol: str | None = None

    @property
    def verdict(self) -> Verdict:
        """Violated if any check is, else undecided if any check is, else holds."""
        verdicts = {check.verdict for check in self.checks}
        for verdict in (Verdict.VIOLATED, Verdict.UNDECIDED):
            if verdict in verdicts:
                return verdict
        return Verdict.HOLDS


def render(report: Report, form: str, *, color: bool = False) -> str:
    """Return the report as `text`, `json`, `junit`, `sarif` or `github`, ending in a newline. `color` is for text alone."""
    # Each format brings modules of its own; a command needs one of them.
    if form == "text":
        from ratified.cli.report.text import text

        return text(report, color=color)
    from ratified.cli.report import machine

    renderers: dict[str, Callable[[Report], str]] = {
        "json": machine.as_json,
        "junit": machine.as_junit,
        "sarif": machine.as_sarif,
        "github": machine.as_github,
    }
    return renderers[form](report)


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """Return a count with its noun: `1 state`, `2,000 states`."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def listed(names: Sequence[str]) -> str:
    """Return names in a row: `a, b and c`."""
    return " and ".join([*([", ".join(names[:-1])] if len(names) > 1 else []), *names[-1:]])
