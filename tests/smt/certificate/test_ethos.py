"""cvc5's proofs, checked by ethos where that is on PATH: here a stand-in, which reads a proof and says what it is told to."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ratified.cli.report.proof import proof_text
from ratified.cli.scripts import script_for
from ratified.smt.certificate import ethos
from ratified.smt.certificate.making import Certificates
from ratified.smt.proving import ProofOptions, prove

READS = """#!{python}
import pathlib, re, sys
text = pathlib.Path(sys.argv[1]).read_text()
assert re.match(r'\\(include ".*Cpc.eo"\\)\\n', text) and "(step " in text and ":rule " in text, text
assert text.count("(") == text.count(")"), text
{then}
"""


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, then: str) -> None:
    """Put a program called ethos on PATH, and rules where they are said to be."""
    program, rules = folder / "ethos", folder / "Cpc.eo"
    program.write_text(READS.format(python=sys.executable, then=then))
    program.chmod(0o755)
    rules.write_text("")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv(ethos.VARIABLE, str(rules))


def made(folder: Path) -> Certificates:
    """The certificates of a small proof."""
    proof = prove(script_for("consensus"), options=ProofOptions(certificate=folder / "made"))
    assert proof.certificates
    return proof.certificates


def test_proofs_that_ethos_accepts_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, 'print("correct")')
    proof = prove(script_for("consensus"), options=ProofOptions(certificate=tmp_path / "made"))
    assert proof.certificates
    assert proof.certificates.ethos == ethos.Ethos(3, (), ())
    assert "ethos       3 of 3 proofs of cvc5 are correct" in proof_text("consensus", proof)


@pytest.mark.parametrize(
    "then", ['print("correct")\nsys.exit(1)', 'print("incorrect")', 'print("correct, but for a step")', ""]
)
def test_whatever_else_it_says_is_no_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    stand_in(tmp_path, monkeypatch, then)
    found = made(tmp_path).ethos
    assert found is not None
    assert (found.right, len(found.wrong), found.not_found) == (0, 3, ())


@pytest.mark.parametrize("lacking", ["ethos", "Cpc.eo"])
def test_without_it_there_is_no_such_opinion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    stand_in(tmp_path, monkeypatch, 'print("correct")')
    (tmp_path / lacking).unlink()
    assert made(tmp_path).ethos is None


def test_of_what_is_not_so_there_is_no_proof() -> None:
    satisfiable = "(set-logic UF)\n(declare-fun p () Bool)\n(assert p)\n(check-sat)\n"
    assert ethos.opinion(satisfiable, 10) == "unknown"
