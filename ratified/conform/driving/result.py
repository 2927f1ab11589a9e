"""What came of driving a system along its model: frozen values for tests and reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ratified.conform.driving.walk import Asked
from ratified.results.result import Decided, Verdict


@dataclass(frozen=True, slots=True)
class Deviation:
    """Where a system deviates from its model: a walk that shows it, as short as possible.

    `found_after` is the length of the walk that failed first; `repeats` whether the failure occurred again when replayed.
    """

    what: str
    details: tuple[str, ...]
    beginning: str
    walk: tuple[Asked, ...]
    found_after: int
    repeats: bool = True


@dataclass(frozen=True, slots=True)
class Driven(Decided):
    """The result of driving a system along its model.

    `states` and `edges` are those of the graph. `taken` edges were driven, in `walks` walks of `steps` steps in all (at least
    `least` walks are needed); `reasons` counts the others by reason. `forbidden` attempts exist in the states reached:
    `refused` and `ignored` (without effect) were tried, `unasked` counts the others by reason. `random_walks` of
    `random_steps` steps followed.
    """

    driver: str
    model: str
    given: Mapping[str, object]
    states: int = 0
    edges: int = 0
    taken: int = 0
    walks: int = 0
    least: int = 0
    steps: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    forbidden: int = 0
    refused: int = 0
    ignored: int = 0
    unasked: Mapping[str, int] = field(default_factory=dict)
    not_every: tuple[str, ...] = ()
    random_walks: int = 0
    random_steps: int = 0
    observed: tuple[str, ...] = ()
    unobserved: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    """Actions that were never taken."""
    deviation: Deviation | None = None
    stopped: str | None = None
    seconds: float = 0.0

    @property
    def distinct(self) -> int:
        """The number of states of the graph, under the name that every result has."""
        return self.states

    @property
    def asked(self) -> int:
        """How many forbidden attempts were made."""
        return self.refused + self.ignored

    @property
    def verdict(self) -> Verdict:
        """VIOLATED if the system deviates from its model; UNDECIDED if anything ran out, or nothing was driven."""
        if self.deviation is not None:
            return Verdict.VIOLATED
        return Verdict.UNDECIDED if self.stopped is not None else Verdict.HOLDS
