"""Whose configuration a run of pytest has: that of the deepest folder with all that was asked for, or of the nearest above it.

A repository of several projects has one rootdir for all of them; what counts is in which of them pytest was started, or what of
them it was asked for. Importing this imports nothing of Ratified.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

WORKER_INPUT = "ratified_scope"
"""Under which a process of pytest-xdist is told, since it is not started where the run was."""


_FOUND = pytest.StashKey[Path]()


def scope(config: pytest.Config) -> Path:
    """Return the folder from which a configuration is looked for, upwards: the rootdir, or a folder in it.

    It is found once: later the arguments are also what is configured.
    """
    if _FOUND not in config.stash:
        told = getattr(config, "workerinput", {}).get(WORKER_INPUT)
        config.stash[_FOUND] = _asked(config) if told is None else Path(told)
    return config.stash[_FOUND]


def _asked(config: pytest.Config) -> Path:
    here = config.invocation_params.dir
    asked = here
    if config.args_source is pytest.Config.ArgsSource.ARGS:
        paths = [(here / str(arg).partition("::")[0]).resolve() for arg in config.args]
        together = Path(os.path.commonpath(paths))
        asked = together if together.is_dir() else together.parent
    return asked if asked.is_relative_to(config.rootpath) else config.rootpath


def configuration_of(folder: Path, *, itself: bool = False) -> Path | None:
    """Return the file with the configuration of a folder, or None; if `itself`, not that of a folder above.

    What is wrong with one is told where it is read.
    """
    from ratified.cli.gate.finding import FILES, find, find_in

    try:
        return find_in(folder) if itself else find(folder)
    except Exception as error:
        if type(error).__name__ != "ConfigurationError":
            raise
        return folder / FILES[-1]
