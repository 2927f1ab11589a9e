"""How many retries there may be in all, so that retries do not keep an overload alive after its cause is gone.

Four that are in use: gRPC's throttle, Finagle's budget, Envoy's, and the adaptive throttling of Google's book. A client asks one
of them before each retry, and tells it of each request.

Guarantees: retries that wait are counted from when they are decided, not from when they are sent; nothing here blocks.
"""

from __future__ import annotations

from ratified.impl.services.balancing.base import Draw
from ratified.impl.services.clock import Moments
from ratified.impl.services.endpoints import ServiceError, whole


class Throttle:
    """Retries stop while too much fails (gRPC proposal A6): tokens fall by 1 with a failure and rise by `ratio` with a success.

    Retries are allowed while there are more than half of `most`. `ratio` has three decimals: it is given in thousandths.
    """

    def __init__(self, most: int = 10, ratio_thousandths: int = 100) -> None:
        whole(most=most, ratio_thousandths=ratio_thousandths)
        if not 1 <= most <= 1000:
            raise ServiceError(f"tokens are 1 to 1000, not {most}")
        if ratio_thousandths < 1:
            raise ServiceError("a success gives back something: at least a thousandth")
        self._most = most * 1000
        self._ratio = ratio_thousandths
        self._tokens = self._most

    @property
    def tokens_thousandths(self) -> int:
        """How many are left."""
        return self._tokens

    @property
    def allows(self) -> bool:
        """Whether a retry, or a hedge, may be sent."""
        return 2 * self._tokens > self._most

    def failed(self) -> None:
        """A request failed in a way that may be retried, or the server asked not to be asked again."""
        self._tokens = max(0, self._tokens - 1000)

    def succeeded(self) -> None:
        """A request succeeded."""
        self._tokens = min(self._most, self._tokens + self._ratio)


class Budget:
    """Retries are at most a share of requests: those of the last `ttl_ms`, and some a second besides (as Finagle has it).

    A request deposits 1000, a retry withdraws 1000 / share; what is not used expires. Exact to a tenth of `ttl_ms`.
    """

    SLICES = 10

    def __init__(self, percent: int = 20, least_a_second: int = 10, ttl_ms: int = 10_000) -> None:
        whole(percent=percent, least_a_second=least_a_second, ttl_ms=ttl_ms)
        if not 0 <= percent <= 1000 or least_a_second < 0 or ttl_ms < self.SLICES:
            raise ServiceError(
                f"a budget is 0 to 1000 percent, 0 or more a second, over {self.SLICES} ms or more:"
                f" {percent}, {least_a_second}, {ttl_ms}"
            )
        if percent == 0 and least_a_second == 0:
            raise ServiceError("a budget of nothing: use a policy of one attempt instead")
        self._percent = percent
        self._reserve = least_a_second * ttl_ms // 1000  # in retries
        self._slice_ms = ttl_ms // self.SLICES
        self._moments = Moments()
        self._requests: dict[int, int] = {}  # by slice of time
        self._retries: dict[int, int] = {}

    def _slice(self, now_ms: int) -> int:
        now = self._moments.at(now_ms) // self._slice_ms
        for counted in (self._requests, self._retries):
            for old in [s for s in counted if s <= now - self.SLICES]:
                del counted[old]
        return now

    def request(self, now_ms: int) -> None:
        """A request is sent for the first time."""
        now = self._slice(now_ms)
        self._requests[now] = self._requests.get(now, 0) + 1

    def retry(self, now_ms: int) -> bool:
        """Whether one more retry may be; it is then counted, from now on and not from when it is sent."""
        now = self._slice(now_ms)
        allowed = self._reserve + sum(self._requests.values()) * self._percent // 100
        if sum(self._retries.values()) >= allowed:
            return False
        self._retries[now] = self._retries.get(now, 0) + 1
        return True


class RetriesInFlight:
    """At any time, retries are at most a share of what is active (Envoy's retry budget), those that wait in back-off included.

    Where waiting ones were not counted, a thousand requests that failed at once were all retried (Envoy, issue 30205).
    """

    def __init__(self, percent: int = 20, least: int = 3) -> None:
        whole(percent=percent, least=least)
        if not 0 <= percent <= 100 or least < 0:
            raise ServiceError(f"the share is 0 to 100 percent, the least 0 or more: {percent}, {least}")
        self._percent = percent
        self._least = least
        self.active = 0
        self.retries = 0

    def begin(self) -> None:
        """A request becomes active: waiting for a connection or for its answer."""
        self.active += 1

    def end(self) -> None:
        """It has its answer, or is given up."""
        self.active = max(0, self.active - 1)

    def take(self) -> bool:
        """Whether one more retry may begin to wait; it counts until `release`."""
        if self.retries >= max(self._least, self.active * self._percent // 100):
            return False
        self.retries += 1
        return True

    def release(self) -> None:
        """A retry has its answer, or is given up."""
        self.retries = max(0, self.retries - 1)


class Adaptive:
    """A client refuses by itself what a server would refuse (Beyer et al., "Site Reliability Engineering", 2016, chapter 21).

    Of r requests in the last `window_ms`, a accepted, one more is refused with probability max(0, (r - k * a) / (r + 1)). By that
    a client that begins would refuse half of its second request, since the first has no answer yet; so `least` requests are not
    held against it: (r - least - k * a) / (r + 1), as in go-zero. With `least` 0 it is the book's.
    """

    SLICES = 60

    def __init__(self, k: int = 2, window_ms: int = 120_000, least: int = 20) -> None:
        whole(k=k, window_ms=window_ms, least=least)
        if k < 1 or window_ms < self.SLICES or least < 0:
            raise ServiceError(
                f"k is at least 1, the window {self.SLICES} ms or more, the least 0 or more: {k}, {window_ms}, {least}"
            )
        self._k, self._least = k, least
        self._slice_ms = window_ms // self.SLICES
        self._moments = Moments()
        self._counted: dict[int, tuple[int, int]] = {}

    def _totals(self, now_ms: int) -> tuple[int, int, int]:
        now = self._moments.at(now_ms) // self._slice_ms
        for old in [s for s in self._counted if s <= now - self.SLICES]:
            del self._counted[old]
        return now, sum(r for r, _ in self._counted.values()), sum(a for _, a in self._counted.values())

    def chance(self, now_ms: int) -> tuple[int, int]:
        """The probability that the next request is refused, as numerator and denominator."""
        _, requests, accepts = self._totals(now_ms)
        return max(0, requests - self._least - self._k * accepts), requests + 1

    def admits(self, now_ms: int, draw: Draw) -> bool:
        """Whether the next request is sent. It is counted when it begins, not when it ends (go-zero, issue 5011)."""
        refused, of = self.chance(now_ms)
        now = now_ms // self._slice_ms
        requests, accepts = self._counted.get(now, (0, 0))
        self._counted[now] = requests + 1, accepts
        return draw(of) >= refused

    def accepted(self, now_ms: int) -> None:
        """A server took a request."""
        now, _, _ = self._totals(now_ms)
        requests, accepts = self._counted.get(now, (0, 0))
        self._counted[now] = requests, accepts + 1
