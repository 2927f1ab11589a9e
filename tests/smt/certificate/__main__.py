"""`python -m tests.smt.certificate`: every line dropped, every token changed, every axiom weakened, on each of the protocols.

The tests take a sample of these; all of them take hours. What is accepted has to be a proof all the same, or this ends with an
error.
"""

from __future__ import annotations

from tests.smt.certificate.mutants import PROTOCOLS
from tests.smt.certificate.test_mutants import tally

if __name__ == "__main__":
    for protocol in PROTOCOLS:
        print(protocol, {kind: dict(counted) for kind, counted in tally(protocol, 1).items()})  # noqa: T201 - a report
