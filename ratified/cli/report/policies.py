"""Reports of policies held to their models, and tables of who caught which mistake.

Guarantees: rendering is pure; nothing here decides anything that a `PolicyOutcome` or a `PolicyKill` does not say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from ratified.cli.report.conform import graph_json, not_taken
from ratified.cli.report.words import plural
from ratified.conform.policies import Examined, PolicyKill, PolicyOutcome
from ratified.conform.policy import Policy, PolicyRun, kept_as_test
from ratified.results.result import Verdict

SCHEMA = "ratified-conform-policy/1"


def policy_text(policy: Policy, result: PolicyOutcome, took: float) -> str:
    """Return the report as text, ending in a newline. `took` is in seconds."""
    tried, covered = result.tried or Examined(), result.covered
    what = {
        Verdict.HOLDS: f"{result.events + tried.events:,} events, each a step of the model",
        Verdict.VIOLATED: "the implementation does not conform",
        Verdict.UNDECIDED: "no violation; not everything was decided",
    }[result.verdict]
    lines = [f"{result.verdict.value.upper()}  {policy.name}: {what}", ""]
    lines.append(f"random      {plural(result.runs, 'run')}, {plural(result.events, 'event')}")
    if tried.examples:
        lines.append(f"hypothesis  {plural(tried.examples, 'example')}, {plural(tried.events, 'event')}")
    if covered is not None:
        lines.append(
            f"graph       {covered.states:,} states, {covered.edges:,} steps: {covered.taken:,} taken, "
            f"in {plural(covered.walks, 'walk')} (at least {covered.least:,} needed)"
        )
    lines += [f"time        {took:.1f} s", "", "steps of the model"]
    actions = result.actions + tried.actions
    width = max(map(len, actions), default=0)
    lines += [f"  {name:{width}}  {count:,}" for name, count in sorted(actions.items())]
    if result.never:
        lines.append(f"never taken: {', '.join(result.never)}")
    if covered is not None:
        lines += not_taken(covered)
    lines += [f"undecided  {why}" for why in result.undecided[:5]]
    if result.failure is not None:
        lines += ["", *_failure(policy, result.failure)]
    return "\n".join(lines) + "\n"


def _failure(policy: Policy, run: PolicyRun) -> Sequence[str]:
    where = f"found by {run.found} (configuration {run.number})"
    return (where, run.why, "", "as a test:", "", kept_as_test(policy, run))


def policy_json(policy: Policy, result: PolicyOutcome, took: float) -> str:
    """Return everything that is known, as one JSON object."""
    tried, covered = result.tried or Examined(), result.covered
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "policy": policy.name,
        "verdict": result.verdict.value,
        "runs": result.runs,
        "events": result.events,
        "actions": dict(sorted((result.actions + tried.actions).items())),
        "never": list(result.never),
        "hypothesis": {"examples": tried.examples, "calls": tried.calls, "events": tried.events},
        "graph": None if covered is None else graph_json(covered),
        "undecided": result.undecided,
        "failure": None
        if result.failure is None
        else {
            "found": result.failure.found,
            "why": result.failure.why,
            "configuration": result.failure.number,
            "script": [str(call) for call in result.failure.script],
        },
        "seconds": round(took, 3),
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


HEADS = ("random", "hypothesis", "edges")
WIDTH = 100
WIDEST = WIDTH - 12 * len(HEADS)
"""The widest that the column of names may be."""


def kill_heading(what: str, width: int) -> str:
    """Return the first line of a table of mistakes."""
    return f"{what:{width}}  " + "  ".join(f"{head:>10}" for head in HEADS) + "\n"


def kill_row(kill: PolicyKill, width: int, explained: Mapping[str, str]) -> str:
    """Return the line of one mistake, and below it a script, or why it is none."""
    cells = (kill.chance, kill.hypothesis, kill.edges)
    row = "  ".join(f"{'-' if cell is None else f'{cell:,}':>10}" for cell in cells)
    below = [*kill.script, *([explained[kill.name]] if kill.name in explained and not kill.caught else [])]
    *above, last = wrap(kill.name, width, subsequent_indent="  ", break_on_hyphens=False)
    lines = [*above, f"{last:{width}}  {row}"]
    for line in below:
        lines += wrap(
            line, WIDTH, initial_indent="    ", subsequent_indent="        ", break_on_hyphens=False
        )
    return "".join(f"{line}\n" for line in lines)


def kill_sum(kills: Sequence[PolicyKill], explained: Mapping[str, str]) -> str:
    """Return what it came to."""
    caught = sum(kill.caught for kill in kills)
    none = sum(not kill.caught and kill.name in explained for kill in kills)
    missed = [kill.name for kill in kills if not kill.caught and kill.name not in explained]
    equivalent = f", {none} explained" if none else ""
    lines = [
        "",
        f"{caught} of {len(kills)} caught{equivalent}; numbers are runs, examples and steps until caught",
    ]
    lines += [f"not caught: {name}" for name in missed]
    return "\n".join(lines) + "\n"
