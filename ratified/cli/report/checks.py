"""What was checked, for every format: frozen values that decide nothing that a `Result` does not say."""

from __future__ import annotations

from dataclasses import dataclass

from ratified.language.errors import Span
from ratified.results.result import Result, Verdict
from ratified.results.seen import INTERRUPTED

UNTESTED = "the conclusion was not tested in any visited state"


@dataclass(frozen=True, slots=True)
class Expected:
    """What a check is expected to come to; None is anything. `claim` is the property that is violated.

    With `undecided_allowed`, what comes to nothing in its time is as expected too.
    """

    verdict: Verdict = Verdict.HOLDS
    claim: str | None = None
    states: int | None = None
    depth: int | None = None
    undecided_allowed: bool = False

    def surprises(self, result: Result) -> tuple[str, ...]:
        """Return what came out otherwise, each as a phrase."""
        interrupted = ("it was interrupted",) if result.stopped == INTERRUPTED else ()
        if self.undecided_allowed and result.verdict is Verdict.UNDECIDED:
            return interrupted
        violated = result.violation.name if result.violation is not None else None
        found = [] if result.verdict is self.verdict else [f"{self.verdict.value} was expected"]
        if self.claim is not None and violated not in (None, self.claim):
            found.append(f"{self.claim} was expected to fail")
        if self.states not in (None, result.distinct):
            found.append(f"{self.states:,} states were expected")
        if self.depth not in (None, result.depth):
            found.append(f"depth {self.depth:,} was expected")
        return tuple(found) or interrupted


@dataclass(frozen=True, slots=True)
class Checked:
    """One model that was checked: the name it was asked for by, what came out, and what it was expected to come to.

    One that is `broken` on purpose is expected to be refuted. `since` is when it was explored, if that is not just now.
    """

    name: str
    result: Result
    description: str = ""
    broken: bool = False
    expected: Expected | None = None
    since: str | None = None

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
        interrupted = self.result.stopped == INTERRUPTED
        undecided = found is Verdict.UNDECIDED and (wanted.verdict is not Verdict.UNDECIDED or interrupted)
        return Verdict.UNDECIDED if undecided else Verdict.VIOLATED


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a model that holds may say less than it seems to: a kind (`vacuous`), a sentence, and a place, if it has one.

    `about` is the property or action that it is about.
    """

    kind: str
    says: str
    span: Span | None = None
    about: str = ""


def doubts(check: Checked) -> tuple[Doubt, ...]:
    """Return what a reader must know before trusting that a model holds; nothing of any other, or of one broken on purpose."""
    result = check.result
    if check.broken or result.verdict is not Verdict.HOLDS:
        return ()
    module = result.subject.module if result.subject is not None else None
    places = {f.name: f.span for f in module.functions.values()} if module is not None else {}
    idle = [Doubt("never-fired", f"{n} never fired", places.get(n), n) for n in result.never_fired]
    vacuous = [
        Doubt("vacuous", f"{prop.name} holds vacuously: {UNTESTED}", prop.span, prop.name)
        for prop in result.properties
        if prop.vacuous
    ]
    nothing = (
        []
        if result.properties
        else [
            Doubt("no-claims", "there is no property to check", module.span if module is not None else None)
        ]
    )
    return (*nothing, *vacuous, *idle)


@dataclass(frozen=True, slots=True)
class OtherOutcome:
    """Something else that was checked, a `kind` of thing (proof, conformance): its verdict, in a line and in full as text.

    `verdict` is what it means: HOLDS if undecided is allowed. `since` is as for `Checked`.
    """

    name: str
    kind: str
    verdict: Verdict
    headline: str
    text: str
    seconds: float
    span: Span | None = None
    since: str | None = None


def allowed(verdict: Verdict, headline: str, undecided_allowed: bool) -> tuple[Verdict, str]:
    """Return what a verdict means where undecided may be allowed, and what is said of it."""
    if verdict is Verdict.UNDECIDED and undecided_allowed:
        return Verdict.HOLDS, f"{headline}; as allowed"
    return verdict, headline


@dataclass(frozen=True, slots=True)
class RefusedCheck:
    """Something that could not be checked: a mistake in what was asked, or in a model. `says` is the whole message."""

    name: str
    says: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What one command found. `protocol` is the name of the protocol that was verified, if one was.

    `several` names what many were listed by (a configuration, or the command line), if many were asked for.
    """

    checks: tuple[Checked, ...]
    protocol: str | None = None
    several: str | None = None
    others: tuple[OtherOutcome, ...] = ()
    refused: tuple[RefusedCheck, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def everything(self) -> tuple[Checked | OtherOutcome, ...]:
        """All that was checked."""
        return (*self.checks, *self.others)

    @property
    def verdict(self) -> Verdict:
        """Violated if any check is, else undecided if any check is or was refused, else holds."""
        verdicts = {one.verdict for one in self.everything}
        if Verdict.VIOLATED in verdicts:
            return Verdict.VIOLATED
        return Verdict.UNDECIDED if Verdict.UNDECIDED in verdicts or self.refused else Verdict.HOLDS

    @property
    def exit_status(self) -> int:
        """The worst of all: 2 if anything was refused, then 1, then 3, then 0."""
        return 2 if self.refused else self.verdict.exit_status
