"""Algorithms: spanning trees, a majority, sorting, marking, agreement with a fast round, a reliable broadcast, meetings."""

from __future__ import annotations

from typing import Annotated, Literal

from ratified import (
    AtMost,
    Map,
    Model,
    Ordered,
    Param,
    Range,
    Seq,
    Set,
    Sort,
    Symmetric,
    action,
    assume,
    at_size,
    eventually,
    eventually_always,
    invariant,
    record,
    refines,
    require,
    step_invariant,
    subsets,
)


class Node(Sort):
    """A node of a graph."""


class SpanningTree(Model):
    """Every node learns its distance from a root, and through whom: whichever the edges are, a tree comes of it, and stays."""

    far: Param[int] = 5
    edges: Set[Set[Node]]
    parent: Map[Node, Node]
    distance: Map[Node, Annotated[int, Range(0, "far")]]

    def init(self, edges: Set[Set[Node]]) -> None:
        require(edges in subsets(subsets(Node, 2)))
        self.edges = edges
        self.parent = Map({n: n for n in Node})
        self.distance = Map({n: 0 if n == Node(0) else self.far for n in Node})

    @action(fair="weak")
    def learn(self, n: Node, m: Node, d: Annotated[int, Range(0, "far")]) -> None:
        require({n, m} in self.edges and self.distance[m] < d < self.distance[n])
        self.parent[n] = m
        self.distance[n] = d

    def settled(self, n: Node) -> bool:
        """A node is the root, or has a parent that is one nearer, or has no neighbour that is reached."""
        if n == Node(0):
            return self.distance[n] == 0 and self.parent[n] == n
        if self.distance[n] == self.far:
            reached = Set(m for m in Node if {n, m} in self.edges and self.distance[m] < self.far)
            return self.parent[n] == n and len(reached) == 0
        return {n, self.parent[n]} in self.edges and self.distance[n] == self.distance[self.parent[n]] + 1

    @eventually_always
    def a_tree(self) -> bool:
        return all(self.settled(n) for n in Node)


class Candidate(Sort):
    """For whom one votes."""


class Majority(Model):
    """Who has more than half of the votes, in one pass (Boyer and Moore, *MJRTY: a fast majority vote algorithm*, 1991)."""

    most: Param[int] = 5
    votes: Annotated[Seq[Candidate], AtMost("most")]
    counted: Annotated[int, Range(0, "most")]
    candidate: Candidate
    lead: Annotated[int, Range(0, "most")]

    def init(self, votes: Annotated[Seq[Candidate], AtMost("most")], candidate: Candidate) -> None:
        self.votes, self.candidate = votes, candidate

    @action
    def count(self) -> None:
        require(self.counted < len(self.votes))
        vote = self.votes[self.counted]
        self.counted += 1
        if self.lead == 0:
            self.candidate, self.lead = vote, 1
        elif self.candidate == vote:
            self.lead += 1
        else:
            self.lead -= 1

    def so_far(self, c: Candidate) -> int:
        return self.votes[: self.counted].count(c)

    @invariant
    def elected(self) -> bool:
        return self.counted < len(self.votes) or all(
            c == self.candidate for c in Candidate if 2 * self.so_far(c) > len(self.votes)
        )

    @invariant
    def others_are_behind(self) -> bool:
        half = self.counted - self.lead
        return 0 <= 2 * (self.so_far(self.candidate) - self.lead) <= half and all(
            2 * self.so_far(c) <= half for c in Candidate if c != self.candidate
        )


class Item(Ordered):
    """What is sorted."""


