"""The command line: what can be asked for, and with which words.

Guarantees: the exit status is 0 holds, 1 violated, 2 usage or model error, 3 undecided, 130 interrupted; errors are one message
on standard error, without a traceback. Importing this imports neither the language nor an engine, so that help comes at once;
the commands are declared in commands/.
"""

from __future__ import annotations

import os
import sys
import traceback

import click

from ratified.cli.commands import Commands
from ratified.cli.output import complain, discard, unprinted
from ratified.version import __version__


def run(arguments: list[str]) -> int:
    """Do what the arguments say and return the exit status."""
    try:
        status = commands.main(args=arguments, prog_name="ratified", standalone_mode=False)
    except click.ClickException as error:
        _usage(error)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except MemoryError:
        complain("Error: out of memory\n  --memory 2G stops before that, and reports what was found")
        return 3
    except Exception as error:  # noqa: BLE001 - the last resort before Python's own exit status
        from ratified.language.errors import RatifiedError

        if isinstance(error, OSError) and _is_of_output(error):
            error = unprinted(error)
        if not isinstance(error, RatifiedError):
            # Python would leave with 1, which here means "violated"; this is no verdict.
            complain(traceback.format_exc().rstrip())
            complain("Error: this is a bug in Ratified, not in your model; please report the lines above")
            return 2
        show(error)
        return 2
    except SystemExit:
        # Click leaves by itself where nobody reads its help any more, with 1, which here would mean "violated".
        return 0
    return status if isinstance(status, int) else 0


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

    colored = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
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
