"""Reports of the cores of a protocol that mistakes were planted into, as text or JSON.

Guarantees: rendering is pure; nothing here decides anything that a `CoresSwept` does not say.
"""

from __future__ import annotations

import json
from collections import Counter

from ratified.cli.report.entries import Entry, Summary, Tested, concluded
from ratified.conform.driving.sweep import MutantOutcome
from ratified.conform.sweeping import CoresSwept
from ratified.language.errors import Span
from ratified.results.result import Verdict

SCHEMA = "ratified-cores/1"
WIDTH = 100
SURVIVED = "A mistake in the cores of a protocol that nothing notices."


def cores_text(swept: CoresSwept, took: float) -> str:
    """Return the report as text, ending in a newline. `took` is in seconds."""
    looked, counted = len(swept.fates), len(swept.fates) - swept.explained
    head = f"{swept.killed:,} of {counted:,} mistakes caught, {100 * swept.score:.1f} %"
    lines = [f"{swept.verdict.value.upper()}  {swept.protocol}: {head}", ""]
    if looked < swept.total:
        low, high = swept.interval
        lines += [
            f"a sample of {looked:,} of {swept.total:,} mistakes; of all, {100 * low:.1f} to {100 * high:.1f} % "
            "would be, with 95 % confidence",
            "",
        ]
    for heading, outcome in (
        ("not noticed", MutantOutcome.SURVIVED),
        ("in lines that are never run", MutantOutcome.NOT_RUN),
    ):
        some = [fate for fate in swept.survivors if fate.outcome is outcome]
        if some:
            lines += [heading, *(_cut(f"  {f.planting.place}: {f.planting.mistake.what}") for f in some), ""]
    argued = [fate for fate in swept.fates if fate.explained and not fate.outcome.is_caught]
    if argued:
        lines.append("argued to be none")
        for fate in argued:
            lines += [
                _cut(f"  {fate.planting.place}: {fate.planting.mistake.what}"),
                f"      {fate.explained}",
            ]
        lines.append("")
    kinds = Counter(fate.by.partition(" ")[0] for fate in swept.fates if fate.by)
    lines += [f"  {count:6,}  by {kind}" for kind, count in kinds.most_common()]
    lines.append(f"time  {took:.1f} s")
    return "\n".join(lines) + "\n"


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 3] + "..."


def cores_json(swept: CoresSwept, took: float) -> str:
    """Return everything that is known, as one JSON object."""
    low, high = swept.interval
    report = {
        "schema": SCHEMA,
        "protocol": swept.protocol,
        "verdict": swept.verdict.value,
        "mistakes": swept.total,
        "looked_at": len(swept.fates),
        "caught": swept.killed,
        "explained": swept.explained,
        "score": round(swept.score, 4),
        "interval": [round(low, 4), round(high, 4)],
        "seconds": round(took, 3),
        "tried": [
            {
                "name": f.planting.name,
                "place": f.planting.place,
                "outcome": f.outcome.value,
                "by": f.by,
                "explained": f.explained,
            }
            for f in swept.fates
        ],
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def cores_summary(swept: CoresSwept, text: str, seconds: float) -> Summary:
    """Return which mistakes were noticed: an entry for each, at its line."""
    tested = []
    for fate in swept.fates:
        noticed = fate.outcome.is_caught
        says = "" if noticed else fate.explained or f"{fate.planting.mistake.what}: {fate.outcome.value}"
        ended = Verdict.HOLDS if noticed else None if fate.explained else Verdict.VIOLATED
        line = fate.planting.mistake.line
        span = Span(fate.planting.file, line, 0, line, 0)
        tested.append(Tested(Entry(fate.planting.name, ended, says, fate.by), "not-caught", SURVIVED, span))
    headline = text.partition("\n")[0]
    if not tested:
        tested.append(Tested(Entry("mistakes", Verdict.UNDECIDED, headline), "not-caught", SURVIVED))
    return concluded(swept.protocol, headline, swept.verdict, tested, seconds=seconds)
