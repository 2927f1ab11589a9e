"""Certificates for the obligations of a proof: found in parallel processes, and written to a folder.

Guarantees: only an obligation that a solver has refuted is tried, and what is written was accepted by the checker; an obligation
without a certificate is named. The same obligations give the same bytes, unless a time limit is met.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ratified.certified import Terms
from ratified.smt.certificate.finder import at_once
from ratified.smt.certificate.folder import Entry, Heading, write
from ratified.smt.solving import Answer, Job, Pool, installed

BUSY = 5
"""How much longer than its processor time a search may take, on a busy machine, before its process is ended."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An obligation to be certified: the name of its files, and its text; `proved`: a solver refuted it."""

    file: str
    text: str
    proved: bool


@dataclass(frozen=True, slots=True)
class Certificates:
    """What was written: how many obligations have a certificate, the names of those that have none; `size` in bytes."""

    folder: Path
    found: int
    missing: tuple[str, ...]
    size: int
    seconds: float
    solving: float


def certify(
    folder: Path,
    heading: Heading,
    obligations: Sequence[Wanted],
    *,
    seconds: float,
    processes: int | None = None,
    waiting: Callable[[int], None] | None = None,
) -> Certificates:
    """Find a certificate for each obligation, in so many seconds of processor time each, and write them.

    Raises:
        RatifiedError: the folder cannot be written, or a package is missing.
    """
    installed("pysat")
    write(folder, heading, [])  # what cannot be written is said before the work
    started = time.monotonic()
    terms, solving = Terms(), time.process_time()
    found = {o.file: at_once(o.text, terms) for o in obligations if o.proved}
    solving = time.process_time() - solving

    def done(answer: Answer) -> list[Job]:
        nonlocal solving
        solving += answer.seconds
        if answer.verdict == "unsat":
            found[str(answer.job.key)] = answer.rest + "\n"
        return []

    jobs = [
        Job(o.file, "certificate", o.text, BUSY * seconds)
        for o in obligations
        if o.proved and not found[o.file]
    ]
    with Pool(processes, ("z3",)) as pool:
        pool.run(jobs, done, waiting)
    entries = [Entry(o.file, o.text, found.get(o.file) or None) for o in obligations]
    size = write(folder, heading, entries)
    missing = tuple(e.file for e in entries if e.certificate is None)
    spent = time.monotonic() - started
    return Certificates(folder, len(entries) - len(missing), missing, size, spent, solving)
