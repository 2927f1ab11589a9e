"""The proofs that are committed hold, and are of the scripts as they are today. No solver is needed to see that."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from ratified.cli.scripts import script_for
from ratified.smt.certificate.folder import certified
from ratified.smt.proving import entries_of
from tests.smt.certificate.committed import COMMAND, NAMES, folder_of

BYTES_MOST = 1_000_000
"""All certificates together."""


@pytest.mark.parametrize("name", NAMES)
def test_a_proof_that_is_committed_holds_and_is_of_todays_script(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for solver in ("z3", "cvc5", "pysat"):
        monkeypatch.setitem(sys.modules, solver, None)  # it cannot be imported
    expected = entries_of(script_for(name))
    found = certified(folder_of(name), expected)
    assert [f"{p.file}: {p.why}" for p in found.problems] == [], (
        f"the certificates of {name} are not those of its obligations: `{COMMAND} {name}` makes them anew"
    )
    assert found.obligations == len(expected)


def test_certificates_are_small() -> None:
    assert sum(file.stat().st_size for name in NAMES for file in folder_of(name).iterdir()) <= BYTES_MOST


def test_the_documentation_says_how_many_there_are(checkout: Path) -> None:
    rows = re.findall(
        r"^\| `([a-z-]+)`.* \| ([\d,]+) \|$", (checkout / "docs" / "proving.md").read_text(), re.MULTILINE
    )
    said = {name: int(count.replace(",", "")) for name, count in rows if name in NAMES}
    manifests = {name: json.loads((folder_of(name) / "manifest.json").read_text()) for name in NAMES}
    listed = {name: len(manifest["obligations"]) for name, manifest in manifests.items()}
    assert said.items() <= listed.items()
    assert len(said) > len(NAMES) // 2
    assert f"all {sum(listed.values()):,} obligations" in (checkout / "docs" / "certificates.md").read_text()
