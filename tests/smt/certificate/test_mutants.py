"""A certificate from which anything is taken, or in which anything is changed, is refused, unless it is a proof all the same.

What is accepted is looked at by Z3: the instances of a certificate that was changed must contradict each other still, and so must
those that it has of an obligation that was weakened. Z3 may not find a model of such an obligation either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest
import z3

from ratified.certified import CertificateRejected, Script, Terms, check
from tests.smt.certificate.mutants import PROTOCOLS, WEAK, Mutant, committed, instances_of, mutants_of

SAMPLE = 80
"""Of so many mutants one is tried where not all are."""

STEPS = 200_000
"""Z3's own steps to look for a model of an obligation that was weakened."""


def accepted(script: Script, lines: str) -> bool:
    """Whether the checker, as it is, takes a certificate for a proof."""
    try:
        check(script, lines)
    except CertificateRejected:
        return False
    return True


def answer(text: str, steps: int = 0) -> str:
    solver = z3.Solver()
    solver.set("rlimit", steps)
    solver.from_string(text.replace("(check-sat)", ""))
    return str(solver.check())


def survivors(protocol: str, sample: int, counted: Counter[str]) -> Iterator[tuple[str, Mutant]]:
    """The mutants of a protocol that are accepted, by the names of their obligations. All that were tried are counted."""
    terms, random = Terms(), Random(protocol)
    for file, text, lines in committed(protocol):
        script = Script(text, terms)
        assert accepted(script, lines), file
        for mutant in mutants_of(text, lines):
            if random.randrange(sample):
                continue
            counted[mutant.kind] += 1
            read = script if mutant.text is text else Script(mutant.text, terms)
            if accepted(read, mutant.lines):
                yield file, mutant


def still_proofs(protocol: str, sample: int, counted: Counter[str]) -> Iterator[tuple[str, Mutant]]:
    """The mutants that are accepted, each a proof all the same, says Z3."""
    for file, mutant in survivors(protocol, sample, counted):
        instances = instances_of(mutant.text, mutant.lines)
        assert answer(instances) == "unsat", (file, mutant.what)
        if (
            mutant.kind == "axiom"
        ):  # what was made weaker is in no clause that the certificate has an instance of
            assert instances.count(WEAK) == 1, (file, mutant.what)
            assert answer(mutant.text, STEPS) != "sat", (file, mutant.what)
        yield file, mutant


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_of_a_sample_of_mutants_only_proofs_are_accepted(protocol: str) -> None:
    counted: Counter[str] = Counter()
    kinds = Counter(mutant.kind for _, mutant in still_proofs(protocol, SAMPLE, counted))
    assert kinds["line"] == 0
    assert min(counted["line"], counted["axiom"]) >= 3, counted
    assert counted.total() >= 80, counted
    assert kinds.total() * 8 < counted.total(), (kinds, counted)
