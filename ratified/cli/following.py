"""What `trace` does with a run in ITF: follow it through a model, and tell how far it is one of the model's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ratified.cli.checking import echo
from ratified.cli.exploring import instance
from ratified.cli.loading import load
from ratified.language.errors import RatifiedError
from ratified.language.values import show
from ratified.results.result import Verdict


def follow_itf(target: str, path: Path, settings: Mapping[str, str], size: str | None, form: str) -> int:
    """Hold a run in ITF against a model and return the exit status."""
    from ratified.itf import follow, read_itf
    from ratified.itf.format import typed

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RatifiedError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise RatifiedError(f"{path} cannot be read: {problem}") from None
    run = read_itf(text, str(path))
    cls = load(target)
    known = {s.sort.__name__ for s in cls.module.sorts} | {p.name for p in cls.module.parameters}  # type: ignore[attr-defined]  # a model
    said = (
        {} if size else {n: str(v) for n, v in run.given.items() if n in known and isinstance(v, int | bool)}
    )
    model = instance(cls, size, {**said, **settings})
    found = follow(model, typed(model, run, str(path)), run.loop)
    verdict = Verdict.HOLDS if found.wrong is None else Verdict.VIOLATED
    echo(_json(found, path, verdict) if form == "json" else _text(found, path, model, verdict))
    return verdict.exit_status


def _setting(value: object) -> str:
    """A size or parameter as people give it."""
    return value if isinstance(value, str) else json.dumps(value)


def _text(found: Any, path: Path, model: Any, verdict: Verdict) -> str:
    return "\n".join(line.rstrip() for line in _lines(found, path, model, verdict)).rstrip("\n") + "\n"


def _lines(found: Any, path: Path, model: Any, verdict: Verdict) -> Iterator[str]:
    from ratified.cli.report import plural
    from ratified.cli.report.text import trace_lines

    name = model.module.name
    if found.wrong is None:
        yield f"{verdict.value.upper()}  {path.name}: {plural(found.length, 'state')}, a run of {name}"
    elif found.wrong == 0:
        yield f"{verdict.value.upper()}  {path.name}: it does not begin in an initial state of {name}"
    elif found.back:
        yield f"{verdict.value.upper()}  {path.name}: no action of {name} goes back from its last state to where it says"
    else:
        yield (
            f"{verdict.value.upper()}  {path.name}: no action of {name} takes step {found.wrong}, "
            f"from states[{found.wrong - 1}] to states[{found.wrong}]"
        )
    yield ""
    for claim, index in found.violated:
        yield f"{claim} is false {'in' if index else 'at first, in'} states[{index}]"
    yield from [""] if found.violated else []
    yield from trace_lines(found.trace)
    if found.wrong is not None:
        yield from _instead(found)


def _instead(found: Any) -> Iterator[str]:
    from ratified.results.changes import changes

    if found.wrong:
        yield f"step {found.wrong}, as it was seen"
        for change in changes(found.trace.states[-1], found.seen):
            yield f"       {change}"
        yield ""
        yield f"possible were: {', '.join(found.enabled) or 'no actions'}"
    for near in found.near:
        arguments = ", ".join(f"{n}={show(v)}" for n, v in near.arguments)
        yield f"nearest: {near.action}({arguments}), after which there is still to change"
        for change in near.differences[:8]:
            yield f"       {change}"
        if len(near.differences) > 8:
            yield f"       and {len(near.differences) - 8} more"


def _json(found: Any, path: Path, verdict: Verdict) -> str:
    from ratified.cli.report.machine import json_trace
    from ratified.version import __version__

    told = {
        "schema": "ratified-itf/1",
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
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"
