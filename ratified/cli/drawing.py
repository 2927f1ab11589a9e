"""Files for pictures of runs: refused early if they cannot be written; a message where there was nothing to draw."""

from __future__ import annotations

import sys
from pathlib import Path


def check_drawable(file: Path | None) -> None:
    """Refuse a file for a sequence diagram that cannot be written, before anything that takes long."""
    if file is not None:
        from ratified.diagram.chart import KINDS
        from ratified.diagram.render import check_writable, kind_of

        kind_of(file, KINDS)
        check_writable(file)


def say_nothing_drawn(file: Path, why: str) -> None:
    """Say on standard error that a picture was not made."""
    sys.stderr.write(f"{file} was not written: {why}\n")
