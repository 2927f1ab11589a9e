"""Imports run one way. Each test plants an import that should not be and sees the contract that forbids it break."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

ROOMS = ("models", "proofs", "impl", "conformance")


def copied(checkout: Path, folder: Path) -> Path:
    """Copy the checkout's packages, links and all."""
    for name in (*ROOMS, "ratified"):
        shutil.copytree(
            checkout / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(checkout / "pyproject.toml", folder)
    assert (folder / "ratified" / "models").is_symlink()
    return folder


@pytest.fixture
def copy(tmp_path: Path, checkout: Path) -> Path:
    return copied(checkout, tmp_path)


def linted(folder: Path) -> str:
    """What is said of a folder's imports."""
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
    found = re.search(r"^Contracts: \d+ kept, (\d+) broken\.$", made.stdout, flags=re.MULTILINE)
    assert found, made.stdout + made.stderr
    assert made.returncode == (found[1] != "0"), made.stdout + made.stderr
    return made.stdout


def broken(folder: Path) -> set[str]:
    """Return the names of the contracts that the folder's imports break."""
    return set(re.findall(r"^(.+) BROKEN\b", linted(folder), flags=re.MULTILINE))


LAYERS = "The house lies in layers"
UNLEANING = "Models and proofs, and what they stand on, do not lean on an implementation"
GENERAL = "The workbench does not know the bundled protocols"
PLAIN = "Only the command line knows click"
PURE = "Cores know nothing of clocks, threads, sockets and disks"


def test_the_checkout_keeps_every_contract(copy: Path) -> None:
    assert broken(copy) == set()


AGAINST = (
    ("models", "ratified.conformance", {LAYERS}),
    ("models", "ratified.impl", {UNLEANING}),
    ("models", "ratified.cli.main", {LAYERS}),
    ("models", "click", {PLAIN}),
    ("proofs", "ratified.conformance", {LAYERS}),
    ("proofs", "ratified.impl", {UNLEANING}),
    ("impl", "ratified.models", {LAYERS}),
    ("impl", "ratified.proofs", {LAYERS}),
    ("impl", "ratified.conformance", {LAYERS}),
    ("impl", "ratified.simulator", {LAYERS}),
    ("impl", "ratified.language", {LAYERS}),
    ("conformance", "ratified.cli.main", {LAYERS}),
    ("conformance", "click", {PLAIN}),
    ("ratified/language", "ratified.results", {LAYERS}),
    ("ratified/language", "ratified.models", {LAYERS}),
    ("ratified/results", "ratified.explore", {LAYERS}),
    ("ratified/explore", "ratified.tla", {LAYERS}),
    ("ratified/explore", "ratified.smt", {LAYERS}),
    ("ratified/explore", "ratified.diagram", {LAYERS}),
    ("ratified/tla", "ratified.explore", {LAYERS}),
    ("ratified/smt", "ratified.explore", {LAYERS}),
    ("ratified/smt", "ratified.tla", {LAYERS}),
    ("ratified/itf", "ratified.smt", {LAYERS}),
    ("ratified/interchange", "ratified.results", {LAYERS}),
    ("ratified/smt", "ratified.impl", {UNLEANING}),
    ("ratified/follow", "ratified.conform", {LAYERS}),
    ("ratified/simulator", "ratified.impl.raft", {GENERAL}),
    ("ratified/conform", "ratified.conformance", {LAYERS}),
    ("ratified/conform", "ratified.models", {GENERAL}),
    ("ratified/conform", "ratified.impl.raft", {GENERAL}),
    ("ratified/explore", "ratified.impl.raft", {UNLEANING}),
    ("ratified/conform", "ratified.bundled", {LAYERS}),
    ("ratified/simulator", "ratified.bundled", {LAYERS}),
    ("ratified/follow", "ratified.bundled", {LAYERS}),
    ("impl", "ratified.bundled", {LAYERS}),
    ("ratified/bundled", "ratified.cli", {LAYERS}),
    ("ratified/conform", "ratified.impl.runtime", {GENERAL}),
    ("impl/raft", "ratified.impl.runtime.node", {PURE}),
    ("impl/multipaxos", "asyncio", {PURE}),
    ("impl/runtime", "ratified.follow", {LAYERS}),
)
"""What may not be imported where, and which contracts forbid it."""

ALONG = (
    ("proofs", "ratified.models"),
    ("models", "ratified.language"),
    ("conformance", "ratified.impl"),
    ("conformance", "ratified.explore"),
    ("ratified/simulator", "ratified.impl.contract"),
)
"""What may be imported."""


@pytest.fixture(scope="module")
def planted(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The contracts that each import breaks, by the name of its module, all planted at once."""
    folder = copied(checkout, tmp_path_factory.mktemp("planted"))
    for number, (place, imported, _) in enumerate(AGAINST):
        (folder / place / f"against_{number}.py").write_text(f"import {imported}\n")
    for number, (place, imported) in enumerate(ALONG):
        (folder / place / f"along_{number}.py").write_text(f"import {imported}\n")
    made, contract = linted(folder), ""
    found: dict[str, set[str]] = {}
    for line, under in pairwise(made.splitlines()):
        contract = line if under == "-" * len(line) and line else contract
        # The module at which a forbidden way begins: what it imports itself is on the same line.
        if told := re.match(r"\s*(?:- )?\s*ratified\.[\w.]+\.((?:against|along)_\d+) -> ", line):
            found.setdefault(told[1], set()).add(contract)
    return found


@pytest.mark.parametrize("number", range(len(AGAINST)), ids=lambda n: " ".join(AGAINST[n][:2]))
def test_an_import_against_the_layers_breaks_the_contract(number: int, planted: dict[str, set[str]]) -> None:
    assert AGAINST[number][2] <= planted.get(f"against_{number}", set())


@pytest.mark.parametrize("number", range(len(ALONG)), ids=lambda n: " ".join(ALONG[n]))
def test_an_import_along_the_layers_is_kept(number: int, planted: dict[str, set[str]]) -> None:
    assert f"along_{number}" not in planted


def test_every_folder_of_the_package_has_its_place(checkout: Path) -> None:
    folders = {path.name for path in (checkout / "ratified").iterdir() if (path / "__init__.py").exists()}
    assert folders >= set(ROOMS)
    contracts = tomllib.loads((checkout / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    by_name = {contract["name"]: contract for contract in contracts}
    layers = [place for layer in by_name[LAYERS]["layers"] for place in re.split(r" [|:] ", layer)]
    assert sorted(layers) == sorted(f"ratified.{name}" for name in folders)
    # Below what hosts or follows an implementation, nothing knows of any.
    hosts = {"testing", "editor", "cli", "bundled", "conformance", "conform", "follow", "simulator", "impl"}
    assert set(by_name[UNLEANING]["source_modules"]) == {f"ratified.{name}" for name in folders - hosts}


def test_an_import_hidden_in_a_function_is_found(copy: Path) -> None:
    (copy / "impl" / "planted.py").write_text("def later():\n    from ratified import language\n")
    assert broken(copy) == {LAYERS}


def test_an_import_by_way_of_the_front_door_is_found(copy: Path) -> None:
    with (copy / "ratified" / "__init__.py").open("a") as door:
        door.write("\nfrom ratified import language\n")
    (copy / "impl" / "planted.py").write_text("import ratified\n")
    assert LAYERS in broken(copy)


def modules_imported(path: Path) -> set[str]:
    """The modules that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return found


def test_the_checker_of_certificates_stands_on_the_standard_library_alone(checkout: Path) -> None:
    checker = checkout / "ratified" / "certified.py"
    assert {name.partition(".")[0] for name in modules_imported(checker)} <= sys.stdlib_module_names
    words = {
        n.id for n in ast.walk(ast.parse(checker.read_text(encoding="utf-8"))) if isinstance(n, ast.Name)
    }
    assert not words & {"__import__", "eval", "exec", "importlib"}, (
        "nothing is imported or run in another way"
    )


def test_the_checker_of_certificates_runs_without_the_project(checkout: Path, tmp_path: Path) -> None:
    """As a file of its own, in an interpreter that has no packages installed."""
    shutil.copy(checkout / "ratified" / "certified.py", tmp_path)
    program = (
        "import sys, certified; print(sorted(m for m in sys.modules if m.partition('.')[0] == 'ratified'))"
    )
    made = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {program}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout == "[]\n"


def test_a_room_imported_by_its_bare_name_is_refused(copy: Path) -> None:
    (copy / "impl" / "planted.py").write_text(
        '"""Planted."""\n\nfrom models import paxos\n\n__all__ = ["paxos"]\n'
    )
    made = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise", "impl/planted.py"],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "impl/planted.py:3:1: TID251 `models` is banned: write `ratified.models`" in made.stdout
