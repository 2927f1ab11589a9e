"""The command line: what can be asked for, and with which words.

Guarantees: the exit status is 0 holds, 1 violated, 2 usage or model error, 3 undecided, 130 interrupted; errors are one message
on standard error, without a traceback. Importing this imports neither the language nor an engine, so that help comes at once;
the commands are declared in commands/.
"""

from __future__ import annotations

import sys
import traceback

import click

from ratified.cli.commands import Commands
from ratified.cli.ending import INTERRUPTED, Ended, report_end
from ratified.cli.output import begin, colorful, complain, discard, unprinted
from ratified.cli.ranks import NOT_SHARED, SHARED, as_rank, not_shared, started_by_mpi
from ratified.version import __version__


def run(arguments: list[str]) -> int:
    """Do what the arguments say and return the exit status. Where a report is asked for, it is written however that ends."""
    begin()
    if arguments[:1] and arguments[0] in SHARED and started_by_mpi():
        return as_rank(lambda: _done(arguments), lambda ended: _report_end(arguments, ended))
    if arguments[:1] and arguments[0] in NOT_SHARED and started_by_mpi():
        return not_shared(arguments[0])
    ended = _done(arguments)
    _report_end(arguments, ended)
    return ended.status


def _report_end(arguments: list[str], ended: Ended) -> None:
    if ended.message:
        report_end(_command(arguments), arguments[1:], ended.status, ended.message, ended.span)


def _command(arguments: list[str]) -> click.Command | None:
    """The command that was named, if there is one of that name."""
    try:
        return commands.get_command(click.Context(commands), arguments[0]) if arguments else None
    except click.UsageError:
        return None


def _done(arguments: list[str]) -> Ended:
    """Do what the arguments say, tell what goes wrong, and return how it ended."""
    try:
        status = commands.main(args=arguments, prog_name="ratified", standalone_mode=False, obj=arguments)
    except click.ClickException as error:
        _usage(error)
        return Ended(error.exit_code, error.format_message())
    except (click.Abort, KeyboardInterrupt):
        return Ended(INTERRUPTED, "interrupted before there was anything to report")
    except MemoryError:
        message = "out of memory\n  --memory 2G stops before that, and reports what was found"
        complain(f"Error: {message}")
        return Ended(3, message)
    except Exception as error:  # noqa: BLE001 - the last resort before Python's own exit status
        from ratified.language.errors import RatifiedError

        if isinstance(error, OSError) and _is_of_output(error):
            error = unprinted(error)
        if not isinstance(error, RatifiedError):
            # Python would leave with 1, which here means "violated"; this is no verdict.
            lines = traceback.format_exc().rstrip()
            complain(lines)
            message = "this is a bug in Ratified, not in your model; please report the lines above"
            complain(f"Error: {message}")
            return Ended(2, f"{lines}\n{message}")
        from ratified.cli.report.text import whole_message

        show(error)
        return Ended(error.exit_status, whole_message(error), error.span)
    except SystemExit:
        # Click leaves by itself where nobody reads its help any more, with 1, which here would mean "violated".
        return Ended(0)
    return Ended(status if isinstance(status, int) else 0)


def _usage(error: click.ClickException) -> None:
    """Print what is wrong with a command line."""
    try:
        error.show()
    except OSError:
        discard(sys.stderr)


def _is_of_output(error: Exception) -> bool:
    """Whether it was Click that could not write, which it does for help and versions alone."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return isinstance(error, OSError) and frame.f_code is click.echo.__code__


def show(error: Exception) -> None:
    """Print what is wrong; if a run of the model led there, the run first."""
    from ratified.cli.report.text import Paint, trace_lines
    from ratified.results.result import Trace

    colored = colorful(sys.stderr, None)
    trace = getattr(error, "trace", None)
    if isinstance(trace, Trace) and trace.steps:
        for line in trace_lines(trace, Paint(colored)):
            complain(line.rstrip())
    word = click.style("Error", fg="red", bold=True) if colored else "Error"
    complain(f"{word}: {error}")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="ratified %(version)s")
def commands() -> None:
    """Check models of protocols that must not go wrong.

    Exit status: 0 holds, 1 violated, 2 usage or model error, 3 undecided.
    """
