"""A model's claims, asked of the states that a run passes through.

Guarantees: a claim is asked of each state and of each step that a run may have taken, and only where what it reads has changed;
what cannot be asked of a run that has not ended (liveness), and what is not asked, is named with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ratified.language.ir import Kind
from ratified.language.machine import PythonMachine, Values
from ratified.language.uses import Uses

NOT_OF_A_RUN: Final = {
    Kind.EVENTUALLY: "a run that has not ended cannot break it",
    Kind.LEADS_TO: "a run that has not ended cannot break it",
    Kind.REFINEMENT: "`ratified check` asks it",
}


@dataclass(frozen=True, slots=True)
class Unasked:
    """A claim of the model that a run was not asked about."""

    name: str
    kind: Kind
    why: str


class Claims:
    """The claims of a machine's model. `every` says after how many events invariants are asked: 1 is at every step, 0 never."""

    def __init__(self, machine: PythonMachine, every: int) -> None:
        module = machine.module
        index = {d.name: i for i, d in enumerate(module.variables)}
        uses = Uses(module)
        self._machine = machine
        self.every = every
        self._invariants = [
            (f.name, tuple(index[v] for v in uses.reads(f.body))) for f in module.of_kind(Kind.INVARIANT)
        ]
        self._of_steps = [f.name for f in module.of_kind(Kind.STEP_INVARIANT)]
        self.unasked = tuple(
            Unasked(f.name, kind, why)
            for kind, why in (NOT_OF_A_RUN | self._off()).items()
            for f in module.of_kind(kind)
        )
        self.asked = (
            *(name for name, _ in self._invariants if every),
            *(name for name in self._of_steps if every == 1),
        )

    def _off(self) -> dict[Kind, str]:
        if self.every == 1:
            return {}
        if self.every == 0:
            return dict.fromkeys((Kind.INVARIANT, Kind.STEP_INVARIANT), "claims were turned off")
        return {Kind.STEP_INVARIANT: f"claims were asked after every {self.every:,} events only"}

    def broken_in(self, state: Values, before: Values | None = None) -> str | None:
        """An invariant that is false in a state. None was false in `before`, if that is given."""
        for name, reads in self._invariants:
            if before is not None and all(state[i] is before[i] or state[i] == before[i] for i in reads):
                continue
            if self._machine.refuted_by(name, state) is not None:
                return name
        return None

    def broken_by(self, before: Values, after: Values) -> str | None:
        """A claim that a step breaks, which leads from a state where no invariant is false."""
        for name in self._of_steps:
            if not self._machine.step_holds(name, before, after):
                return name
        return self.broken_in(after, before)
