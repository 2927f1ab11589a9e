"""`dev.py`: one file of standard library that sets everything up, or says why it cannot."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def elsewhere(tmp_path: Path, checkout: Path) -> Path:
    """Make a folder with nothing in it but dev.py and pyproject.toml."""
    for name in ("dev.py", "pyproject.toml"):
        shutil.copy(checkout / name, tmp_path)
    return tmp_path


THERE_IS = """\
    python3 dev.py ratified verify paxos     runs the `ratified` command with the arguments that follow
    python3 dev.py test                      runs every check that a change must pass; arguments go to pytest
    python3 dev.py long [SUITE]              runs the tests that take too long for that; CONTRIBUTING.md lists them
"""


def run(folder: Path, *arguments: str, before: str = "pass") -> subprocess.CompletedProcess[str]:
    """Run the folder's dev.py as a program; `before` is Python to execute first, in the same process."""
    program = f"import sys, runpy; {before}; sys.argv = ['dev.py', *{arguments!r}]; runpy.run_path('dev.py', None, '__main__')"
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )


def load(folder: Path) -> ModuleType:
    """Import the folder's dev.py, without running anything."""
    spec = importlib.util.spec_from_file_location("dev_elsewhere", folder / "dev.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def plant(folder: Path, extras: tuple[str, ...]) -> None:
    """Put a `.venv` there whose programs are shell scripts that note their arguments, with a stamp that fits it."""
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "pyvenv.cfg").touch()
    for name, status in (("python", 0), ("ratified", 7)):
        script = folder / ".venv" / "bin" / name
        script.write_text(f'#!/bin/sh\necho {name} "$@" | tee -a "{folder}/calls"\nexit {status}\n')
        script.chmod(0o755)
    stamp = {**load(folder).fingerprint(), "extras": extras}
    (folder / ".venv" / "ratified-stamp.json").write_text(json.dumps(stamp))


def calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines()


def test_an_old_python_can_still_parse_it(checkout: Path) -> None:
    source = (checkout / "dev.py").read_text()
    ast.parse(source, feature_version=(3, 6))
    with pytest.raises(SyntaxError):  # the parser does tell the difference
        ast.parse(source + "\nif (n := 1): pass\n", feature_version=(3, 6))


def test_an_old_python_is_told_that_it_is_too_old(elsewhere: Path) -> None:
    made = run(elsewhere, "test", before="sys.version_info = (3, 9, 2)")
    assert made.returncode == 1
    assert made.stderr == (
        f"dev.py: Ratified needs Python 3.11 or later; this is 3.9 ({sys.executable}).\n"
        "  Run it with a newer one, for example: python3.12 dev.py ...\n"
    )


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_a_python_without_venv_is_told_what_to_install(elsewhere: Path, missing: str) -> None:
    made = run(elsewhere, "test", before=f"sys.modules['{missing}'] = None")
    assert made.returncode == 2
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert made.stderr == (
        f"dev.py: this Python ({sys.executable}) comes without {missing}, which makes environments.\n"
        f"  On Debian or Ubuntu: apt-get install python3-venv (or python{version}-venv)\n"
    )
    assert not (elsewhere / ".venv").exists()


def test_a_folder_that_is_no_environment_is_left_alone(elsewhere: Path) -> None:
    (elsewhere / ".venv").mkdir()
    (elsewhere / ".venv" / "precious").touch()
    made = run(elsewhere, "test")
    assert made.returncode == 2
    assert (
        made.stderr
        == f"dev.py: {elsewhere}/.venv exists and is no virtual environment; move it out of the way.\n"
    )
    assert (elsewhere / ".venv" / "precious").exists()


def test_when_pip_fails_its_words_are_shown_and_nothing_passes_for_installed(elsewhere: Path) -> None:
    plant(elsewhere, extras=())
    program(elsewhere, "python", "echo which package it is >&2\nexit 1")
    (elsewhere / "pyproject.toml").write_text("[build-system]\nrequires = 5\n")
    made = run(elsewhere, "ratified", "list")
    assert made.returncode == 2
    assert made.stderr.endswith(
        "which package it is\n"
        "dev.py: pip could not install what Ratified needs (status 1, its words are above).\n"
        "  It needs to reach a Python package index, or one that pip is configured to use instead.\n"
    )
    assert not (elsewhere / ".venv" / "ratified-stamp.json").exists()


def test_an_environment_is_made_where_there_is_none(elsewhere: Path) -> None:
    (elsewhere / "venv.py").write_text(
        "import sys\nif __name__ == '__main__':\n    print('made', *sys.argv[1:])\n    sys.exit(3)\n"
    )
    made = run(elsewhere, "ratified", "list")
    assert made.returncode == 2
    assert made.stderr == (
        f"dev.py: making .venv with Python {sys.version.split()[0]}\n"
        f"made {elsewhere}/.venv\n"
        f"dev.py: `{sys.executable} -m venv {elsewhere}/.venv` failed (status 3, its words are above).\n"
    )


def test_the_command_gets_its_arguments_and_gives_its_status(elsewhere: Path) -> None:
    plant(elsewhere, extras=())
    made = run(elsewhere, "ratified", "check", "paxos", "--depth", "3")
    assert (made.returncode, made.stdout, made.stderr) == (7, "ratified check paxos --depth 3\n", "")


def test_an_environment_that_holds_more_serves_for_less(elsewhere: Path) -> None:
    plant(elsewhere, extras=("dev",))
    assert run(elsewhere, "ratified", "list").returncode == 7
    assert calls(elsewhere) == ["ratified list"]


