"""Reports for programs: JSON with everything in it, and what CI services read: JUnit XML, SARIF 2.1.0, GitHub annotations.

Guarantees: JSON keeps to the schema in docs/reports.md; an undecided check never looks like a passed one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import Any
from xml.etree import ElementTree as ET

from ratified.cli.report.checks import UNTESTED, Checked, Report, doubts
from ratified.cli.report.text import headline, trace_lines
from ratified.language.claims import Unchecked, not_checked
from ratified.language.errors import Span
from ratified.language.values import show
from ratified.results.changes import step_changes
from ratified.results.result import (
    BoundReport,
    ConstraintReport,
    PropertyKind,
    PropertyReport,
    State,
    Trace,
    Verdict,
    Violation,
)
from ratified.version import __version__

_NOT_REFUTED = "; but this model is broken on purpose and must be refuted"

SCHEMA = "ratified-report/1"


def as_json(report: Report) -> str:
    """Return everything that is known, as one JSON object."""
    return json.dumps(_json_report(report), indent=2, ensure_ascii=False) + "\n"


def _json_report(report: Report) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "ratified": __version__,
        "protocol": report.protocol,
        "verdict": report.verdict.value,
        "exit_status": report.exit_status,
        "checks": [_json_check(check) for check in report.checks],
        "others": [
            {
                "name": other.name,
                "kind": other.kind,
                "verdict": other.verdict.value,
                "headline": other.headline,
                "report": other.text,
                "seconds": other.seconds,
                "unchanged_since": other.since,
            }
            for other in report.others
        ],
        "refused": [
            {"name": one.name, "message": one.says, "place": json_place(one.span)} for one in report.refused
        ],
        "notes": list(report.notes),
    }


def _json_check(check: Checked) -> dict[str, Any]:
    result = check.result
    least, mean, greatest = result.out_degree
    return {
        "name": check.name,
        "description": check.description,
        "broken": check.broken,
        "as_expected": check.verdict is Verdict.HOLDS,
        "surprises": list(check.surprises),
        "verdict": result.verdict.value,
        "unchanged_since": check.since,
        "stopped": result.stopped,
        "model": result.model,
        "sizes": dict(result.sizes),
        "parameters": {name: show(value) for name, value in result.parameters.items()},
        "engine": result.engine,
        "symmetry": list(result.symmetry),
        "distinct": result.distinct,
        "generated": result.generated,
        "depth": result.depth,
        "out_degree": {"least": least, "mean": mean, "greatest": greatest},
        "seconds": result.seconds,
        "memory_bytes": result.memory,
        "actions": [
            {"name": a.name, "fired": a.fired, "new": a.new, "switched_off": a.switched_off}
            for a in result.actions
        ],
        "properties": [
            {
                "name": p.name,
                "kind": p.kind.value,
                "verdict": p.verdict.value,
                "vacuous": p.vacuous,
                "place": json_place(p.span),
            }
            for p in result.properties
        ],
        **json_cuts(result.bounds, result.constraints),
        "notes": list(result.notes),
        "warnings": [{"rule": d.kind, "text": d.says, "place": json_place(d.span)} for d in doubts(check)],
        "not_checked": json_unchecked(result.unchecked),
        "violation": None if result.violation is None else json_violation(result.violation),
    }


def json_cuts(
    bounds: Sequence[BoundReport], constraints: Sequence[ConstraintReport]
) -> dict[str, list[dict[str, Any]]]:
    """Return bounds that were left and constraints, under their names in JSON."""
    return {
        "bounds": [
            {"what": b.what, "action": b.action, "times": b.times, "place": json_place(b.span)}
            for b in bounds
        ],
        "constraints": [{"name": c.name, "times": c.times} for c in constraints],
    }


def json_unchecked(claims: Iterable[Unchecked]) -> list[dict[str, str]]:
    """Return claims that were not checked for JSON."""
    return [{"name": claim.name, "kind": claim.kind} for claim in claims]


def json_place(span: Span | None) -> dict[str, Any] | None:
    """Return a place in the source for JSON."""
    if span is None:
        return None
    return {
        "file": _file(span),
        "line": span.line,
        "column": span.column + 1,
        "end_line": span.end_line,
        "end_column": span.end_column + 1,
    }


def _file(span: Span) -> str:
    """The file of a place, as messages name it."""
    return str(span).rsplit(":", 2)[0]


def json_violation(violation: Violation) -> dict[str, Any]:
    """Return a violation for JSON."""
    return {
        "kind": violation.kind.value,
        "name": violation.name,
        "detail": violation.detail,
        "place": json_place(violation.span),
        "trace": json_trace(violation.trace),
    }


def json_trace(trace: Trace) -> dict[str, Any]:
    """Return a run for JSON."""
    return {
        "initial": _json_state(trace.initial),
        "steps": [
            {
                "number": number,
                "action": step.action,
                "arguments": {name: show(value) for name, value in step.arguments},
                "changes": [
                    {"path": c.path, "kind": c.kind.value, "old": c.old, "new": c.new, "copies": c.copies}
                    for c in changed
                ],
                "state": _json_state(step.state),
            }
            for number, (step, changed) in enumerate(
                zip(trace.steps, step_changes(trace), strict=True), start=1
            )
        ],
        "loop": trace.loop,
    }


def _json_state(state: State) -> dict[str, str]:
    return {name: show(value) for name, value in state.items()}


def as_junit(report: Report) -> str:
    """Return JUnit XML: a suite for each check and a case for each property."""
    root = ET.Element("testsuites", name="ratified")
    for check in report.checks:
        suite = ET.SubElement(root, "testsuite", name=check.name)
        seconds = f"{check.result.seconds:.3f}"
        cases = list(_junit_cases(check))
        for name, outcome in cases:
            case = ET.SubElement(suite, "testcase", classname=f"ratified.{check.name}", name=name, time="0")
            if outcome is not None:
                tag, message, body = outcome
                ET.SubElement(case, tag, message=_xml(message)).text = _xml(body)
        tags = [outcome[0] for _, outcome in cases if outcome is not None]
        suite.set("tests", str(len(cases)))
        suite.set("failures", str(tags.count("failure")))
        suite.set("errors", str(tags.count("error")))
        suite.set("skipped", str(tags.count("skipped")))
        suite.set("time", seconds)
        if doubtful := doubts(check):
            ET.SubElement(suite, "system-out").text = _xml("".join(f"{doubt.says}\n" for doubt in doubtful))
    for other in report.others:
        failed = {Verdict.VIOLATED: "failure", Verdict.UNDECIDED: "error"}.get(other.verdict)
        case = _junit_single(root, other.name, other.kind, failed, other.headline, other.text)
        case.set("time", f"{other.seconds:.3f}")
    for refused in report.refused:
        _junit_single(root, refused.name, "refused", "error", refused.says.partition("\n")[0], refused.says)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _junit_single(
    root: ET.Element, suite: str, name: str, tag: str | None, message: str, body: str
) -> ET.Element:
    """A suite of one case, which ended with a failure or an error if there is a tag."""
    holding = ET.SubElement(root, "testsuite", name=suite, tests="1", skipped="0", time="0")
    for kind in ("failure", "error"):
        holding.set(f"{kind}s", str(int(tag == kind)))
    case = ET.SubElement(holding, "testcase", classname=f"ratified.{suite}", name=name, time="0")
    if tag is not None:
        ET.SubElement(case, tag, message=_xml(message)).text = _xml(body)
    return case


_Outcome = tuple[str, str, str] | None


def _junit_cases(check: Checked) -> Iterator[tuple[str, _Outcome]]:
    """Yield each case's name and how it ended: None if it passed, else the element's tag, message and text."""
    result, says = check.result, headline(check)
    if check.broken:
        tag = {Verdict.HOLDS: None, Verdict.VIOLATED: "failure", Verdict.UNDECIDED: "error"}[check.verdict]
        yield (
            "is refuted",
            None if tag is None else (tag, says, says + (_NOT_REFUTED if tag == "failure" else "")),
        )
        return
    if check.expected is not None:
        tag = "error" if check.verdict is Verdict.UNDECIDED else "failure"
        yield "is as expected", (tag, says, says) if check.surprises else None
        if check.expected.verdict is not Verdict.HOLDS:
            return
    violation = result.violation
    known = [(p.kind, p.name) for p in result.properties]
    for prop in result.properties:
        yield f"{prop.kind.value}: {prop.name}", _junit_outcome(prop, violation, says)
    for claim in result.unchecked:
        yield f"{claim.kind}: {claim.name}", ("error", f"not checked by the {result.engine} engine", "")
    if violation is not None and (violation.kind, violation.name) not in known:
        yield f"{violation.kind.value}: {violation.name}", ("failure", says, _story(violation))
    elif not known and not result.unchecked:
        undecided = result.verdict is Verdict.UNDECIDED
        yield (
            "explored",
            ("error", says, says) if undecided else ("skipped", "there is no property to check", ""),
        )


def _junit_outcome(prop: PropertyReport, violation: Violation | None, says: str) -> _Outcome:
    if violation is not None and (violation.kind, violation.name) == (prop.kind, prop.name):
        return "failure", says, _story(violation)
    if prop.verdict is Verdict.HOLDS:
        return ("skipped", f"vacuous: {UNTESTED}", "") if prop.vacuous else None
    if violation is not None:
        return "skipped", "undecided: the exploration stopped at another violation", ""
    return "error", says, says


def _xml(text: str) -> str:
    """The text without the control characters that XML 1.0 cannot hold."""
    return "".join(c for c in text if c in "\t\n\r" or ord(c) >= 32)


def _story(violation: Violation) -> str:
    place = f"{violation.span}\n" if violation.span else ""
    detail = f"{violation.detail}\n" if violation.detail else ""
    return (
        f"{detail}{place}\n"
        + "\n".join(line.rstrip() for line in trace_lines(violation.trace)).rstrip()
        + "\n"
    )


def as_sarif(report: Report) -> str:
    """Return a SARIF 2.1.0 log: a result for each violation, each undecided check and each bound that was left."""
    rules: dict[str, str] = {}
    results = []
    for findings in (*map(_findings, report.checks), _other_findings(report)):
        for rule, explained, level, message, span in findings:
            rules[rule] = explained
            found: dict[str, Any] = {"ruleId": rule, "level": level, "message": {"text": message}}
            if span is not None:
                found["locations"] = [{"physicalLocation": _sarif_place(span)}]
            results.append(found)
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "ratified",
                        "semanticVersion": __version__,
                        "rules": [{"id": i, "shortDescription": {"text": rules[i]}} for i in sorted(rules)],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": results,
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


_DOUBTS = {
    "no-claims": "The model claims nothing.",
    "vacuous": "A property holds vacuously.",
    "never-fired": "An action was not enabled in any visited state.",
}

_Finding = tuple[str, str, str, str, Span | None]


def _findings(check: Checked) -> Iterator[_Finding]:
    """Yield what is amiss with a check: rule, what the rule means, level, message, place."""
    result, says = check.result, headline(check)
    for claim in result.unchecked:
        message = f"{check.name}: {not_checked(f'the {result.engine} engine', [claim])}"
        yield "not-checked", "A claim was not checked.", "warning", message, None
    for doubt in doubts(check):
        yield doubt.kind, _DOUBTS[doubt.kind], "warning", f"{check.name}: {doubt.says}", doubt.span
    if check.verdict is Verdict.HOLDS:
        return
    if check.broken and check.verdict is Verdict.VIOLATED:
        yield (
            "not-refuted",
            "A model that is broken on purpose was not refuted.",
            "error",
            says + _NOT_REFUTED,
            None,
        )
        return
    if check.expected is not None and (
        check.expected.verdict is not Verdict.HOLDS or result.verdict is Verdict.HOLDS
    ):
        level = "warning" if check.verdict is Verdict.UNDECIDED else "error"
        yield "unexpected", "A check did not give the expected result.", level, says, None
        return
    if result.violation is not None:
        rule = result.violation.kind.value.replace(" ", "-")
        explained = f"A run of the model violates its {result.violation.kind.value}."
        if result.violation.kind is PropertyKind.DEADLOCK:
            explained = "A run of the model reaches a state where no action is enabled."
        yield rule, explained, "error", f"{says}\n\n{_story(result.violation)}", result.violation.span
    else:
        yield "undecided", "The exploration did not visit every state.", "warning", says, None
    for bound in result.bounds:
        message = f"{check.name}: {bound.what} would be exceeded in {bound.action} ({bound.times:,} times)"
        yield "bound-left", "A step would exceed a declared bound.", "warning", message, bound.span


def _other_findings(report: Report) -> Iterator[_Finding]:
    """Yield what is amiss with what is no exploration."""
    for other in report.others:
        if other.verdict is not Verdict.HOLDS:
            level = "warning" if other.verdict is Verdict.UNDECIDED else "error"
            explained = f"A {other.kind} did not give the expected result."
            yield other.kind, explained, level, f"{other.headline}\n\n{other.text}", other.span
    for refused in report.refused:
        yield (
            "refused",
            "Something could not be checked.",
            "error",
            f"{refused.name}: {refused.says}",
            refused.span,
        )


def _sarif_place(span: Span) -> dict[str, Any]:
    from urllib.parse import quote

    path = PurePath(_file(span))
    return {
        "artifactLocation": {"uri": path.as_uri() if path.is_absolute() else quote(path.as_posix())},
        "region": {
            "startLine": span.line,
            "startColumn": span.column + 1,
            "endLine": span.end_line,
            "endColumn": span.end_column + 1,
        },
    }


def as_github(report: Report) -> str:
    """Return workflow commands: an error for each violation, a warning for what is undecided, a notice for what holds."""
    lines = []
    for check in report.checks:
        for _, _, level, message, span in _findings(check):
            lines.append(_github_command(level, check.name, message, span))
        if check.verdict is Verdict.HOLDS:
            lines.append(_github_command("notice", check.name, headline(check), None))
    for _, _, level, message, span in _other_findings(report):
        lines.append(_github_command(level, report.several or "", message, span))
    lines += [
        _github_command("notice", o.name, o.headline, None)
        for o in report.others
        if o.verdict is Verdict.HOLDS
    ]
    return "\n".join(lines) + "\n"


def _github_command(level: str, name: str, message: str, span: Span | None) -> str:
    def escaped(text: str) -> str:
        return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")

    properties = {"title": f"ratified {name}"}
    if span is not None:
        properties = {"file": _file(span), "line": str(span.line), "col": str(span.column + 1), **properties}
    place = ",".join(
        f"{k}={escaped(v).replace(':', '%3A').replace(',', '%2C')}" for k, v in properties.items()
    )
    return f"::{level} {place}::{escaped(message.strip())}"