class Quicksort(Model):
    """Any part is divided anywhere, into smaller items and larger ones; in which order does not matter (Lamport, 2018)."""

    longest: Param[int] = 4
    items: Annotated[Seq[Item], AtMost("longest")]
    original: Annotated[Seq[Item], AtMost("longest")]
    unsorted: Set[Set[Annotated[int, Range(0, "longest - 1")]]]
    done: bool

    def init(self, items: Annotated[Seq[Item], AtMost("longest")]) -> None:
        require(len(items) > 0)
        self.items = self.original = items
        self.unsorted = Set({Set(range(len(items)))})

    @action(fair="weak")
    def drop(self, part: Set[Annotated[int, Range(0, "longest - 1")]]) -> None:
        require(part in self.unsorted and len(part) == 1)
        self.unsorted.remove(part)

    @action(fair="weak")
    def divide(
        self,
        part: Set[Annotated[int, Range(0, "longest - 1")]],
        pivot: Annotated[int, Range(0, "longest - 1")],
        items: Annotated[Seq[Item], AtMost("longest")],
    ) -> None:
        require(part in self.unsorted and len(part) > 1)
        require(pivot in part and pivot < max(part))
        require(sorted(items) == sorted(self.items))
        low, high = Set(i for i in part if i <= pivot), Set(i for i in part if i > pivot)
        require(all(i in part or items[i] == self.items[i] for i in range(len(items))))
        require(all(items[i] <= items[j] for i in low for j in high))
        self.items = items
        self.unsorted.remove(part)
        self.unsorted.update(Set({low, high}))

    @action(fair="weak")
    def finish(self) -> None:
        require(len(self.unsorted) == 0)
        self.done = True

    @invariant
    def same_items(self) -> bool:
        return sorted(self.items) == sorted(self.original)

    @invariant
    def sorted_in_the_end(self) -> bool:
        return not self.done or self.items == Seq(sorted(self.items))

    @eventually
    def ends(self) -> bool:
        return self.done


class Marker(Sort):
    """One of several that mark at the same time."""


def two_each() -> Map[Node, Set[Node]]:
    """The first two nodes follow each node."""
    return Map({n: Set({Node(0), Node(1)}) for n in Node})


class Reachable(Model):
    """What can be reached from a root is marked (Misra)."""

    edges: Param[Map[Node, Set[Node]]] = at_size(two_each)
    marked: Set[Node]
    roots: Set[Node]
    done: bool

    def init(self) -> None:
        self.roots = Set({Node(0)})

    @action
    def mark(self, n: Node) -> None:
        require(n in self.roots and n not in self.marked)
        self.marked.add(n)
        self.roots |= self.edges[n]

    @action
    def leave(self, n: Node) -> None:
        require(n in self.roots and n in self.marked)
        self.roots.remove(n)

    @action
    def end(self) -> None:
        require(len(self.roots) == 0)
        self.done = True


class ParallelReachable(Model):
    """The same by several markers, which look at a node's successors one by one (Lamport, 2019)."""

    edges: Param[Map[Node, Set[Node]]] = at_size(two_each)
    marked: Set[Node]
    roots: Set[Node]
    at: Map[Marker, Literal["choose", "mark", "follow", "done"]]
    node: Map[Marker, Node]
    rest: Map[Marker, Set[Node]]

    def init(self) -> None:
        self.roots = Set({Node(0)})
        self.node = Map({m: Node(0) for m in Marker})

    @action(fair="weak", each=("m",))
    def choose_one(self, m: Marker, n: Node) -> None:
        require(self.at[m] == "choose" and n in self.roots)
        self.node[m] = n
        self.at[m] = "mark"

    @action(fair="weak", each=("m",))
    def end(self, m: Marker) -> None:
        require(self.at[m] == "choose" and len(self.roots) == 0)
        self.at[m] = "done"

    @action(fair="weak", each=("m",))
    def mark(self, m: Marker) -> None:
        require(self.at[m] == "mark")
        n = self.node[m]
        if n in self.marked:
            self.roots.discard(n)
            self.at[m] = "choose"
        else:
            self.marked.add(n)
            self.rest[m] = self.edges[n]
            self.at[m] = "follow"

    @action(fair="weak", each=("m",))
    def follow(self, m: Marker, n: Node) -> None:
        require(self.at[m] == "follow" and n in self.rest[m])
        self.roots.add(n)
        self.rest[m].remove(n)

    @action(fair="weak", each=("m",))
    def next_one(self, m: Marker) -> None:
        require(self.at[m] == "follow" and len(self.rest[m]) == 0)
        self.at[m] = "choose"

    @invariant
    def what_is_held_is_known(self, m: Marker) -> bool:
        return (self.at[m] == "follow" or len(self.rest[m]) == 0) and (
            self.at[m] != "mark" or self.node[m] in self.roots | self.marked
        )

    @refines(Reachable)
    def as_one(self, abstract: Reachable) -> None:
        abstract.marked = self.marked
        abstract.roots = self.roots | Set(n for m in Marker for n in self.rest[m])
        abstract.done = all(self.at[m] == "done" for m in Marker)


