"""SARIF 2.1.0, for code scanning.

Guarantees: valid by the schema of the standard, and by what GitHub asks beyond it: each result has a place, relative to the root
of the repository, and a fingerprint that stays when figures or lines move; a run that shows what is wrong is a code flow.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ratified.cli.report.entries import Finding, Section, Summary
from ratified.cli.report.location import somewhere, uri
from ratified.language.errors import Span
from ratified.language.values import show
from ratified.results.changes import step_changes
from ratified.results.result import Trace
from ratified.version import __version__


def as_sarif(summary: Summary) -> str:
    """Return a SARIF log: a result for each finding."""
    every = [(section, finding) for section in summary.sections for finding in section.findings]
    rules = dict(sorted({finding.rule: finding.explained for _, finding in every}.items()))
    met: Counter[str] = Counter()
    run = {
        "tool": {
            "driver": {
                "name": "ratified",
                "semanticVersion": __version__,
                "rules": [_rule(name, explained) for name, explained in rules.items()],
            }
        },
        "invocations": [
            {"executionSuccessful": summary.exit_status in (0, 1, 3), "exitCode": summary.exit_status}
        ],
        "columnKind": "unicodeCodePoints",
        "results": [_result(section, finding, [*rules], met) for section, finding in every],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _rule(name: str, explained: str) -> dict[str, Any]:
    return {
        "id": name,
        "shortDescription": {"text": explained},
        "fullDescription": {"text": explained},
        "help": {"text": f"{explained} The message says what was found; docs/reports.md says what it means."},
    }


def _result(section: Section, finding: Finding, rules: list[str], met: Counter[str]) -> dict[str, Any]:
    span = somewhere(section.name, finding.span, section.span)
    said = {
        "ruleId": finding.rule,
        "ruleIndex": rules.index(finding.rule),
        "level": finding.level,
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": _place(span)}],
        "partialFingerprints": _fingerprints(section, finding, span, met),
    }
    if finding.trace is not None:
        steps = list(_flow(finding.trace, section, span))
        said["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
    return said


def _fingerprints(section: Section, finding: Finding, span: Span, met: Counter[str]) -> dict[str, str]:
    """What tells one finding from another, and stays when lines move; the first is what GitHub compares."""
    what = "\0".join((finding.rule, section.name, finding.about, uri(span.file)))
    digest = hashlib.sha256(what.encode("utf-8", "backslashreplace")).hexdigest()[:16]
    met[digest] += 1
    return {"primaryLocationLineHash": f"{digest}:{met[digest]}", "ratifiedFinding/v1": digest}


def _flow(trace: Trace, section: Section, span: Span) -> Iterator[dict[str, Any]]:
    """The run, a place for each step: its action, where it stands."""
    yield _step(
        span,
        "initial state: " + ", ".join(f"{name} = {show(value)}" for name, value in trace.initial.items()),
    )
    for number, (step, changed) in enumerate(zip(trace.steps, step_changes(trace), strict=True), start=1):
        arguments = ", ".join(f"{name}={show(value)}" for name, value in step.arguments)
        what = "; ".join(map(str, changed)) or "no change"
        again = " (from here on the run repeats)" if trace.loop == number - 1 else ""
        place = section.actions.get(step.action, span)
        yield _step(place, f"{number}  {step.action}({arguments}): {what}{again}")


def _step(span: Span, text: str) -> dict[str, Any]:
    return {"location": {"physicalLocation": _place(span), "message": {"text": text}}}


def _place(span: Span) -> dict[str, Any]:
    return {
        "artifactLocation": {"uri": uri(span.file)},
        "region": {
            "startLine": span.line,
            "startColumn": span.column + 1,
            "endLine": span.end_line,
            "endColumn": span.end_column + 1,
        },
    }
