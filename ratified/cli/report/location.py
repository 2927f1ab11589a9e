"""Where a place is in a repository: what services for code review show beside a change.

Guarantees: a path is relative to the root of the repository that the command runs in, from whatever folder of it; a file
elsewhere keeps its whole path.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from ratified.language.errors import Span

CONFIGURATIONS = ("pyproject.toml", "ratified.toml")


def repository() -> Path:
    """Return the root of the repository around the working folder; where there is none, the working folder."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)


def in_repository(file: str) -> str:
    """Return a file's path from the root of the repository, with slashes; its whole path where it is elsewhere."""
    root, path = repository(), Path.cwd() / file
    for inner, outer in ((path, root), (path.resolve(), root.resolve())):
        if inner.is_relative_to(outer) and ".." not in inner.parts:
            return inner.relative_to(outer).as_posix()
    return path.resolve().as_posix()


def uri(file: str) -> str:
    """Return the path from the root of the repository as a URI reference (RFC 3986)."""
    from urllib.parse import quote

    path = in_repository(file)
    return Path(path).as_uri() if PurePosixPath(path).is_absolute() else quote(path)


def somewhere(name: str, *spans: Span | None) -> Span:
    """Return the first place that is known; else that of what was asked for, if it is a file, or of the configuration."""
    for span in spans:
        if span is not None:
            return span
    asked = name.partition("[")[0].partition(":")[0]
    candidates = ([asked] if asked.endswith(".py") else []) + [str(repository() / c) for c in CONFIGURATIONS]
    file = next((c for c in candidates if (Path.cwd() / c).is_file()), asked or CONFIGURATIONS[0])
    return Span(file, 1, 0, 1, 0)
