"""Houdini: the largest inductive subset of candidate lemmas.

Guarantees: what is kept is inductive: every kept candidate is true initially, and preserved by every action given the others
that are kept, by steps that raise no error and leave no range (which `prove` shows, and this does not). A candidate is dropped
only if an obligation of it failed or was not decided, which is said. (Flanagan & Leino,
"Houdini, an annotation assistant for ESC/Java", 2001.)
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from ratified.language.claims import Unchecked, unchecked
from ratified.language.errors import ModelError
from ratified.language.ir import Kind
from ratified.language.model import Model
from ratified.results.limits import LimitWatch
from ratified.results.result import Limits, Verdict
from ratified.smt.proving import UNLIMITED, USUAL, ProofOptions, limits_of, prove_script
from ratified.smt.result import Cell, Status
from ratified.smt.script import Lemma, ProofScript, assumed_by


@dataclass(frozen=True, slots=True)
class Houdini:
    """What was kept, in order, and what was dropped with the obligation that it was dropped for.

    `unchecked` are claims of other kinds, if not only some invariants were asked about; `assumes` what the class assumes beyond
    the model that it is about.
    """

    kept: tuple[str, ...]
    dropped: tuple[tuple[str, Cell], ...]
    rounds: int
    unchecked: tuple[Unchecked, ...] = ()
    assumes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """HOLDS if something is kept; if not, UNDECIDED where something was dropped that nobody has decided."""
        if self.kept:
            return Verdict.HOLDS
        unknown = any(cell.status is Status.UNDECIDED for _, cell in self.dropped)
        return Verdict.UNDECIDED if unknown else Verdict.VIOLATED


def houdini(
    cls: type[Model],
    candidates: Collection[str] | None = None,
    options: ProofOptions = USUAL,
    *,
    limits: Limits = UNLIMITED,
) -> Houdini:
    """Keep the largest inductive subset of a model's invariants, or of those that are named. `limits` are those of `prove`.

    Raises:
        ModelError: there is no invariant of such a name, or none at all; or the model cannot be said in first-order logic.
    """
    module = cls.module
    known = {f.name: f for f in module.of_kind(Kind.INVARIANT)}
    names = list(known) if candidates is None else list(candidates)
    for name in names or [""]:
        if name not in known:
            raise ModelError(
                f"{module.name} has no invariant {name!r}" if name else f"{module.name} has no invariants",
                span=module.span,
                remedy=f"its invariants: {', '.join(known) or 'none'}",
            )
    how = replace(options, counterexamples=False)
    limits = limits_of(limits, how)
    watch = LimitWatch(limits)
    dropped: list[tuple[str, Cell]] = []
    rounds = 0
    while names:
        rounds += 1
        script = ProofScript(module.name, module, tuple(Lemma(known[n], None) for n in names), ())
        open_: dict[str, Cell] = {}
        for cell in prove_script(
            script, cls, how, limits=replace(limits, seconds=watch.left), only=names
        ).cells:
            if cell.status is not Status.PROVED:
                open_.setdefault(cell.claim, cell)
        if not open_:
            break
        dropped += open_.items()
        names = [n for n in names if n not in open_]
    left_out = unchecked(module, known) if candidates is None else ()
    assumes = tuple(f.name for f in assumed_by(cls))
    return Houdini(tuple(names), tuple(dropped), rounds, left_out, assumes)
