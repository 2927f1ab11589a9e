"""`ratified init`: a first model with its configuration, a test and a workflow, which run as they are."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click

from ratified.cli.output import echo, unwritable
from ratified.cli.requests import InitRequest, takes
from ratified.version import __version__


@click.command(short_help="Write a first model, its configuration, a test and a CI file.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=".")
@takes(InitRequest)
def init(request: InitRequest) -> int:
    """Write a first model, its configuration, a test and a CI file into FOLDER (by default the current one).

    Nothing is overwritten. If there is a pyproject.toml, the configuration is written to ratified.toml.
    """
    from ratified.language.errors import RatifiedError

    beginning = contents(request.folder)
    there = [str(request.folder / name) for name in beginning if (request.folder / name).exists()]
    if there:
        raise RatifiedError(
            f"{there[0]} exists already; nothing was written",
            remedy="ratified init FOLDER writes to another folder",
        )
    for name, text in beginning.items():
        file = request.folder / name
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8") as writing:  # which refuses what has appeared meanwhile
                writing.write(text)
        except OSError as error:
            raise unwritable(file, error) from None
    lines = [f"wrote {request.folder / name}" for name in beginning]
    inside = "" if request.folder == Path() else f"cd {request.folder}, then "
    echo(
        "\n".join(
            [*lines, "", f"{inside}`ratified check` or `pytest` checks the model; docs/ci.md has the rest"]
        )
        + "\n"
    )
    return 0


def contents(folder: Path) -> dict[str, str]:
    """Return the files to be written, by name: their text."""
    own = (folder / "pyproject.toml").exists()

    def text(name: str) -> str:
        return (files("ratified.cli.beginning") / f"{name}.txt").read_text(encoding="utf-8")

    prefix = "" if own else "tool.ratified."
    return {
        "lock.py": text("lock.py"),
        "test_lock.py": text("test_lock.py"),
        "ratified.toml" if own else "pyproject.toml": text("configuration.toml").replace("{prefix}", prefix),
        ".github/workflows/ratified.yml": text("ratified.yml").replace("{source}", _source()),
    }


def _source() -> str:
    """What pip can install this Ratified from elsewhere: the repository or archive that it came from, or nothing known.

    pip notes it beside the package (PEP 610, "Recording the Direct URL Origin of installed distributions"), unless it came from
    an index.
    """
    import json
    from importlib import metadata

    try:
        noted = metadata.distribution("ratified").read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return ""
    if noted is None:
        return f"ratified=={__version__}"
    origin = json.loads(noted)
    url = str(origin["url"])
    if url.startswith("file:"):
        return ""
    if vcs := origin.get("vcs_info"):
        return f"ratified @ {vcs['vcs']}+{url}@{vcs['commit_id']}"
    return f"ratified @ {url}"
