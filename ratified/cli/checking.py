"""What `check` and `verify` do: explore, and put the report where it belongs.

Guarantees: standard output holds the report and nothing else; a reader who closes the pipe early is not told off, and the exit
status is the verdict's all the same; a file that cannot be written is refused before anything is explored.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from ratified.cli.catalogue import bundled, protocols
from ratified.cli.exploring import Options, explore, instance, is_symmetric, sizes_of
from ratified.cli.loading import load
from ratified.cli.progress import LiveLine
from ratified.cli.report import Checked, Report, render
from ratified.language.errors import RatifiedError
from ratified.results.result import Limits


@dataclass(frozen=True, slots=True)
class Output:
    """Where the report goes, and how it looks."""

    form: str
    file: Path | None
    quiet: bool
    color: bool | None

    def __post_init__(self) -> None:
        """Refuse a file that cannot be, before an exploration that may take hours."""
        if self.file is not None and not self.file.parent.is_dir():
            raise RatifiedError(f"{self.file} cannot be written: there is no folder {self.file.parent}")


def check_model(target: str, settings: Mapping[str, str], how: Mapping[str, Any], to: Output) -> int:
    """Check one model and return the exit status."""
    from ratified.cli.drawing import draw_counterexample, ready_to_draw

    ready_to_draw(how.get("diagram"))
    cls = load(target)
    made = instance(cls, how["size"], settings)
    options = exploring_options(how, symmetric=is_symmetric(cls, how["size"]))
    checked = explored(target if target in bundled else cls.__name__, made, options, to)
    draw_counterexample(checked.result, how.get("diagram"))
    if to.form == "itf":
        return emit_counterexample(checked, made, to)
    return emit(Report((checked,)), to)


def verify_protocol(protocol: str, how: Mapping[str, Any], to: Output) -> int:
    """Check every model of a protocol, its broken variants included, and return the exit status."""
    classes = {name: load(name) for name in protocols[protocol].models}
    size = how["size"]
    if size and not any(size in sizes_of(cls) for cls in classes.values()):
        known = dict.fromkeys(name for cls in classes.values() for name in sizes_of(cls))
        raise RatifiedError(
            f"no model of {protocol} has a size {size!r}", remedy=f"their sizes: {', '.join(known)}"
        )
    # All are made before the first is explored, which may take long, so that what is wrong is said at once.
    chosen = {name: size if size in sizes_of(cls) else None for name, cls in classes.items()}
    made = {name: instance(cls, chosen[name], {}) for name, cls in classes.items()}
    options = {
        name: exploring_options(how, symmetric=is_symmetric(cls, chosen[name]))
        for name, cls in classes.items()
    }
    checks = [
        replace(explored(name, model, options[name], to), broken=bundled[name].broken)
        for name, model in made.items()
    ]
    return emit(Report(tuple(checks), protocol=protocol), to)


def exploring_options(how: Mapping[str, Any], *, symmetric: bool) -> Options:
    """Return how to explore, from the options that were given; `symmetric` is what the model wants at the size."""
    limits = Limits(depth=how["depth"], states=how["states"], seconds=how["seconds"], memory=how["memory"])
    return Options(
        limits,
        symmetric if how["symmetry"] is None else how["symmetry"],
        how.get("deadlock", False),
        how["engine"],
        how.get("claims") or None,
        how["threads"],
        how.get("checkpoint"),
        how.get("dump"),
    )


def explored(name: str, model: Any, options: Options, to: Output) -> Checked:
    """Explore a model, with a live line on a terminal."""
    live = LiveLine(sys.stderr, name) if sys.stderr.isatty() and not to.quiet else None
    with live or nullcontext():
        result = explore(model, options, live)
    known = bundled.get(name)
    return Checked(name, result, known.description if known else "")


def emit(report: Report, to: Output) -> int:
    """Write the report where it goes and return the exit status of its verdict."""
    form = to.form
    if to.file is not None:
        write(to.file, render(report, form))
        form = "text"
    if to.quiet and form == "text":
        echo(render(report, "text").partition("\n")[0] + "\n")
    else:
        echo(render(report, form, color=colorful(sys.stdout, to.color)))
    return report.verdict.exit_status


def emit_counterexample(checked: Checked, model: Any, to: Output) -> int:
    """Write the counterexample in ITF, if there is one; with a file for it the report goes to standard output as text."""
    from ratified.itf import as_itf

    result = checked.result
    if result.violation is not None:
        itf = as_itf(model, result.violation.trace, f"{checked.name}: {result.violation.name} is violated")
        if to.file is None:
            echo(itf)
            return result.verdict.exit_status
        write(to.file, itf)
    else:
        told = render(Report((checked,)), "text").partition("\n")[0]
        if to.file is None:
            sys.stderr.write(f"{told}\nthere is no counterexample, and no run to write in ITF\n")
            return result.verdict.exit_status
    return emit(Report((checked,)), replace(to, form="text", file=None))


def write(file: Path, text: str) -> None:
    """Write a report to a file."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RatifiedError(f"{file} cannot be written: {error.strerror}") from None


def echo(text: str) -> None:
    """Print text; if nobody reads it any more, that is all right."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        swallow(sys.stdout)


def swallow(stream: TextIO) -> None:
    """Send what the stream still holds nowhere, so that Python does not complain of it at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def colorful(stream: TextIO, asked: bool | None) -> bool:
    """Whether to use colours: as asked, else on a terminal unless NO_COLOR is set (https://no-color.org)."""
    return asked if asked is not None else stream.isatty() and not os.environ.get("NO_COLOR")
