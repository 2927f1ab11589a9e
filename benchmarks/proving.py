"""How long the solvers take for the bundled proofs: processor time, the wall clock, and the slowest obligations.

python benchmarks/proving.py [MODEL...]
"""

from __future__ import annotations

import sys

from ratified.bundled import models
from ratified.cli.scripts import script_for
from ratified.smt.proving import ProofOptions, prove


def main() -> None:
    """Prove each, and print a line for it and its slowest obligations."""
    for name in sys.argv[1:] or [name for name, model in models.items() if model.proof]:
        proof = prove(script_for(name), options=ProofOptions(counterexamples=False))
        print(
            f"{name:20} {proof.verdict.value:9} {len(proof.cells):4} obligations  "
            f"solving {proof.solving:6.2f} s, of them {proof.solving / 2:5.2f} s on each of two cores; "
            f"in all {proof.seconds:6.2f} s"
        )
        for cell in sorted(proof.cells, key=lambda c: -c.seconds)[:10]:
            print(f"    {cell.seconds:6.2f} s  {cell.name}")


if __name__ == "__main__":
    main()
