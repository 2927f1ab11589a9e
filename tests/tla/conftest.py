"""TLC for tests: with what it loads at its start put into one file, which spares each run half of its time."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ratified.tla import tlc as tools
from ratified.tla.tlc import Tlc
from tests.tla.service import Service

_QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
_MODULE = """---- MODULE Warm ----
EXTENDS Integers, FiniteSets, Sequences, Bags, TLC
VARIABLE x
Init == x = EmptyBag
Next == x' = x (+) SetToBag({[a |-> <<1>>]}) /\\ BagCardinality(x) < 2
Spec == Init /\\ [][Next]_x
Safe == BagToSet(x) = {} \\/ TRUE
Steps == [][TRUE]_x
====
"""
_CONFIG = "SPECIFICATION Spec\nINVARIANT Safe\nPROPERTY Steps\n"


@pytest.fixture(scope="session")
def service(tlc: Tlc) -> Iterator[Service]:
    """TLC for many small models."""
    with Service(tlc) as made:
        yield made


@pytest.fixture(scope="session")
def tlc(tmp_path_factory: pytest.TempPathFactory) -> Tlc:
    """TLC, quick to start."""
    found = tools.find()
    folder = tmp_path_factory.mktemp("tlc")
    archive = folder / "tlc.jsa"
    (folder / "Warm.tla").write_text(_MODULE)
    (folder / "Warm.cfg").write_text(_CONFIG)
    command = [
        found.java,
        *_QUICK,
        f"-Djava.io.tmpdir={folder}",
        f"-XX:ArchiveClassesAtExit={archive}",
        "-cp",
        str(found.jar),
        "tlc2.TLC",
    ]
    subprocess.run([*command, "-tool", "-deadlock", "Warm.tla"], cwd=folder, capture_output=True, check=True)
    # A Java that knows no such archives still runs, only slower.
    return replace(
        found, options=(*_QUICK, *([f"-XX:SharedArchiveFile={archive}"] if archive.exists() else []))
    )
