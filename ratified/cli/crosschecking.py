"""What `export` and `crosscheck` do: write a model in TLA+, and hold our exploration of it against TLC's.

Guarantees: a file is written whole or not at all; a tool that is missing, or does not come to an end, makes the answer undecided.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ratified.cli.catalogue import bundled
from ratified.cli.checking import Output, colorful, echo, write
from ratified.cli.exploring import Options, explore, instance, sizes_of
from ratified.cli.loading import load
from ratified.cli.progress import LiveLine
from ratified.language.errors import RatifiedError


@dataclass(frozen=True, slots=True)
class Asked:
    """How to crosscheck, as it was asked for."""

    size: str | None
    symmetry: bool
    claims: tuple[str, ...]
    seconds: float
    workers: int
    jar: Path | None


def export_tla(
    target: str, settings: Mapping[str, str], size: str | None, *, symmetry: bool, folder: Path | None
) -> int:
    """Write a model in TLA+ and return the exit status."""
    from ratified.tla import export

    made = export(instance(load(target), size, settings), symmetry=symmetry)
    if folder is None:
        echo(made.modules[f"{made.name}.tla"])
        return 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RatifiedError(f"{folder} cannot be made: {error.strerror}") from None
    for name, text in made.files.items():
        write(folder / name, text)
        echo(f"{folder / name}\n")
    return 0


def crosscheck_model(target: str, settings: Mapping[str, str], asked: Asked, to: Output) -> int:
    """Explore a model and have TLC explore it, compare, and return the exit status."""
    from ratified.cli.report.crosscheck import (
        Crosschecked,
        crosscheck_headline,
        crosscheck_json,
        crosscheck_text,
    )
    from ratified.results.result import Limits, Result
    from ratified.tla import compare, export, timed, tlc
    from ratified.tla.tlc import Told, ToolMissing

    cls = load(target)
    name = target if target in bundled else cls.__name__
    model = instance(cls, asked.size or _smallest(cls), settings)
    if asked.claims:
        model = model.claiming(asked.claims)
    exported = export(model, symmetry=asked.symmetry)
    live = LiveLine(sys.stderr, name) if sys.stderr.isatty() and not to.quiet else None
    with live or nullcontext():
        limits = Limits(seconds=asked.seconds)
        ours, seconds = timed(explore, model, Options(limits, symmetry=asked.symmetry), live)
    try:
        if isinstance(ours, Result) and ours.stopped:
            raise ToolMissing(f"our exploration stopped: {ours.stopped}", remedy="TLC was not asked")
        found = tlc.find(asked.jar)
        with _waiting(f"{name}  TLC", quiet=to.quiet):
            theirs = tlc.run(
                found, exported.files, exported.name, seconds=asked.seconds, workers=asked.workers
            )
    except ToolMissing as missing:
        remedy = f" ({missing.remedy})" if missing.remedy else ""
        theirs = Told("unfinished", message=f"{missing.message}{remedy}")
    made = Crosschecked(name, model, compare(model, exported, ours, theirs), seconds)

    def rendered(form: str, *, color: bool = False) -> str:
        return crosscheck_json(made) if form == "json" else crosscheck_text(made, color=color)

    form = to.form
    if to.file is not None:
        write(to.file, rendered(form))
        form = "text"
    if to.quiet and form == "text":
        echo(crosscheck_headline(made) + "\n")
    else:
        echo(rendered(form, color=colorful(sys.stdout, to.color)))
    return made.agreement.verdict.exit_status


def _smallest(cls: Any) -> str | None:
    return next(iter(sizes_of(cls)), None)


@contextmanager
def _waiting(title: str, *, quiet: bool) -> Iterator[None]:
    """A line on a terminal that says how long something has been running."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    over = threading.Event()

    def tell() -> None:
        began = time.monotonic()
        while not over.wait(1):
            passed = int(time.monotonic() - began)
            if passed >= 2:
                sys.stderr.write(f"\r\x1b[2K{title}  {passed // 60}:{passed % 60:02d}")
                sys.stderr.flush()
        sys.stderr.write("\r\x1b[2K")
        sys.stderr.flush()

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()
