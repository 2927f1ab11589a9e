"""The exported text: what Paxos and Raft look like in TLA+, and what holds of every model's text."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import pytest

from ratified.bundled import models as bundled
from ratified.cli.instances import instance
from ratified.cli.loading import load
from ratified.cli.main import run as ratified
from ratified.language import AtMost, Model, Range, Seq, Set, ir
from ratified.tla import export
from ratified.tla.translation import TRANSLATION

GOLDEN = Path(__file__).with_name("golden")


def golden(name: str, text: str) -> None:
    """A text is that of a golden file; rewritten with RATIFIED_UPDATE_GOLDENS=1."""
    path = GOLDEN / name
    if os.environ.get("RATIFIED_UPDATE_GOLDENS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["paxos", "raft", "two-phase-commit"])
def test_golden(name: str) -> None:
    made = export(instance(load(name), "small", {}))
    golden(f"{made.name}.tla", made.modules[f"{made.name}.tla"])
    golden(f"{made.name}.cfg", made.config)


@pytest.mark.sampled(every=4)
@pytest.mark.parametrize("name", bundled)
def test_lines_keep_to_eighty_columns_and_the_text_is_always_the_same(name: str) -> None:
    cls = load(name)
    made = export(instance(cls, None, {}))
    for file, text in made.files.items():
        wide = [line for line in text.splitlines() if len(line) > 80]
        assert wide == [], file
        assert text == "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    assert export(instance(cls, None, {})).files == made.files


def test_symmetry_is_asked_for() -> None:
    model = instance(load("paxos"), "small", {})
    assert "SYMMETRY" not in export(model).config
    made = export(model, symmetry=True)
    assert "SYMMETRY Symmetry\n" in made.config
    assert "Symmetry == Permutations(Acceptor) \\union Permutations(Value)\n" in made.modules["Paxos.tla"]


class Spelling(Model):
    """Words and a line of them, more than can be listed, and few letters."""

    words: Set[Annotated[Seq[Annotated[int, Range(0, 8)]], AtMost(8)]]
    some: Annotated[Set[Annotated[Seq[Annotated[int, Range(0, 8)]], AtMost(8)]], AtMost(3)]
    word: Annotated[Seq[Annotated[int, Range(0, 8)]], AtMost(8)]
    few: Annotated[Seq[bool], AtMost(2)]


def test_what_is_in_a_large_type_is_said_without_listing_it() -> None:
    """To compare sets of functions, which is how TLC tells [1..8 -> 0..8] from [1..7 -> 0..8], it lists them."""
    text = export(Spelling()).modules["Spelling.tla"]
    assert "    /\\ \\A e \\in words : Len(e) <= 8 /\\ \\A i \\in DOMAIN e : e[i] \\in 0..8\n" in text
    assert "    /\\ Cardinality(some) <= 3\n" in text
    assert "    /\\ Len(word) <= 8\n    /\\ \\A i \\in DOMAIN word : word[i] \\in 0..8\n" in text
    assert "    /\\ few \\in BoundedSeq(BOOLEAN, 2)\n" in text


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "out"
    assert ratified(["export", "tla", "two-phase-commit", "ResourceManager=2", "-o", str(folder)]) == 0
    names = ["TransactionCommit.tla", "TwoPhase.cfg", "TwoPhase.tla"]
    assert sorted(p.name for p in folder.iterdir()) == names
    assert capsys.readouterr().out.splitlines() == [
        str(folder / n) for n in ("TwoPhase.tla", "TransactionCommit.tla", "TwoPhase.cfg")
    ]
    assert "    ResourceManager = {rm1, rm2}\n" in (folder / "TwoPhase.cfg").read_text()
    assert ratified(["export", "tla", "two-phase-commit"]) == 0
    assert capsys.readouterr().out == (folder / "TwoPhase.tla").read_text()


def test_a_folder_that_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert ratified(["export", "tla", "consensus", "-o", str(tmp_path / "file" / "out")]) == 2
    assert "cannot be created" in capsys.readouterr().err


def test_every_kind_of_node_has_a_rule() -> None:
    statements = {ir.Let, ir.Store, ir.If, ir.For, ir.Require, ir.Assert, ir.Return, ir.Do}
    assert TRANSLATION.expressions.lacking(ir.EXPRESSIONS) == set()
    assert TRANSLATION.statements.lacking(statements) == set()
