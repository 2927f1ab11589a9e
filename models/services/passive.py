"""nginx's passive checks: an endpoint is out after so many failures; when `timeout` is over, one request is its probe.

`waiting` are requests on the way whose answers count; `late` those that were sent before the last probe, or before it went
out: their answers count for nothing. nginx counts them too, so that an old answer brings back an endpoint whose probe is
still on the way (ngx_http_upstream_free_round_robin_peer): `LateAnswerReadmits`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from ratified.language import Model, Param, Range, action, invariant, require, step_invariant, view


class MaxFails(Model):
    """One endpoint."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {},
        "standard": {"most": 3, "timeout": 2, "room": 4},
        "large": {"most": 5, "timeout": 4, "room": 8},
    }

    most: Param[Annotated[int, Range(1, 100)]] = 2  # failures
    timeout: Param[Annotated[int, Range(0, 100)]] = 1  # ticks; it is over with the next
    room: Param[Annotated[int, Range(1, 1000)]] = 3  # requests on the way

    fails: Annotated[int, Range(0, "most")] = 0
    passed: Annotated[int, Range(0, "timeout + 1")] = 0  # ticks since the last failure, or since the probe
    failed: bool = False  # once at least: before, no time goes by
    rested: bool = False  # the last of both was a request that came after the time was over
    waiting: Annotated[int, Range(0, "room")] = 0
    late: Annotated[int, Range(0, "room")] = 0

    def is_out(self) -> bool:
        """It gets no requests but probes."""
        return self.fails == self.most

    def rest_is_over(self) -> bool:
        """The last failure, or probe, was long enough ago."""
        return self.failed and self.passed > self.timeout

    def all_are_late(self) -> None:
        """What is on the way counts for nothing."""
        self.late += self.waiting
        self.waiting = 0

    @action
    def request(self) -> None:
        """A request is sent: any while it is in, or the one that is a probe."""
        require(self.waiting + self.late < self.room)
        require(not self.is_out() or self.rest_is_over())
        if self.rest_is_over():
            self.is_probed()
        self.waiting += 1

    def is_probed(self) -> None:
        """Time begins again: the next request is not a probe too."""
        self.passed = 0
        self.rested = True
        self.all_are_late()

    @action
    def succeed(self) -> None:
        """A request that counts is answered well."""
        require(self.waiting > 0)
        self.waiting -= 1
        self.counts()

    def counts(self) -> None:
        """Failures are forgotten if it was sent when time was over."""
        if self.rested:
            self.fails = 0

    @action
    def fail(self) -> None:
        """A request that counts fails."""
        require(self.waiting > 0)
        self.waiting -= 1
        self.fails = min(self.most, self.fails + 1)
        self.passed = 0
        self.failed = True
        self.rested = False
        if self.is_out():
            self.all_are_late()

    @action
    def late_answer(self, ok: bool) -> None:
        """A request of before ends."""
        require(self.late > 0)
        self.late -= 1
        if ok:
            self.counts_late()

    def counts_late(self) -> None:
        """Not at all."""

    @action
    def tick(self) -> None:
        """Time goes by."""
        require(self.failed and self.passed <= self.timeout)
        self.passed += 1

    @invariant
    def one_probe(self) -> bool:
        """Of requests sent since it was out, or last probed, there is one."""
        return not self.is_out() or self.waiting <= 1

    @step_invariant
    def probes_are_rare(self, old: Self) -> bool:
        """What is out gets a request when the time is over, which then begins again."""
        asked = self.waiting + self.late > old.waiting + old.late
        return not (old.is_out() and asked) or (old.passed > self.timeout and self.passed == 0)

    @step_invariant
    def only_its_probe_brings_it_back(self, old: Self) -> bool:
        """Not an answer to what was sent before."""
        return self.is_out() or not old.is_out() or self.waiting < old.waiting

    @view
    def what_is_let_through(self) -> tuple[int, int, int]:
        """Failures, what is on the way and counts, and what is late."""
        return self.fails, self.waiting, self.late


class AllComeBack(MaxFails):
    """Once the time is over everybody tries it, at the same moment."""

    def is_probed(self) -> None:
        """Time does not begin again."""
        self.rested = True


class LateAnswerReadmits(MaxFails):
    """Any answer brings it back once a probe was sent, those to requests of before included."""

    def counts_late(self) -> None:
        """Like any other."""
        self.counts()
