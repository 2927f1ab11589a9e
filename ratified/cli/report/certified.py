"""Reports of certificates that were checked, as text or JSON.

Guarantees: rendering is pure; what had to be trusted is said in every report.
"""

from __future__ import annotations

import json
from pathlib import Path

from ratified.cli.report.words import plural
from ratified.results.words import listed
from ratified.smt.certificate.folder import Certified
from ratified.version import __version__

SCHEMA = "ratified-certified/1"

TRANSLATION = "that the obligations say what the model and its lemmas mean (docs/proving.md)"
LIST = "that the obligations are all that the goals rest on (--against MODEL compares them with the model)"
COMPARED = "that the goals follow from the obligations, which are those of the model as it is now"
CHECKER = "the checker: ratified/certified.py, 400 lines that import only the standard library"


def trusted(against: str | None) -> tuple[str, ...]:
    """What a reader has to believe besides what was checked."""
    return TRANSLATION, LIST if against is None else COMPARED, CHECKER


def certified_text(folder: Path, found: Certified, against: str | None) -> str:
    """Return the report as text; it ends in a newline."""
    refused = {p.file for p in found.problems}
    goals = listed(found.heading.goals or found.heading.lemmas)
    count = plural(found.obligations, "obligation")
    if refused:
        lines = [f"NOT CERTIFIED  {folder}: {plural(len(found.problems), 'problem')} ({count})"]
    else:
        lines = [f"CERTIFIED  {folder}: {count} of {found.heading.script}, each with a valid certificate"]
    lines += ["", *(f"  {p.file}: {p.why}" for p in found.problems)]
    if not refused:
        lines += [
            f"  {label:<8} {what}" for label, what in (("model", found.heading.model), ("goals", goals))
        ]
    lines += [f"  {'size':<8} {found.size:,} bytes", f"  {'time':<8} {found.seconds:.2f} s", ""]
    lines += ["trusted, not checked here:", *(f"  - {what}" for what in trusted(against))]
    return "\n".join(lines) + "\n"


def certified_json(folder: Path, found: Certified, against: str | None) -> str:
    """Return everything that is known, as one JSON object."""
    report = {
        "schema": SCHEMA,
        "ratified": __version__,
        "folder": str(folder),
        "against": against,
        "verdict": "not certified" if found.problems else "certified",
        "exit_status": 1 if found.problems else 0,
        "script": found.heading.script,
        "model": found.heading.model,
        "lemmas": list(found.heading.lemmas),
        "goals": list(found.heading.goals),
        "obligations": found.obligations,
        "problems": [{"file": p.file, "why": p.why} for p in found.problems],
        "trusted": list(trusted(against)),
        "bytes": found.size,
        "seconds": round(found.seconds, 3),
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"
