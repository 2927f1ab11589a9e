"""Reports of a module that mistakes were planted into, as text or JSON.

Guarantees: rendering is pure; nothing here decides anything that a `Swept` does not say.
"""

from __future__ import annotations

import json
from typing import Any

from ratified.cli.report.words import plural
from ratified.conform.driving.sweep import MutantOutcome, Swept, Tried, counted

SCHEMA = "ratified-sweep/1"
WIDTH = 100


def sweep_text(swept: Swept, took: float) -> str:
    """Return the report as text, ending in a newline. `took` is in seconds."""
    total, caught = len(swept.tried), swept.caught
    if not total:
        return f"UNDECIDED  {swept.module}: there is nothing to mutate\n"
    score = f"{caught:,} of {plural(total, 'mistake')} caught, {100 * caught / total:.1f} %"
    drawn = "" if swept.drawn_of is None else f", drawn of {swept.drawn_of:,}"
    lines = [f"{swept.verdict.value.upper()}  {swept.module}: {score}{drawn}", ""]
    source = swept.source.splitlines()
    for heading, outcome in (
        ("not noticed", MutantOutcome.SURVIVED),
        ("in lines that are never run", MutantOutcome.NOT_RUN),
    ):
        some = [t for t in swept.tried if t.outcome is outcome]
        if some:
            lines.append(heading)
            lines += [line for tried in some for line in _survivor(swept, source, tried)]
            lines.append("")
    counts = counted(swept.tried)
    for label, outcome in (
        ("noticed", MutantOutcome.CAUGHT),
        ("process ended", MutantOutcome.ENDED),
        (f"no answer within {swept.within:.0f} s", MutantOutcome.SLOW),
        ("not noticed", MutantOutcome.SURVIVED),
        ("never run", MutantOutcome.NOT_RUN),
    ):
        if counts[outcome]:
            lines.append(f"  {counts[outcome]:6,}  {label}")
    lines.append(f"time  {took:.1f} s")
    return "\n".join(lines) + "\n"


def _survivor(swept: Swept, source: list[str], tried: Tried) -> list[str]:
    mistake = tried.mistake
    told = f"  {swept.module}:{mistake.line}: {mistake.what}"
    line = source[mistake.line - 1].strip()
    return [_cut(told), _cut(f"    {mistake.line:4} | {line}"), *([f"      {tried.by}"] if tried.by else [])]


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 3] + "..."


def sweep_json(swept: Swept, took: float) -> str:
    """Return everything that is known, as one JSON object."""
    source = swept.source.splitlines()
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "module": str(swept.module),
        "verdict": swept.verdict.value,
        "mistakes": len(swept.tried),
        "caught": swept.caught,
        "seconds": round(took, 3),
        "tried": [
            {
                "line": t.mistake.line,
                "source": source[t.mistake.line - 1].strip(),
                "mistake": t.mistake.what,
                "outcome": t.outcome.value,
                "by": t.by,
            }
            for t in swept.tried
        ],
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"
