"""Reports of runs in ITF held against a model, as text or JSON.

Guarantees: rendering is pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from ratified.cli.report.machine import json_trace
from ratified.cli.report.text import trace_lines
from ratified.cli.report.words import plural
from ratified.itf import FollowedRun
from ratified.language import Model
from ratified.language.values import show
from ratified.results.changes import changes
from ratified.results.result import Verdict
from ratified.version import __version__

SCHEMA = "ratified-itf/1"


def itf_verdict(found: FollowedRun) -> Verdict:
    """Return whether the run is one of the model's."""
    return Verdict.HOLDS if found.wrong is None else Verdict.VIOLATED


def itf_text(found: FollowedRun, path: Path, model: Model) -> str:
    """Return the report as text, ending in a newline."""
    return "\n".join(line.rstrip() for line in _lines(found, path, model)).rstrip("\n") + "\n"


def _lines(found: FollowedRun, path: Path, model: Model) -> Iterator[str]:
    name = model.module.name
    if found.wrong is None:
        what = f"{plural(found.length, 'state')}, a run of {name}"
    elif found.wrong == 0:
        what = f"it does not begin in an initial state of {name}"
    elif found.back:
        what = f"no action of {name} leads from its last state back to the start of its loop"
    else:
        step = f"step {found.wrong}, from states[{found.wrong - 1}] to states[{found.wrong}]"
        what = f"no action of {name} takes {step}"
    yield f"{itf_verdict(found).name}  {path.name}: {what}"
    yield ""
    for claim, index in found.violated:
        yield f"{claim} is false in states[{index}]"
    yield from [""] if found.violated else []
    yield from trace_lines(found.trace)
    if found.wrong is not None:
        yield from _instead(found)


def _instead(found: FollowedRun) -> Iterator[str]:
    if found.wrong and found.seen is not None:
        yield f"step {found.wrong}, as observed"
        for change in changes(found.trace.states[-1], found.seen):
            yield f"       {change}"
        yield ""
        yield f"enabled actions: {', '.join(found.enabled) or 'none'}"
    for near in found.near:
        arguments = ", ".join(f"{n}={show(v)}" for n, v in near.arguments)
        yield f"nearest: {near.action}({arguments}), after which these differ"
        for change in near.differences[:8]:
            yield f"       {change}"
        if len(near.differences) > 8:
            yield f"       and {len(near.differences) - 8} more"


def itf_json(found: FollowedRun, path: Path) -> str:
    """Return everything that is known, as one JSON object."""
    verdict = itf_verdict(found)
    report = {
        "schema": SCHEMA,
        "ratified": __version__,
        "file": str(path),
        "verdict": verdict.value,
        "exit_status": verdict.exit_status,
        "states": found.length,
        "wrong": found.wrong,
        "enabled": list(found.enabled),
        "near": [
            {
                "action": near.action,
                "arguments": {n: show(v) for n, v in near.arguments},
                "differences": [str(change) for change in near.differences],
            }
            for near in found.near
        ],
        "violated": [{"name": claim, "state": index} for claim, index in found.violated],
        "trace": json_trace(found.trace),
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"
