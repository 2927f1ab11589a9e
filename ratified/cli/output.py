"""Where reports go: standard output, and files.

Guarantees: standard output holds the report and nothing else; a reader who closes the pipe early is not complained to, and the
exit status is the verdict's all the same. Importing this imports neither the language nor an engine.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Protocol, TextIO

from ratified.cli.requests import Output


class Renderer(Protocol):
    """Returns a report in one of its formats; `color` is for text alone."""

    def __call__(self, form: str, *, color: bool = False) -> str:
        """Return the report, ending in a newline."""


def deliver(to: Output, render: Renderer, headline: str) -> None:
    """Write a report where it goes: with a file, there in the format asked for, and as text to standard output.

    A quiet text report is its headline.
    """
    form = to.form
    if to.file is not None:
        write(to.file, render(form))
        form = "text"
    if to.quiet and form == "text":
        echo(headline + "\n")
    else:
        echo(render(form, color=colorful(sys.stdout, to.color)))


def write(file: Path, text: str) -> None:
    """Write a report to a file. Raises RatifiedError."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise unwritable(file, error) from None


def read(file: Path) -> str:
    """Return what is in a text file. Raises RatifiedError."""
    from ratified.language.errors import RatifiedError

    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise RatifiedError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise RatifiedError(f"{file} is not text") from None


def unwritable(file: Path, error: OSError) -> Exception:
    """Return the error to raise for a file that cannot be written."""
    from ratified.language.errors import RatifiedError

    return RatifiedError(f"{file} cannot be written: {error.strerror}")


def echo(text: str) -> None:
    """Print text; if nobody reads it any more, that is all right."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        discard(sys.stdout)


def discard(stream: TextIO) -> None:
    """Send what the stream still holds nowhere, so that Python does not complain of it at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def colorful(stream: TextIO, asked: bool | None) -> bool:
    """Whether to use colours: as asked, else on a terminal unless NO_COLOR is set (https://no-color.org)."""
    return asked if asked is not None else stream.isatty() and not os.environ.get("NO_COLOR")
