"""A model of one's own, in a folder of its own, with a variable of every type: the command line takes it as it stands.

That it types as it stands is seen by the mypy of this checkout, which is strict.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ratified.cli.main import run

EVERY = Path(__file__).parent / "own" / "every.py"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "every.py").write_text(EVERY.read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


def ratified(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-P", "-m", "ratified", *arguments]
    return subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


def test_it_is_explored(own: Path) -> None:
    claims = ["--claim", "no_letter_from_the_future", "--claim", "days_go_by"]
    done = ratified(own, "check", "every.py", "Person=2", "Counter=1", "Day=2", *claims)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("HOLDS  Office: 2 properties hold in all 1,422 states\n")
    assert "never fired" not in done.stdout
    assert "vacuous" not in done.stdout


def test_what_fails_is_shown(own: Path) -> None:
    done = ratified(own, "check", "every.py:Office", "Person=2", "Counter=1", "Day=2")
    assert done.returncode == 1
    assert done.stdout.startswith("VIOLATED  Office: majority_is_away fails after 1 step\n")
    assert "  1  arrive(p=p1)\n       queue  + p1\n" in done.stdout


def test_symmetry_takes_renamings_together(own: Path) -> None:
    sizes = ["every.py", "Person=3", "Counter=1", "Day=1", "--claim", "days_go_by"]
    whole = ratified(own, "check", *sizes, "-q")
    folded = ratified(own, "check", *sizes, "--symmetry", "-q")
    assert (whole.returncode, folded.returncode) == (0, 0)
    assert whole.stdout == "HOLDS  Office: 1 property holds in all 7,700 states\n"
    assert folded.stdout == "HOLDS  Office: 1 property holds in all 1,296 states\n"


WRONG = {
    "Person=0": "the size of Person must be at least 1, not 0",
    "Nobody=3": "Office has no sort or parameter 'Nobody'",
    "stamp_limit=many": "stamp_limit=many is not a value of type int",
}


@pytest.mark.parametrize("setting", WRONG)
def test_sizes_that_make_no_sense(
    own: Path, setting: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = setting.partition("=")[0]
    rest = [s for s in ("Person=2", "Counter=1", "Day=2") if not s.startswith(name)]
    monkeypatch.chdir(own)
    assert run(["check", "every.py", *rest, setting]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert WRONG[setting] in err


def test_a_size_that_is_missing(
    own: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(own)
    assert run(["check", "every.py", "Person=2"]) == 2
    assert "Office needs a size for" in capsys.readouterr().err


HEAD = """\
from typing import Annotated
from ratified import AtMost, Bag, Map, Model, Range, Symmetric, action, require

class C(Symmetric): ...

class M(Model):
"""

RUNS = {
    "unbound map key": (
        "    n: Annotated[int, Range(0, 3)]\n"
        "    grid: Map[Annotated[int, Range(0, 1)], bool]\n\n"
        "    @action\n    def step(self) -> None:\n"
        "        self.grid[self.n] = True\n        self.n += 1\n",
        2,
        "m.py:12:9: the map has no key 2\n"
        "   12 |         self.grid[self.n] = True\n"
        "      |         ^^^^^^^^^^^^^^^^^\n",
    ),
    "a copy that is not there": (
        "    mail: Annotated[Bag[C], AtMost(2)]\n\n"
        "    @action\n    def step(self, c: C) -> None:\n        self.mail.remove(c)\n",
        2,
        "m.py:11:9: the bag has no copy of c1 to remove\n"
        "   11 |         self.mail.remove(c)\n"
        "      |         ^^^^^^^^^^^^^^^^^^^\n",
    ),
    "a bag past its bound": (
        "    mail: Annotated[Bag[C], AtMost(2)]\n\n"
        "    @action\n    def step(self, c: C) -> None:\n        self.mail.add(c)\n",
        3,
        "m.py:11:9",
    ),
    "no initial state": (
        "    n: Annotated[int, Range(0, 3)]\n\n"
        "    def init(self, c: C) -> None:\n        require(self.n == 1)\n\n"
        "    @action\n    def step(self) -> None:\n        self.n = 0\n",
        2,
        "M has no initial state",
    ),
}


@pytest.mark.parametrize("what", RUNS)
def test_what_goes_wrong_in_a_run(
    tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    body, status, message = RUNS[what]
    (tmp_path / "m.py").write_text(HEAD + body, encoding="utf-8")
    sizes = ["C=2"] if "C" in body else []
    monkeypatch.chdir(tmp_path)
    ended, told = run(["check", "m.py", *sizes]), "".join(capsys.readouterr())
    assert ended == status, told
    assert message in told
