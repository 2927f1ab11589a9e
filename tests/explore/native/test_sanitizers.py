"""The runtime under the compilers' sanitizers: memory, undefined behaviour, data races."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ratified.explore.native.compile import RUNTIME, find_compiler

HERE = Path(__file__).parent


def build(sanitizer: str, model: str, macros: tuple[str, ...], target: Path) -> None:
    flags = [
        "-std=c11",
        "-O1" if sanitizer == "thread" else "-O0",  # which takes longer: to compile, or to run
        "-g",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-pthread",
        f"-fsanitize={sanitizer}",
        "-fno-sanitize-recover=all",
    ]
    folders = [f"-I{RUNTIME}", f"-I{HERE}", f'-DMODEL_FILE="{model}.c"']
    command = [*find_compiler(), *flags, *folders, *macros, str(HERE / "main.c"), "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "cannot find" in done.stderr and "san" in done.stderr:
        pytest.skip(f"this compiler has no {sanitizer} sanitizer")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("sanitizer", ["address,undefined", "thread"])
@pytest.mark.parametrize(
    ("model", "macros", "says"),
    [
        ("paxos", ("-DBALLOTS=3",), "distinct 185369 generated 1316584 depth 25"),
        ("paxos", ("-DBALLOTS=3", "-DBROKEN=1", "-DRX_BATCH=16"), "finding 2 0 length 13"),
        ("pair", ("-DBAD=37",), "finding 2 0 length 18"),
    ],
)
def test_clean(sanitizer: str, model: str, macros: tuple[str, ...], says: str, tmp_path: Path) -> None:
    """In memory with one and two threads, on disk, and twice with a checkpoint (written, then resumed)."""
    binary = tmp_path / "main"
    build(sanitizer, model, macros, binary)
    spill = str(tmp_path)
    for arguments in (
        *([["1"]] if sanitizer != "thread" else []),
        ["2"],
        ["2", "1", "2", spill],
        ["2", "1", "2", spill, f"{spill}/c"],
        ["1", "1", "0", "", f"{spill}/c"],
    ):
        done = subprocess.run([str(binary), *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert says in done.stdout, done.stdout
