"""Where a trace comes from: a file, a pipe, standard input, plain or compressed; a file that is still being written.

Guarantees: what is read is opened once and read from front to back, never more than a line of it in memory; what cannot be read
is a TraceError.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from importlib import import_module
from io import BufferedIOBase, BufferedReader, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, Final

from ratified.language.errors import RatifiedError

STANDARD_INPUT: Final = Path("-")

MOST_LINE: Final = 4 << 20
"""The longest line that is read, in bytes."""

Wait = Callable[[], bool]
"""Called at the end of a file that may grow: returns once there may be more, false when that is not waited for any longer."""


class TraceError(RatifiedError):
    """A trace that is none."""


def name_of(path: Path) -> str:
    """What a source is called in reports."""
    return "standard input" if path == STANDARD_INPUT else path.name


def lines(path: Path, wait: Wait | None = None) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not empty, with their numbers. Raises TraceError.

    With `wait`, what has no end yet when nothing more is waited for is still being written: no line, and no error.
    """
    try:
        with nullcontext(sys.stdin.buffer) if path == STANDARD_INPUT else path.open("rb") as file:
            whole = _decompressed(file if wait is None else _Growing(file, wait), path)
            read: Callable[[], bytes] = partial(whole.readline, MOST_LINE + 1)
            for number, text in enumerate(iter(read, b""), start=1):
                if len(text) > MOST_LINE:
                    raise TraceError(
                        f"{path}:{number}: the line is longer than {MOST_LINE:,} bytes",
                        remedy="one event a line",
                    )
                if wait is not None and not text.endswith(b"\n"):
                    return
                if not text.isspace():
                    yield number, text
    except EOFError as error:
        if wait is None:
            raise _not_decompressed(path, error) from None
    except (zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise _not_decompressed(path, error) from None
    except OSError as error:
        raise TraceError(f"{path} cannot be read: {error.strerror or error}") from None
    except Exception as error:
        if type(error).__name__ != "ZstdError":  # of a module that may not be there
            raise
        raise _not_decompressed(path, error) from None


class _Growing(RawIOBase):
    """A file at whose end more is waited for."""

    def __init__(self, file: BinaryIO, wait: Wait) -> None:
        self._file, self._wait = file, wait

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        while not (text := self._file.read1(len(into))):  # type: ignore[attr-defined]  # a buffered file
            if not self._wait():
                return 0
        into[: len(text)] = text
        return len(text)


class _AsItComes:
    """A file that gives what is there, where decompressors would have as much as they ask for."""

    def __init__(self, file: Any) -> None:
        self.read = file.read1


def _not_decompressed(path: Path, error: Exception) -> TraceError:
    return TraceError(f"{path} cannot be decompressed: {error}", remedy="was it cut?")


def _decompressed(file: BinaryIO | RawIOBase, path: Path) -> BufferedIOBase:
    """What a file holds, by the bytes that it begins with."""
    buffered = file if isinstance(file, BufferedReader) else BufferedReader(file)  # type: ignore[type-var]  # a raw file
    start = buffered.peek(6)[:6]
    coming: Any = _AsItComes(buffered)
    if start.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=coming, mode="rb")
    if start.startswith(b"BZh"):
        return bz2.BZ2File(coming)
    if start.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMAFile(coming)
    if start.startswith(b"\x28\xb5\x2f\xfd"):
        return _by_zstd(coming, path)
    return buffered


def _by_zstd(file: Any, path: Path) -> BufferedIOBase:
    """What a file holds that is compressed by Zstandard, which Python reads from 3.14 on."""
    try:
        zstd = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    except ImportError:
        raise TraceError(
            f"{path} is compressed by zstd, which this Python cannot read",
            remedy=f"pip install backports.zstd, or zstd -dc {path} | ratified trace BINDING -",
        ) from None
    found: BufferedIOBase = zstd.ZstdFile(file)
    return found
