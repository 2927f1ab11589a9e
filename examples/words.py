"""More specifications that the TLA+ community publishes, written anew in the words that people bring (docs/coming-from.md)."""

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
    action,
    choose,
    constraint,
    eventually_always,
    first,
    invariant,
    last,
    leads_to,
    record,
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


class Machine(Ordered):
    """A machine on a ring."""


class Counter(Ordered):
    """What a machine counts, modulo how many there are."""


class Stabilizing(Model):
    """Whatever the machines begin with, one privilege remains and goes round (Dijkstra, *Self-stabilizing systems*, 1974)."""

    counter: Map[Machine, Counter]

    def init(self, counter: Map[Machine, Counter]) -> None:
        self.counter = counter

    def privileged(self, m: Machine) -> bool:
        if m == first(Machine):
            return self.counter[m] == self.counter[last(Machine)]
        return self.counter[m] != self.counter[m - 1]

    def privileges(self) -> int:
        return len(Set(filter(self.privileged, Machine)))

    @action(fair="weak")
    def move(self, m: Machine) -> None:
        require(self.privileged(m))
        if m > first(Machine):
            self.counter[m] = self.counter[m - 1]
        else:
            self.counter[m] = first(Counter) if self.counter[m].is_last() else self.counter[m] + 1

    @invariant
    def somebody_is_privileged(self) -> bool:
        return self.privileges() >= 1

    @step_invariant
    def never_more(self, old: Stabilizing) -> bool:
        return self.privileges() <= old.privileges()

    @eventually_always
    def one_privilege(self) -> bool:
        return self.privileges() == 1


class Client(Sort):
    """Who wants resources."""


class Resource(Sort):
    """What one client at a time may have."""


class Allocator(Model):
    """Clients ask for sets of resources, are given some at a time, and give some back."""

    wanted: Map[Client, Set[Resource]]
    held: Map[Client, Set[Resource]]

    def free(self) -> Set[Resource]:
        return Set(r for r in Resource if all(r not in self.held[c] for c in Client))

    @action
    def ask(self, c: Client, some: Set[Resource]) -> None:
        require(len(self.wanted[c]) == 0 and len(self.held[c]) == 0 and len(some) > 0)
        self.wanted[c] = some

    @action
    def give(self, c: Client, some: Set[Resource]) -> None:
        require(some in subsets(self.free() & self.wanted[c]) and len(some) > 0)
        self.held[c] |= some
        self.wanted[c] -= some

    @action
    def give_back(self, c: Client, some: Set[Resource]) -> None:
        require(some in subsets(self.held[c]) and len(some) > 0)
        self.held[c] -= some

    @invariant
    def nothing_is_shared(self) -> bool:
        return all(self.held[c].isdisjoint(self.held[d]) for c in Client for d in Client if c != d)


class Ingredient(Sort):
    """Paper, tobacco, matches: each smoker has plenty of one."""


class Smokers(Model):
    """An agent puts all ingredients but one on the table, and who has that one smokes (Patil, 1971)."""

    table: Set[Ingredient]
    smokes: Map[Ingredient, bool]

    def init(self, offer: Set[Ingredient]) -> None:
        require(offer in subsets(Ingredient, len(Ingredient) - 1))
        self.table = offer

    @action
    def light(self) -> None:
        require(len(self.table) > 0)
        self.smokes[choose(Ingredient, where=lambda i: i not in self.table)] = True
        self.table.clear()

    @action
    def stop(self, offer: Set[Ingredient]) -> None:
        require(offer in subsets(Ingredient, len(Ingredient) - 1) and len(self.table) == 0)
        self.smokes[choose(Ingredient, where=lambda i: self.smokes[i])] = False
        self.table = offer

    @invariant
    def one_at_a_time(self) -> bool:
        return sum(1 for smokes in self.smokes.values() if smokes) <= 1


class Message(Sort):
    """What is sent."""


@record
class Wire:
    """Two bits that differ while a value waits to be taken."""

    value: Message
    ready: bool
    taken: bool


class Fifo(Model):
    """A buffer between two wires (Lamport, *Specifying systems*, 2002, chapter 4)."""

    most: Param[int] = 3
    left: Wire
    right: Wire
    buffer: Annotated[Seq[Message], AtMost("most + 1")]

    def init(self, a: Message, b: Message, up: bool, high: bool) -> None:
        self.left = Wire(a, up, up)
        self.right = Wire(b, high, high)

    @action
    def send(self, m: Message) -> None:
        require(self.left.ready == self.left.taken)
        self.left.value = m
        self.left.ready = not self.left.ready

    @action
    def take_in(self) -> None:
        require(self.left.ready != self.left.taken)
        self.left.taken = not self.left.taken
        self.buffer.append(self.left.value)

    @action
    def put_out(self) -> None:
        require(len(self.buffer) > 0 and self.right.ready == self.right.taken)
        self.right.value = self.buffer[0]
        self.right.ready = not self.right.ready
        self.buffer.pop(0)

    @action
    def receive(self) -> None:
        require(self.right.ready != self.right.taken)
        self.right.taken = not self.right.taken

    @constraint
    def short(self) -> bool:
        return len(self.buffer) <= self.most


class Prisoner(Sort):
    """All but the first switch twice; the first one counts."""


class Prisoners(Model):
    """One at a time is led into a room with two switches, and somebody is to know when all have been there."""

    up: bool
    other: bool
    switched: Map[Prisoner, int]
    count: int

    def init(self, up: bool, other: bool) -> None:
        self.up, self.other = up, other

    @action
    def visit(self, p: Prisoner) -> None:
        if p == Prisoner(0) and self.up:
            self.up = False
            self.count += 1
        elif p != Prisoner(0) and not self.up and self.switched[p] < 2:
            self.up = True
            self.switched[p] += 1
        else:
            self.other = not self.other

    @invariant
    def known_only_if_so(self) -> bool:
        enough = 2 * (len(Prisoner) - 1)
        return self.count < enough or all(self.switched[p] > 0 for p in Prisoner if p != Prisoner(0))
