"""Mutual exclusion: of two processes, by time stamps, by forks that are washed; readers and writers; a bridge of one lane."""

from __future__ import annotations

from typing import Annotated, Literal

from ratified import (
    AtMost,
    Map,
    Model,
    Param,
    Range,
    Seq,
    Set,
    Sort,
    action,
    assume,
    constraint,
    invariant,
    leads_to,
    record,
    refines,
    require,
    step_invariant,
)


class Process(Sort):
    """Who wants to be alone."""


Stage = Literal["outside", "waiting", "critical", "leaving"]


class Lock(Model):
    """What a lock is to achieve."""

    at: Map[Process, Stage]
    free: bool = True

    @action
    def want(self, p: Process) -> None:
        require(self.at[p] == "outside")
        self.at[p] = "waiting"

    @action
    def enter(self, p: Process) -> None:
        require(self.at[p] == "waiting" and self.free)
        self.at[p] = "critical"
        self.free = False

    @action
    def done(self, p: Process) -> None:
        require(self.at[p] == "critical")
        self.at[p] = "leaving"

    @action
    def leave(self, p: Process) -> None:
        require(self.at[p] == "leaving")
        self.at[p] = "outside"
        self.free = True

    @invariant
    def mutual_exclusion(self) -> bool:
        return sum(1 for p in Process if self.at[p] in ("critical", "leaving")) <= 1


class Peterson(Model):
    """Two processes and three shared variables (Peterson, *Myths about the mutual exclusion problem*, 1981)."""

    at: Map[Process, Literal["outside", "raise", "yield", "wait", "critical", "lower"]]
    flag: Map[Process, bool]
    turn: Process = Process(0)

    @assume
    def two(self) -> bool:
        """The algorithm is for two processes."""
        return len(Process) == 2

    def other(self, p: Process) -> Process:
        return Process(1 - int(p))

    @action
    def want(self, p: Process) -> None:
        require(self.at[p] == "outside")
        self.at[p] = "raise"

    @action
    def raise_flag(self, p: Process) -> None:
        require(self.at[p] == "raise")
        self.flag[p] = True
        self.at[p] = "yield"

    @action
    def give_way(self, p: Process) -> None:
        require(self.at[p] == "yield")
        self.turn = self.other(p)
        self.at[p] = "wait"

    @action
    def enter(self, p: Process) -> None:
        require(self.at[p] == "wait")
        require(not self.flag[self.other(p)] or self.turn == p)
        self.at[p] = "critical"

    @action
    def done(self, p: Process) -> None:
        require(self.at[p] == "critical")
        self.at[p] = "lower"

    @action
    def lower_flag(self, p: Process) -> None:
        require(self.at[p] == "lower")
        self.flag[p] = False
        self.at[p] = "outside"

    @invariant
    def who_is_inside_may_be(self, p: Process) -> bool:
        inside = self.at[p] in ("critical", "lower")
        return not inside or self.turn == p or self.at[self.other(p)] in ("outside", "raise", "yield")

    def stage(self, p: Process) -> Stage:
        match self.at[p]:
            case "outside":
                return "outside"
            case "critical":
                return "critical"
            case "raise" | "yield" | "wait":
                return "waiting"
            case "lower":
                return "leaving"

    @refines(Lock)
    def as_lock(self, abstract: Lock) -> None:
        abstract.at = Map({p: self.stage(p) for p in Process})
        abstract.free = all(self.at[p] not in ("critical", "lower") for p in Process)


@record
class Request:
    """Somebody asks, at a time."""

    time: Annotated[int, Range(1, "latest + 1")]


@record
class Acknowledge:
    """Somebody has heard."""


@record
class Release:
    """Somebody has left."""


