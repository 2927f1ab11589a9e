"""Options and arguments that several commands share, and how their values are read.

Guarantees: importing this imports neither the language nor an engine.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ratified.cli.amounts import bytes_of
from ratified.cli.ending import ReportFile, ReportFormat

FORMATS = ("text", "json", "junit", "sarif", "github", "gitlab")
ENGINES = ("auto", "reference", "native")

F = TypeVar("F", bound=Callable[..., Any])


def memory(context: click.Context, parameter: click.Parameter, text: str | None) -> int | None:
    """Return an amount of memory in bytes, as people write it: `512M`, `2G`, `1.5GiB`."""
    if text is None:
        return None
    found = bytes_of(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is not an amount of memory; write 512M or 2G", context, parameter)
    return found


def model_at_size(command: F) -> F:
    """Add the arguments that say which model, and with which settings."""
    settings = click.argument(
        "settings", nargs=-1, metavar="[SORT=SIZE | PARAMETER=VALUE]...", callback=read_settings
    )
    return click.argument("model")(settings(command))


def models_at_sizes(command: F) -> F:
    """Add the argument that says which models, each with its settings behind it."""
    return click.argument(
        "models", nargs=-1, metavar="[MODEL [SORT=SIZE | PARAMETER=VALUE]...]...", callback=read_models
    )(command)


option_of_size = click.option(
    "--size", metavar="NAME", help="Use one of the model's named sizes; `ratified list MODEL` shows them."
)
option_of_claims = click.option(
    "--claim", "claims", multiple=True, metavar="NAME", help="Check this claim only (may be repeated)."
)
option_of_deadlock = click.option(
    "--deadlock", is_flag=True, help="Treat a state where no action is enabled as a violation."
)
option_of_engine = click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="auto",
    show_default=True,
    help="Engine to use; auto compiles a model that turns out to be large.",
)


def option_of_formats(formats: tuple[str, ...]) -> Callable[[F], F]:
    """Return what adds the option that chooses the format of the report."""
    return click.option(
        "--format",
        "form",
        cls=ReportFormat,
        type=click.Choice(formats),
        default="text",
        show_default=True,
        help="Format of the report.",
    )


option_of_format = option_of_formats(("text", "json"))


class NumberOption(click.FloatRange):
    """A number within a range; what is not a number is none, and outside of every range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number. Raises BadParameter."""
        number = super().convert(value, param, ctx)
        if number != number:
            self.fail(f"{value} is not in the range {self._describe_range()}.", param, ctx)
        return number


def option_of_seconds(what: str = "Stop after S seconds.") -> Callable[[F], F]:
    """Return what adds the option that limits wall time."""
    return click.option("--seconds", type=NumberOption(min=0), metavar="S", help=what)


def option_of_memory(what: str) -> Callable[[F], F]:
    """Return what adds the option that limits memory."""
    return click.option("--memory", callback=memory, metavar="SIZE", help=what)


def options_of_exploring(formats: tuple[str, ...] = FORMATS) -> Callable[[F], F]:
    """Return what adds the options that say how to explore and how to report."""
    at_least_one = click.IntRange(min=1)
    return _all(
        option_of_size,
        click.option(
            "--symmetry/--no-symmetry",
            default=None,
            help="Explore only one of the states that differ by renaming symmetric values; by default, if the model says so.",
        ),
        click.option("--depth", type=at_least_one, metavar="N", help="Stop after N levels."),
        click.option("--states", type=at_least_one, metavar="N", help="Stop after N distinct states."),
        option_of_seconds(),
        option_of_memory(
            "Memory limit (512M, 2G): past it the native engine keeps states on disk, and the reference engine stops."
        ),
        click.option("--threads", type=at_least_one, metavar="N", help="Cores to use; all by default."),
        option_of_engine,
        options_of_reporting(formats),
    )


def options_of_driving() -> Callable[[F], F]:
    """Return what adds the options that say how to drive a system along its model."""
    return _all(
        click.option(
            "--edges/--no-edges",
            default=True,
            show_default=True,
            help="Drive it along every step of the model's graph.",
        ),
        click.option(
            "--forbidden/--no-forbidden",
            default=True,
            show_default=True,
            help="Also attempt what the model forbids; it must be refused, or change nothing.",
        ),
        click.option(
            "--walks",
            type=click.IntRange(min=0),
            default=100,
            show_default=True,
            metavar="N",
            help="Number of random walks after the graph.",
        ),
        click.option(
            "--length",
            type=click.IntRange(min=1),
            default=100,
            show_default=True,
            metavar="N",
            help="Number of steps of a random walk.",
        ),
        click.option(
            "--states",
            type=click.IntRange(min=1),
            default=100_000,
            show_default=True,
            metavar="N",
            help="Give up if the graph has more than N states.",
        ),
        click.option("--seed", type=int, default=0, show_default=True, metavar="S", help="Random seed."),
    )


def options_of_reporting(formats: tuple[str, ...]) -> Callable[[F], F]:
    """Return what adds the options that say how to report."""
    return _all(
        option_of_formats(formats),
        click.option(
            "-o",
            "--output",
            "file",
            cls=ReportFile,
            type=click.Path(dir_okay=False, writable=True, path_type=Path),
            metavar="FILE",
            help="Write the report to a file; text still goes to standard output.",
        ),
        click.option("-q", "--quiet", is_flag=True, help="Print the verdict only, and no progress."),
        click.option(
            "--color/--no-color",
            default=None,
            help="Use colours; by default on a terminal, unless NO_COLOR is set.",
        ),
    )


def _all(*options: Callable[[Any], Any]) -> Callable[[F], F]:
    """Return what adds options so that help shows them in this order."""

    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def options_of_sharing(what: str) -> Callable[[F], F]:
    """Return what adds the options of several processes; `what` they do."""
    ranks = click.option(
        "--ranks",
        type=click.IntRange(min=1),
        metavar="N",
        help=f"{what} with N processes that share the work over MPI, here or on --hosts (docs/scaling.md).",
    )
    hosts = click.option(
        "--hosts",
        type=click.Path(dir_okay=False, exists=True, path_type=Path),
        metavar="FILE",
        help="File with the machines for --ranks, one per line as for mpiexec: name or name:8.",
    )
    return lambda command: ranks(hosts(command))


def option_of_diagram(what: str) -> Callable[[F], F]:
    """Return what adds the option that has a run drawn."""
    return click.option(
        "--diagram",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help=f"Draw {what} as a sequence diagram: .svg, .html, .mmd (Mermaid) or .md.",
    )


def read_models(
    context: click.Context, parameter: click.Parameter, words: tuple[str, ...]
) -> tuple[tuple[str, dict[str, str]], ...]:
    """Return models with the settings behind each; raise a usage error for settings before the first."""
    from ratified.bundled import models as bundled

    found: list[tuple[str, list[str]]] = []
    for word in words:
        name, sign, _ = word.partition("=")
        if not (sign and name.isidentifier()):
            if found and word not in bundled and not (word.endswith(".py") or ":" in word):
                raise click.UsageError(
                    f"{word!r} is neither a model nor a setting; write Sort=3 or parameter=value."
                )
            found.append((word, []))
        elif not found:
            raise click.UsageError(f"{word!r} comes before any model; write MODEL {word}.")
        else:
            found[-1][1].append(word)
    return tuple((model, read_settings(context, parameter, tuple(settings))) for model, settings in found)


def read_settings(
    context: click.Context,  # noqa: ARG001 - click calls back with these
    parameter: click.Parameter,  # noqa: ARG001
    settings: tuple[str, ...],
) -> dict[str, str]:
    """Return `Sort=size` arguments as a mapping; raise a usage error for anything else."""
    read: dict[str, str] = {}
    for setting in settings:
        name, sign, value = setting.partition("=")
        if not sign or not name.isidentifier() or not value:
            raise click.UsageError(f"{setting!r} is not a setting; write Sort=3 or parameter=value.")
        if name in read:
            braces = "" if value.isdigit() else " Quote a set in braces, or the shell expands it."
            raise click.UsageError(f"{name} is given twice: {read[name]} and {value}.{braces}")
        read[name] = value
    return read
