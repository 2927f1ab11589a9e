"""`python -m tests.smt.certificate [NAME...]`: every line dropped, every token changed, every axiom weakened.

On some protocols, or those that are named. Prints what is accepted, which is a proof all the same (or this ends with an error),
and counts of it and of all that was tried. The tests take a sample.
"""

from __future__ import annotations

import sys
import time
from collections import Counter

from tests.smt.certificate.mutants import PROTOCOLS
from tests.smt.certificate.test_mutants import still_proofs

if __name__ == "__main__":
    for protocol in sys.argv[1:] or PROTOCOLS:
        tried: Counter[str] = Counter()
        kept: Counter[str] = Counter()
        for file, mutant in still_proofs(protocol, 1, tried):
            kept[mutant.kind] += 1
            print(f"{file}  {mutant.kind}  {mutant.what}")  # noqa: T201 - a report
        seconds = time.process_time()
        print(f"{protocol}: {tried.total():,} mutants, {kept.total():,} proofs all the same, {seconds:.0f} s")  # noqa: T201
        for kind, count in sorted(tried.items()):
            print(f"  {kind}: {count:,} tried, {kept[kind]:,} proofs all the same")  # noqa: T201 - a report
