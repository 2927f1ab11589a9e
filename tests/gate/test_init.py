"""`ratified init`: what it writes runs as it is, is red when the model is broken, and overwrites nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from ratified.cli.commands.init import contents
from ratified.version import __version__
from tests.gate.folders import LOCK, said

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


WROTE = """\
wrote lock.py
wrote test_lock.py
wrote pyproject.toml
wrote .github/workflows/ratified.yml

`ratified check` or `pytest` checks the model; docs/ci.md has the rest
"""


def test_what_it_writes_holds(empty: Path, capsys: Capture) -> None:
    assert said(capsys, "init") == (0, WROTE, "")
    assert said(capsys, "check", "-q") == (0, "HOLDS  pyproject.toml: 3 of 3 are as expected\n", "")


def test_the_steps_of_its_workflow_run(empty: Path, capsys: Capture) -> None:
    """All but the one that installs: first as it is, then unchanged, then broken; on several processes too."""
    said(capsys, "init")
    text = (empty / ".github" / "workflows" / "ratified.yml").read_text()
    install, run = re.findall(r"^ +- run: (.*)$", text, flags=re.MULTILINE)
    assert install.startswith("python -m pip install ")

    def ran(*more: str) -> tuple[int, str]:
        words = [sys.executable, *run.split()[1:], "-p", "no:hypothesispytest", "-p", "no:anyio", *more]
        found = subprocess.run(words, cwd=empty, capture_output=True, text=True, check=False)
        return found.returncode, found.stdout

    status, out = ran()
    assert status == 0, out
    assert "lock.py ...." in out
    status, out = ran("-n", "2")
    assert status == 0, out
    assert "ratified: unchanged since " in out
    (empty / "lock.py").write_text(LOCK.replace("require(self.granted is None)", "require(True)"))
    status, out = ran()
    assert status == 1, out
    assert "mutual_exclusion fails after 2 steps  (invariant)  lock.py:31:5\n" in out
    assert (empty / "ratified-report.xml").read_text().count("<failure") == 4


@pytest.mark.parametrize(
    ("noted", "source"),
    [
        (None, f"ratified=={__version__}"),
        ('{"url": "file:///somewhere/ratified", "dir_info": {"editable": true}}', ""),
        (
            '{"url": "https://host.example/ratified.whl", "archive_info": {}}',
            "ratified @ https://host.example/ratified.whl",
        ),
        (
            '{"url": "https://host.example/ratified", "vcs_info": {"vcs": "git", "commit_id": "f00d"}}',
            "ratified @ git+https://host.example/ratified@f00d",
        ),
    ],
)
def test_its_workflow_installs_what_made_it(
    noted: str | None, source: str, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pip notes it; where that is a folder of this machine, the job ends and says what is to be filled in."""
    monkeypatch.setattr(metadata.Distribution, "from_name", lambda _: Installed(noted))
    text = contents(empty)[".github/workflows/ratified.yml"]
    assert f'  RATIFIED: "{source}"\n' in text
    (install,) = re.findall(r"^ +- run: (python -m pip install .*)$", text, flags=re.MULTILINE)
    shown = install.replace("python -m pip install", "echo")
    made = subprocess.run(
        ["bash", "-c", shown],  # noqa: S607 - as the service does
        env={**os.environ, "RATIFIED": source},
        capture_output=True,
        text=True,
        check=False,
    )
    if source:
        assert (made.returncode, made.stdout) == (0, f"{source} pytest\n")
    else:
        assert made.returncode != 0
        assert "RATIFIED: says what to install Ratified from" in made.stderr


class Installed(metadata.Distribution):
    """A distribution of which pip has noted where it came from."""

    def __init__(self, noted: str | None) -> None:
        self.noted = noted

    def read_text(self, filename: str) -> str | None:
        return self.noted if filename == "direct_url.json" else None

    def locate_file(self, path: object) -> Path:
        return Path(str(path))


def test_nothing_is_overwritten(empty: Path, capsys: Capture) -> None:
    (empty / "test_lock.py").write_text("mine")
    assert said(capsys, "init") == (
        2,
        "",
        "Error: test_lock.py exists already; nothing was written\n  ratified init FOLDER writes to another folder\n",
    )
    assert [path.name for path in empty.iterdir()] == ["test_lock.py"]
    assert (empty / "test_lock.py").read_text() == "mine"


def test_beside_a_project_of_ones_own_it_has_a_file_of_its_own(empty: Path, capsys: Capture) -> None:
    (empty / "pyproject.toml").write_text('[project]\nname = "mine"\n')
    status, out, _ = said(capsys, "init")
    assert status == 0
    assert "wrote ratified.toml\n" in out
    assert (empty / "pyproject.toml").read_text() == '[project]\nname = "mine"\n'
    assert said(capsys, "check", "-q")[:2] == (0, "HOLDS  ratified.toml: 3 of 3 are as expected\n")


def test_another_folder_may_be_named(empty: Path, capsys: Capture) -> None:
    status, out, _ = said(capsys, "init", "locks/new")
    assert status == 0
    assert out.endswith(
        "\ncd locks/new, then `ratified check` or `pytest` checks the model; docs/ci.md has the rest\n"
    )
    assert (empty / "locks" / "new" / "lock.py").read_text() == LOCK


def test_a_folder_that_cannot_be_written(empty: Path, capsys: Capture) -> None:
    (empty / "file").write_text("")
    status, out, err = said(capsys, "init", "file/inside")
    assert (status, out) == (2, "")
    assert err == "Error: file/inside/lock.py cannot be written: Not a directory\n"
