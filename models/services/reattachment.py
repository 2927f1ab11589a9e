"""Taking a session up again on a new connection: nothing is lost, and nothing is there twice.

A connection takes with it what was on the way. `Reattached` is about what must come exactly once: events of a watch, which a
client asks for from the one after the last that it has seen (servers send some again: etcd, issues 15271 and 20221), and
requests, which it sends again under their old numbers. `KeptLeases` is about time: a lease is over for its client before it is
over for the server.
"""

from __future__ import annotations

from collections.abc import Mapping
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


class Reattached(Model):
    """A client that watches and asks, a server, and a connection that breaks.

    Revisions are 1, 2, 3...; requests have the numbers 1, 2, 3..., one at a time. The server executes a number that is greater
    than the last one that it executed, and answers any.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {},
        "standard": {"revisions": 3, "room": 2},
        "large": {"revisions": 4, "room": 3, "requests": 3},
    }

    revisions: Param[Annotated[int, Range(1, 100)]] = 2  # events that there are
    room: Param[Annotated[int, Range(1, 100)]] = 1  # events on the way
    requests: Param[Annotated[int, Range(1, 100)]] = 2  # requests of the application

    connected: bool = False
    revision: Annotated[int, Range(0, "revisions")] = 0  # of the server
    sent: Annotated[int, Range(0, "revisions")] = 0  # the last that the server sent on this connection
    events: Annotated[Seq[Annotated[int, Range(1, "revisions")]], AtMost("room")]  # on the way
    told: Annotated[Seq[Annotated[int, Range(1, "revisions")]], AtMost("2 * revisions")]  # to the application

    serial: Annotated[int, Range(0, "2 * requests")] = 0  # the last number used
    asked: Annotated[int, Range(0, "requests")] = 0  # requests that the application has made
    waits: bool = False  # for the answer to the last one
    asking: Set[Annotated[int, Range(1, "2 * requests")]]  # numbers on the way to the server
    answers: Set[Annotated[int, Range(1, "2 * requests")]]  # numbers on the way back
    last: Annotated[int, Range(0, "2 * requests")] = 0  # the last number that was executed
    executed: Annotated[int, Range(0, "2 * requests")] = 0  # how often the server did something

    def seen(self) -> int:
        """The last revision that the client has seen."""
        return self.told[len(self.told) - 1] if len(self.told) > 0 else 0

    @action
    def happen(self) -> None:
        """Something happens at the server."""
        require(self.revision < self.revisions)
        self.revision += 1

    @action
    def send(self) -> None:
        """The server sends the next event."""
        require(self.connected and self.sent < self.revision and len(self.events) < self.room)
        self.sent += 1
        self.events.append(self.sent)

    @action
    def go_back(self, to: Annotated[int, Range(0, "revisions")]) -> None:
        """The server sends again what it has sent."""
        require(self.connected and to < self.sent)
        self.sent = to

    @action
    def receive(self) -> None:
        """An event comes in."""
        require(len(self.events) > 0)
        revision = self.events[0]
        self.events = self.events[1:]
        if self.is_new(revision):
            self.told.append(revision)

    def is_new(self, revision: int) -> bool:
        """Whether the application is to be told."""
        return revision > self.seen()

    @action
    def ask(self) -> None:
        """The application makes a request; it is sent if there is a connection, and else with the next one."""
        require(not self.waits and self.asked < self.requests)
        self.asked += 1
        self.serial += 1
        self.waits = True
        if self.connected:
            self.asking.add(self.serial)

    @action
    def execute(self, number: Annotated[int, Range(1, "2 * requests")]) -> None:
        """A request comes to the server, which executes it unless it has, and answers."""
        require(number in self.asking)
        self.asking.remove(number)
        if number > self.last:
            self.last = number
            self.executed += 1
        self.answers.add(number)

    @action
    def answer(self, number: Annotated[int, Range(1, "2 * requests")]) -> None:
        """An answer comes to the client."""
        require(number in self.answers)
        self.answers.remove(number)
        if number == self.serial:
            self.waits = False

    @action
    def break_off(self) -> None:
        """The connection breaks, and what was on the way is gone."""
        require(self.connected)
        self.connected = False
        self.events.clear()
        self.asking.clear()
        self.answers.clear()

    @action
    def reattach(self) -> None:
        """There is a new connection: the client asks for events after those that it has seen, and again what has no answer."""
        require(not self.connected)
        self.connected = True
        self.sent = self.begins_after()
        if self.waits:
            self.ask_again()

    def begins_after(self) -> int:
        """The revision after which the server is to send."""
        return self.seen()

    def ask_again(self) -> None:
        """Under the same number."""
        self.asking.add(self.serial)

    @invariant
    def no_event_is_left_out(self) -> bool:
        """Before each event the application was told all earlier ones."""
        return all(all(e in self.told for e in range(1, r)) for r in self.told)

    @invariant
    def no_event_is_told_twice(self) -> bool:
        """Each once."""
        return all(self.told.count(r) == 1 for r in self.told)

    @invariant
    def events_are_on_their_way(self) -> bool:
        """While there is a connection, what was sent and not seen is on the way."""
        return not self.connected or all(r in self.events for r in range(self.seen() + 1, self.sent + 1))

    @invariant
    def at_most_once(self) -> bool:
        """The server has not done more than the application asked for."""
        return self.executed <= self.asked

    @invariant
    def what_is_answered_was_executed(self) -> bool:
        """All but the one that has no answer."""
        return self.executed >= self.asked - (1 if self.waits else 0)

    @invariant
    def requests_are_on_their_way(self) -> bool:
        """While there is a connection, a request without an answer is on the way, or its answer is."""
        return (
            not (self.connected and self.waits) or self.serial in self.asking or self.serial in self.answers
        )

    @view
    def how_far_it_is(self) -> tuple[bool, int, bool]:
        """Whether there is a connection, what was seen, and whether the client waits."""
        return self.connected, self.seen(), self.waits


class WatchedFromNow(Reattached):
    """A new connection sends what happens from then on."""

    def begins_after(self) -> int:
        """What there is."""
        return self.revision


class ToldAgain(Reattached):
    """Whatever comes in is told (etcd, issues 15271 and 20221)."""

    def is_new(self, revision: int) -> bool:
        """Always."""
        return True


class AskedAnew(Reattached):
    """What has no answer is sent again as a new request."""

    def ask_again(self) -> None:
        """Under a new number, as often as there are numbers."""
        if self.serial < 2 * self.requests:
            self.serial += 1
        self.asking.add(self.serial)


class AnswerNotAwaited(Reattached):
    """What has no answer is not sent again."""

    def ask_again(self) -> None:
        """Not at all."""


class Lease(Symmetric):
    """Granted by the server, for a while."""


class KeptLeases(Model):
    """Leases as their client and the server see them, while messages take time and the connection breaks.

    Client and server count ticks at the same rate; for clocks that drift see Failover.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Lease": 1},
        "standard": {"Lease": 2},
        "large": {"Lease": 2, "length": 3},
    }
    symmetric_sizes: ClassVar[tuple[str, ...]] = ("standard", "large")

    length: Param[Annotated[int, Range(1, 10)]] = 2  # ticks

    connected: bool = True
    had: Set[Lease]  # by the client, which was not told that it is lost
    believed: Map[Lease, Annotated[int, Range(0, "length")]]  # ticks that the client believes are left
    left: Map[Lease, Annotated[int, Range(0, "length")]]  # ticks that the server knows are left
    asking: Map[Lease, bool]  # to renew, on the way to the server
    answer: Map[Lease, bool]  # that it is renewed, on the way back
    age: Map[Lease, Annotated[int, Range(0, "length")]]  # ticks since it was asked, or more
    told: Map[Lease, Annotated[int, Range(0, 2)]]  # how often the client was told that it is lost

    def init(self) -> None:
        """All were granted this moment."""
        self.had = Set(Lease)
        self.believed = Map({lease: self.length for lease in Lease})
        self.left = Map({lease: self.length for lease in Lease})

    @action
    def renew(self, lease: Lease) -> None:
        """The client asks for more time, once at a time."""
        require(self.connected and lease in self.had)
        require(not self.asking[lease] and not self.answer[lease])
        self.asking[lease] = True
        self.age[lease] = 0

    @action
    def extend(self, lease: Lease) -> None:
        """The server renews a lease that runs, and does not answer for one that is over."""
        require(self.asking[lease])
        self.asking[lease] = False
        if self.left[lease] > 0:
            self.left[lease] = self.length
            self.answer[lease] = True

    @action
    def renewed(self, lease: Lease) -> None:
        """The client hears of it; of one that it was told is lost it is too late."""
        require(self.answer[lease])
        self.answer[lease] = False
        if lease in self.had:
            self.believed[lease] = self.runs_for(lease)

    def runs_for(self, lease: Lease) -> int:
        """From when it was asked for."""
        return self.length - self.age[lease]

    @action
    def lose(self) -> None:
        """The client looks what is over."""
        require(any(self.is_over(lease) for lease in self.had))
        self.give_up()

    def is_over(self, lease: Lease) -> bool:
        """It has no time left."""
        return self.believed[lease] == 0

    def give_up(self) -> None:
        """What is over is told, and had no more."""
        over = Set(lease for lease in self.had if self.is_over(lease))
        for lease in over:
            self.told[lease] += 1
        self.had = self.kept(over)

    def kept(self, over: Set[Lease]) -> Set[Lease]:
        """All others."""
        return self.had - over

    @action
    def break_off(self) -> None:
        """The connection breaks."""
        require(self.connected)
        self.connected = False
        self.asking = Map({lease: False for lease in Lease})
        self.answer = Map({lease: False for lease in Lease})
        self.age = Map({lease: 0 for lease in Lease})

    @action
    def reattach(self) -> None:
        """There is a new connection: what is over is told, all else is to be renewed."""
        require(not self.connected)
        self.connected = True
        self.give_up()
        self.asking = Map({lease: lease in self.had for lease in Lease})

    @action
    def tick(self) -> None:
        """Time goes by."""
        for lease in Lease:
            self.left[lease] = max(0, self.left[lease] - 1)
            self.believed[lease] = max(0, self.believed[lease] - 1)
            if self.asking[lease] or self.answer[lease]:
                self.age[lease] = min(self.length, self.age[lease] + 1)

    @invariant
    def what_is_believed_is_so(self) -> bool:
        """A lease that runs for the client runs for the server, for as long at least."""
        return all(self.believed[lease] <= self.left[lease] for lease in Lease)

    @invariant
    def lost_is_told_once(self) -> bool:
        """Never twice, and never of one that the client still has."""
        return all(self.told[lease] == (0 if lease in self.had else 1) for lease in Lease)

    @step_invariant
    def what_is_lost_stays_lost(self, old: Self) -> bool:
        """No lease of which the client was told that it is lost runs again for it."""
        return all(lease in old.had or self.believed[lease] == 0 for lease in Lease)

    @view
    def what_the_client_has(self) -> tuple[bool, int, int]:
        """Whether there is a connection, how many leases are had, and how many run for the client."""
        return self.connected, len(self.had), sum(1 for lease in Lease if self.believed[lease] > 0)


class CountedFromTheAnswer(KeptLeases):
    """A renewed lease is counted from when the client heard of it: it runs longer than for the server."""

    def runs_for(self, lease: Lease) -> int:
        """From now."""
        return self.length


class LostAgain(KeptLeases):
    """What is over is kept, and told again each time."""

    def kept(self, over: Set[Lease]) -> Set[Lease]:
        """All."""
        return self.had
