"""What the services that run a check show beside a change: GitHub's workflow commands, and GitLab's code quality report.

Guarantees: a command of GitHub's is one line; a report of GitLab's is an array of issues, each with a place and a fingerprint
of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter

from ratified.cli.report.entries import Summary
from ratified.cli.report.location import in_repository, somewhere
from ratified.language.errors import Span

_SEVERITIES = {"error": "critical", "warning": "minor"}


def as_github(summary: Summary) -> str:
    """Return workflow commands: an error for what is violated, a warning for what is undecided, a notice for what holds."""
    lines = []
    for section in summary.sections:
        lines += [_command(f.level, section.name, f.message, f.span) for f in section.findings]
        if section.notice:
            lines.append(_command("notice", section.name, section.notice, None))
    return "".join(f"{line}\n" for line in lines)


def _command(level: str, name: str, message: str, span: Span | None) -> str:
    def escaped(text: str) -> str:
        return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")

    properties = {"title": f"ratified {name}"}
    if span is not None:
        place = {"file": in_repository(span.file), "line": str(span.line), "col": str(span.column + 1)}
        properties = {**place, **properties}
    given = ",".join(
        f"{k}={escaped(v).replace(':', '%3A').replace(',', '%2C')}" for k, v in properties.items()
    )
    return f"::{level} {given}::{escaped(message.strip())}"


def as_gitlab(summary: Summary) -> str:
    """Return an array of issues: one for each finding."""
    issues = []
    met: Counter[str] = Counter()
    for section in summary.sections:
        for finding in section.findings:
            span = somewhere(section.name, finding.span, section.span)
            path = in_repository(span.file)
            what = f"{finding.rule}\0{section.name}\0{finding.about}\0{path}"
            met[what] += 1
            told = f"{what}\0{met[what]}".encode("utf-8", "backslashreplace")
            issues.append(
                {
                    "description": finding.message,
                    "check_name": f"ratified/{finding.rule}",
                    "fingerprint": hashlib.sha256(told).hexdigest(),
                    "severity": _SEVERITIES[finding.level],
                    "location": {"path": path, "lines": {"begin": span.line, "end": span.end_line}},
                }
            )
    return json.dumps(issues, indent=2, ensure_ascii=False) + "\n"
