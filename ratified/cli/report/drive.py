"""Reports of a system that was driven along its model, as text or JSON.

Guarantees: rendering is pure; nothing here decides anything that a `Driven` does not say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any

from ratified.cli.report.words import plural
from ratified.conform.driving.result import Driven
from ratified.conform.driving.shorter import walk_lines
from ratified.language.values import show
from ratified.results.result import Verdict

SCHEMA = "ratified-drive/1"
WIDTH = 100


def subject(result: Driven) -> str:
    """Return the model with its sizes, as one writes it."""
    return f"{result.model}({', '.join(f'{n}={show(v)}' for n, v in result.given.items())})"


def drive_text(result: Driven) -> str:
    """Return the report as text, ending in a newline."""
    return "\n".join(line for part in _parts(result) for line in part) + "\n"


def drive_headline(result: Driven) -> str:
    """Return the first line of the report, however long."""
    told = {
        Verdict.HOLDS: f"conforms to {subject(result)}",
        Verdict.VIOLATED: f"does not conform to {subject(result)}",
        Verdict.UNDECIDED: f"no deviation from {subject(result)} found; {result.stopped}",
    }[result.verdict]
    return f"{result.verdict.value.upper()}  {result.driver}: {told}"


def _parts(result: Driven) -> Iterator[list[str]]:
    yield [*wrap(drive_headline(result), WIDTH, subsequent_indent="  ", break_on_hyphens=False), ""]
    if result.deviation is not None:
        yield _deviation(result)
    yield [line for figure in _figures(result) for line in wrap(figure, WIDTH, subsequent_indent=" " * 11)]
    if result.reasons:
        yield ["", "steps of the model that were not driven, and why", *_counted(result.reasons)]
    if result.unasked:
        yield ["", "what the model forbids that was not attempted, and why", *_counted(result.unasked)]
    notes = [*_notes(result)]
    if notes:
        yield ["", *(line for note in notes for line in wrap(note, WIDTH, subsequent_indent="  "))]


def _deviation(result: Driven) -> list[str]:
    deviation = result.deviation
    assert deviation is not None
    lines = walk_lines(deviation.beginning, deviation.walk)
    if not deviation.repeats:
        note = [
            "  when the walk was repeated it did not fail: the system, or its driver, is nondeterministic"
        ]
    elif deviation.found_after > len(deviation.walk):
        note = [
            f"  the shortest that was found; it failed first after {plural(deviation.found_after, 'step')}"
        ]
    else:
        note = []
    what = wrap(deviation.what, WIDTH, initial_indent="  ", subsequent_indent="    ")
    details = [f"  {d}" for d in deviation.details]
    return [*what, *details, *(["", *lines] if lines else []), *note, ""]


def _figures(result: Driven) -> Iterator[str]:
    if result.states:
        share = f"{result.taken:,} of {plural(result.edges, 'step')} driven"
        walks = f"{plural(result.walks, 'walk')} of {plural(result.steps, 'step')}"
        yield f"graph      {plural(result.states, 'state')}, {share}, in {walks} (at least {result.least:,} needed)"
    if result.forbidden:
        asked = f"{result.asked:,} of {result.forbidden:,} asked: {result.refused:,} refused"
        yield f"forbidden  {asked}, {result.ignored:,} changed nothing"
    if result.random_walks:
        yield f"random     {plural(result.random_walks, 'walk')}, {plural(result.random_steps, 'step')}"
    if result.observed:
        yield f"compared   {', '.join(result.observed)}"
    count = result.steps + result.random_steps + result.asked
    speed = f", {count / result.seconds:,.0f} steps a second" if result.seconds > 0 else ""
    yield f"time       {result.seconds:.1f} s{speed}"


def _notes(result: Driven) -> Iterator[str]:
    if result.unobserved and result.observed:
        yield f"never observed: {', '.join(result.unobserved)}"
    if result.never and result.deviation is None:
        yield f"never driven: {', '.join(result.never)}"
    if result.not_every:
        yield (
            f"not every forbidden choice of arguments was attempted, there are too many: "
            f"{', '.join(result.not_every)}"
        )


def _counted(reasons: Mapping[str, int]) -> list[str]:
    lines = []
    for reason, count in sorted(reasons.items()):
        lines += wrap(reason, WIDTH, initial_indent=f"  {count:8,}  ", subsequent_indent=" " * 12)
    return lines


def drive_json(result: Driven) -> str:
    """Return everything that is known, as one JSON object."""
    deviation = result.deviation
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "driver": result.driver,
        "model": result.model,
        "given": {
            name: value if type(value) in (int, bool) else show(value) for name, value in result.given.items()
        },
        "verdict": result.verdict.value,
        "stopped": result.stopped,
        "graph": {
            "states": result.states,
            "edges": result.edges,
            "driven": result.taken,
            "walks": result.walks,
            "least_walks": result.least,
            "steps": result.steps,
            "not_driven": dict(result.reasons),
        },
        "forbidden": {
            "found": result.forbidden,
            "refused": result.refused,
            "changed_nothing": result.ignored,
            "not_asked": dict(result.unasked),
            "not_every_choice": list(result.not_every),
        },
        "random": {"walks": result.random_walks, "steps": result.random_steps},
        "observed": list(result.observed),
        "never_observed": list(result.unobserved),
        "never_driven": list(result.never),
        "deviation": None
        if deviation is None
        else {
            "what": deviation.what,
            "details": list(deviation.details),
            "beginning": deviation.beginning,
            "walk": [
                {
                    "do": str(asked.ask),
                    "allowed": asked.allowed,
                    "came": None if asked.came is None else asked.came.value,
                }
                for asked in deviation.walk
            ],
            "found_after": deviation.found_after,
            "repeats": deviation.repeats,
        },
        "seconds": round(result.seconds, 3),
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"
