"""Reports of policies side by side, as text or JSON, and their picture.

Guarantees: rendering is pure; text has at most 100 columns, unless names of nodes are long.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from ratified.cli.report.text import Paint
from ratified.cli.services import node_text, time_of
from ratified.diagram.load import Lane, LoadPicture, LoadSpan, Panel
from ratified.impl.services.simulation import Ended, Fault, Load, Moment, Outcome, Trouble

SCHEMA = "ratified-services/1"

SLICES = 60
"""Slices of time in a picture."""

WIDEST = 26
"""Longer names of policies stand on a line of their own."""

VERBS = {Trouble.FAIL: "fails", Trouble.SLOW: "slow", Trouble.PAUSE: "paused"}


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of a load with each policy; `how` are the options of the client, in words."""

    load: Load
    how: tuple[tuple[str, tuple[str, ...]], ...]
    outcomes: tuple[Outcome, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing was applied twice and nothing that was acknowledged is lost, with any policy."""
        return all(outcome.twice == outcome.lost == 0 for outcome in self.outcomes)


@dataclass(frozen=True, slots=True)
class _NodeReport:
    """What came of one node with one policy."""

    name: str
    weight: int
    requests: int
    failures: int
    cancelled: int
    retries: int
    ejections: int
    out_ms: int

    def share(self, of: int) -> float:
        return 100 * self.requests / of if of else 0.0


def services_headline(compared: Compared) -> str:
    """Return the first line of the report, without colour."""
    bad = [outcome for outcome in compared.outcomes if outcome.twice or outcome.lost]
    if not bad:
        return "HOLDS  services: no write was applied twice, and every acknowledged write was applied"
    first = bad[0]
    return (
        f"VIOLATED  services: {first.name} had {first.twice:,} writes applied twice, and lost {first.lost:,}"
    )


def services_text(compared: Compared, *, color: bool = False) -> str:
    """Return the report as text; it ends in a newline."""
    paint = Paint(color)
    load = compared.load
    word, _, rest = services_headline(compared).partition(" ")
    lines = [f"{paint(word, 'bold', 'green' if compared.sound else 'red')} {rest}", ""]
    faults = [
        f"{f.node} {VERBS[f.trouble]} {time_of(f.from_ms)} to {time_of(f.until_ms)}{_times(load, f)}"
        for f in sorted(load.faults, key=lambda fault: fault.from_ms)
    ]
    nodes = [node_text(node) for node in load.nodes]
    heads = [
        ("nodes", nodes),
        (
            "requests",
            [
                f"{load.requests:,}, {load.a_second:,.0f} a second on average",
                f"{load.writes_percent}% writes",
                f"{load.service_ms} ms each on average",
            ],
        ),
        ("faults", faults or ["none"]),
        *((name, list(words)) for name, words in compared.how),
        ("seed", [str(load.seed)]),
    ]
    for name, parts in heads:
        lines += _filled(f"{name:10}  ", parts)
    width = max(len(name) for name in ("policy", *(o.name for o in compared.outcomes)) if len(name) <= WIDEST)
    lines += ["", f"{'policy':{width}}  success      p50      p99  attempts  retries  ejections  gave up"]
    for o in compared.outcomes:
        again = sum(attempt.again for attempt in o.attempts)
        name = o.name
        if len(name) > width:
            lines.append(name)
            name = ""
        lines.append(
            f"{name:{width}}  {100 * o.succeeded / o.requests:6.2f}%  {o.percentile_ms(50):4} ms  {o.percentile_ms(99):4} ms"
            f"  {len(o.attempts) / o.requests:8.3f}  {again:7,}  {len(o.ejections):9,}  {o.requests - o.succeeded:7,}"
        )
    names = max(len("node"), *(len(node.name) for node in load.nodes))
    for o in compared.outcomes:
        lines += [
            "",
            paint(o.name, "bold"),
            f"{'node':{names}}     weight   share  requests  failures  cancelled  retries  ejections      out",
        ]
        for n in _nodes(load, o):
            lines.append(
                f"{n.name:{names}}  {n.weight:9,}  {n.share(len(o.attempts)):5.1f}%  {n.requests:8,}  {n.failures:8,}"
                f"  {n.cancelled:9,}  {n.retries:7,}  {n.ejections:9,}  {n.out_ms / 1000:5.1f} s"
            )
    return "\n".join(lines) + "\n"


def services_json(compared: Compared) -> str:
    """Return everything that is known, as one JSON object."""
    load = compared.load
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "verdict": "holds" if compared.sound else "violated",
        "nodes": {node.name: node.weight for node in load.nodes},
        "zones": {node.name: node.zone for node in load.nodes if node.zone},
        "levels": {node.name: node.priority for node in load.nodes if node.priority},
        "requests": load.requests,
        "rate": load.a_second,
        "writes_percent": load.writes_percent,
        "service_ms": load.service_ms,
        "faults": [
            {"trouble": f.trouble.value, "node": f.node, "from_ms": f.from_ms, "until_ms": f.until_ms}
            for f in load.faults
        ],
        "client": {name: list(words) for name, words in compared.how},
        "seed": load.seed,
        "policies": [_policy_json(load, outcome) for outcome in compared.outcomes],
    }
    return json.dumps(report, indent=2) + "\n"


def _policy_json(load: Load, o: Outcome) -> dict[str, Any]:
    return {
        "policy": o.name,
        "succeeded": o.succeeded,
        "p50_ms": o.percentile_ms(50),
        "p99_ms": o.percentile_ms(99),
        "attempts": len(o.attempts),
        "retries": sum(attempt.again for attempt in o.attempts),
        "ejections": len(o.ejections),
        "applied_twice": o.twice,
        "lost": o.lost,
        "ended_ms": o.ended_ms,
        "nodes": [
            {
                "node": n.name,
                "weight": n.weight,
                "requests": n.requests,
                "failures": n.failures,
                "cancelled": n.cancelled,
                "retries": n.retries,
                "ejections": n.ejections,
                "ejected_ms": n.out_ms,
            }
            for n in _nodes(load, o)
        ],
    }


def services_picture(compared: Compared) -> LoadPicture:
    """Return load, retries, outages and ejections over time, a panel for each policy."""
    ended = max(outcome.ended_ms for outcome in compared.outcomes)
    slice_ms = max(1, -(-ended // SLICES))
    panels = []
    for o in compared.outcomes:
        success = f"{100 * o.succeeded / o.requests:.2f}% succeed, p99 {o.percentile_ms(99)} ms"
        lanes = tuple(
            _lane(compared.load, o, node.name, slice_ms, ended // slice_ms + 1)
            for node in compared.load.nodes
        )
        panels.append(Panel(f"{o.name}: {success}", lanes))
    load = compared.load
    retries = ", ".join(dict(compared.how)["retries"])
    title = f"{load.requests:,} requests, {load.a_second:,.0f} a second; retries: {retries}"
    return LoadPicture(title, slice_ms / 1000, tuple(panels))


def _lane(load: Load, o: Outcome, name: str, slice_ms: int, slices: int) -> Lane:
    mine = [attempt for attempt in o.attempts if attempt.node == name]

    def counted(attempts: list[Moment]) -> tuple[int, ...]:
        by_slice = Counter(attempt.ms // slice_ms for attempt in attempts)
        return tuple(by_slice[k] for k in range(slices))

    return Lane(
        next(f"{node.name} ({node.weight})" for node in load.nodes if node.name == name),
        counted(mine),
        counted([attempt for attempt in mine if attempt.failed]),
        counted([attempt for attempt in mine if attempt.ended is Ended.CANCELLED]),
        counted([attempt for attempt in mine if attempt.again]),
        tuple(
            LoadSpan(f.from_ms / 1000, f.until_ms / 1000, VERBS[f.trouble])
            for f in load.faults
            if f.node == name
        ),
        tuple(LoadSpan(since / 1000, until / 1000) for node, since, until in o.ejections if node == name),
    )


def _nodes(load: Load, o: Outcome) -> list[_NodeReport]:
    total = Counter(attempt.node for attempt in o.attempts)
    failed = Counter(attempt.node for attempt in o.attempts if attempt.failed)
    cancelled = Counter(attempt.node for attempt in o.attempts if attempt.ended is Ended.CANCELLED)
    again = Counter(attempt.node for attempt in o.attempts if attempt.again)
    out = Counter(name for name, _, _ in o.ejections)
    out_ms: Counter[str] = Counter()
    for name, since, until in o.ejections:
        out_ms[name] += until - since
    return [
        _NodeReport(
            e.name,
            e.weight,
            total[e.name],
            failed[e.name],
            cancelled[e.name],
            again[e.name],
            out[e.name],
            out_ms[e.name],
        )
        for e in load.nodes
    ]


def _filled(head: str, parts: list[str]) -> list[str]:
    """Lines of parts, as many in each as have room."""
    lines, width = [head], 100
    for part in parts:
        empty = len(lines[-1]) == len(head)
        if not empty and len(lines[-1]) + 3 + len(part) > width:
            lines.append(" " * len(head))
            empty = True
        lines[-1] += part if empty else f"   {part}"
    return lines


def _times(load: Load, fault: Fault) -> str:
    return f", {load.slow_factor} times as long" if fault.trouble is Trouble.SLOW else ""
