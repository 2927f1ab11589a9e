"""The command line: reads what was asked, has it done, and prints the report.

Guarantees: the exit status is 0 holds, 1 violated, 2 usage or model error, 3 undecided, 130 interrupted; errors are one message
on standard error, without a traceback; standard output holds the report and nothing else; a reader who closes the pipe early
is not told off.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO, TypeVar

import click

from ratified.catalogue import bundled, protocols
from ratified.exploring import ENGINES, Options, explore, instance, sizes_of
from ratified.loading import load
from ratified.models.language.errors import RatifiedError
from ratified.progress import LiveLine
from ratified.proofs.explore.result import Limits
from ratified.report import FORMATS, Checked, Report, render
from ratified.version import __version__

F = TypeVar("F", bound=Callable[..., Any])


def run(arguments: list[str]) -> int:
    """Do what the arguments say and return the exit status."""
    try:
        status = commands.main(args=arguments, prog_name="ratified", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except RatifiedError as error:
        click.echo(
            f"{click.style('Error', fg='red', bold=True)}: {error}",
            err=True,
            color=colorful(sys.stderr, None),
        )
        return 2
    except SystemExit:
        # Click leaves by itself where nobody reads its help any more, with 1, which here would mean "violated".
        return 0
    return status if isinstance(status, int) else 0


def memory(context: click.Context, parameter: click.Parameter, text: str | None) -> int | None:
    """Return an amount of memory in bytes, as people write it: `512M`, `2G`, `1.5GiB`."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text.strip(), flags=re.IGNORECASE)
    if not found:
        raise click.BadParameter(f"{text!r} is not an amount of memory; write 512M or 2G", context, parameter)
    return int(float(found[1]) * 1024 ** " KMGT".index(found[2].upper() or " "))


def options_of_exploring(command: F) -> F:
    """Add the options that say how to explore and how to report."""
    at_least_one = click.IntRange(min=1)
    for option in reversed(
        [
            click.option(
                "--size", metavar="NAME", help="A size that the model names; `ratified list` shows them."
            ),
            click.option("--symmetry", is_flag=True, help="Count states that differ by renaming as one."),
            click.option("--depth", type=at_least_one, metavar="N", help="Stop after N levels."),
            click.option("--states", type=at_least_one, metavar="N", help="Stop after N distinct states."),
            click.option(
                "--seconds", type=click.FloatRange(min=0), metavar="S", help="Stop after S seconds."
            ),
            click.option(
                "--memory", callback=memory, metavar="SIZE", help="Stop at this much memory: 512M, 2G."
            ),
            click.option("--engine", type=click.Choice(ENGINES), default="auto", show_default=True),
            click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True),
            click.option(
                "-o",
                "--output",
                type=click.Path(dir_okay=False, writable=True, path_type=Path),
                help="Write the report to a file; text still goes to standard output.",
            ),
            click.option("-q", "--quiet", is_flag=True, help="Print the verdict alone, and no progress."),
            click.option(
                "--color/--no-color", default=None, help="Colours; by default on a terminal without NO_COLOR."
            ),
        ]
    ):
        command = option(command)
    return command


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


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="ratified %(version)s")
def commands() -> None:
    """Check models of protocols that must not go wrong.

    Exit status: 0 holds, 1 violated, 2 usage or model error, 3 undecided.
    """


@commands.command()
@click.argument("model")
@click.argument("settings", nargs=-1, metavar="[SORT=SIZE | PARAMETER=VALUE]...")
@click.option("--deadlock", is_flag=True, help="A state where no action is possible is a violation.")
@options_of_exploring
def check(
    model: str,
    settings: tuple[str, ...],
    deadlock: bool,
    form: str,
    output: Path | None,
    quiet: bool,
    color: bool | None,
    **how: Any,
) -> int:
    r"""Explore every reachable state of MODEL at one size.

    MODEL is a bundled model's name, path.py, path.py:Class or module:Class. Its standard size is used; Sort=3 and
    parameter=value replace single entries of it.

    \b
      ratified check paxos
      ratified check paxos Acceptor=3 Value=2 Ballot=2
      ratified check my_model.py:Lock Client=3 --deadlock --format json -o lock.json
    """
    to = Output(form, output, quiet, color)
    cls = load(model)
    made = instance(cls, how["size"], read_settings(settings))
    options = exploring_options(how, deadlock=deadlock)
    checked = explored(model if model in bundled else cls.__name__, made, options, to)
    return emit(Report((checked,)), to)


@commands.command()
@click.argument("protocol", type=click.Choice(list(protocols)))
@options_of_exploring
def verify(protocol: str, form: str, output: Path | None, quiet: bool, color: bool | None, **how: Any) -> int:
    """Check everything there is about PROTOCOL, in one report.

    Its models must hold, each refining the more abstract one; its broken variants must be refuted.
    """
    to = Output(form, output, quiet, color)
    options = exploring_options(how)
    classes = {name: load(name) for name in protocols[protocol].models}
    size = how["size"]
    if size and not any(size in sizes_of(cls) for cls in classes.values()):
        known = dict.fromkeys(name for cls in classes.values() for name in sizes_of(cls))
        raise RatifiedError(
            f"no model of {protocol} has a size {size!r}", remedy=f"their sizes: {', '.join(known)}"
        )
    # All are made before the first is explored, which may take long, so that what is wrong is said at once.
    made = {name: instance(cls, size if size in sizes_of(cls) else None, {}) for name, cls in classes.items()}
    checks = [explored(name, model, options, to) for name, model in made.items()]
    return emit(Report(tuple(checks), protocol=protocol), to)


@commands.command(name="list")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_(form: str) -> int:
    """Show the bundled models and their sizes."""
    from ratified.listing import listing

    echo(listing(form))
    return 0


def read_settings(settings: tuple[str, ...]) -> dict[str, str]:
    """Return `Sort=size` arguments as a mapping; raise a usage error for anything else."""
    read: dict[str, str] = {}
    for setting in settings:
        name, sign, value = setting.partition("=")
        if not sign or not name.isidentifier() or not value:
            raise click.UsageError(f"{setting!r} is not a setting; write Sort=3 or parameter=value.")
        if name in read:
            raise click.UsageError(f"{name} is given twice: {read[name]} and {value}.")
        read[name] = value
    return read


def exploring_options(how: dict[str, Any], *, deadlock: bool = False) -> Options:
    """Return how to explore, from the options that were given."""
    limits = Limits(depth=how["depth"], states=how["states"], seconds=how["seconds"], memory=how["memory"])
    return Options(limits, how["symmetry"], deadlock, how["engine"])


def explored(name: str, model: Any, options: Options, to: Output) -> Checked:
    """Explore a model, with a live line on a terminal."""
    live = LiveLine(sys.stderr, name) if sys.stderr.isatty() and not to.quiet else None
    with live or nullcontext():
        result = explore(model, options, live)
    known = bundled.get(name)
    return Checked(name, result, known.description if known else "", broken=bool(known and known.broken))


def emit(report: Report, to: Output) -> int:
    """Write the report where it goes and return the exit status of its verdict."""
    form = to.form
    if to.file is not None:
        try:
            to.file.write_text(render(report, form), encoding="utf-8")
        except OSError as error:
            raise RatifiedError(f"{to.file} cannot be written: {error.strerror}") from None
        form = "text"
    if to.quiet and form == "text":
        echo(render(report, "text").partition("\n")[0] + "\n")
    else:
        echo(render(report, form, color=colorful(sys.stdout, to.color)))
    return report.verdict.exit_status


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
