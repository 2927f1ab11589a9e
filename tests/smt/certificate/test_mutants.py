"""A certificate from which anything is taken, or in which anything is changed, is refused, unless it is a proof all the same.

What is accepted is looked at by Z3: an obligation that was weakened must have no model still, and the instances of a certificate
that was changed must contradict each other still.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

import pytest
import z3

from ratified.certified import Refused, Script, Terms, check
from tests.smt.certificate.mutants import (
    PROTOCOLS,
    certified,
    instances_of,
    with_a_token_changed,
    with_an_axiom_weakened,
    without_a_line,
)

SAMPLE = 61
"""Of so many mutants one is tried where not all are."""


def accepted(script: Script, lines: str) -> bool:
    try:
        check(script, lines)
    except Refused:
        return False
    return True


def without_model(text: str) -> bool:
    solver = z3.Solver()
    solver.from_string(text.replace("(check-sat)", ""))
    return bool(solver.check() == z3.unsat)


def tally(protocol: str, every: int) -> dict[str, Counter[str]]:
    """How many mutants of each kind were refused, and how many of the accepted ones are proofs, says Z3."""
    found: dict[str, Counter[str]] = {"line": Counter(), "token": Counter(), "axiom": Counter()}
    terms = Terms()
    for file, text, lines in certified(protocol):
        script = Script(text, terms)
        assert accepted(script, lines), file

        def sampled(mutants: Iterable[str], file: str = file) -> Iterator[str]:
            return islice(mutants, sum(file.encode()) % every, None, every)

        for changed in sampled(without_a_line(lines)):
            found["line"]["accepted" if accepted(script, changed) else "refused"] += 1
        for changed in sampled(with_a_token_changed(text, lines)):
            if changed == lines or not accepted(script, changed):
                found["token"]["refused"] += changed != lines
                continue
            assert without_model(instances_of(text, changed)), (file, changed)
            found["token"]["a proof all the same"] += 1
        for weaker in sampled(with_an_axiom_weakened(text, lines)):
            if not accepted(Script(weaker, terms), lines):
                found["axiom"]["refused"] += 1
                continue
            assert without_model(weaker), (file, weaker)
            found["axiom"]["has no model all the same"] += 1
    return found


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_of_a_sample_of_mutants_only_proofs_are_accepted(protocol: str) -> None:
    found = tally(protocol, SAMPLE)
    assert found["line"]["accepted"] == 0
    assert min(found[kind]["refused"] for kind in found) >= 3, found
