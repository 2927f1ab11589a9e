"""Power of two choices, of any number of servers: two different ones are drawn, and the less busy is sent the request.

The same policy as `load.TwoChoices`, without weights and servers that are down: servers are drawn one after the other, so that a
hundred of them can be measured, and no number of servers is counted, so that it is proved for any.

n requests to n servers put ln ln n / ln 2 + O(1) on the fullest, where one choice puts some ln n / ln ln n. (Azar, Broder, Karlin
and Upfal, "Balanced allocations", 1999.) Whatever is drawn, the busiest server is never picked while another has less: it would
have to be drawn twice, as it can be with replacement (Envoy, issues 14859 and 20420).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from ratified.language import (
    Map,
    Model,
    Param,
    Range,
    Symmetric,
    action,
    invariant,
    require,
    step_invariant,
    view,
)


class Server(Symmetric):
    """Serves requests."""


class TwoDraws(Model):
    """What is on the way to each server, and which was drawn first for the request that is to be sent."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Server": 2, "requests": 3},
        "standard": {"Server": 3, "requests": 5},
        "large": {"Server": 5, "requests": 9},
    }
    symmetric_sizes: ClassVar[tuple[str, ...]] = ("standard", "large")

    requests: Param[Annotated[int, Range(1, 100_000)]] = 5  # on the way at once, at most

    load: Map[Server, Annotated[int, Range(0, "requests")]]
    drawn: Server | None = None

    @action
    def draw(self, s: Server) -> None:
        """A request is to be sent; server s is drawn first."""
        require(self.drawn is None and self.has_room())
        self.drawn = s

    def has_room(self) -> bool:
        """Not all requests are on the way."""
        return sum(self.load[s] for s in Server) < self.requests

    @action
    def send(self, s: Server) -> None:
        """Server s is drawn second, and the less busy of the two is sent the request; of equals the first drawn."""
        first = self.drawn
        require(first is not None and self.may_be_second(s))
        if first is not None:
            if self.less_busy(s, first):
                self.load[s] += 1
            else:
                self.load[first] += 1
        self.drawn = None

    def may_be_second(self, s: Server) -> bool:
        """Server s is another than the first."""
        return self.drawn != s

    def less_busy(self, s: Server, first: Server) -> bool:
        """The second has less on the way than the first."""
        return self.load[s] < self.load[first]

    @action
    def end(self, s: Server) -> None:
        """A request to server s has ended."""
        require(self.load[s] > 0)
        self.load[s] -= 1

    @invariant
    def no_more_than_there_are(self) -> bool:
        """What is on the way is what was sent and has not ended."""
        return sum(self.load[s] for s in Server) <= self.requests

    @step_invariant
    def the_busiest_is_not_picked(self, old: Self) -> bool:
        """Whoever is sent a request, another had as much on the way or more."""
        return all(
            any(t != s and old.load[s] <= old.load[t] for t in Server)
            for s in Server
            if old.load[s] < self.load[s]
        )

    @view
    def loads(self) -> Map[Server, int]:
        """What is on the way to each."""
        return self.load


class WithReplacement(TwoDraws):
    """The second may be the first again: then nobody is compared with it."""

    def may_be_second(self, s: Server) -> bool:
        """Any."""
        return True


class OneDraw(TwoDraws):
    """The first that is drawn is sent the request, whatever it has on the way."""

    def less_busy(self, s: Server, first: Server) -> bool:
        """Nobody looks."""
        return False
