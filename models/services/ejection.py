"""Outlier ejection: hosts that fail are left out for a while, longer each time, but never so many that the others break down.

The limit of ejections holds after the ejection, not before it; the last host is never ejected; and if fewer than half are
left, all are used, since it is better to send requests to hosts that fail than to overload the few that do not (the panic
threshold). A host that is well again is forgiven step by step. (Envoy's outlier detection; its issues 26877, 27066, 3263, 6016.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from ratified.language import (
    Map,
    Model,
    Param,
    Range,
    Set,
    Symmetric,
    action,
    invariant,
    leads_to,
    require,
    step_invariant,
    view,
)


class Host(Symmetric):
    """Serves requests, or fails."""


class Ejection(Model):
    """Which hosts fail, which are ejected and for how long, and where the last request went."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Host": 3, "most": 67, "longest": 1},
        "standard": {"Host": 3, "most": 67},
        "large": {"Host": 4, "most": 75, "longest": 2},
    }

    most: Param[Annotated[int, Range(0, 100)]] = 67  # percent of the hosts that may be ejected
    longest: Param[Annotated[int, Range(1, 5)]] = 2  # ejection, in ticks

    failing: Set[Host]
    ejected: Set[Host]
    times: Map[
        Host, Annotated[int, Range(0, "longest")]
    ]  # so long is it ejected, or was it last and is not forgiven yet
    left: Map[Host, Annotated[int, Range(0, "longest")]]  # ticks until it comes back
    picked: Host | None = None

    @action
    def fail(self, h: Host) -> None:
        """Host h begins to fail."""
        require(h not in self.failing)
        self.failing.add(h)

    @action
    def mend(self, h: Host) -> None:
        """Host h is well again."""
        require(h in self.failing)
        self.failing.remove(h)

    @action
    def eject(self, h: Host) -> None:
        """Host h has failed too often."""
        require(h in self.failing and h not in self.ejected)
        require(self.may_eject())
        self.ejected.add(h)
        self.times[h] = min(self.times[h] + 1, self.longest)
        self.left[h] = self.times[h]

    def may_eject(self) -> bool:
        """One more may be ejected, and another is left."""
        return (len(self.ejected) + 1) * 100 <= self.most * len(Host) and len(self.ejected) + 1 < len(Host)

    @action(fair="weak")
    def tick(self) -> None:
        """Time goes by: hosts come back, and are forgiven."""
        stay = Set(h for h in self.ejected if self.left[h] > 1)
        self.times = Map({h: self.forgiven(h) for h in Host})
        self.left = Map({h: max(self.left[h] - 1, 0) for h in Host})
        self.ejected = stay

    def forgiven(self, h: Host) -> int:
        """One less for a host that is there."""
        return self.times[h] if h in self.ejected else max(self.times[h] - 1, 0)

    @action
    def pick(self, h: Host) -> None:
        """A request goes to host h."""
        require(self.usable(h))
        self.picked = h

    def usable(self, h: Host) -> bool:
        """Host h is not ejected; or so many are that all are used."""
        return h not in self.ejected or self.panics()

    def panics(self) -> bool:
        """Fewer than half are left."""
        return 2 * (len(Host) - len(self.ejected)) < len(Host)

    @invariant
    def the_limit_holds(self) -> bool:
        """No more are ejected than may be."""
        return len(self.ejected) * 100 <= self.most * len(Host)

    @invariant
    def one_is_left(self) -> bool:
        """Not all are ejected."""
        return len(self.ejected) < len(Host)

    @invariant
    def enough_are_used(self) -> bool:
        """Requests are spread over half of the hosts at least."""
        return 2 * sum(1 for h in Host if self.usable(h)) >= len(Host)

    @step_invariant
    def who_is_ejected_is_not_picked(self, old: Self) -> bool:
        """While enough are left, no request goes to one that is ejected."""
        return self.picked == old.picked or old.panics() or all(self.picked != h for h in old.ejected)

    @leads_to
    def everybody_comes_back(self, h: Host) -> tuple[bool, bool]:
        """Nobody is ejected for ever."""
        return h in self.ejected, h not in self.ejected

    @leads_to
    def who_is_well_is_forgiven(self, h: Host) -> tuple[bool, bool]:
        """A host that does not fail again is as good as new some time."""
        return self.times[h] > 0, self.times[h] == 0 or h in self.failing

    @view
    def hosts(self) -> Map[Host, tuple[bool, bool]]:
        """Which fail, and which are ejected."""
        return Map({h: (h in self.failing, h in self.ejected) for h in Host})


class LimitBefore(Ejection):
    """The limit is asked for before the ejection: with 3 hosts and 67%, all 3 are ejected."""

    def may_eject(self) -> bool:
        """So far there are fewer than may be."""
        return len(self.ejected) * 100 < self.most * len(Host)


class NoPanic(Ejection):
    """Whoever is left is sent all the requests, and breaks down as well."""

    def panics(self) -> bool:
        """Never."""
        return False


class NeverForgiven(Ejection):
    """What a host has done once counts for ever."""

    def forgiven(self, h: Host) -> int:
        """Nothing is."""
        return self.times[h]
