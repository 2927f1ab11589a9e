"""Mistakes in the cores of Multi-Paxos that nobody catches, and why each is none: by the name that a sweep gives it."""

from __future__ import annotations

from collections.abc import Mapping

NOT_GIVEN = "it guards against what no host gives: ticks that are none, or no number"
BEYOND = (
    "it guards against votes that no correct node has cast: whoever proposed in a slot knew all to be chosen up to a window "
    "before it, and so does somebody in each quorum"
)
UP_TO_FLOOR = (
    "nothing is proposed up to the floor, and votes there make only more room before the window ends"
)
FROM_ONE = "rounds are numbered from one"

SURVIVORS: Mapping[str, str] = {
    "candidate Candidate.mandate: if slot > floor becomes if True": UP_TO_FLOOR,
    "candidate Candidate.mandate: slot > floor becomes slot >= floor": UP_TO_FLOOR,
    "candidate Candidate.last_plausible: 1 becomes 2": BEYOND,
    "candidate Candidate.last_plausible: 1 becomes 0": BEYOND,
    "candidate Candidate.last_plausible: if slot - floor - number > self._state.config.window becomes if False": BEYOND,
    "candidate Candidate.last_plausible: slot - floor - number > self._state.config.window becomes "
    "slot - floor - number >= self._state.config.window": BEYOND,
    "candidate Candidate.last_plausible: without break": BEYOND,
    "core MultiPaxosCore.step: type(ticks) is int and ticks > 0 becomes type(ticks) is int or ticks > 0": NOT_GIVEN,
    "core MultiPaxosCore.step: ticks > 0 becomes ticks >= 0": NOT_GIVEN,
    "core MultiPaxosCore.step: 0 becomes -1": NOT_GIVEN,
    "state State.vote: 0 becomes -1": "where nothing is known, nothing is left out",
    "learner Learner.on_leader: if upto > state.chosen becomes if True": "what is known already is no cause to ask anybody",
    "learner Learner.ask: if others becomes if True": "a node without others hears of nothing that it would ask for",
    "leader Leader.__init__: 0 becomes -1 (6)": FROM_ONE,
    "leader Leader.on_alive: 0 becomes 1": FROM_ONE,
    "leader Leader.on_alive: 0 becomes -1": FROM_ONE,
}
