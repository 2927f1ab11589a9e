"""The extension for VS Code, without VS Code: its own tests, which speak to the server that it would start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from ratified.version import __version__


def test_the_extension_passes_its_tests(checkout: Path) -> None:
    program = Path(sys.executable).parent / "ratified-lsp"
    made = subprocess.run(
        ["node", "--test", "--test-reporter=tap"],  # noqa: S607 - wherever node is
        cwd=checkout / "editors/vscode",
        env={**os.environ, "RATIFIED_LSP": str(program)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    assert "# pass 5\n# fail 0\n" in made.stdout


def test_it_has_the_version_of_the_package(checkout: Path) -> None:
    manifest = json.loads((checkout / "editors/vscode/package.json").read_text(encoding="utf-8"))
    assert manifest["version"] == __version__
