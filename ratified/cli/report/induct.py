"""Reports of candidates for lemmas: what keeps one from being inductive, and which are inductive together; as text or JSON.

Guarantees: rendering is pure; nothing here decides anything that an `Induction` or a `Houdini` does not say.
"""

from __future__ import annotations

import json

from ratified.cli.report.machine import json_unchecked
from ratified.cli.report.proof import STYLES, json_cell, open_lines, where
from ratified.cli.report.text import Paint, labelled
from ratified.cli.report.words import plural
from ratified.language.claims import not_checked
from ratified.results.result import Verdict
from ratified.smt.houdini import Houdini
from ratified.smt.induct import Induction
from ratified.smt.result import Status
from ratified.version import __version__

SCHEMA = "ratified-induct/1"
SCHEMA_OF_HOUDINI = "ratified-houdini/1"

HOUDINI = {
    Verdict.HOLDS: "INDUCTIVE",
    Verdict.VIOLATED: "NOT INDUCTIVE",
    Verdict.UNDECIDED: "UNDECIDED",
}
"""What a search for an inductive subset is called, by its verdict."""


def induction_text(name: str, claim: str, found: Induction, *, color: bool = False) -> str:
    """Return what keeps a candidate from being inductive, as text."""
    paint, lines = Paint(color), list[str]()
    verdict = found.proof.verdict
    how = "which follows from its lemmas" if found.follows else "with its lemmas"
    words = {
        Verdict.HOLDS: ("INDUCTIVE", f"{name}: {claim}, {how}{where(found.proof.assumes)}"),
        Verdict.VIOLATED: (
            "NOT INDUCTIVE",
            f"{name}: {claim} has {plural(len(found.found), 'counterexample')}",
        ),
        Verdict.UNDECIDED: ("UNDECIDED", f"{name}: {claim}"),
    }
    word, what = words[verdict]
    lines += [*labelled(word, what, STYLES[verdict], paint, gap=2), ""]
    meaning = {
        "unreachable": "this state is not reachable at this size: a lemma could exclude it",
        "not found": "this state was not found, but not every state was visited",
    }
    for cell, reach in found.found:
        assert cell.counterexample
        wrong = "the candidate is not an invariant"
        if cell.claim != claim:
            lemma = cell.claim in found.proof.lemmas
            wrong = (
                f"the lemma {cell.claim} is not an invariant" if lemma else f"this step is not {cell.claim}"
            )
        told = meaning.get(reach.value, f"this state is reachable: {wrong}")
        lines += [*open_lines(cell, paint), f"  {told}", ""]
    lines += [f"  undecided: {c.name}  {c.why}" for c in found.proof.of(Status.UNDECIDED)]
    return "\n".join(line.rstrip() for line in lines).rstrip("\n") + "\n"


def houdini_text(name: str, found: Houdini, *, color: bool = False) -> str:
    """Return what was kept and what was dropped, as text."""
    paint = Paint(color)
    word, style = HOUDINI[found.verdict], STYLES[found.verdict]
    of = plural(len(found.kept) + len(found.dropped), "invariant")
    what = f"{name}: {len(found.kept)} of {of}{where(found.assumes)}"
    lines = list(labelled(word, what, style, paint, gap=2))
    lines += ["", *(f"  kept     {claim}" for claim in found.kept)]
    lines += [f"  dropped  {claim}: {cell.name} {cell.status.value}" for claim, cell in found.dropped]
    if found.unchecked:
        lines += ["", *labelled("note", not_checked("houdini", found.unchecked), "cyan", paint)]
    return "\n".join(lines) + "\n"


def induction_json(name: str, claim: str, found: Induction) -> str:
    """Return everything that is known of a candidate, as one JSON object."""
    reached = {id(cell): reach.value for cell, reach in found.found}
    verdict = found.proof.verdict
    report = {
        "schema": SCHEMA,
        "ratified": __version__,
        "name": name,
        "claim": claim,
        "verdict": verdict.value,
        "exit_status": verdict.exit_status,
        "lemmas": [lemma for lemma in found.proof.lemmas if lemma != claim],
        "assumes": list(found.proof.assumes),
        "seconds": round(found.proof.seconds, 3),
        "obligations": [
            {**json_cell(cell), "state_before": reached.get(id(cell))} for cell in found.proof.cells
        ],
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def houdini_json(name: str, found: Houdini) -> str:
    """Return everything that is known of a set of candidates, as one JSON object."""
    verdict = found.verdict
    report = {
        "schema": SCHEMA_OF_HOUDINI,
        "ratified": __version__,
        "name": name,
        "verdict": verdict.value,
        "exit_status": verdict.exit_status,
        "kept": list(found.kept),
        "dropped": [{"name": claim, "obligation": json_cell(cell)} for claim, cell in found.dropped],
        "rounds": found.rounds,
        "assumes": list(found.assumes),
        "not_checked": json_unchecked(found.unchecked),
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"
