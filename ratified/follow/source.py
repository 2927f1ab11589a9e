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
from io import BufferedIOBase, BufferedReader
from pathlib import Path
from typing import BinaryIO, Final

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
    """Yield the lines that are not empty, with their numbers. Raises TraceError."""
    try:
        with nullcontext(sys.stdin.buffer) if path == STANDARD_INPUT else path.open("rb") as file:
            for number, text in enumerate(_whole_lines(_decompressed(file, path), wait), start=1):
                if len(text) > MOST_LINE:
                    raise TraceError(
                        f"{path}:{number}: the line is longer than {MOST_LINE:,} bytes",
                        remedy="one event a line",
                    )
                if text.strip():
                    yield number, text
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise _not_decompressed(path, error) from None
    except OSError as error:
        raise TraceError(f"{path} cannot be read: {error.strerror or error}") from None
    except Exception as error:
        if type(error).__name__ != "ZstdError":  # of a module that may not be there
            raise
        raise _not_decompressed(path, error) from None


def _not_decompressed(path: Path, error: Exception) -> TraceError:
    return TraceError(f"{path} cannot be decompressed: {error}", remedy="was it cut?")


def _whole_lines(file: BufferedIOBase, wait: Wait | None) -> Iterator[bytes]:
    """The lines. The last may have no end; where more was waited for it is still being written then, and no line yet."""
    if wait is None:
        yield from iter(partial(file.readline, MOST_LINE + 1), b"")
        return
    begun = b""
    while True:
        text = begun + file.readline(MOST_LINE + 1 - len(begun))
        begun = b""
        if not text.endswith(b"\n") and len(text) <= MOST_LINE:
            if not wait():
                return
            begun = text
            continue
        yield text


def _decompressed(file: BinaryIO, path: Path) -> BufferedIOBase:
    """What a file holds, by the bytes that it begins with."""
    buffered = file if isinstance(file, BufferedReader) else BufferedReader(file)  # type: ignore[type-var]  # a raw file
    start = buffered.peek(6)[:6]
    if start.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=buffered)
    if start.startswith(b"BZh"):
        return bz2.BZ2File(buffered)
    if start.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMAFile(buffered)
    if start.startswith(b"\x28\xb5\x2f\xfd"):
        return _by_zstd(buffered, path)
    return buffered


def _by_zstd(file: BufferedIOBase, path: Path) -> BufferedIOBase:
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
