"""Small models whose pictures can be told by heart."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, ClassVar

from ratified import (
    AtMost,
    Bag,
    Lifelines,
    Map,
    Model,
    Ordered,
    Param,
    Range,
    Seq,
    Set,
    Symmetric,
    action,
    constraint,
    invariant,
    record,
    require,
    view,
)


class Client(Symmetric):
    """Wants the lock."""


class Lease(Model):
    """A lock with leases: three of its eight states are wrong."""

    granted: Client | None
    holds: Map[Client, bool]

    @action
    def acquire(self, c: Client) -> None:
        require(self.granted is None)
        self.granted = c
        self.holds[c] = True

    @action
    def release(self, c: Client) -> None:
        require(self.holds[c])
        self.holds[c] = False
        if self.granted == c:
            self.granted = None

    @action
    def expire(self) -> None:
        require(self.granted is not None)
        self.granted = None

    @invariant
    def mutual_exclusion(self) -> bool:
        return all(c == d for c in Client if self.holds[c] for d in Client if self.holds[d])

    @view
    def holders(self) -> int:
        """How many believe to hold it."""
        return sum(1 for c in Client if self.holds[c])


class Node(Symmetric):
    """Sends and receives."""


@record
class Ping:
    """From one to another."""

    source: Node
    dest: Node
    number: Annotated[int, Range(0, 2)]


class Pings(Model):
    """Nodes count the pings that they get; the network loses, repeats and reorders."""

    sent: Map[Node, Annotated[int, Range(0, 2)]]
    last: Map[Node, Annotated[int, Range(0, 2)]]
    wire: Annotated[Bag[Ping], AtMost(3, copies=2)]

    @action
    def send(self, n: Node, m: Node) -> None:
        require(n != m)
        require(self.sent[n] < 2)
        self.sent[n] += 1
        self.wire.add(Ping(n, m, self.sent[n]))

    @action
    def receive(self, p: Ping) -> None:
        require(p in self.wire)
        self.last[p.dest] = p.number
        self.wire.remove(p)

    @action
    def lose(self, p: Ping) -> None:
        require(p in self.wire)
        self.wire.remove(p)

    @action
    def repeat(self, p: Ping) -> None:
        require(p in self.wire)
        require(self.wire.count(p) < 2)
        self.wire.add(p)


class Stage(Enum):
    """Where a grid is."""

    EARLY = 0
    LATE = 1


class Column(Ordered):
    """A place."""


class Grid(Model):
    """A counter for each column that only rises: as many states as one likes, and no two runs to tell apart."""

    most: Param[int] = 3
    height: Map[Column, Annotated[int, Range(0, "most")]]
    stage: Stage

    @action
    def rise(self, c: Column) -> None:
        require(self.height[c] < self.most)
        self.height[c] += 1

    @action
    def turn(self) -> None:
        require(self.stage == Stage.EARLY and self.total() >= 2)
        self.stage = Stage.LATE

    def total(self) -> int:
        return sum(self.height[c] for c in Column)

    @constraint
    def low(self) -> bool:
        return self.total() <= 9

    @invariant
    def never_late_at_five(self) -> bool:
        return self.stage == Stage.EARLY or self.total() != 5

    @view
    def totals(self) -> tuple[int, Stage]:
        return self.total(), self.stage

    @view
    def full(self) -> Set[Column]:
        return Set(c for c in Column if self.height[c] == self.most)


@record
class Token:
    """Passed round; it names nobody."""

    turn: Annotated[int, Range(0, 3)]


class Ring(Model):
    """Nodes pass a token over channels that keep the order."""

    lifelines: ClassVar[Lifelines] = Lifelines(network=("channel",), processes={Node: "node"})

    channel: Map[Node, Map[Node, Annotated[Seq[Token], AtMost(2)]]]
    turns: Map[Node, Annotated[int, Range(0, 3)]]

    @action
    def send(self, n: Node, m: Node) -> None:
        require(n != m and self.turns[n] < 3)
        require(len(self.channel[n][m]) < 2)
        self.turns[n] += 1
        self.channel[n][m].append(Token(self.turns[n]))

    @action
    def receive(self, n: Node, m: Node) -> None:
        require(len(self.channel[n][m]) > 0)
        self.turns[m] = max(self.turns[m], self.channel[n][m][0].turn)
        self.channel[n][m] = self.channel[n][m][1:]


class Faulty(Model):
    """Has no answer after two steps."""

    count: Annotated[int, Range(0, 5)]

    @action
    def count_up(self) -> None:
        require(self.count < 3)
        self.count += 1 + 0 // (2 - self.count)


class Update(Symmetric):
    """What is sent."""


class Chain(Model):
    """Sends updates along channels: a message is a value of a sort, no record."""

    lifelines: ClassVar[Lifelines] = Lifelines(network=("wire",), processes={Node: "node"})
    wire: Map[Node, Map[Node, Annotated[Seq[Update], AtMost(1)]]]

    @action
    def send(self, p: Node, q: Node, u: Update) -> None:
        require(p != q and len(self.wire[p][q]) == 0)
        self.wire[p][q].append(u)

    @invariant
    def quiet(self) -> bool:
        return all(len(self.wire[p][q]) == 0 for p in Node for q in Node)


class Shaky(Model):
    """Nodes count what they have heard, over channels whose second message may overtake; who crashes loses its mail."""

    lifelines: ClassVar[Lifelines] = Lifelines(network=("wire",), processes={Node: "node"})
    wire: Map[Node, Map[Node, Annotated[Seq[bool], AtMost(2)]]]
    heard: Map[Node, Annotated[int, Range(0, 2)]]
    down: Map[Node, bool]

    @action
    def send(self, p: Node, q: Node) -> None:
        require(len(self.wire[p][q]) < 2 and not self.down[p])
        self.wire[p][q].append(len(self.wire[p][q]) == 0)

    @action
    def receive(self, p: Node, q: Node) -> None:
        require(len(self.wire[p][q]) > 0 and not self.down[q] and self.heard[q] < 2)
        self.heard[q] += 1
        self.wire[p][q] = self.wire[p][q][1:]

    @action
    def overtake(self, p: Node, q: Node) -> None:
        require(len(self.wire[p][q]) > 1 and not self.down[q] and self.heard[q] < 2)
        self.heard[q] += 1
        self.wire[p][q] = self.wire[p][q][:1]

    @action
    def crash(self, q: Node) -> None:
        require(not self.down[q])
        self.down[q] = True
        for p in Node:
            self.wire[p][q] = Seq()


@record
class Ballot:
    """A vote, for whom it may concern."""

    voter: Node
    chosen: Node


@record
class Seat:
    """Who sits where: no message, whatever it looks like."""

    holder: Node
    number: Annotated[int, Range(0, 1)]


class Poll(Model):
    """Nodes vote, and count all votes, their own too, of which none is ever taken away."""

    voted: Map[Node, bool]
    elected: Node | None
    seats: Set[Seat]
    messages: Set[Ballot]

    @action
    def vote(self, n: Node, c: Node) -> None:
        require(not self.voted[n])
        self.voted[n] = True
        self.messages.add(Ballot(n, c))

    @action
    def count(self, n: Node) -> None:
        require(self.elected is None)
        require(all(Ballot(m, n) in self.messages for m in Node))
        self.elected = n

    @action
    def sit(self, n: Node, s: Annotated[int, Range(0, 1)]) -> None:
        require(all(seat.number != s for seat in self.seats))
        self.seats.add(Seat(n, s))

    @action
    def rise(self, n: Node, s: Annotated[int, Range(0, 1)]) -> None:
        require(Seat(n, s) in self.seats)
        self.seats.remove(Seat(n, s))

    @invariant
    def nobody(self) -> bool:
        return self.elected is None


class Forged(Model):
    """Who sends may say that it was another; two are taken in one step."""

    heard: Map[Node, Annotated[int, Range(0, 4)]]
    wire: Annotated[Set[Ping], AtMost(2)]

    def init(self, first: Node) -> None:
        self.wire = Set([Ping(first, first, 1)])

    @action
    def forge(self, by: Node, as_: Node, to: Node) -> None:
        require(by != as_)
        self.heard[by] = 1
        self.wire.add(Ping(as_, to, 2))

    @action
    def take_both(self, n: Node, p: Ping) -> None:
        require(p in self.wire and p.dest == n and Ping(n, n, 1) in self.wire and p.number == 2)
        self.heard[n] = 3
        self.wire = Set(m for m in self.wire if m.dest != n)
