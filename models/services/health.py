"""Health: ejection of outliers with its limit and the panic threshold, and the circuit breaker with its one probe.

Ejection: a node that fails so often in a row is left out for a while, longer each time it happens, and is forgiven with time. At
most a share of the nodes is out, the one that is being ejected included (tested before it, one more goes out: Envoy, issues 3263,
26877 and 27066), and the last never. Where too few are left, all are used: the few would fail as well under the load of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Annotated, ClassVar, Self

from ratified.language import (
    AtMost,
    Map,
    Model,
    Param,
    Range,
    Seq,
    Set,
    Symmetric,
    action,
    invariant,
    require,
    step_invariant,
    view,
)


class Node(Symmetric):
    """Serves requests."""


class Ejection(Model):
    """Who is ejected and for how long, who fails its checks, and who is used."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Node": 2},
        "standard": {"Node": 3},
        "large": {"Node": 4},
    }
    symmetric_sizes: ClassVar[tuple[str, ...]] = ("standard", "large")

    consecutive: Param[Annotated[int, Range(1, 10)]] = 2  # failures in a row
    percent: Param[Annotated[int, Range(0, 100)]] = 50  # of the nodes that may be ejected
    always_one: Param[bool] = False  # though the share of one node is more than that
    base: Param[Annotated[int, Range(1, 10)]] = 1  # ticks of a first ejection
    longest: Param[Annotated[int, Range(1, 30)]] = 2
    panic: Param[Annotated[int, Range(0, 100)]] = 50  # percent of the nodes: with fewer, all are used

    in_a_row: Map[Node, Annotated[int, Range(0, "consecutive")]]
    left: Map[Node, Annotated[int, Range(0, "longest")]]  # ticks until it is back; 0: it is not ejected
    times: Map[
        Node, Annotated[int, Range(0, "longest + 1")]
    ]  # ejections that are not forgiven; more count for no more
    down: Set[Node]  # who fails its checks

    def ejected(self) -> Set[Node]:
        """Who is out."""
        return Set(n for n in Node if self.left[n] > 0)

    @action
    def succeed(self, n: Node) -> None:
        """Node n answers well."""
        self.in_a_row[n] = 0

    @action
    def fail(self, n: Node) -> None:
        """Node n fails, which may eject it."""
        self.in_a_row[n] = min(self.consecutive, self.in_a_row[n] + 1)
        if self.in_a_row[n] == self.consecutive and self.may_eject(n):
            self.times[n] = self.grown(self.times[n])
            self.left[n] = self.length(self.times[n])

    def may_eject(self, n: Node) -> bool:
        """Node n is not out yet, and those that are out with it are not too many, nor all."""
        after = len(self.ejected()) + 1
        fits = self.fits(after) or (self.always_one and after == 1)
        return self.left[n] == 0 and fits and after < len(Node)

    def fits(self, after: int) -> bool:
        """So many may be out once node n is."""
        return 100 * after <= self.percent * len(Node)

    def grown(self, times: int) -> int:
        """Ejections, with this one; those beyond the longest count for no more, or they would take for ever to be forgiven."""
        return times + 1 if self.base * times < self.longest + self.base else times

    def length(self, times: int) -> int:
        """How long it is out: as many times as long, up to the longest."""
        return min(self.longest, self.base * times)

    @action
    def tick(self) -> None:
        """Time goes by: who has been out long enough is back; who was in all the time is forgiven one ejection."""
        back = Set(n for n in Node if self.left[n] == 1)
        well = Set(n for n in Node if self.left[n] == 0)
        self.left = Map({n: max(0, self.left[n] - 1) for n in Node})
        self.in_a_row = Map({n: 0 if n in back else self.in_a_row[n] for n in Node})
        self.times = Map({n: self.forgiven(self.times[n]) if n in well else self.times[n] for n in Node})

    def forgiven(self, times: int) -> int:
        """One ejection less."""
        return max(0, times - 1)

    @action
    def check(self, n: Node) -> None:
        """What checks say of node n changes."""
        if n in self.down:
            self.down.remove(n)
        else:
            self.down.add(n)

    def usable(self) -> Set[Node]:
        """Who is used: those neither ejected nor down, or all if they are too few."""
        good = Set(n for n in Node if self.left[n] == 0 and n not in self.down)
        return Set(n for n in Node) if self.panics(len(good)) else good

    def panics(self, good: int) -> bool:
        """So few that all are used."""
        return 100 * good < self.panic * len(Node)

    @invariant
    def the_limit_holds(self) -> bool:
        """No more are ejected than may be."""
        out = len(self.ejected())
        return 100 * out <= self.percent * len(Node) or (self.always_one and out == 1)

    @invariant
    def never_all(self) -> bool:
        """The last is never ejected."""
        return len(self.ejected()) < len(Node)

    @invariant
    def who_is_out_was_ejected(self) -> bool:
        """Whoever is out has an ejection that is not forgiven."""
        return all(self.left[n] == 0 or self.times[n] > 0 for n in Node)

    @invariant
    def somebody_is_used(self) -> bool:
        """Requests go somewhere, however bad it looks."""
        return len(self.usable()) > 0

    @step_invariant
    def each_is_longer(self, old: Self) -> bool:
        """Who is ejected once more before it is forgiven is out for longer, up to the longest."""
        return all(
            old.left[n] > 0 or self.left[n] in (0, min(self.longest, self.base * (old.times[n] + 1)))
            for n in Node
        )

    @step_invariant
    def all_is_forgiven_in_time(self, old: Self) -> bool:
        """A tick takes one ejection off each that was in."""
        ticked = any(self.left[n] < old.left[n] for n in Node)
        return not ticked or all(old.left[n] > 0 or self.times[n] == max(0, old.times[n] - 1) for n in Node)

    @view
    def who_is_out(self) -> tuple[int, int]:
        """How many are ejected, how many are used."""
        return len(self.ejected()), len(self.usable())


