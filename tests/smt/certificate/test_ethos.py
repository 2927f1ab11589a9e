"""cvc5's proofs, checked by ethos where that is on PATH: here a stand-in, which reads a proof and says what it is told to."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ratified.cli.report.proof import proof_text
from ratified.cli.scripts import script_for
from ratified.smt.certificate import ethos
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


def test_proofs_that_ethos_accepts_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, 'print("correct")')
    proof = prove(script_for("consensus"), options=ProofOptions(certificate=tmp_path / "made"))
    assert proof.certificates
    assert proof.certificates.ethos == ethos.Ethos(3, (), ())
    assert "ethos       3 of 3 proofs of cvc5 are correct" in proof_text("consensus", proof)


def test_a_proof_that_it_does_not_accept_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, 'print("incorrect")')
    proof = prove(script_for("consensus"), options=ProofOptions(certificate=tmp_path / "made"))
    assert proof.certificates
    assert proof.certificates.ethos is not None
    assert (proof.certificates.ethos.right, len(proof.certificates.ethos.wrong)) == (0, 3)


IMPOSSIBLE = "(set-logic UF)\n(declare-fun p () Bool)\n(assert p)\n(assert (not p))\n(check-sat)\n"


@pytest.mark.parametrize(
    ("then", "opinion"),
    [
        ('print("correct")', "unsat"),
        ('print("correct")\nsys.exit(1)', "sat"),
        ('print("incorrect")', "sat"),
        ('print("correct, but for a step")', "sat"),
        ("", "sat"),
    ],
)
def test_whatever_else_it_says_is_no_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: str, opinion: str
) -> None:
    stand_in(tmp_path, monkeypatch, then)
    assert ethos.opinion(IMPOSSIBLE, 10) == opinion


@pytest.mark.parametrize("lacking", ["ethos", "Cpc.eo"])
def test_without_it_there_is_no_such_opinion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    stand_in(tmp_path, monkeypatch, 'print("correct")')
    assert ethos.installed()
    (tmp_path / lacking).unlink()
    assert not ethos.installed()


def test_of_what_is_not_so_there_is_no_proof() -> None:
    assert ethos.opinion(IMPOSSIBLE.replace("(assert (not p))\n", ""), 10) == "unknown"
