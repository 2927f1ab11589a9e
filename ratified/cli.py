"""The command line: what can be asked for, and with which words.

Guarantees: the exit status is 0 holds, 1 violated, 2 usage or model error, 3 undecided, 130 interrupted; errors are one message
on standard error, without a traceback. Importing this imports neither the language nor an engine, so that help comes at once;
what the commands do is in checking.py and listing.py.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ratified.catalogue import protocols
from ratified.version import __version__

FORMATS = ("text", "json", "junit", "sarif", "github")
ENGINES = ("auto", "reference", "native")

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
    except MemoryError:
        click.echo(
            "Error: out of memory\n  --memory 2G stops in time, with a report of what was found", err=True
        )
        return 3
    except Exception as error:  # noqa: BLE001 - the last resort before Python's own exit status
        from ratified.models.language.errors import RatifiedError

        if not isinstance(error, RatifiedError):
            # Python would leave with 1, which here means "violated"; this is no verdict.
            traceback.print_exc()
            click.echo(
                "Error: this is a fault in Ratified, not in what you asked; the lines above say where",
                err=True,
            )
            return 2
        tell(error)
        return 2
    except SystemExit:
        # Click leaves by itself where nobody reads its help any more, with 1, which here would mean "violated".
        return 0
    return status if isinstance(status, int) else 0


def tell(error: Exception) -> None:
    """Print what is wrong; if a run of the model led there, the run first."""
    from ratified.proofs.explore.result import Trace
    from ratified.report.text import Paint, trace_lines

    colored = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    trace = getattr(error, "trace", None)
    if isinstance(trace, Trace) and trace.steps:
        for line in trace_lines(trace, Paint(colored)):
            click.echo(line.rstrip(), err=True, color=colored)
    word = click.style("Error", fg="red", bold=True) if colored else "Error"
    click.echo(f"{word}: {error}", err=True, color=colored)


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
                "--memory",
                callback=memory,
                metavar="SIZE",
                help="Use this much memory (512M, 2G): the native engine keeps further states on disk, the "
                "reference engine stops.",
            ),
            click.option("--threads", type=at_least_one, metavar="N", help="Cores to use; all by default."),
            click.option("--engine", type=click.Choice(ENGINES), default="auto", show_default=True),
            options_of_reporting(FORMATS),
        ]
    ):
        command = option(command)
    return command


def options_of_reporting(formats: tuple[str, ...]) -> Callable[[F], F]:
    """Return what adds the options that say how to report."""

    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    options = [
        click.option("--format", "form", type=click.Choice(formats), default="text", show_default=True),
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
    return add


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="ratified %(version)s")
def commands() -> None:
    """Check models of protocols that must not go wrong.

    Exit status: 0 holds, 1 violated, 2 usage or model error, 3 undecided.
    """


@commands.command()
@click.argument("model")
@click.argument("settings", nargs=-1, metavar="[SORT=SIZE | PARAMETER=VALUE]...")
@click.option(
    "--claim", "claims", multiple=True, metavar="NAME", help="Check this claim only (may be repeated)."
)
@click.option(
    "--checkpoint",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Save there as it goes, and go on from what is saved there.",
)
@click.option(
    "--dump-c",
    "dump",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the generated C.",
)
@click.option("--deadlock", is_flag=True, help="A state where no action is possible is a violation.")
@options_of_exploring
def check(
    model: str,
    settings: tuple[str, ...],
    form: str,
    output: Path | None,
    quiet: bool,
    color: bool | None,
    **how: Any,
) -> int:
    """Explore every reachable state of MODEL at one size.

    MODEL is a bundled model's name, path.py, path.py:Class or module:Class. Its standard size is used; Sort=3 and
    parameter=value replace single entries of it.

    \b
      ratified check paxos
      ratified check paxos Acceptor=3 Value=2 Ballot=2
      ratified check my_model.py:Lock Client=3 --deadlock --format json -o lock.json
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.checking import Output, check_model

    to = Output(form, output, quiet=quiet, color=color)
    return check_model(model, read_settings(settings), how, to)


@commands.command()
@click.argument("model")
@click.argument("settings", nargs=-1, metavar="[SORT=SIZE | PARAMETER=VALUE]...")
@click.option(
    "--runs", type=click.IntRange(min=1), default=100, show_default=True, metavar="N", help="How many runs."
)
@click.option(
    "--depth",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    metavar="N",
    help="Steps of a run, at most.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, metavar="S", help="Another one gives other runs."
)
@click.option("--show", is_flag=True, help="Show the first run, step by step.")
@click.option(
    "--claim", "claims", multiple=True, metavar="NAME", help="Check this claim only (may be repeated)."
)
@click.option("--deadlock", is_flag=True, help="A state where no action is possible is a violation.")
@click.option("--size", metavar="NAME", help="A size that the model names; `ratified list` shows them.")
@options_of_reporting(("text", "json"))
def simulate(
    model: str,
    settings: tuple[str, ...],
    form: str,
    output: Path | None,
    quiet: bool,
    color: bool | None,
    **how: Any,
) -> int:
    """Walk through MODEL at random, for sizes that are out of reach.

    What is claimed is checked along the way, liveness excepted. The same seed gives the same runs. A run that violates
    something is not a shortest one; and if there is none, nothing is proved: the verdict is then undecided.

    \b
      ratified simulate paxos Acceptor=5 Value=3 Ballot=6 --runs 1000
      ratified simulate my_model.py:Lock Client=9 --seed 7 --show
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.checking import Output
    from ratified.simulating import simulate_model

    to = Output(form, output, quiet=quiet, color=color)
    return simulate_model(model, read_settings(settings), how, to)


@commands.command()
@click.argument("protocol", type=click.Choice(list(protocols)))
@options_of_exploring
def verify(protocol: str, form: str, output: Path | None, quiet: bool, color: bool | None, **how: Any) -> int:
    """Check everything there is about PROTOCOL, in one report.

    Its models must hold, each refining the more abstract one; its broken variants must be refuted.
    """
    from ratified.checking import Output, verify_protocol

    return verify_protocol(protocol, how, Output(form, output, quiet=quiet, color=color))


@commands.command(name="list")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_(form: str) -> int:
    """Show the bundled models and their sizes."""
    from ratified.checking import echo
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
