"""Where reports go: standard output, and files.

Guarantees: a report is in its file as a whole or not at all, and what was there before stays until it is; standard output holds
the report and nothing else; a reader who closes the pipe early, or never was there, is not complained to, and the exit status is
the verdict's all the same; a device that is full is one message. What a terminal's encoding cannot show is written as an escape.
Importing this imports neither the language nor an engine.
"""

from __future__ import annotations

import errno
import os
import sys
from contextvars import ContextVar
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from ratified.cli.requests import Output


class Renderer(Protocol):
    """Returns a report in one of its formats; `color` is for text alone."""

    def __call__(self, form: str, *, color: bool = False) -> str:
        """Return the report, ending in a newline."""


_delivered: ContextVar[bool] = ContextVar("_delivered", default=False)


def begin() -> None:
    """Begin a command, which has not reported yet."""
    _delivered.set(False)


def reported() -> bool:
    """Whether the command has written its report, or tried to."""
    return _delivered.get()


def deliver(to: Output, render: Renderer, headline: str, *, printed: bool = False) -> None:
    """Write a report where it goes: with a file, there in the format asked for, and as text to standard output.

    A quiet text report is its headline. `printed` says that the text is on standard output already.
    """
    form = to.form
    report = render(form) if to.file is not None else ""
    _delivered.set(True)
    if to.file is not None:
        write(to.file, report)
        form = "text"
    if printed:
        return
    if to.quiet and form == "text":
        echo(headline + "\n")
    else:
        echo(render(form, color=colorful(sys.stdout, to.color)))


def write(file: Path, text: str) -> None:
    """Write a report to a file, which is replaced as a whole or not at all. Raises RatifiedError."""
    try:
        # What is no file of its own, as a pipe or a device, cannot be replaced; a link stays a link.
        if file.exists() and not file.is_file():
            file.write_text(text, encoding="utf-8", errors="backslashreplace")
        else:
            _replace(file.resolve(), text)
    except OSError as error:
        raise unwritable(file, error) from None


def _replace(file: Path, text: str) -> None:
    """Write a file beside another, and put it in its place. Raises OSError."""
    if file.exists() and not os.access(file, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    made = file.with_name(f".{file.name[:200]}.{os.getpid()}.new")
    try:
        with made.open("x", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        if file.exists():
            made.chmod(file.stat().st_mode & 0o7777)
        made.replace(file)
    except BaseException:
        made.unlink(missing_ok=True)
        raise


def read(file: Path) -> str:
    """Return what is in a text file. Raises RatifiedError."""
    from ratified.language.errors import RatifiedError

    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise RatifiedError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise RatifiedError(f"{file} is not text") from None


def unwritable(file: Path | str, error: OSError) -> Exception:
    """Return the error to raise for a file that cannot be written."""
    from ratified.language.errors import RatifiedError

    return RatifiedError(f"{file} cannot be written: {error.strerror}")


def prepare_streams() -> None:
    """Make the standard streams of this process such that writing to them cannot end in a traceback.

    One that is closed leads nowhere from now on: its number would else be given to the next file that is opened.
    """
    while (opened := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(opened)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115 - a number, open as long as the process
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def echo(text: str) -> None:
    """Print text; if nobody reads it any more, that is all right. Raises RatifiedError where there is no room for it."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        discard(sys.stdout)
    except OSError as error:
        raise unprinted(error) from None


def unprinted(error: OSError) -> Exception:
    """Return the error to raise where standard output cannot be written, and forget what it still holds."""
    discard(sys.stdout)
    return unwritable("standard output", error)


def complain(text: str) -> None:
    """Write a line to standard error; where that cannot be written, the exit status has to do."""
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except OSError:
        discard(sys.stderr)


def discard(stream: TextIO) -> None:
    """Send what the stream still holds nowhere, so that Python does not complain of it at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def colorful(stream: TextIO, asked: bool | None) -> bool:
    """Whether to use colours: as asked, else on a terminal that is not dumb, unless NO_COLOR is set (https://no-color.org)."""
    if asked is not None:
        return asked
    return stream.isatty() and not dumb() and not os.environ.get("NO_COLOR")


def dumb() -> bool:
    """Whether the terminal says that it shows letters and knows nothing else, as those in editors do."""
    return os.environ.get("TERM") == "dumb"
