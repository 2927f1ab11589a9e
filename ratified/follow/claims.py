"""A model's claims, asked of the states that a run passes through.

Guarantees: a claim is asked of each state and of each step that a run may have taken, and only where what it reads has changed;
what cannot be asked of a run that has not ended (liveness), and what is not asked, is named with the reason.
"""

from __future__ import annotations

from typing import Final

from ratified.follow.direct.machine import DirectMachine
from ratified.language.claims import LIVENESS, Unchecked, unchecked
from ratified.language.ir import Kind
from ratified.language.machine import Values
from ratified.language.uses import Uses

NOT_OF_A_RUN: Final = {
    **{kind.value: "a run that has not ended cannot break it" for kind in LIVENESS},
    Kind.REFINEMENT.value: "`ratified check` asks it",
}


class ClaimChecker:
    """The claims of a machine's model, which is asked within its scope.

    `every` says after how many events invariants are asked: 1 is at every step, 0 never.
    """

    def __init__(self, machine: DirectMachine, every: int) -> None:
        module = machine.reference.module
        index = {d.name: i for i, d in enumerate(module.variables)}
        uses = Uses(module)
        self._machine = machine
        self.every = every
        self._invariants = [
            (f.name, tuple(index[v] for v in uses.reads(f.body))) for f in module.of_kind(Kind.INVARIANT)
        ]
        self._of_steps = [f.name for f in module.of_kind(Kind.STEP_INVARIANT)]
        self.asked = (
            *(name for name, _ in self._invariants if every),
            *(name for name in self._of_steps if every == 1),
        )
        machine.asking(tuple(name for name, _ in self._invariants), tuple(self._of_steps))
        self.unasked = unchecked(module, self.asked)

    def why_not(self, claim: Unchecked) -> str:
        """Why a claim was not asked."""
        if claim.kind in NOT_OF_A_RUN:
            return NOT_OF_A_RUN[claim.kind]
        if self.every == 0:
            return "claims were turned off"
        if self.every > 1 and claim.kind == Kind.STEP_INVARIANT.value:
            return f"claims were asked after every {self.every:,} events only"
        return "a run cannot be asked about claims of this kind"

    def broken_in(self, state: Values, before: Values | None = None) -> str | None:
        """An invariant that is false in a state. None was false in `before`, if that is given."""
        for name, reads in self._invariants:
            if before is not None:
                for i in reads:
                    if state[i] is not before[i] and state[i] != before[i]:
                        break
                else:
                    continue
            if not self._machine.holds(name, state):
                return name
        return None

    def broken_by(self, before: Values, after: Values) -> str | None:
        """A claim that a step breaks, which leads from a state where no invariant is false."""
        if self._machine.broken and self._machine.trusting:
            try:
                found: str | None = self._machine.broken(after, before)
                return found
            except Exception:  # noqa: BLE001, S110  # whatever it is, claims are asked one by one
                pass
        for name in self._of_steps:
            if not self._machine.step_holds(name, before, after):
                return name
        return self.broken_in(after, before)
