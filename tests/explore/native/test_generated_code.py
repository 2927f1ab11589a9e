"""Generated C of the bundled models under the compilers' sanitizers, on two threads (random models: test_codegen.py)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ratified.explore.native.codegen.program import generate
from ratified.explore.native.compile import RUNTIME, find_compiler
from ratified.explore.symmetry import symmetry_of
from ratified.language import Model
from ratified.models.commit.two_phase import TwoPhase
from ratified.models.paxos.broken import SmallestVote
from ratified.models.paxos.paxos import Paxos

HERE = Path(__file__).parent
FLAGS = ("-std=c11", "-O0", "-g", "-pthread", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def run(text: str, folder: Path) -> str:
    """What the explorer prints of a program that was built with sanitizers; they end it where they find something."""
    (folder / "model.c").write_text(text, encoding="utf-8")
    binary = folder / "main"
    named = [f"-I{RUNTIME}", f"-I{folder}", '-DMODEL_FILE="model.c"']
    built = subprocess.run(
        [*find_compiler(), *FLAGS, *named, str(HERE / "main.c"), "-o", str(binary)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    done = subprocess.run([str(binary), "2"], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


BUNDLED = [
    (Paxos(Acceptor=3, Value=2, Ballot=2), False, "distinct 3921 generated 22995 depth 17"),
    (Paxos(Acceptor=3, Value=2, Ballot=2), True, "distinct 443 generated 2578 depth 17"),
    (TwoPhase(ResourceManager=5), False, "distinct 8832 "),
    (SmallestVote(Acceptor=3, Value=2, Ballot=3), True, " length 15"),
]


@pytest.mark.parametrize(("model", "symmetry", "says"), BUNDLED)
def test_bundled_models(model: Model, symmetry: bool, says: str, tmp_path: Path) -> None:
    assert says in run(generate(model, symmetry_of(model) if symmetry else None).text, tmp_path)
