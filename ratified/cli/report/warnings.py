"""What a reader must know before trusting that something holds, said alike in every format that programs read.

Guarantees: only what was explored to its end is spoken of; a model that is broken on purpose is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ratified.cli.report.checks import Checked
from ratified.language.errors import Span
from ratified.results.result import Result, Verdict


@dataclass(frozen=True, slots=True)
class Warned:
    """One such thing: a rule by its name, what the rule means, how much it matters (as SARIF has it), what is said, and where."""

    rule: str
    meaning: str
    level: str
    message: str
    span: Span | None


def warnings(check: Checked) -> Iterator[Warned]:
    """What a check warns of."""
    result = check.result
    if result.verdict is not Verdict.HOLDS or check.broken:
        return
    if not result.properties:
        yield Warned(
            "no-claims",
            "A model that claims nothing holds whatever it does.",
            "warning",
            f"{check.name} claims nothing: no invariant, no other property, and no check for deadlock",
            _place(result, None),
        )
    for prop in result.properties:
        if prop.vacuous:
            message = f"{check.name}: {prop.name} is vacuous: its conclusion was never put to the test"
            meaning = "A property holds because what it speaks of never occurred."
            yield Warned("vacuous", meaning, "warning", message, prop.span)
    for name in result.never_fired:
        message = f"{check.name}: {name} never fired: it was possible in no state"
        yield Warned("never-fired", "An action is never possible.", "note", message, _place(result, name))


def _place(result: Result, action: str | None) -> Span | None:
    """Where an action is defined, or the model."""
    if result.subject is None:
        return None
    module = result.subject.module
    return module.span if action is None else module.functions[action].span
