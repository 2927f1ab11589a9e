"""What was checked, for every format: frozen values that decide nothing that a `Result` does not say."""

from __future__ import annotations

from dataclasses import dataclass

from ratified.language.errors import Span
from ratified.results.result import Result, Verdict

UNTESTED = "the conclusion was not tested in any visited state"


@dataclass(frozen=True, slots=True)
class Expected:
    """What a check is expected to come to; None is anything. `claim` is the property that is violated."""

    verdict: Verdict = Verdict.HOLDS
    claim: str | None = None
    states: int | None = None
    depth: int | None = None

    def surprises(self, result: Result) -> tuple[str, ...]:
        """Return what came out otherwise, each as a phrase."""
        violated = result.violation.name if result.violation is not None else None
        found = [] if result.verdict is self.verdict else [f"{self.verdict.value} was expected"]
        if self.claim is not None and violated not in (None, self.claim):
            found.append(f"{self.claim} was expected to fail")
        if self.states not in (None, result.distinct):
            found.append(f"{self.states:,} states were expected")
        if self.depth not in (None, result.depth):
            found.append(f"depth {self.depth:,} was expected")
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Checked:
    """One model that was checked: the name it was asked for by, what came out, and what it was expected to come to.

    One that is `broken` on purpose is expected to be refuted.
    """

    name: str
    result: Result
    description: str = ""
    broken: bool = False
    expected: Expected | None = None

    @property
    def wanted(self) -> Expected | None:
        """What it was expected to come to, if anything was said about that."""
        return self.expected or (Expected(Verdict.VIOLATED) if self.broken else None)

    @property
    def surprises(self) -> tuple[str, ...]:
        """What came out otherwise than expected, each as a phrase."""
        return self.wanted.surprises(self.result) if self.wanted else ()

    @property
    def verdict(self) -> Verdict:
        """What the outcome means: HOLDS if it is as expected, and where nothing was expected the result's own verdict."""
        wanted, found = self.wanted, self.result.verdict
        if wanted is None:
            return found
        if not self.surprises:
            return Verdict.HOLDS
        undecided = found is Verdict.UNDECIDED and wanted.verdict is not Verdict.UNDECIDED
        return Verdict.UNDECIDED if undecided else Verdict.VIOLATED


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
