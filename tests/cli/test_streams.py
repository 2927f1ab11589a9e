"""Standard streams that are full, closed, or cannot show every letter: one message at most, and the verdict's exit status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LAMP = """\
from ratified import Map, Model, Symmetric, action, invariant


class Lämp(Symmetric):
    \"\"\"May burn.\"\"\"


class Light(Model):
    burning: Map[Lämp, bool]

    @action
    def switch(self, lamp: Lämp) -> None:
        self.burning[lamp] = not self.burning[lamp]

    @invariant
    def dark(self) -> bool:
        return all(not self.burning[lamp] for lamp in Lämp)
"""
CHECK = f"{sys.executable} -m ratified check light.py Lämp=2"
FULL = "Error: standard output cannot be written: No space left on device\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a model that is violated."""
    (tmp_path / "light.py").write_text(LAMP)
    return tmp_path


def shell(command: str, folder: Path) -> tuple[int, str, str]:
    """Run a shell's command line there; return its status and what it wrote."""
    made = subprocess.run(["/bin/sh", "-c", command], cwd=folder, capture_output=True, text=True, check=False)
    return made.returncode, made.stdout, made.stderr


@pytest.mark.parametrize("asked", ["check light.py Lämp=2", "list", "--help", "check --help", "--version"])
def test_a_full_device_is_one_message(asked: str, folder: Path) -> None:
    assert shell(f"{sys.executable} -m ratified {asked} > /dev/full", folder) == (2, "", FULL)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_where_nobody_can_be_told_the_status_is_the_verdict(closed: str, folder: Path) -> None:
    assert shell(f"{CHECK} -o report.json --format json {closed}", folder)[0] == 1
    assert (folder / "report.json").read_text().endswith("}\n")


@pytest.mark.parametrize(
    "wrong", ["check nope.py 2> /dev/full", "check --nope 2> /dev/full", "check --nope 2>&-"]
)
def test_a_mistake_is_2_where_it_cannot_be_told(wrong: str, folder: Path) -> None:
    assert shell(f"{sys.executable} -m ratified {wrong}", folder) == (2, "", "")


def test_what_an_encoding_lacks_is_written_as_an_escape(folder: Path) -> None:
    status, out, err = shell(f"PYTHONIOENCODING=ascii {CHECK}", folder)
    assert (status, err) == (1, "")
    assert "sizes       L\\xe4mp=2\n" in out
    status, out, err = shell(f"PYTHONIOENCODING=ascii {CHECK.replace('=2', '=x')}", folder)
    assert (status, out) == (2, "")
    assert err == "Error: the size of L\\xe4mp is a number, not 'x'\n  write L\\xe4mp=3\n"
