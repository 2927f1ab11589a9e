"""`python -m tests.tla --from A --to B` holds generated models against TLC; `--large` bundled ones, at larger sizes.

`--services` holds the models of services at their standard sizes: the reference, generated code and TLC find the same.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from ratified.tla import tlc
from tests.tla.generated import held
from tests.tla.service import Service
from tests.tla.sizes import LARGE, SERVICES, Size
from tests.tla.table import engines_agree, hold, row


def main() -> int:
    """Do what is asked; the exit status is 1 if something disagrees."""
    parser = argparse.ArgumentParser(prog="python -m tests.tla", description=__doc__)
    parser.add_argument("--from", dest="first", type=int, default=0, metavar="A", help="the first seed")
    parser.add_argument(
        "--to", dest="last", type=int, default=100, metavar="B", help="the seed after the last"
    )
    parser.add_argument("--large", action="store_true", help="write the table of larger sizes in docs/tla.md")
    parser.add_argument("--services", action="store_true", help="write the table of services in docs/tla.md")
    parser.add_argument(
        "--seconds", type=float, default=900, help="wait for TLC so long, at the larger sizes"
    )
    given = parser.parse_args()
    if given.services:
        return larger("services", SERVICES, given.seconds)
    return larger("large", LARGE, given.seconds) if given.large else generated(given.first, given.last)


def larger(title: str, models: Iterable[tuple[str, Size, bool]], seconds: float) -> int:
    """Hold bundled models at larger sizes against TLC, and write what all found on the page."""
    rows, wrong = [], 0
    with Service(tlc.find()) as service:
        for name, size, symmetry in models:
            try:
                if title == "services":
                    engines_agree(name, size, symmetry=symmetry)
                rows.append(row(service, name, size, seconds, symmetry=symmetry))
            except AssertionError as problem:
                wrong += 1
                sys.stdout.write(f"not agreed: {problem}\n")
            else:
                sys.stdout.write(f"{rows[-1]}\n")
            sys.stdout.flush()
    hold(title, rows, rewrite=True)
    return 1 if wrong else 0


def generated(first: int, last: int) -> int:
    """Hold generated models against TLC."""
    counted: Counter[str] = Counter()
    found: Counter[str] = Counter()
    with Service(tlc.find()) as service, tempfile.TemporaryDirectory() as folder:
        for seed in range(first, last):
            outcome = held(seed, service, Path(folder))
            counted[outcome.what] += 1
            found[outcome.found] += outcome.what == "agrees"
            if outcome.told:
                sys.stdout.write(f"{outcome.what} {outcome.told}\n")
            if seed % 100 == 99 or seed == last - 1:
                for counts in (counted, found):
                    told = ", ".join(f"{what} {times}" for what, times in sorted(counts.items()) if times)
                    sys.stdout.write(f"{first} to {seed}: {told}\n")
            sys.stdout.flush()
    return 1 if counted["disagrees"] else 0


if __name__ == "__main__":
    sys.exit(main())
