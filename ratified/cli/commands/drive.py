"""`ratified drive`: a process, in any language, driven along a model."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ratified.cli.commands.options import (
    FORMATS,
    option_of_formats,
    option_of_seconds,
    option_of_size,
    options_of_driving,
    read_settings,
)
from ratified.cli.driving import driven, modelled
from ratified.cli.output import echo, unwritable, write
from ratified.cli.report.words import plural
from ratified.cli.requests import DriveRequest, Output, takes

if TYPE_CHECKING:
    from ratified.conform.driving.driver import Driver
    from ratified.language.model import Model


class WithCommand(click.Command):
    """A command whose last argument, after `--`, is the command line of another program."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take that command line off before click reads the rest."""
        at = args.index("--") if "--" in args else len(args)
        rest = super().parse_args(ctx, args[:at])
        ctx.params["command"] = tuple(args[at + 1 :])
        return rest

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Show it in the usage line."""
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND...]"]


@click.command(short_help="Drive a process, in any language, along a model.", cls=WithCommand)
@click.argument("target")
@click.argument("settings", nargs=-1, metavar="[SORT=SIZE | PARAMETER=VALUE]...", callback=read_settings)
@option_of_size
@option_of_seconds()
@click.option(
    "--answer-within",
    type=click.FloatRange(min=0, min_open=True),
    default=10,
    show_default=True,
    metavar="S",
    help="Time limit for each answer, in seconds.",
)
@options_of_driving()
@click.option(
    "--export",
    type=click.Choice(["json", "itf", "pytest"]),
    help="Do not drive: write walks that take every step to -o, to be replayed elsewhere.",
)
@click.option(
    "-o",
    "--output",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File to export to; for itf, a folder.",
)
@click.option(
    "--serve", is_flag=True, help="Do not drive: answer questions about the model from standard input."
)
@option_of_formats(FORMATS)
@takes(DriveRequest)
def drive(request: DriveRequest) -> int:
    """Drive a process along a model, over its standard input and output.

    TARGET is a model, or a driver that speaks to a process (a class derived from ratified.ProcessDriver). COMMAND starts the
    system; requests and answers are lines of JSON (docs/drive-protocol.md; clients for Go, Java, JavaScript
    and Rust are in conformance/drive):

    \b
      {"id": 3, "do": "acquire", "arguments": {"c": "c1"}}
      {"id": 3, "observed": {"holder": "c1"}}

    \b
      ratified drive lock.py:Lock Client=2 -- ./lock-server
    """  # noqa: D301  # click takes \b for "keep these lines"
    if request.file is not None and not request.export:
        raise click.UsageError("-o needs --export.")
    if request.serve or request.export:
        if request.command:
            raise click.UsageError("--export and --serve do not drive: they take no command.")
        cls, model = _found(request)
        return _serve(model) if request.serve else _export(request, cls, model)
    cls, model = _found(request)
    if not request.command and not (cls is not None and cls.command):
        raise click.UsageError(
            "the command that starts the system is missing: ratified drive MODEL -- COMMAND"
        )
    return driven(
        lambda: _driver(cls, request.command, request.answer_within),
        model,
        request.driving,
        request.seconds,
        Output(request.form, None, quiet=False, color=None),
    )


def _found(request: DriveRequest) -> tuple[type[Any] | None, Model]:
    """The class of the driver, if the target is one, and its model."""
    from ratified.bundled import models
    from ratified.cli.instances import instance
    from ratified.cli.loading import load, load_class
    from ratified.conform.driving.driver import Driver
    from ratified.conform.driving.process import ProcessDriver
    from ratified.language.errors import RatifiedError

    if request.target not in models and ":" in request.target:
        found = load_class(request.target)
        if issubclass(found, Driver):
            if not request.export and not request.serve and not issubclass(found, ProcessDriver):
                raise RatifiedError(
                    f"{found.__name__} is not a ProcessDriver",
                    remedy="derive it from ratified.ProcessDriver; for drivers in Python: ratified conform",
                )
            return found, modelled(found, request.size, request.settings)
    return None, instance(load(request.target), request.size, request.settings)


def _driver(cls: type[Any] | None, command: tuple[str, ...], within: float) -> Driver:
    from ratified.conform.driving.process import ProcessDriver

    made: Driver = (cls or ProcessDriver)(command, within)
    return made


def _export(request: DriveRequest, cls: type[Any] | None, model: Model) -> int:
    """Write walks along every step and return the exit status."""
    from ratified.conform.driving.export import as_itf_files, as_json, as_pytest, walks_of

    file = request.file
    if request.export == "pytest" and cls is None:
        raise click.UsageError("--export pytest needs a driver to replay the walks.")
    if request.export == "itf" and file is None:
        raise click.UsageError("--export itf writes a file for each walk: name a folder with -o.")
    walks = walks_of(model, forbidden=request.driving.forbidden, states=request.driving.states)
    if request.export == "itf":
        assert file is not None
        try:
            file.mkdir(exist_ok=True)
        except OSError as error:
            raise unwritable(file, error) from None
        for name, text in as_itf_files(walks):
            write(file / name, text)
    else:
        text = as_json(walks) if request.export == "json" else as_pytest(walks, request.target)
        if file is None:
            echo(text)
            return 0
        write(file, text)
    steps = sum(len(walk) - 1 for walk in walks.walks)
    echo(f"{plural(len(walks.walks), 'walk')} of {plural(steps, 'step')} in {file}\n")
    return 0


def _serve(model: Model) -> int:
    """Answer questions about a model until bye, or the end of input; return the exit status."""
    from ratified.conform.driving.serve import Service

    for answer in Service(model).answered(sys.stdin.buffer):
        echo(json.dumps(answer, ensure_ascii=False) + "\n")
    return 0