def test_a_changed_pyproject_is_installed_again_with_the_extras_that_were_there(elsewhere: Path) -> None:
    plant(elsewhere, extras=("dev",))
    with (elsewhere / "pyproject.toml").open("a") as manifest:
        manifest.write("\n# changed\n")
    made = run(elsewhere, "ratified", "list")
    assert made.returncode == 7
    assert made.stderr == (
        "dev.py: installing Ratified and its dependencies and the tools of the tests into .venv "
        "(once; takes about a minute)\n"
    )
    pip = f"python -m pip install --quiet --disable-pip-version-check --editable {elsewhere}[dev]"
    assert calls(elsewhere) == [pip, "ratified list"]
    assert run(elsewhere, "ratified", "list").stderr == ""
    assert calls(elsewhere) == [pip, "ratified list", "ratified list"]


def program(folder: Path, name: str, text: str) -> None:
    """Put a shell script among the programs of the folder's `.venv`."""
    file = folder / ".venv" / "bin" / name
    file.write_text(f'#!/bin/sh\necho {name} "$@" >> "{folder}/calls"\n{text}\n')
    file.chmod(0o755)


@pytest.fixture
def checks(elsewhere: Path) -> Path:
    """A folder whose checks all pass."""
    plant(elsewhere, extras=("dev",))
    for name in ("ruff", "mypy", "lint-imports", "python"):
        program(elsewhere, name, "exit 0")
    return elsewhere


def test_all_checks_are_run_and_what_they_took_is_told(checks: Path) -> None:
    made = run(checks, "test", "-k", "paxos")
    assert made.returncode == 0
    assert sorted(calls(checks)) == [
        "lint-imports --no-logo",
        "mypy",
        "python -m pytest -n 2 --dist loadgroup -k paxos",
        "ruff check .",
        "ruff format --check .",
    ]
    assert re.fullmatch(
        r"dev\.py: format \d+ s, lint \d+ s, imports \d+ s, tests \d+ s: \d+ s by the clock, "
        r"\d+ s of processor time; CI has 1,500 s by the clock",
        made.stderr.splitlines()[-1],
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ruff", "format failed: `ruff format .` (in .venv) fixes it"),
        ("lint-imports", "imports failed"),
        ("mypy", "types failed"),
    ],
)
def test_a_check_that_fails_is_told_and_its_status_is_that_of_all(checks: Path, name: str, says: str) -> None:
    program(checks, name, "echo what is wrong; exit 9")
    made = run(checks, "test")
    assert made.returncode == 9
    assert made.stderr.endswith(f"dev.py: {says}\n")
    assert "what is wrong\n" in made.stdout


def test_tests_that_fail_are_the_status_of_all(checks: Path) -> None:
    program(checks, "python", "exit 1")
    assert run(checks, "test").returncode == 1


def test_tests_are_interrupted_when_types_fail_beside_them(checks: Path) -> None:
    """The tests wait for a line that never comes, and mypy until they have begun."""
    for pipe in ("never", "begun"):
        os.mkfifo(checks / pipe)
    program(checks, "python", "trap 'exit 130' INT\necho > begun\nread line < never")
    program(checks, "mypy", "read line < begun\nexit 1")
    made = run(checks, "test")
    assert (made.returncode, made.stderr.splitlines()[-1]) == (1, "dev.py: types failed")


def test_long_tests_are_run_by_suite(checks: Path) -> None:
    for arguments, chosen in (
        ((), "long"),
        (("tlc", "-x"), "long(suite='tlc')"),
        (("tlc", "random"), "long(suite='tlc') or long(suite='random')"),
    ):
        assert run(checks, "long", *arguments).returncode == 0
        more = " -x" if "-x" in arguments else ""
        assert calls(checks)[-1] == f"python -m pytest -m {chosen} --durations=10{more}"


def test_every_suite_is_on_the_page(checkout: Path) -> None:
    """And there is a test in each."""
    files = [f for f in (checkout / "tests").rglob("test_*.py") if f.name != "test_dev.py"]
    there = {s for f in files for s in re.findall(r'mark\.long\(suite="(\w+)"\)', f.read_text("utf-8"))}
    if any("mark.sampled(" in f.read_text("utf-8") for f in files):
        there.add("rows")  # see tests/conftest.py
    page = (checkout / "CONTRIBUTING.md").read_text("utf-8")
    assert set(re.findall(r"^\| `python3 dev.py long (\w+)` \|", page, re.MULTILINE)) == there


def test_a_checkout_that_was_moved_gets_a_new_environment(elsewhere: Path) -> None:
    plant(elsewhere, extras=("dev",))
    moved = elsewhere / "moved"
    moved.mkdir()
    for name in ("dev.py", "pyproject.toml", ".venv"):
        (elsewhere / name).rename(moved / name)
    made = run(moved, "ratified", "list", before="sys.modules['venv'] = None")
    assert made.returncode == 2  # it set out to make one, and was kept from it
    assert "comes without venv" in made.stderr


@pytest.mark.parametrize(
    ("arguments", "says"), [((), "say what to do:"), (("tset",), "there is no command 'tset'; there are:")]
)
def test_anything_else_is_told_what_there_is(elsewhere: Path, arguments: tuple[str, ...], says: str) -> None:
    made = run(elsewhere, *arguments)
    assert made.returncode == 2
    assert made.stderr == f"dev.py: {says}\n{THERE_IS}"
    assert not (elsewhere / ".venv").exists()
