"""Certificates for the obligations of a proof: found in parallel processes, and written to a folder.

Guarantees: only an obligation that a solver has refuted is tried, and what is written was accepted by the checker; an obligation
without a certificate is named. A certificate that the folder had, under whatever number, is kept if it is one still. In a new
folder the same obligations give the same bytes, unless a time limit is met.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ratified.certified import Terms
from ratified.smt.certificate import ethos
from ratified.smt.certificate.ethos import Ethos
from ratified.smt.certificate.finder import at_once
from ratified.smt.certificate.folder import CertifiedObligation, Heading, problem, proofs, write
from ratified.smt.solving import Job, Pool, SolverAnswer, installed

BUSY = 5
"""How much longer than its processor time a search may take, on a busy machine, before its process is ended."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An obligation to be certified: the name of its files, and its text; `proved`: a solver refuted it.

    Few proofs need the assertions that are `rare`, by their numbers.
    """

    file: str
    text: str
    proved: bool
    rare: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Certificates:
    """The certificates written: how many obligations have one, and the names of those that do not; `size` in bytes.

    `kept` were already in the folder.
    """

    folder: Path
    found: int
    missing: tuple[str, ...]
    size: int
    seconds: float
    solving: float
    kept: int
    ethos: Ethos | None = None
    """What it says of cvc5's proofs of the same, where it is installed."""


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
    known = {_name(file): lines for file, lines in proofs(folder).items()}
    # What cannot be written is said before the work.
    write(
        folder, heading, [CertifiedObligation(o.file, o.text, known.get(_name(o.file))) for o in obligations]
    )
    started = time.monotonic()
    terms, solving, kept = Terms(), time.process_time(), 0
    found: dict[str, str] = {}
    texts = {o.file: o.text for o in obligations}
    longest = max(texts.values(), key=len, default="")
    for o in (o for o in obligations if o.proved):
        found[o.file], before = at_once(o.text, terms), known.get(_name(o.file))
        if not found[o.file] and before and not problem(o.text, before, terms):
            found[o.file], kept = before, kept + 1
    solving = time.process_time() - solving

    def done(answer: SolverAnswer) -> list[Job]:
        nonlocal solving
        started = time.process_time()
        lines = answer.rest + "\n"
        if answer.verdict == "unsat" and not problem(texts[str(answer.job.key)], lines, terms):
            found[str(answer.job.key)] = lines
        solving += answer.seconds + time.process_time() - started
        return []

    jobs = [
        Job(
            o.file,
            "certificate",
            json.dumps({"script": o.text, "rare": sorted(o.rare), "like": longest}),
            BUSY * seconds,
        )
        for o in obligations
        if o.proved and not found[o.file]
    ]
    with Pool(processes, ("z3",)) as pool:
        pool.run(jobs, done, waiting)
    entries = [CertifiedObligation(o.file, o.text, found.get(o.file) or None) for o in obligations]
    size = write(folder, heading, entries)
    missing = tuple(e.file for e in entries if e.certificate is None)
    spent = time.monotonic() - started
    second = _second(obligations, seconds, processes, waiting)
    return Certificates(folder, len(entries) - len(missing), missing, size, spent, solving, kept, second)


def _second(
    obligations: Sequence[Wanted],
    seconds: float,
    processes: int | None,
    waiting: Callable[[int], None] | None,
) -> Ethos | None:
    """What ethos says of cvc5's proofs; None where one of them is not installed."""
    if not (ethos.installed() and find_spec("cvc5")):
        return None
    said: dict[str, str] = {}

    def done(answer: SolverAnswer) -> list[Job]:
        said[str(answer.job.key)] = answer.verdict
        return []

    jobs = [Job(o.file, "ethos", o.text, seconds + ethos.SECONDS) for o in obligations if o.proved]
    with Pool(processes, ("cvc5",)) as pool:
        pool.run(jobs, done, waiting)
    wrong, lacking = (tuple(f for f, v in said.items() if v == word) for word in ("sat", "unknown"))
    return Ethos(len(said) - len(wrong) - len(lacking), tuple(sorted(wrong)), tuple(sorted(lacking)))


def _name(file: str) -> str:
    """The name of an obligation without its number, which changes with those before it."""
    return file.partition("-")[2]
