"""What is reported of a command that ended before it could report: a mistake in what was asked or in a model, or Ctrl-C.

Guarantees: where a report was asked for, there is one that says how the command ended, in its format; a report of an earlier run
never stays in its place. Importing this imports neither the language nor an engine.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ratified.cli.output import complain, echo, reported, write
from ratified.version import __version__

if TYPE_CHECKING:
    from ratified.language.errors import Span

SCHEMA = "ratified-ended/1"
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: with which status, and, if it broke off, why and where."""

    status: int
    message: str = ""
    span: Span | None = None


class ReportFile(click.Option):
    """The option that names the file of a report."""


class ReportFormat(click.Option):
    """The option that chooses the format of a report."""


def report_end(
    command: click.Command | None,
    arguments: Sequence[str],
    status: int,
    message: str,
    span: Span | None = None,
) -> None:
    """Report that a command ended with a status and a message, where its arguments ask for a report and there is none yet."""
    if command is None or reported():
        return
    form, file = _asked(command, arguments)
    if file is None and form in (None, "text", "itf"):
        return
    if file is not None and not file.parent.is_dir():
        return
    from ratified.language.errors import RatifiedError

    if file is not None and form == "itf":
        file.unlink(missing_ok=True)  # a run of the model cannot say this
        return
    name = " ".join(a for a in arguments[:1] if not a.startswith("-")) or command.name or "ratified"
    try:
        text = _ended(command.name or "ratified", name, form or "text", status, message, span)
        if file is not None:
            write(file, text)
        else:
            echo(text)
    except RatifiedError as error:
        complain(f"Error: {error}")


def _asked(command: click.Command, arguments: Sequence[str]) -> tuple[str | None, Path | None]:
    """The format and the file of the report that a command line asks for, whatever else may be wrong with it."""
    read = command.make_context(
        command.name, [*arguments], resilient_parsing=True, ignore_unknown_options=True, allow_extra_args=True
    ).params
    form = next((read.get(p.name or "") for p in command.params if isinstance(p, ReportFormat)), None)
    file = next((read.get(p.name or "") for p in command.params if isinstance(p, ReportFile)), None)
    return form, file


def _ended(command: str, name: str, form: str, status: int, message: str, span: Span | None) -> str:
    """The report of a command that ended so, in a format."""
    if form == "text":
        return f"{message}\n"
    if form == "json":
        from ratified.cli.report.machine import json_place

        refused = [{"name": name, "message": message, "place": json_place(span)}]
        told = {
            "schema": SCHEMA,
            "ratified": __version__,
            "command": command,
            "verdict": "undecided",
            "exit_status": status,
            "refused": refused,
        }
        return json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    from ratified.cli.report.checks import RefusedCheck
    from ratified.cli.report.entries import Summary
    from ratified.cli.report.render import written
    from ratified.cli.report.summary import refused_section

    return written(Summary((refused_section(RefusedCheck(name, message, span)),), status), form)
