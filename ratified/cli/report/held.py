"""What was found of implementations, recorded runs, histories and translations, as summaries for what other programs read.

Guarantees: the worst of a summary's entries is the verdict of the command.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ratified.cli.report.crosscheck import Crosschecked, crosscheck_headline, crosscheck_text
from ratified.cli.report.drive import drive_headline, drive_text
from ratified.cli.report.entries import Entry, Finding, Summary, Tested, concluded, never_taken, not_put
from ratified.cli.report.itf import itf_text, itf_verdict
from ratified.cli.report.linearizable import linearizable_text
from ratified.cli.report.mutants import Planted, planted_headline
from ratified.cli.report.trace import FollowedTrace, trace_text, worst
from ratified.conform.driving.result import Driven
from ratified.conform.driving.sweep import Swept
from ratified.conform.policy import Policy
from ratified.conform.protocol import Protocol
from ratified.follow.linearizability.check import HistoryOutcome
from ratified.follow.linearizability.history import History
from ratified.follow.source import STANDARD_INPUT, name_of
from ratified.itf import FollowedRun
from ratified.language.errors import Span
from ratified.language.ir import Module
from ratified.language.model import Model
from ratified.results.result import Trace, Verdict

if TYPE_CHECKING:  # these import Hypothesis, which an installation need not have
    from ratified.conform.policies import PolicyOutcome
    from ratified.conform.suite import Conformed

_NOT_CONFORMING = (
    "An implementation does something that its model does not allow, or was not fully checked against it."
)


def _single(
    name: str,
    text: str,
    verdict: Verdict,
    what: str,
    rule: str,
    meaning: str,
    *,
    warnings: Iterable[Finding] = (),
    seconds: float = 0.0,
    span: Span | None = None,
    trace: Trace | None = None,
    module: Module | None = None,
) -> Summary:
    """The summary of what has one verdict and a text, whose first line says it."""
    headline, _, body = text.partition("\n")
    says = ("", "") if verdict is Verdict.HOLDS else (headline, body.strip("\n"))
    tested = Tested(Entry(what, verdict, *says), rule, meaning, span, trace)
    return concluded(
        name, headline, verdict, [tested], warnings=warnings, seconds=seconds, span=span, module=module
    )


def conform_summary(protocol: Protocol, result: Conformed, took: float) -> Summary:
    """Return whether a protocol's implementation conforms."""
    from ratified.cli.report.conform import conform_text

    return _single(
        protocol.name,
        conform_text(protocol, result, took),
        result.verdict,
        "conforms to its model",
        "not-conforming",
        _NOT_CONFORMING,
        seconds=took,
    )


def policy_summary(policy: Policy, result: PolicyOutcome, took: float) -> Summary:
    """Return whether a policy conforms."""
    from ratified.cli.report.policies import policy_text

    return _single(
        policy.name,
        policy_text(policy, result, took),
        result.verdict,
        "conforms to its model",
        "not-conforming",
        _NOT_CONFORMING,
        warnings=[never_taken(name) for name in result.never],
        seconds=took,
    )


def drive_summary(result: Driven, module: Module) -> Summary:
    """Return whether a system does what its model does."""
    never = result.never if result.deviation is None else ()
    return _single(
        result.driver,
        f"{drive_headline(result)}\n{drive_text(result)}",
        result.verdict,
        f"conforms to {result.model}",
        "not-conforming",
        _NOT_CONFORMING,
        warnings=[never_taken(name, module) for name in never],
        seconds=result.seconds,
        module=module,
    )


def traces_summary(runs: Sequence[FollowedTrace]) -> Summary:
    """Return the summary of recorded runs, a section for each."""
    parts = [_of_run(run) for run in runs]
    status = worst(run.follower.result.verdict for run in runs).exit_status
    return Summary(tuple(section for part in parts for section in part.sections), status)


