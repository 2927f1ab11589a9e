"""Where Z3 gives up, cvc5 is asked: here Z3 has no steps to speak of, which is the same on every machine."""

from __future__ import annotations

from unittest import mock

from ratified.cli.scripts import script_for
from ratified.results.result import Verdict
from ratified.smt import attempts
from ratified.smt.proving import ProofOptions, prove
from ratified.smt.result import Status

STEPS = 1


def test_cvc5_proves_what_z3_gives_up() -> None:
    few = ((0, STEPS),)
    with mock.patch.object(attempts, "QUICK", few), mock.patch.object(attempts, "LONG", few):
        proof = prove(script_for("consensus"), options=ProofOptions(processes=1))
    asked = [[(o.solver, o.answer) for o in c.opinions] for c in proof.cells if c.opinions]
    assert [("z3", "unknown"), ("cvc5", "unsat")] in asked
    assert all(c.status is Status.PROVED for c in proof.cells)
    assert proof.verdict is Verdict.HOLDS


def test_without_cvc5_it_is_undecided() -> None:
    few = ((0, STEPS),)
    with (
        mock.patch.object(attempts, "QUICK", few),
        mock.patch.object(attempts, "LONG", few),
        mock.patch.object(attempts, "find_spec", return_value=None),
    ):
        proof = prove(script_for("consensus"), options=ProofOptions(processes=1))
    assert proof.verdict is Verdict.UNDECIDED
    assert {o.solver for c in proof.cells for o in c.opinions} == {"z3"}
