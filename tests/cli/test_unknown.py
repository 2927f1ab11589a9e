"""A name that nobody defines is told with where it comes from, or with what says the same in a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratified import language
from ratified.cli.main import run
from ratified.cli.unknown import ELSEWHERE

FILE = """from ratified import Model, Set, Sort, action, {imported}

class Client(Sort): ...

class Locks(Model):
    held: Set[Client]

    @{used}
    def claim(self) -> bool:
        return True
"""


@pytest.mark.parametrize(
    ("imported", "used", "told"),
    [
        (
            "require",
            "invariant",
            "8:6: importing locks.py fails with NameError: name 'invariant' is not defined",
        ),
        ("require", "stable", "@step_invariant that it stays"),
        ("require", "invarient", "is it invariant?"),
    ],
)
def test_a_name_that_is_not_there(
    imported: str,
    used: str,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("locks.py").write_text(FILE.format(imported=imported, used=used))
    assert run(["check", "locks.py:Locks", "Client=2"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert "Traceback" not in err
    assert ("import it: from ratified import invariant" in err) == (used == "invariant")


def test_of_a_name_that_nobody_knows_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("locks.py").write_text(FILE.format(imported="require", used="zzzqx"))
    assert run(["check", "locks.py:Locks"]) == 2
    assert capsys.readouterr().err.count("\n") == 3


def test_what_is_named_elsewhere_is_no_name_of_ours() -> None:
    assert not ELSEWHERE.keys() & set(language.__all__)
