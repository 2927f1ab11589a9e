"""Programs for the tests of the native explorer, each compiled once."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

from ratified.explore.native.library import NativeLibrary, load
from tests.explore.native.maze import Maze

HERE = Path(__file__).parent


@cache
def program(name: str, **macros: int) -> NativeLibrary:
    """`name`.c with its macros set. Many small programs are compiled, and those that are no protocols run for milliseconds."""
    flags = ("-O0" if name in ("maze", "pair") else "-O1", *(f"-D{macro}={n}" for macro, n in macros.items()))
    return load(
        (HERE / f"{name}.c").read_text(encoding="utf-8"), flags=("-Wall", "-Wextra", "-Werror", *flags)
    )


def maze_program(maze: Maze, words: int = 1, **macros: int) -> NativeLibrary:
    """maze.c with these parameters (of which a process has one set at a time)."""
    loaded = program("maze", WORDS=words, **macros)
    values = maze.values()
    loaded.library.set_parameters((ctypes.c_uint64 * len(values))(*values))
    return loaded
