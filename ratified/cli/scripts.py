"""Which proof script to try a model with: its own, a bundled one, or that of the bundled model it is a variant of."""

from __future__ import annotations

from typing import Any

from ratified.bundled import bugs, models
from ratified.cli.loading import load
from ratified.language.errors import RatifiedError


def own_script(target: str) -> Any:
    """Return the bundled proof script of a model, or the class that a target names."""
    model = models.get(target)
    return load(model.proof if model and model.proof else target)


def script_for(target: str) -> Any:
    """Return the proof script for what was asked for: a script itself, a model's, or that of the model it is a variant of.

    A model without a script is tried with its invariants alone.

    Raises:
        RatifiedError: there is no such model, or a bug that no proof can be tried with.
    """
    from ratified.smt.script import about_of, applied, has_lemmas

    bug = bugs.get(target)
    if bug and bug.no_proof:
        raise RatifiedError(
            f"there is no proof to try {target} with: {bug.no_proof}", remedy=f"ratified check {target}"
        )
    cls: Any = load(bug.relational) if bug and bug.relational else own_script(target)
    if has_lemmas(cls):
        return cls
    known: list[Any] = [load(model.proof) for model in models.values() if model.proof]
    scripts = [script for script in known if issubclass(cls, about_of(script))]
    for script in scripts:
        if not any(issubclass(about_of(s), about_of(script)) for s in scripts if s is not script):
            return applied(script, cls)  # the one that knows most of it
    return cls