class Process(Sort):
    """Correct or not."""


class ReliableBroadcast(Model):
    """Echoes, so that all correct processes accept or none (Srikanth and Toueg, *Simulating authenticated broadcasts*, 1987)."""

    tolerated: Param[int] = 1
    faults: Param[int] = 1
    correct: Set[Process]
    at: Map[Process, Literal["without", "with", "sent", "accepted"]]
    received: Map[Process, Set[Process]]
    echoed: Set[Process]

    @assume
    def few_faults(self) -> bool:
        """Fewer than a third may be faulty."""
        return len(Process) > 3 * self.tolerated and self.tolerated >= self.faults >= 0

    def init(self, correct: Set[Process], with_it: Set[Process]) -> None:
        require(correct in subsets(Process, len(Process) - self.faults))
        self.correct = correct
        self.at = Map({p: "with" if p in with_it else "without" for p in Process})

    def hear(self, p: Process, echoes: Set[Process]) -> int:
        """So many echoes have come, with these; those of the faulty may be invented."""
        return len(self.received[p] | echoes)

    def may_hear(self, p: Process, echoes: Set[Process]) -> bool:
        return p in self.correct and all(q in self.echoed or q not in self.correct for q in echoes)

    @action
    def begin(self, p: Process, echoes: Set[Process]) -> None:
        require(self.may_hear(p, echoes) and self.at[p] == "with")
        self.received[p] |= echoes
        self.echoed.add(p)
        self.at[p] = "sent"

    @action
    def join(self, p: Process, echoes: Set[Process]) -> None:
        require(self.may_hear(p, echoes) and self.at[p] in ("with", "without"))
        enough = len(Process) - self.tolerated
        require(enough - self.tolerated <= self.hear(p, echoes) < enough)
        self.received[p] |= echoes
        self.echoed.add(p)
        self.at[p] = "sent"

    @action
    def accept(self, p: Process, echoes: Set[Process]) -> None:
        require(self.may_hear(p, echoes) and self.at[p] != "accepted")
        require(self.hear(p, echoes) >= len(Process) - self.tolerated)
        self.received[p] |= echoes
        self.echoed.add(p)
        self.at[p] = "accepted"

    @invariant
    def who_accepts_has_echoed(self) -> bool:
        return all(p in self.echoed for p in self.correct if self.at[p] in ("sent", "accepted"))


class Replica(Symmetric):
    """Accepts values."""


class Value(Symmetric):
    """What may be decided."""


Round = Annotated[int, Range(0, "rounds")]


@record
class Any:
    """A fast round begins: whoever has a value may propose it."""

    round: Round


@record
class Propose:
    """A classic round begins, with a value."""

    round: Round
    value: Value


@record
class Accepted:
    """A replica accepts a value in a round."""

    round: Round
    replica: Replica
    value: Value


