"""What people install: the wheel, built from the sdist, in an environment that has never seen the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from ratified.version import __version__

# One worker builds them once for all tests here.
pytestmark = pytest.mark.xdist_group("archives")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, archives: tuple[Path, Path]) -> Path:
    """Install the wheel with its dependencies into an empty environment; return the `ratified` program."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(folder / "bin" / "python"),
        "--disable-pip-version-check",
    ]
    made = subprocess.run(
        [*pip, "install", "--quiet", "--no-compile", str(archives[1])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return folder / "bin" / "ratified"


def run(program: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the installed program with an environment that does not lead back to the checkout."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return subprocess.run(
        [str(program), *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def sources(checkout: Path) -> set[str]:
    """Return every file of the package, the rooms included and certificates left out, by its place in the wheel."""
    found = set()
    for folder, folders, files in os.walk(checkout / "ratified", followlinks=True):
        folders[:] = [name for name in folders if name not in ("__pycache__", "certificates")]
        found |= {(Path(folder) / name).relative_to(checkout).as_posix() for name in files}
    return found


def test_the_wheel_holds_every_file_of_every_room_as_a_file(
    archives: tuple[Path, Path], checkout: Path
) -> None:
    with zipfile.ZipFile(archives[1]) as wheel:
        packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
        kinds = {info.external_attr >> 28 for info in wheel.infolist()}
    assert packed == sources(checkout)
    assert {"ratified/py.typed", "ratified/models/__init__.py", "ratified/explore/search.py"} <= packed
    assert kinds <= {0, 0o10}  # regular files: no link among them


def test_the_sdist_holds_them_too_and_what_a_person_reads(
    archives: tuple[Path, Path], checkout: Path
) -> None:
    root = f"ratified-{__version__}/"
    with tarfile.open(archives[0]) as sdist:
        members = {member.name.removeprefix(root): member for member in sdist.getmembers()}
    assert sources(checkout) <= set(members)
    assert {"LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/language.md"} <= set(members)
    assert all(member.isfile() for member in members.values())


def test_they_are_what_an_index_takes(archives: tuple[Path, Path]) -> None:
    for check in (
        ["twine", "check", "--strict", *map(str, archives)],
        ["check_wheel_contents", str(archives[1])],
    ):
        made = subprocess.run([sys.executable, "-m", *check], capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stdout + made.stderr


def test_the_installed_command_says_its_version(installed: Path, tmp_path: Path) -> None:
    made = run(installed, "--version", cwd=tmp_path)
    assert (made.returncode, made.stdout, made.stderr) == (0, f"ratified {__version__}\n", "")


def test_the_installed_command_lists_the_bundled_models(installed: Path, tmp_path: Path) -> None:
    made = run(installed, "list", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    for name in ("consensus", "voting", "paxos", "two-phase-commit"):
        assert f"\n    {name} " in made.stdout


def test_the_installed_command_checks_a_bundled_model(installed: Path, tmp_path: Path) -> None:
    made = run(installed, "check", "consensus", cwd=tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
    assert made.stdout.startswith("HOLDS  ")


def test_the_installed_command_checks_a_model_in_a_file(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "light.py").write_text(
        "from ratified import Model, action, invariant\n\n\n"
        "class Light(Model):\n"
        "    red: bool = True\n\n"
        "    @action\n"
        "    def change(self) -> None:\n"
        "        self.red = not self.red\n\n"
        "    @invariant\n"
        "    def always_red(self) -> bool:\n"
        "        return self.red\n"
    )
    made = run(installed, "check", "light.py", cwd=tmp_path)
    assert made.returncode == 1, made.stdout + made.stderr
    assert "always_red" in made.stdout
