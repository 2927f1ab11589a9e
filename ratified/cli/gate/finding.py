"""Where a project's configuration is. Importing this imports neither the language nor a parser, so that asking costs nothing."""

from __future__ import annotations

import re
from pathlib import Path

FILES = ("ratified.toml", "pyproject.toml")

_TABLE = re.compile(r"^[ \t]*\[{1,2}[ \t]*tool[ \t]*\.[ \t]*[\"']?([\w-]+)", re.MULTILINE)
_DOTTED = re.compile(r"^[ \t]*(?:tool[ \t]*\.[ \t]*)?[\"']?ratified\b[^\n]*=", re.MULTILINE)


def find(folder: Path) -> Path | None:
    """Return the file with the configuration of a folder: its own, or that of the nearest folder above.

    Raises:
        ConfigurationError: a folder has two, or one whose name is a mistake.
    """
    return next(filter(None, map(find_in, (folder, *folder.parents))), None)


def find_in(folder: Path) -> Path | None:
    """Return the file with the configuration of this very folder. Raises ConfigurationError as `find` does."""
    own, project = (folder / name for name in FILES)
    configured = project.is_file() and _mentions(project)
    if own.is_file():
        if configured:
            from ratified.cli.gate.configuration import two_configurations

            raise two_configurations(own, project)
        return own
    return project if configured else None


def _mentions(project: Path) -> bool:
    """Whether a pyproject.toml has a table of ours. One whose name is nearly ours is a mistake, which would check nothing."""
    try:
        text = project.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    for found in _TABLE.finditer(text):
        if found[1] == "ratified":
            return True
        if _nearly(found[1].lower()):
            from ratified.cli.gate.configuration import misspelt

            raise misspelt(project, text, found.start(1), found[1])
    return _DOTTED.search(text) is not None


def _nearly(name: str) -> bool:
    if not (name.startswith("r") and 7 <= len(name) <= 9):
        return False
    from difflib import SequenceMatcher

    return SequenceMatcher(None, name, "ratified").ratio() >= 0.85
