"""What was checked, for every format: frozen values that decide nothing that a `Result` does not say."""

from __future__ import annotations

from dataclasses import dataclass

from ratified.language.errors import Span
from ratified.results.result import Result, Verdict

UNTESTED = "the conclusion was not tested in any visited state"


@dataclass(frozen=True, slots=True)
class Checked:
    """One model that was checked: the name it was asked for by, what came out, and whether it is broken on purpose."""

    name: str
    result: Result
    description: str = ""
    broken: bool = False

    @property
    def verdict(self) -> Verdict:
        """What the outcome means: a model that is broken on purpose and refuted is as expected."""
        if not self.broken:
            return self.result.verdict
        return {
            Verdict.VIOLATED: Verdict.HOLDS,
            Verdict.HOLDS: Verdict.VIOLATED,
            Verdict.UNDECIDED: Verdict.UNDECIDED,
        }[self.result.verdict]


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a model that holds may say less than it seems to: a kind (`vacuous`), a sentence, and a place, if it has one."""

    kind: str
    says: str
    span: Span | None = None


def doubts(check: Checked) -> tuple[Doubt, ...]:
    """Return what a reader must know before trusting that a model holds; nothing of any other, or of one broken on purpose."""
    result = check.result
    if check.broken or result.verdict is not Verdict.HOLDS:
        return ()
    idle = [Doubt("never-fired", f"{name} never fired") for name in result.never_fired]
    vacuous = [
        Doubt("vacuous", f"{prop.name} holds vacuously: {UNTESTED}", prop.span)
        for prop in result.properties
        if prop.vacuous
    ]
    nothing = [] if result.properties else [Doubt("no-claims", "there is no property to check")]
    return (*nothing, *vacuous, *idle)


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
