"""What code lenses run: `ratified check`, `prove` and `graph` on a model of a file, as programs of their own.

Guarantees: nothing here holds up the editor; a run that is asked for again while it runs is not started twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SECONDS = 60
"""How long a check or a proof from an editor takes at most; what is not decided by then is undecided."""


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """What came of a run: its first line, all that it printed, and the verdicts of claims by name."""

    headline: str
    text: str
    status: int
    verdicts: dict[str, str]
    picture: Path | None = None


@dataclass(slots=True)
class CommandRuns:
    """What is running now, and where pictures go."""

    folder: tempfile.TemporaryDirectory[str] = field(default_factory=tempfile.TemporaryDirectory)
    running: dict[tuple[str, str], asyncio.subprocess.Process] = field(default_factory=dict)

    async def run(self, what: str, path: str, model: str, settings: Sequence[str]) -> CommandOutcome | None:
        """Run a command on a model; None if that is already running."""
        key = what, f"{path}:{model}"
        if key in self.running:
            return None
        made = Path(self.folder.name, f"{what}-{model}.{'svg' if what == 'graph' else 'json'}")
        made.unlink(missing_ok=True)
        limits = ["--seconds", str(SECONDS)]
        form = [] if what == "graph" else ["--format", "json"]
        given = [] if what == "prove" else list(settings)
        process = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-m",
                "ratified",
                what,
                f"{path}:{model}",
                *given,
                *limits,
                *form,
                "-o",
                str(made),
            ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=str(Path(path).parent),
        )
        self.running[key] = process
        try:
            out, err = await process.communicate()
        finally:
            del self.running[key]
            if process.returncode is None:
                process.kill()
        return _outcome(process.returncode or 0, out.decode(), err.decode(), made)

    def stop(self) -> None:
        """End what runs."""
        for process in self.running.values():
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        self.folder.cleanup()


def _outcome(status: int, out: str, err: str, made: Path) -> CommandOutcome:
    text = (out + err).strip()
    headline = next((line.strip() for line in text.splitlines() if line.strip()), f"status {status}")
    verdicts: dict[str, str] = {}
    picture = None
    if made.suffix == ".svg":
        picture = made if made.exists() else None
    else:
        with contextlib.suppress(OSError, ValueError):
            verdicts = _verdicts(json.loads(made.read_text(encoding="utf-8")))
    return CommandOutcome(headline, text, status, verdicts, picture)


def _verdicts(report: dict[str, Any]) -> dict[str, str]:
    """The verdicts of a report on one model: by claim, and size."""
    found: dict[str, str] = {}
    for check in report.get("checks", ()):
        given = {**check.get("sizes", {}), **check.get("parameters", {})}
        size = ", ".join(f"{n}={v}" for n, v in given.items())
        for claim in check.get("properties", ()):
            word = claim["verdict"] + (" (vacuously)" if claim["vacuous"] else "")
            found[claim["name"]] = f"{word} with {size}" if len(size) <= 60 and size else word
    for goal in report.get("goals", ()):
        found[goal] = f"proof of {report['model']} at every size: {report['verdict']}"
    return found
