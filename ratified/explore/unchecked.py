"""Claims of kinds that an engine does not check: a result says so, and does not hold."""

from __future__ import annotations

from dataclasses import replace

from ratified.language.claims import not_checked, unchecked
from ratified.language.model import Model
from ratified.results.result import PropertyKind, Result, Verdict


def with_unchecked(found: Result, model: Model) -> Result:
    """A result that says what was not checked, and that does not hold if anything was not."""
    names = {p.name for p in found.properties if p.kind is not PropertyKind.DEADLOCK}
    left_out = unchecked(model.module, names)
    if not left_out:
        return found
    found = replace(found, unchecked=left_out)
    if found.verdict is not Verdict.HOLDS:
        return found
    why = not_checked(f"the {found.engine} engine", left_out)
    return replace(found, verdict=Verdict.UNDECIDED, stopped=why)