class LimitTestedBefore(Ejection):
    """The limit is looked at before the ejection: one more goes out than may, here two of three at 50 percent."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Node": 3},
        "standard": {"Node": 3},
    }

    def fits(self, after: int) -> bool:
        """Those that are out already are fewer than may be."""
        return 100 * (after - 1) < self.percent * len(Node)


class NotLonger(Ejection):
    """Each ejection is as long as the first (Envoy, issue 26758)."""

    def grown(self, times: int) -> int:
        """One."""
        return 1


class NeverForgiven(Ejection):
    """What a node has done counts for ever (Envoy, issue 6016)."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Node": 3},
        "standard": {"Node": 3},
    }

    percent: Param[Annotated[int, Range(0, 100)]] = 67

    def forgiven(self, times: int) -> int:
        """None."""
        return times


class NoPanic(Ejection):
    """Those that look bad are left out however many they are: there may be nobody left."""

    def panics(self, good: int) -> bool:
        """Never."""
        return False


class Circuit(Enum):
    """What is let through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class CircuitBreaker(Model):
    """Stops asking what fails anyway: open for a while, then one probe decides (Nygard, "Release It!", 2007; Hystrix).

    `waiting` are requests on the way since the circuit last changed, `late` those of before, whose answers count for nothing.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {},
        "standard": {"least": 3, "most": 4},
        "large": {"least": 4, "most": 6, "open_for": 3},
    }

    least: Param[Annotated[int, Range(1, 100)]] = 2  # requests before it opens
    percent: Param[Annotated[int, Range(1, 100)]] = 50  # of them that fail
    open_for: Param[Annotated[int, Range(1, 10)]] = 2  # ticks
    most: Param[Annotated[int, Range(1, 1000)]] = 3  # requests on the way, and counted

    circuit: Circuit = Circuit.CLOSED
    counted: Annotated[Seq[bool], AtMost("most")]  # whether answers were good, the oldest first
    passed: Annotated[int, Range(0, "open_for")] = 0  # ticks since it changed, unless it is closed
    waiting: Annotated[int, Range(0, "most")] = 0
    late: Annotated[int, Range(0, "most")] = 0

    def change(self, to: Circuit) -> None:
        """The circuit changes, and what is on the way is late."""
        self.circuit = to
        self.counted.clear()
        self.passed = 0
        self.late += self.waiting
        self.waiting = 0

    @action
    def request(self) -> None:
        """A request is let through: any while closed, a probe when it has been open for long enough."""
        require(self.waiting + self.late < self.most)
        if self.circuit != Circuit.CLOSED:
            require(self.may_probe())
            self.change(Circuit.HALF_OPEN)
        self.waiting += 1

    def may_probe(self) -> bool:
        """There was no probe, or change, for so long."""
        return self.passed == self.open_for

    @action
    def answer(self, ok: bool) -> None:
        """A request ends that was sent since the circuit changed."""
        require(self.waiting > 0)
        self.waiting -= 1
        self.count(ok)

    def count(self, ok: bool) -> None:
        """An answer counts."""
        if self.circuit == Circuit.HALF_OPEN:
            self.change(Circuit.CLOSED if ok else Circuit.OPEN)
        elif self.circuit == Circuit.CLOSED:
            require(len(self.counted) < self.most)
            self.counted.append(ok)
            ended = len(self.counted)
            if ended >= self.least and 100 * self.counted.count(False) >= self.percent * ended:
                self.change(Circuit.OPEN)

    @action
    def late_answer(self, ok: bool) -> None:
        """A request ends that was sent before: it counts for nothing."""
        require(self.late > 0)
        self.late -= 1
        self.count_late(ok)

    def count_late(self, ok: bool) -> None:
        """Not at all."""

    @action
    def forget(self) -> None:
        """The oldest answer was so long ago that it counts no more."""
        require(len(self.counted) > 0)
        self.counted = self.counted[1:]

    @action
    def tick(self) -> None:
        """Time goes by, which only matters to a circuit that is not closed."""
        require(self.circuit != Circuit.CLOSED and self.passed < self.open_for)
        self.passed += 1

    @invariant
    def one_probe(self) -> bool:
        """Of requests sent since it was half-open there is one."""
        return self.circuit != Circuit.HALF_OPEN or self.waiting <= 1

    @invariant
    def nothing_is_let_through_while_open(self) -> bool:
        """What is on the way to an open circuit was sent before."""
        return self.circuit != Circuit.OPEN or self.waiting == 0

    @invariant
    def only_a_closed_circuit_counts(self) -> bool:
        """What was counted before a change is no reason to open it again."""
        return self.circuit == Circuit.CLOSED or len(self.counted) == 0

    @step_invariant
    def only_its_own_answers_change_it(self, old: Self) -> bool:
        """An answer of before the circuit changed neither opens nor closes it."""
        return self.late >= old.late or self.circuit == old.circuit or self.late != old.late - 1

    @view
    def what_is_let_through(self) -> tuple[Circuit, int, int]:
        """The circuit, what is on the way, and what is late."""
        return self.circuit, self.waiting, self.late


class ManyProbes(CircuitBreaker):
    """A half-open circuit lets everybody through."""

    def may_probe(self) -> bool:
        """It has been open for long enough, or is half-open."""
        return self.passed == self.open_for or self.circuit == Circuit.HALF_OPEN

    @action
    def request(self) -> None:
        """A request is let through."""
        require(self.waiting + self.late < self.most)
        if self.circuit != Circuit.CLOSED:
            require(self.may_probe())
            if self.circuit == Circuit.OPEN:
                self.change(Circuit.HALF_OPEN)
        self.waiting += 1


class LateAnswersCount(CircuitBreaker):
    """An answer counts whenever its request was sent: a late failure opens what a probe has just closed."""

    def count_late(self, ok: bool) -> None:
        """Like any other."""
        self.count(ok)
