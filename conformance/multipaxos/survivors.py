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
ASKED_LATER = "ticks since a candidate asked are counted anew whenever there is one"
FROM_OTHERS = "whoever has told that more is chosen is one of the others: a node tells itself nothing"
NOTHING_MORE = "what is known already is no cause to ask anybody"

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
    "learner Learner.on_leader: if upto > state.chosen becomes if True": NOTHING_MORE,
    "learner Learner.ask: if others becomes if True": "a node without others hears of nothing that it would ask for",
    "leader Leader.__init__: 0 becomes -1 (6)": FROM_ONE,
    "leader Leader.on_alive: 0 becomes 1": FROM_ONE,
    "leader Leader.on_alive: 0 becomes -1": FROM_ONE,
    "candidate Candidate.mandate: self._state.chosen > floor becomes self._state.chosen >= floor": "of two that know "
    "as much neither has to be asked",
    "core MultiPaxosCore.__init__: None if observer is None else self._note becomes None if False else self._note": "without "
    "an observer it tells nobody",
    "core MultiPaxosCore._note: if self._observer is not None becomes if True": "it is called only where there is one",
    "core MultiPaxosCore.__init__: without self._since_asked = 0": ASKED_LATER,
    "core MultiPaxosCore.__init__: 0 becomes 1 (3)": ASKED_LATER,
    "core MultiPaxosCore.__init__: 0 becomes -1 (3)": ASKED_LATER,
    "core MultiPaxosCore._heard_from: if leader != self.node becomes if True": "no message of a node's own comes in",
    "leader Leader.__init__: 1 becomes 2 (2)": "no slot is as low as either",
    "leader Leader._confirm: without break": "the highest round is found first, and a lower one does not replace it",
    "learner Learner.__init__: 0 becomes -1": "nobody asks for slots up to the first",
    "learner Learner.__init__: without self._source: NodeId | None = None": "nobody asks before somebody has told",
    "learner Learner.on_leader: upto > state.chosen becomes upto >= state.chosen": NOTHING_MORE,
    "learner Learner.ask: others.index(self._source) if self._source in others else 0 becomes "
    "others.index(self._source) if True else 0": FROM_OTHERS,
    "learner Learner.ask: 0 becomes 1": FROM_OTHERS,
    "learner Learner.ask: 0 becomes -1": FROM_OTHERS,
    "learner Learner.on_catch_up: if state.snapshot is not None becomes if True": "what is chosen and no longer in the log is in "
    "a snapshot",
    "state State.vote: known > 0 becomes known >= 0": "where nothing is known, nothing is left out",
}
