"""Imports run one way. Each test plants an import that should not be and sees the contract that forbids it break."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOMS = ("models", "proofs", "impl", "conformance")


@pytest.fixture
def copy(tmp_path: Path, checkout: Path) -> Path:
    """Copy the checkout's packages, links and all."""
    for name in (*ROOMS, "ratified"):
        shutil.copytree(
            checkout / name, tmp_path / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(checkout / "pyproject.toml", tmp_path)
    assert (tmp_path / "ratified" / "models").is_symlink()
    return tmp_path


def broken(folder: Path) -> set[str]:
    """Return the names of the contracts that the folder's imports break."""
    program = (
        "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    )
    made = subprocess.run(
        [sys.executable, "-c", program, "--no-logo", "--no-cache"],
        cwd=folder,
        env={"COLUMNS": "500", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = set(re.findall(r"^(.+) BROKEN\b", made.stdout, flags=re.MULTILINE))
    assert made.returncode == (1 if found else 0), made.stdout + made.stderr
    assert re.search(r"^Contracts: \d+ kept, \d+ broken\.$", made.stdout, flags=re.MULTILINE), (
        made.stdout + made.stderr
    )
    return found


LAYERS = "The rooms lie in layers: the command line over conformance over proofs over models"
IGNORANT = "An implementation knows nothing of its specification, its proof or its test"
UNLEANING = "Models and proofs do not lean on an implementation"
PLAIN = "The rooms do not know the command line"


def test_the_checkout_keeps_every_contract(copy: Path) -> None:
    assert broken(copy) == set()


@pytest.mark.parametrize(
    ("room", "imported", "contracts"),
    [
        ("models", "ratified.proofs.explore", {LAYERS}),
        ("models", "ratified.conformance", {LAYERS}),
        ("models", "ratified.impl", {UNLEANING}),
        ("models", "ratified.cli", {LAYERS, PLAIN}),
        ("models", "click", {PLAIN}),
        ("proofs", "ratified.conformance", {LAYERS}),
        ("proofs", "ratified.impl", {UNLEANING}),
        ("proofs", "ratified.cli", {LAYERS, PLAIN}),
        ("impl", "ratified.models", {IGNORANT}),
        ("impl", "ratified.proofs", {IGNORANT}),
        ("impl", "ratified.conformance", {IGNORANT}),
        ("conformance", "ratified.cli", {LAYERS, PLAIN}),
        ("conformance", "click", {PLAIN}),
    ],
)
def test_an_import_against_the_layers_breaks_the_contract(
    copy: Path, room: str, imported: str, contracts: set[str]
) -> None:
    (copy / room / "planted.py").write_text(f"import {imported}\n")
    assert contracts <= broken(copy)


@pytest.mark.parametrize(
    ("room", "imported"),
    [
        ("proofs", "ratified.models"),
        ("conformance", "ratified.impl"),
        ("conformance", "ratified.proofs.explore"),
    ],
)
def test_an_import_along_the_layers_is_kept(copy: Path, room: str, imported: str) -> None:
    (copy / room / "planted.py").write_text(f"import {imported}\n")
    assert broken(copy) == set()


def test_the_rooms_are_kept_from_every_module_above_them(checkout: Path) -> None:
    contracts = tomllib.loads((checkout / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (plain,) = (contract for contract in contracts if contract["name"] == PLAIN)
    above = {
        f"ratified.{path.stem}"
        for path in (checkout / "ratified").iterdir()
        if not path.is_symlink() and (path.suffix == ".py" or (path / "__init__.py").exists())
    }
    assert above - {"ratified.__init__", "ratified.version"} == set(plain["forbidden_modules"]) - {"click"}


def test_an_import_hidden_in_a_function_is_found(copy: Path) -> None:
    (copy / "impl" / "planted.py").write_text("def later():\n    from ratified.models import language\n")
    assert broken(copy) == {IGNORANT}


def test_an_import_by_way_of_the_front_door_is_found(copy: Path) -> None:
    with (copy / "ratified" / "__init__.py").open("a") as door:
        door.write("\nfrom ratified.models import language\n")
    (copy / "impl" / "planted.py").write_text("import ratified\n")
    assert IGNORANT in broken(copy)


def test_a_room_imported_by_its_bare_name_is_refused(copy: Path) -> None:
    (copy / "impl" / "planted.py").write_text(
        '"""Planted."""\n\nfrom models import language\n\n__all__ = ["language"]\n'
    )
    made = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise", "impl/planted.py"],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "impl/planted.py:3:1: TID251 `models` is banned: write `ratified.models`" in made.stdout
