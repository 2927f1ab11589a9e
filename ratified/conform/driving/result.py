"""What came of driving a system along its model: frozen values for tests and reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ratified.conform.driving.walk import Asked
from ratified.results.result import Decided, Verdict


@dataclass(frozen=True, slots=True)
class Deviation:
    """Where a system leaves its model: a walk that shows it, as short as could be found.

    `found_after` is how much had been asked for in the walk that failed first; `repeats` whether it failed again when replayed.
    """

    what: str
    details: tuple[str, ...]
    beginning: str
    walk: tuple[Asked, ...]
    found_after: int
    repeats: bool = True


@dataclass(frozen=True, slots=True)
class Driven(Decided):
    """What was driven of a model, and what came of it.

    `states` and `edges` are those of the graph; `taken` were driven, in `walks` walks of `steps` steps (at least `least` are
    needed); `reasons` count the steps that were not, by why. Of what is forbidden `asked` was asked for, `refused` or
    `ignored`, in all states that were come to; `unasked` counts the rest by why. `random_walks` of `random_steps` went beyond.
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
        """The states of the graph, by the name that every answer has for them."""
        return self.states

    @property
    def asked(self) -> int:
        """How many forbidden steps were asked for."""
        return self.refused + self.ignored

    @property
    def verdict(self) -> Verdict:
        """Violated if the system left its model; undecided if anything ran out, or nothing was driven."""
        if self.deviation is not None:
            return Verdict.VIOLATED
        return Verdict.UNDECIDED if self.stopped is not None else Verdict.HOLDS
