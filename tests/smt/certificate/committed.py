"""The certificates of the bundled proofs, committed beside them. `python -m tests.smt.certificate.committed` makes them anew.

Those that are certificates still are kept, so that a change of the translation costs no more than what it changes. Names of
models may be given, for these only.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from ratified.bundled import models
from ratified.cli.scripts import script_for
from ratified.smt.certificate.folder import Heading
from ratified.smt.certificate.making import certify
from ratified.smt.proving import wanted_of
from ratified.smt.script import script_of

NAMES = tuple(name for name, model in models.items() if model.proof)

COMMAND = "python -m tests.smt.certificate.committed"

SECONDS = 300.0
"""Processor time for an obligation."""


def folder_of(name: str) -> Path:
    """Where the certificates of a model's proof are committed."""
    proof = models[name].proof
    assert proof
    file = import_module(proof.partition(":")[0]).__file__
    assert file
    return Path(file).resolve().parent / "certificates" / name


def renew(name: str) -> str:
    """Make the certificates of a model's proof, and say what there is."""
    cls = script_for(name)
    script = script_of(cls)
    heading = Heading(
        script.name,
        script.module.name,
        tuple(lemma.function.name for lemma in script.lemmas),
        tuple(goal.function.name for goal in script.goals),
    )
    made = certify(folder_of(name), heading, wanted_of(cls), seconds=SECONDS)
    missing = f"; none for {', '.join(made.missing)}" if made.missing else ""
    return f"{name}: {made.found} certificates, {made.kept} kept, {made.size:,} bytes, {made.seconds:.0f} s{missing}"


if __name__ == "__main__":
    for model in sys.argv[1:] or NAMES:
        print(renew(model), flush=True)  # noqa: T201 - a report
