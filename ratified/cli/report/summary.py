"""What the commands that explore have found, as a summary for the formats that other programs read.

Guarantees: nothing undecided passes, and what holds vacuously does not either.
"""

from __future__ import annotations

from collections.abc import Iterator

from ratified.cli.report.checks import UNTESTED, Checked, OtherOutcome, RefusedCheck, Report, doubts
from ratified.cli.report.entries import Entry, Finding, Section, Summary, places_of_actions
from ratified.cli.report.text import headline, trace_lines
from ratified.language.claims import not_checked
from ratified.results.result import PropertyKind, PropertyReport, Trace, Verdict, Violation

_NOT_REFUTED = "; but this model is broken on purpose and must be refuted"

DOUBTS = {
    "no-claims": "The model claims nothing.",
    "vacuous": "A property holds vacuously.",
    "never-fired": "An action was not enabled in any visited state.",
}


def summary(report: Report) -> Summary:
    """Return what a report says, in sections: one for each check, and for what else there is."""
    sections = [
        *map(_checked, report.checks),
        *map(_other, report.others),
        *(refused_section(refused) for refused in report.refused),
    ]
    return Summary(tuple(sections), report.exit_status)


def _checked(check: Checked) -> Section:
    subject = check.result.subject
    return Section(
        check.name,
        tuple(_entries(check)),
        tuple(_findings(check)),
        headline(check) if check.verdict is Verdict.HOLDS else "",
        tuple(doubt.says for doubt in doubts(check)),
        check.result.seconds,
        subject.module.span if subject is not None else None,
        places_of_actions(subject.module if subject is not None else None),
    )


def _other(other: OtherOutcome) -> Section:
    findings: tuple[Finding, ...] = ()
    if other.verdict is not Verdict.HOLDS:
        level = "warning" if other.verdict is Verdict.UNDECIDED else "error"
        explained = f"A {other.kind} did not give the expected result."
        message = f"{other.headline}\n\n{other.text}"
        findings = (Finding(other.kind, explained, level, message, other.span, about=other.name),)
    says = "" if other.verdict is Verdict.HOLDS else other.headline
    return Section(
        other.name,
        (Entry(other.kind, other.verdict, says, other.text if says else ""),),
        findings,
        other.headline if other.verdict is Verdict.HOLDS else "",
        seconds=other.seconds,
        span=other.span,
    )


def refused_section(refused: RefusedCheck) -> Section:
    """Return the section of something that could not be checked."""
    message = f"{refused.name}: {refused.says}"
    return Section(
        refused.name,
        (Entry("refused", Verdict.UNDECIDED, refused.says.partition("\n")[0], refused.says),),
        (
            Finding(
                "refused",
                "Something could not be checked.",
                "error",
                message,
                refused.span,
                about=refused.name,
            ),
        ),
        span=refused.span,
    )


def _entries(check: Checked) -> Iterator[Entry]:
    """Yield each property and how it ended."""
    result, says = check.result, headline(check)
    if check.broken:
        refuted = check.verdict is Verdict.HOLDS
        missed = _NOT_REFUTED if check.verdict is Verdict.VIOLATED else ""
        yield Entry("is refuted", check.verdict, "" if refuted else says, "" if refuted else says + missed)
        return
    if check.expected is not None:
        surprise = says if check.surprises else ""
        ended = Verdict.UNDECIDED if check.verdict is Verdict.UNDECIDED else Verdict.VIOLATED
        yield Entry("is as expected", ended if surprise else Verdict.HOLDS, surprise, surprise)
        if check.expected.verdict is not Verdict.HOLDS:
            return
    violation = result.violation
    known = [(p.kind, p.name) for p in result.properties]
    for prop in result.properties:
        yield _property(prop, violation, says)
    for claim in result.unchecked:
        yield Entry(
            f"{claim.kind}: {claim.name}", Verdict.UNDECIDED, f"not checked by the {result.engine} engine"
        )
    if violation is not None and (violation.kind, violation.name) not in known:
        yield Entry(f"{violation.kind.value}: {violation.name}", Verdict.VIOLATED, says, story(violation))
    elif not known and not result.unchecked:
        undecided = result.verdict is Verdict.UNDECIDED
        yield (
            Entry("explored", Verdict.UNDECIDED, says, says)
            if undecided
            else Entry("explored", None, "there is no property to check")
        )


def _property(prop: PropertyReport, violation: Violation | None, says: str) -> Entry:
    name = f"{prop.kind.value}: {prop.name}"
    if violation is not None and (violation.kind, violation.name) == (prop.kind, prop.name):
        return Entry(name, Verdict.VIOLATED, says, story(violation))
    if prop.verdict is Verdict.HOLDS:
        return Entry(name, None, f"vacuous: {UNTESTED}") if prop.vacuous else Entry(name, Verdict.HOLDS)
    if violation is not None:
        return Entry(name, None, "undecided: the exploration stopped at another violation")
    return Entry(name, Verdict.UNDECIDED, says, says)


def story(violation: Violation) -> str:
    """Return what a violation has to tell: its details, its place and its run, as text."""
    place = f"{violation.span}\n" if violation.span else ""
    detail = f"{violation.detail}\n" if violation.detail else ""
    return f"{detail}{place}\n{run(violation.trace)}"


def run(trace: Trace) -> str:
    """Return a run as text, ending in a newline."""
    return "\n".join(line.rstrip() for line in trace_lines(trace)).rstrip() + "\n"


def explained(kind: PropertyKind) -> str:
    """Return what it means that a property of a kind is violated."""
    if kind is PropertyKind.DEADLOCK:
        return "A run of the model reaches a state where no action is enabled."
    return f"A run of the model violates its {kind.value}."


def rule(kind: PropertyKind) -> str:
    """Return the name of the rule that a violated property of a kind is against."""
    return kind.value.replace(" ", "-")


def _findings(check: Checked) -> Iterator[Finding]:
    """Yield what is amiss with a check."""
    result, says = check.result, headline(check)
    for claim in result.unchecked:
        message = f"{check.name}: {not_checked(f'the {result.engine} engine', [claim])}"
        yield Finding("not-checked", "A claim was not checked.", "warning", message, about=claim.name)
    for doubt in doubts(check):
        yield Finding(
            doubt.kind,
            DOUBTS[doubt.kind],
            "warning",
            f"{check.name}: {doubt.says}",
            doubt.span,
            about=doubt.about,
        )
    if check.verdict is Verdict.HOLDS:
        return
    if check.broken and check.verdict is Verdict.VIOLATED:
        meaning = "A model that is broken on purpose was not refuted."
        yield Finding("not-refuted", meaning, "error", says + _NOT_REFUTED)
        return
    violation = result.violation
    if check.expected is not None and (
        check.expected.verdict is not Verdict.HOLDS or result.verdict is Verdict.HOLDS
    ):
        level = "warning" if check.verdict is Verdict.UNDECIDED else "error"
        yield Finding("unexpected", "A check did not give the expected result.", level, says)
        return
    if violation is not None:
        yield Finding(
            rule(violation.kind),
            explained(violation.kind),
            "error",
            f"{says}\n\n{story(violation)}",
            violation.span,
            violation.trace,
            violation.name,
        )
    else:
        yield Finding("undecided", "The exploration did not visit every state.", "warning", says)
    for bound in result.bounds:
        message = f"{check.name}: {bound.what} would be exceeded in {bound.action} ({bound.times:,} times)"
        yield Finding(
            "bound-left",
            "A step would exceed a declared bound.",
            "warning",
            message,
            bound.span,
            about=f"{bound.what} in {bound.action}",
        )