def _of_run(run: FollowedTrace) -> Summary:
    """Whether a recorded run is one of its model's, and which claims hold of it: an entry for each."""
    follower, path, took = run.follower, run.path, run.took
    result, text = follower.result, trace_text(run)
    headline, _, body = text.partition("\n")
    mismatch = result.mismatch
    line = mismatch.event.line if mismatch is not None else None
    span = None if path == STANDARD_INPUT else Span(str(path), line or 1, 0, line or 1, 0)
    module = follower.machine.module
    broken = mismatch.claim if mismatch is not None else None
    says = ("", "") if result.verdict is Verdict.HOLDS else (headline, body.strip("\n"))
    meaning = "A recorded run is not a run of its model, or was not followed to its end."
    whole = Verdict.HOLDS if broken is not None else result.verdict
    tested = [Tested(Entry(f"a run of {module.name}", whole, *says), "not-a-run", meaning, span)]
    for claim in follower.claims.asked:
        if claim == broken:
            ended: Verdict | None = Verdict.VIOLATED
        else:
            ended = result.verdict if result.verdict is not Verdict.VIOLATED else None
        told = says if claim == broken else (says[0], "")
        meaning = "A claim is false in a recorded run, or the run was not followed to its end."
        tested.append(Tested(Entry(claim, ended, *told), "false-claim", meaning, span))
    if broken is not None and broken not in follower.claims.asked:
        tested.append(Tested(Entry(broken, Verdict.VIOLATED, *says), "false-claim", meaning, span))
    warnings = [
        not_put(c, f"{c} was not checked: {follower.claims.why_not(c)}") for c in follower.claims.unasked
    ]
    idle = follower.actions_never_taken if mismatch is None else ()
    return concluded(
        name_of(path),
        headline,
        result.verdict,
        tested,
        warnings=[*warnings, *(never_taken(name, module) for name in idle)],
        seconds=took,
        span=span,
        module=module,
    )


def itf_summary(found: FollowedRun, path: Path, model: Model) -> Summary:
    """Return whether a run in ITF is one of a model's; a claim that is false of it is a warning, as it is in the text."""
    return _single(
        path.name,
        itf_text(found, path, model),
        itf_verdict(found),
        f"a run of {model.module.name}",
        "not-a-run",
        "A run is not a run of its model.",
        warnings=[
            Finding(
                "false-claim",
                "A claim is false in a recorded run.",
                "warning",
                f"{claim} is false in states[{index}]",
                about=claim,
            )
            for claim, index in found.violated
        ],
        span=Span(str(path), 1, 0, 1, 0),
        trace=found.trace,
        module=model.module,
    )


def linearizable_summary(outcome: HistoryOutcome, history: History, took: float) -> Summary:
    """Return whether a history is linearizable."""
    failure = outcome.failure
    line = (history.line(failure.position) if failure is not None else None) or 1
    return _single(
        Path(history.source).name,
        linearizable_text(outcome, history, took, None),
        outcome.verdict,
        "linearizable",
        "not-linearizable",
        "A history is not linearizable, or was not decided.",
        seconds=took,
        span=Span(history.source, line, 0, line, 0),
    )


def too_long_summary(path: Path, text: str) -> Summary:
    """Return that a history has more operations than were to be tried."""
    meaning = "A history is not linearizable, or was not decided."
    span = Span(str(path), 1, 0, 1, 0)
    return _single(path.name, text, Verdict.UNDECIDED, "linearizable", "not-linearizable", meaning, span=span)


def crosscheck_summary(made: Crosschecked) -> Summary:
    """Return whether TLC finds what was found here."""
    body = crosscheck_text(made)
    text = f"{crosscheck_headline(made)}\n{body.partition(chr(10))[2]}"
    return _single(
        made.name,
        text,
        made.agreement.verdict,
        "TLC agrees",
        "disagreement",
        "Ratified and TLC disagree, or one of the two did not finish.",
        seconds=made.seconds,
        trace=made.agreement.trace,
        module=made.model.module,
    )


_SURVIVED = "A mistake that was planted was not noticed."


def planted_summary(target: str, every: Sequence[Planted], seconds: float) -> Summary:
    """Return which planted mistakes were caught: an entry for each."""
    tested = []
    for one in every:
        ended = Verdict.HOLDS if one.caught else None if one.explained else Verdict.VIOLATED
        says = "" if one.caught else one.explained or f"{one.name} was not caught"
        tested.append(Tested(Entry(one.name, ended, says), "not-caught", _SURVIVED))
    verdict = Verdict.HOLDS if all(one.settled for one in every) else Verdict.VIOLATED
    return concluded(target, planted_headline(target, every), verdict, tested, seconds=seconds)


def sweep_summary(swept: Swept, text: str, seconds: float) -> Summary:
    """Return which mistakes in a module were noticed: an entry for each, at its line."""
    tested = []
    for one in swept.tried:
        line, what = one.mistake.line, one.mistake.what
        says = "" if one.outcome.is_caught else f"{what}: {one.outcome.value}"
        ended = Verdict.HOLDS if one.outcome.is_caught else Verdict.VIOLATED
        span = Span(str(swept.module), line, 0, line, 0)
        tested.append(
            Tested(Entry(f"line {line}: {what}", ended, says, one.by), "not-caught", _SURVIVED, span)
        )
    headline = text.partition("\n")[0]
    if not tested:
        tested.append(Tested(Entry("mistakes", Verdict.UNDECIDED, headline), "not-caught", _SURVIVED))
    span = Span(str(swept.module), 1, 0, 1, 0)
    return concluded(swept.module.name, headline, swept.verdict, tested, seconds=seconds, span=span)
