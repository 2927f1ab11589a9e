"""What a command found, for the formats that other programs read: sections of entries, the same for every command.

Guarantees: values only. Each command's report makes a `Summary` of what it found, and JUnit, SARIF, GitHub's and GitLab's formats
are written from that alone, so that a format says of one command what it says of every other. An undecided entry never passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ratified.language.claims import Unchecked
from ratified.language.errors import Span
from ratified.language.ir import Kind, Module
from ratified.results.result import Trace, Verdict


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was put to the test, as a claim or an obligation. `verdict` None: it was left out, which is no failure.

    `message` is a line, `body` what else there is to read, as a counterexample.
    """

    name: str
    verdict: Verdict | None
    message: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is amiss: the `rule` that it is against, what the rule means, how bad it is ("error" or "warning").

    `about` names the claim or action that it is about, whatever the message says in figures. `trace` is a run that shows it.
    """

    rule: str
    explained: str
    level: str
    message: str
    span: Span | None = None
    trace: Trace | None = None
    about: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """What was found of one model, proof, implementation or history.

    `notice` is said of what is as it should be, `remarks` are further lines. `span` is where it stands itself, `actions` where
    its actions do.
    """

    name: str
    entries: tuple[Entry, ...]
    findings: tuple[Finding, ...] = ()
    notice: str = ""
    remarks: tuple[str, ...] = ()
    seconds: float = 0.0
    span: Span | None = None
    actions: Mapping[str, Span] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Summary:
    """All that a command found, and the exit status that it ends with."""

    sections: tuple[Section, ...]
    exit_status: int


@dataclass(frozen=True, slots=True)
class Tested:
    """An entry, and what there is to say where it does not hold: the rule that it is against, its place, and a run."""

    entry: Entry
    rule: str
    explained: str
    span: Span | None = None
    trace: Trace | None = None


def concluded(
    name: str,
    headline: str,
    verdict: Verdict,
    tested: Iterable[Tested],
    *,
    warnings: Iterable[Finding] = (),
    seconds: float = 0.0,
    span: Span | None = None,
    module: Module | None = None,
) -> Summary:
    """Return the summary of a command that is about one thing: a finding for each entry that does not hold."""
    every, warned = tuple(tested), tuple(warnings)
    amiss = [t for t in every if t.entry.verdict not in (Verdict.HOLDS, None)]
    findings = [
        Finding(
            t.rule,
            t.explained,
            "error" if t.entry.verdict is Verdict.VIOLATED else "warning",
            f"{t.entry.message or headline}\n\n{t.entry.body}".strip(),
            t.span,
            t.trace,
            t.entry.name,
        )
        for t in amiss
    ]
    section = Section(
        name,
        tuple(t.entry for t in every),
        (*findings, *warned),
        headline if verdict is Verdict.HOLDS else "",
        tuple(w.message for w in warned),
        seconds,
        span or (module.span if module is not None else None),
        places_of_actions(module),
    )
    return Summary((section,), verdict.exit_status)


def not_put(claim: Unchecked, says: str) -> Finding:
    """Return the warning that a claim was not checked."""
    return Finding("not-checked", "A claim was not checked.", "warning", says, about=claim.name)


def never_taken(name: str, module: Module | None = None) -> Finding:
    """Return the warning that an action was never taken."""
    span = places_of_actions(module).get(name)
    return Finding(
        "never-fired",
        "An action was not taken in what was examined.",
        "warning",
        f"{name} was never taken",
        span,
        about=name,
    )


def places_of_actions(module: Module | None) -> dict[str, Span]:
    """Return where the actions of a model stand."""
    if module is None:
        return {}
    return {action.name: action.span for action in module.of_kind(Kind.ACTION)}
