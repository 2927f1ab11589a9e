"""A second, unrelated opinion on a proof: cvc5's own proof of each obligation, in its calculus CPC, checked by ethos.

ethos (https://github.com/cvc5/ethos) is a program of its own, found on PATH; the rules of the calculus are text that comes with
the sources of cvc5 (`proofs/eo/cpc/Cpc.eo`), and the variable `RATIFIED_CPC` says where that is. Nothing depends on either.

Guarantees: a proof counts as right only if ethos ended with status 0 and said that it is correct, and nothing else.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "RATIFIED_CPC"
SECONDS = 60.0
"""A proof is checked for so long at most."""


@dataclass(frozen=True, slots=True)
class Ethos:
    """ethos' check of cvc5's proofs: how many are right, and the obligations whose proof is `wrong` or was `not_found`."""

    right: int
    wrong: tuple[str, ...]
    not_found: tuple[str, ...]


def installed() -> bool:
    """Whether ethos and the rules are there."""
    return shutil.which("ethos") is not None and signature() is not None


def signature() -> Path | None:
    """The file with the rules, if it is said which that is."""
    named = os.environ.get(VARIABLE)
    return Path(named).resolve() if named and Path(named).is_file() else None


def proved(text: str, seconds: float) -> str | None:
    """cvc5's proof of a script, as ethos reads it; None if it finds none."""
    import cvc5

    solver = cvc5.Solver(cvc5.TermManager())
    for name, value in (
        ("tlimit-per", str(max(1, int(seconds * 1000)))),
        ("produce-proofs", "true"),
        ("proof-granularity", "dsl-rewrite"),
        ("prenex-quant", "none"),
    ):
        solver.setOption(name, value)
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "script")
    symbols = parser.getSymbolManager()
    said = ""
    while not (command := parser.nextCommand()).isNull():
        said += str(command.invoke(solver, symbols))
    if said.strip() != "unsat":
        return None
    made: str = solver.proofToString(solver.getProof()[0], cvc5.ProofFormat.CPC).decode().strip()
    return made.removeprefix("(").removesuffix(")")


def checked(proof: str) -> bool:
    """Whether ethos accepts a proof."""
    ethos, rules = shutil.which("ethos"), signature()
    assert ethos
    assert rules
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "proof.eo"
        file.write_text(f'(include "{rules}")\n{proof}\n', encoding="utf-8")
        try:
            done = subprocess.run(  # noqa: S603  # the program that the user has on PATH
                [ethos, str(file)], capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
    return done.returncode == 0 and done.stdout.strip() == "correct"


def opinion(text: str, seconds: float) -> str:
    """`unsat` if ethos accepts cvc5's proof of a script, `sat` if it does not, `unknown` if there is none."""
    proof = proved(text, seconds)
    if proof is None:
        return "unknown"
    return "unsat" if checked(proof) else "sat"