class FastPaxos(Model):
    """Odd rounds are fast, and a classic one settles a collision (Lamport, *Fast Paxos*, 2006, with one coordinator)."""

    rounds: Param[int] = 4
    messages: Set[Any | Propose | Accepted]
    decision: Value | None
    promised: Map[Replica, Round]
    voted: Map[Replica, Round]
    value: Map[Replica, Value | None]
    coordinated: Value | None

    @assume
    def four(self) -> bool:
        """Quorums have three of four replicas."""
        return len(Replica) == 4

    @action
    def begin(self, r: Round) -> None:
        require(r % 2 == 1)
        self.messages.add(Any(r))

    def accept(self, a: Replica, r: int, v: Value) -> None:
        require(self.promised[a] <= r)
        self.promised[a] = self.voted[a] = r
        self.value[a] = v
        self.messages.add(Accepted(r, a, v))

    @action
    def propose(self, a: Replica, m: Any, v: Value) -> None:
        require(m in self.messages)
        require(self.value[a] is None or self.value[a] == v)
        require(all(Accepted(m.round, a, w) not in self.messages for w in Value))
        self.accept(a, m.round, v)

    @action
    def accept_classic(self, a: Replica, m: Propose) -> None:
        require(m in self.messages)
        self.accept(a, m.round, m.value)

    def votes(self, quorum: Set[Replica], r: int, v: Value) -> int:
        return sum(1 for a in quorum if Accepted(r, a, v) in self.messages)

    def have_voted(self, quorum: Set[Replica], r: int) -> bool:
        return all(any(Accepted(r, a, v) in self.messages for v in Value) for a in quorum)

    @action
    def settle(self, r: Round, fast: Round, quorum: Set[Replica], v: Value) -> None:
        require(r % 2 == 0 and fast % 2 == 1 and fast < r and quorum in subsets(Replica, 3))
        require(self.coordinated is None or self.coordinated == v)
        require(all(Propose(r, w) not in self.messages for w in Value))
        require(self.have_voted(quorum, fast))
        require(sum(1 for w in Value if self.votes(quorum, fast, w) > 0) > 1)
        most = 2 if any(self.votes(quorum, fast, w) > 1 for w in Value) else 1
        require(self.votes(quorum, fast, v) >= most)
        self.coordinated = v
        self.messages.add(Propose(r, v))

    @action
    def decide(self, r: Round, quorum: Set[Replica], v: Value) -> None:
        require(quorum in subsets(Replica, 3) and self.have_voted(quorum, r))
        require(self.votes(quorum, r, v) == 3 if r % 2 == 1 else self.votes(quorum, r, v) > 0)
        self.decision = v

    @step_invariant
    def decided_once(self, old: FastPaxos) -> bool:
        return old.decision is None or self.decision == old.decision

    @invariant
    def decided_was_proposed(self) -> bool:
        return all(
            v != self.decision
            or any(Accepted(r, a, v) in self.messages for r in range(1, 4) for a in Replica)
            for v in Value
        )


Color = Literal["blue", "red", "yellow"]


class Chameneo(Sort):
    """Changes its color when it meets another one."""


class Meetings(Model):
    """They meet two by two, and fade once there were enough meetings (Kaiser and Pradat-Peyre, 2003)."""

    most: Param[int] = 4
    color: Map[Chameneo, Color | None]
    met: Map[Chameneo, Annotated[int, Range(0, "most")]]
    waiting: Chameneo | None
    meetings: Annotated[int, Range(0, "most")]

    def init(self, color: Map[Chameneo, Color]) -> None:
        self.color = Map({c: color[c] for c in Chameneo})

    def mixed(self, a: Color, b: Color) -> Color:
        if a == b:
            return a
        return "blue" if "blue" not in (a, b) else "red" if "red" not in (a, b) else "yellow"

    @action
    def come(self, c: Chameneo) -> None:
        color, other = self.color[c], self.waiting
        require(color is not None and other != c)
        assert color is not None
        if other is None:
            if self.meetings < self.most:
                self.waiting = c
            else:
                del self.color[c]
        else:
            others = self.color[other]
            assert others is not None
            self.color[c] = self.color[other] = self.mixed(color, others)
            self.met[c] += 1
            self.met[other] += 1
            self.waiting = None
            self.meetings += 1

    @invariant
    def two_meet(self) -> bool:
        return sum(self.met.values()) == 2 * self.meetings
