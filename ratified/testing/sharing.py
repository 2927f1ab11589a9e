"""One exploration for all processes of a run: the first that needs it makes it, and leaves what came of it to the others.

Guarantees: of two processes that need the same at once, one waits; a process that dies lets the next one begin.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from ratified.cli.gate.verdicts import write_whole
from ratified.testing.outcomes import ItemOutcome, ItemOutcomes


def shared(folder: Path, label: str, make: Callable[[], ItemOutcomes]) -> ItemOutcomes:
    """Return what is in a folder under a label; if nothing is, make it and leave it there."""
    name = hashlib.sha256(label.encode()).hexdigest()[:24]
    kept = folder / f"{name}.json"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go when the file is closed, or the process ends
        if kept.exists():
            return _read(kept.read_text(encoding="utf-8"))
        made = make()
        write_whole(kept, _written(made))
        return made


def _written(parts: ItemOutcomes) -> str:
    return json.dumps([parts.since, {n: [p.headline, p.text, p.warnings] for n, p in parts.parts.items()}])


def _read(text: str) -> ItemOutcomes:
    since, parts = json.loads(text)
    return ItemOutcomes(
        {name: ItemOutcome(first, whole, tuple(told)) for name, (first, whole, told) in parts.items()}, since
    )