class TimeStamps(Model):
    """Who has asked first is first (Lamport, *Time, clocks, and the ordering of events in a distributed system*, 1978)."""

    latest: Param[int] = 6
    clock: Map[Process, Annotated[int, Range(1, "latest + 2")]]
    asked: Map[Process, Map[Process, Annotated[int, Range(0, "latest + 1")]]]
    acknowledged: Map[Process, Set[Process]]
    channel: Map[Process, Map[Process, Annotated[Seq[Request | Acknowledge | Release], AtMost(4)]]]
    critical: Set[Process]

    def is_before(self, p: Process, q: Process) -> bool:
        mine, other = self.asked[p][p], self.asked[p][q]
        return other == 0 or mine < other or (mine == other and int(p) < int(q))

    def tell_all(self, p: Process, m: Request | Acknowledge | Release) -> None:
        for q in Process:
            if q != p:
                self.channel[p][q].append(m)

    @action
    def ask(self, p: Process) -> None:
        require(self.asked[p][p] == 0)
        self.asked[p][p] = self.clock[p]
        self.acknowledged[p] = Set({p})
        self.tell_all(p, Request(self.clock[p]))

    @action
    def hear(self, p: Process, q: Process) -> None:
        require(len(self.channel[q][p]) > 0)
        m = self.channel[q][p][0]
        self.channel[q][p].pop(0)
        match m:
            case Request(time):
                self.asked[p][q] = time
                self.clock[p] = max(self.clock[p], time) + 1
                self.channel[p][q].append(Acknowledge())
            case Acknowledge():
                self.acknowledged[p].add(q)
            case Release():
                self.asked[p][q] = 0

    @action
    def enter(self, p: Process) -> None:
        require(len(self.acknowledged[p]) == len(Process))
        require(all(self.is_before(p, q) for q in Process if q != p))
        self.critical.add(p)

    @action
    def leave(self, p: Process) -> None:
        require(p in self.critical)
        self.critical.remove(p)
        self.asked[p][p] = 0
        self.acknowledged[p].clear()
        self.tell_all(p, Release())

    @constraint
    def early(self) -> bool:
        return all(self.clock[p] <= self.latest for p in Process)

    @invariant
    def mutual_exclusion(self) -> bool:
        return len(self.critical) <= 1

    @invariant
    def three_on_the_way(self, p: Process, q: Process) -> bool:
        return len(self.channel[p][q]) <= 3


class Philosopher(Sort):
    """Sits between two forks, of which the one with the same number is to the left."""


@record
class Fork:
    """Somebody has it; it is dirty once it was used."""

    holder: Philosopher
    clean: bool


class Philosophers(Model):
    """Who has a dirty fork gives it away, washed (Chandy and Misra, *The drinking philosophers problem*, 1984)."""

    at: Map[Philosopher, Literal["look", "think", "eat"]]
    fork: Map[Philosopher, Fork]
    hungry: Map[Philosopher, bool]

    def init(self) -> None:
        self.fork = Map(
            {p: Fork(Philosopher(0) if p == Philosopher(1) else p, clean=False) for p in Philosopher}
        )
        self.hungry = Map({p: True for p in Philosopher})

    def right(self, p: Philosopher) -> Philosopher:
        return Philosopher((int(p) + 1) % len(Philosopher))

    def left(self, p: Philosopher) -> Philosopher:
        return Philosopher((int(p) - 1) % len(Philosopher))

    def gives_away(self, p: Philosopher, f: Philosopher) -> bool:
        return self.fork[f].holder == p and not self.fork[f].clean

    @action(fair="weak", each=("p",))
    def look(self, p: Philosopher) -> None:
        require(self.at[p] == "look")
        right = self.right(p)
        if self.gives_away(p, p):
            self.fork[p] = Fork(self.left(p), clean=True)
        elif self.gives_away(p, right):
            self.fork[right] = Fork(right, clean=True)
        if not self.hungry[p]:
            self.at[p] = "think"
        elif self.fork[p] == self.fork[right] == Fork(p, clean=True):
            self.at[p] = "eat"

    @action(fair="weak", each=("p",))
    def think(self, p: Philosopher) -> None:
        require(self.at[p] == "think")
        self.hungry[p] = True
        self.at[p] = "look"

    @action(fair="weak", each=("p",))
    def eat(self, p: Philosopher) -> None:
        require(self.at[p] == "eat")
        self.hungry[p] = False
        self.fork[p].clean = False
        self.fork[self.right(p)].clean = False
        self.at[p] = "look"

    @invariant
    def neighbours_take_turns(self, p: Philosopher) -> bool:
        return not (self.at[p] == self.at[self.right(p)] == "eat")

    @leads_to
    def nobody_starves(self, p: Philosopher) -> tuple[bool, bool]:
        return True, not self.hungry[p]


class Actor(Sort):
    """A reader, a writer."""


