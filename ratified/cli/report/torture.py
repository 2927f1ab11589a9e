"""Reports of clusters that were tortured, as text or JSON.

Guarantees: rendering is pure.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ratified.cli.report.entries import Entry, Summary, Tested, concluded
from ratified.conformance.cluster.torture import Tortured
from ratified.results.result import Verdict

SCHEMA = "ratified-torture/1"


def torture_text(run: Tortured) -> str:
    """Return the report as text, ending in a newline."""
    plan = run.plan
    planted = f", with {plan.plant} planted" if plan.plant else ""
    said = f"{plan.protocol}, {plan.nodes} nodes, seed {plan.seed}{planted}: {len(run.faults):,} faults"
    kinds = ", ".join(f"{count} {kind}" for kind, count in run.by_kind.items()) or "none"
    about = [
        ("faults", kinds),
        ("restarts", f"{run.restarts:,} of nodes that exited by themselves"),
        ("operations", f"{run.operations:,}: {run.acknowledged:,} acknowledged, {run.open:,} never answered"),
        (
            "history",
            {"holds": "linearizable", "violated": "NOT linearizable"}.get(
                word(run.linearizable.verdict), "undecided"
            ),
        ),
        *(() if run.promises is None else (("promises", _promises(run.promises)),)),
        ("traces", _traces(run)),
        ("time", f"{run.seconds:.0f} s of faults and calm, {run.decided_seconds:.1f} s to decide"),
        ("files", f"{plan.folder}: history.ndjson, faults.json, timeline.svg, NODE/trace.ndjson"),
    ]
    lines = [f"{word(run.verdict).upper()}  {said}", ""]
    for name, value in about:
        lines += textwrap.wrap(f"{name:10}  {value}", 98, subsequent_indent=" " * 12, break_on_hyphens=False)
    for why in run.why:
        lines += ["", *textwrap.wrap(why, 98, subsequent_indent="    ", break_on_hyphens=False)]
    return "\n".join(lines) + "\n"


def _traces(run: Tortured) -> str:
    if run.trace is None:
        return "not written"
    told = {"holds": "each explained by the model", "violated": "NOT allowed by the model"}
    return f"{run.events:,} events, {told.get(word(run.trace), 'undecided')}"


def _promises(count: Mapping[str, int]) -> str:
    told = f"{count['watched']:,} changes reported by a watch, {count['leases']:,} leases"
    return f"{told}, {count['guarded']:,} writes under a lock"


def word(verdict: Verdict) -> str:
    """Return a verdict in lower case."""
    return verdict.value


def torture_json(run: Tortured) -> str:
    """Return the report as JSON, ending in a newline."""
    plan = run.plan
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "verdict": word(run.verdict),
        "why": list(run.why),
        "protocol": plan.protocol,
        "nodes": plan.nodes,
        "seed": plan.seed,
        "planted": plan.plant,
        "folder": str(plan.folder),
        "operations": run.operations,
        "acknowledged": run.acknowledged,
        "open": run.open,
        "restarts": run.restarts,
        "history": word(run.linearizable.verdict),
        "traces": None if run.trace is None else word(run.trace),
        "events": run.events,
        "promises": None if run.promises is None else dict(run.promises),
        "faults": [asdict(fault) for fault in run.faults],
        "seconds": round(run.seconds, 1),
    }
    return json.dumps(report, indent=2) + "\n"


def torture_summary(run: Tortured) -> Summary:
    """Return whether a cluster kept what it promises."""
    headline, _, body = torture_text(run).partition("\n")
    says = ("", "") if run.verdict is Verdict.HOLDS else (headline, body.strip("\n"))
    tested = Tested(
        Entry("keeps its promises", run.verdict, *says),
        "not-kept",
        "A cluster did not keep its promises, or that was not decided.",
    )
    return concluded("cluster", headline, run.verdict, [tested], seconds=run.seconds)
