"""`python -m tests.tla --from A --to B`: generated models of these seeds held against TLC."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

from ratified.proofs.tla import tlc
from tests.tla.generated import held


def main() -> int:
    """Hold them against TLC; the exit status is 1 if any disagrees."""
    parser = argparse.ArgumentParser(prog="python -m tests.tla", description=__doc__)
    parser.add_argument("--from", dest="first", type=int, default=0, metavar="A", help="the first seed")
    parser.add_argument(
        "--to", dest="last", type=int, default=100, metavar="B", help="the seed after the last"
    )
    given = parser.parse_args()
    tool = replace(tlc.find(), options=("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"))
    counted: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(given.first, given.last):
            outcome = held(seed, tool, Path(folder))
            counted[outcome.what] += 1
            if outcome.told:
                sys.stdout.write(f"{outcome.what} {outcome.told}\n")
                sys.stdout.flush()
    sys.stdout.write(", ".join(f"{what} {times}" for what, times in sorted(counted.items())) + "\n")
    return 1 if counted["disagrees"] else 0


if __name__ == "__main__":
    sys.exit(main())