class ReadersWriters(Model):
    """Many read or one writes, in the order in which they asked (the second problem of Courtois, Heymans and Parnas, 1971)."""

    reading: Set[Actor]
    writing: Set[Actor]
    queue: Annotated[Seq[tuple[Literal["read", "write"], Actor]], AtMost("2 * len(Actor)")]

    @action(fair="weak", each=("a",))
    def ask_to_read(self, a: Actor) -> None:
        require(("read", a) not in self.queue)
        self.queue.append(("read", a))

    @action(fair="weak", each=("a",))
    def ask_to_write(self, a: Actor) -> None:
        require(("write", a) not in self.queue)
        self.queue.append(("write", a))

    @action(fair="weak")
    def let_in(self) -> None:
        require(len(self.queue) > 0 and len(self.writing) == 0)
        what, who = self.queue[0]
        self.queue.pop(0)
        match what:
            case "read":
                self.reading.add(who)
            case "write":
                require(len(self.reading) == 0)
                self.writing.add(who)

    @action(fair="weak")
    def leave(self, a: Actor) -> None:
        require(a in self.reading | self.writing)
        if a in self.reading:
            self.reading.remove(a)
        else:
            self.writing.remove(a)

    @invariant
    def one_writes_alone(self) -> bool:
        return len(self.writing) == 0 or (len(self.writing) == 1 and len(self.reading) == 0)

    @leads_to
    def everybody_reads(self, a: Actor) -> tuple[bool, bool]:
        return True, a in self.reading

    @leads_to
    def everybody_writes(self, a: Actor) -> tuple[bool, bool]:
        return True, a in self.writing

    @leads_to
    def everybody_stops(self, a: Actor) -> tuple[bool, bool]:
        return True, a not in self.reading | self.writing


class Car(Sort):
    """The first half of them drive to the left, the others to the right."""


class Bridge(Model):
    """Cars go round in both directions, and over a bridge of one lane, which they enter as they came to it."""

    places: Param[int] = 8
    begins: Param[int] = 4
    ends: Param[int] = 5
    at: Map[Car, Annotated[int, Range(1, "places")]]
    queue: Annotated[Seq[Car], AtMost("len(Car)")]

    def init(self) -> None:
        self.at = Map({c: self.places if self.to_the_left(c) else 1 for c in Car})

    def to_the_left(self, c: Car) -> bool:
        return int(c) < len(Car) // 2

    def ahead(self, c: Car) -> int:
        if self.to_the_left(c):
            return self.at[c] - 1 if self.at[c] > 1 else self.places
        return self.at[c] + 1 if self.at[c] < self.places else 1

    def on_bridge(self, place: int) -> bool:
        return self.begins <= place <= self.ends

    def crossing(self) -> Set[Car]:
        return Set(c for c in Car if self.on_bridge(self.at[c]))

    def drive(self, c: Car) -> None:
        """One place on; who stands before the bridge then waits for it."""
        self.at[c] = self.ahead(c)
        if self.at[c] == (self.ends + 1 if self.to_the_left(c) else self.begins - 1):
            self.queue.append(c)

    @action(fair="weak", each=("c",))
    def go_on(self, c: Car) -> None:
        require(not self.on_bridge(self.ahead(c)))
        self.drive(c)

    @action(fair="weak", each=("c",))
    def cross(self, c: Car) -> None:
        require(self.on_bridge(self.at[c]) and all(self.at[d] != self.ahead(c) for d in Car))
        self.drive(c)

    @action(fair="weak")
    def enter(self) -> None:
        require(len(self.queue) > 0)
        c = self.queue[0]
        require(all(self.to_the_left(d) == self.to_the_left(c) for d in self.crossing()))
        require(all(self.at[d] != self.ahead(c) for d in self.crossing()))
        self.queue.pop(0)
        self.at[c] = self.ahead(c)

    @invariant
    def no_crash(self) -> bool:
        on = self.crossing()
        return not any(
            c != d and (self.at[c] == self.at[d] or self.to_the_left(c) != self.to_the_left(d))
            for c in on
            for d in on
        )

    @leads_to
    def whoever_is_on_it_leaves(self, c: Car) -> tuple[bool, bool]:
        return self.on_bridge(self.at[c]), not self.on_bridge(self.at[c])

    @leads_to
    def everybody_crosses(self, c: Car) -> tuple[bool, bool]:
        return not self.on_bridge(self.at[c]), self.on_bridge(self.at[c])


class Barrier(Model):
    """All wait for the last one."""

    at: Map[Process, Literal["working", "waiting"]]

    @action
    def wait(self, p: Process) -> None:
        require(self.at[p] == "working")
        self.at[p] = "waiting"

    @action
    def pass_on(self) -> None:
        require(all(self.at[p] == "waiting" for p in Process))
        self.at = Map({p: "working" for p in Process})

    @step_invariant
    def nobody_passes_alone(self, old: Barrier) -> bool:
        return all(
            self.at[q] == "waiting"
            for p in Process
            for q in Process
            if old.at[p] == "working" and old.at[q] == "waiting"
        )
