"""Memories: a store with snapshots, buffers and caches, and who may have what."""

from __future__ import annotations

from itertools import permutations
from typing import Annotated, Literal

from ratified import (
    AtMost,
    Map,
    Model,
    Param,
    Seq,
    Set,
    Sort,
    Symmetric,
    action,
    constraint,
    eventually,
    invariant,
    leads_to,
    record,
    refines,
    require,
    subsets,
)


class Key(Sort):
    """Of a store."""


class Transaction(Symmetric):
    """Reads some keys and writes some; what it writes is its name."""


class SnapshotStore(Model):
    """Each transaction works on a snapshot, and is given up if a key that it wrote was written meanwhile."""

    store: Map[Key, Transaction | None]
    open: Set[Transaction]
    missed: Map[Transaction, Set[Key]]
    at: Map[Transaction, Literal["start", "read", "update", "commit", "done"]]
    snapshot: Map[Transaction, Map[Key, Transaction | None]]
    reads: Map[Transaction, Set[Key]]
    writes: Map[Transaction, Set[Key]]

    @action(fair="weak", each=("t",))
    def start(self, t: Transaction, reads: Set[Key], writes: Set[Key]) -> None:
        require(self.at[t] == "start" and len(reads) > 0 and len(writes) > 0)
        self.open.add(t)
        self.snapshot[t] = self.store
        self.reads[t], self.writes[t] = reads, writes
        self.at[t] = "read"

    @action(fair="weak", each=("t",))
    def read(self, t: Transaction) -> None:
        require(self.at[t] == "read")
        self.at[t] = "update"

    @action(fair="weak", each=("t",))
    def update(self, t: Transaction) -> None:
        require(self.at[t] == "update")
        for k in self.writes[t]:
            self.snapshot[t][k] = t
        self.at[t] = "commit"

    @action(fair="weak", each=("t",))
    def commit(self, t: Transaction) -> None:
        require(self.at[t] == "commit")
        self.at[t] = "done"
        if self.missed[t].isdisjoint(self.writes[t]):
            self.open.remove(t)
            for u in self.open:
                self.missed[u] |= self.writes[t]
            for k in self.writes[t]:
                self.store[k] = self.snapshot[t][k]

    @invariant
    def who_is_open_is_at_work(self, t: Transaction) -> bool:
        return t not in self.open or self.at[t] != "start"

    @eventually
    def all_end(self) -> bool:
        return all(self.at[t] == "done" for t in Transaction)


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


class SchedulingAllocator(Model):
    """Resources are given in the order of a schedule, so that nobody waits for ever (Merz, *The specification language TLA+*)."""

    wanted: Map[Client, Set[Resource]]
    held: Map[Client, Set[Resource]]
    schedule: Annotated[Seq[Client], AtMost("len(Client)")]

    def free(self) -> Set[Resource]:
        return Set(r for r in Resource if all(r not in self.held[c] for c in Client))

    def waiting(self) -> Set[Client]:
        return Set(c for c in Client if len(self.wanted[c]) > 0 and c not in self.schedule)

    @action
    def ask(self, c: Client, some: Set[Resource]) -> None:
        require(len(self.wanted[c]) == 0 and len(self.held[c]) == 0 and len(some) > 0)
        self.wanted[c] = some

    @action(fair="weak", each=("c",))
    def give(self, c: Client, some: Set[Resource]) -> None:
        require(some in subsets(self.free() & self.wanted[c]) and len(some) > 0)
        require(c in self.schedule)
        turn = self.schedule.index(c)
        require(all(some.isdisjoint(self.wanted[d]) for d in self.schedule[:turn]))
        if some == self.wanted[c]:
            self.schedule.pop(turn)
        self.held[c] |= some
        self.wanted[c] -= some

    @action
    def give_back(self, c: Client, some: Set[Resource]) -> None:
        require(some in subsets(self.held[c]) and len(some) > 0)
        self.held[c] -= some

    @action(fair="weak", each=("c",))
    def give_all_back(self, c: Client) -> None:
        """Who has all that it wanted gives it back at some time."""
        require(len(self.wanted[c]) == 0 and len(self.held[c]) > 0)
        self.held[c].clear()

    @action(fair="weak")
    def plan(self, order: Annotated[Seq[Client], AtMost("len(Client)")]) -> None:
        require(order in Set(Seq(q) for q in permutations(self.waiting())) and len(order) > 0)
        self.schedule.extend(order)

    @invariant
    def nothing_is_shared(self) -> bool:
        return all(self.held[c].isdisjoint(self.held[d]) for c in Client for d in Client if c != d)

    @invariant
    def earlier_ones_are_not_in_the_way(self) -> bool:
        """What somebody has is not wanted by those before it, and what it wants comes free by them or by who is not waiting."""
        return all(
            len(self.wanted[c]) > 0
            and all(self.held[c].isdisjoint(self.wanted[d]) for d in self.schedule[:i])
            and all(
                r in self.free()
                or any(r in self.wanted[d] | self.held[d] for d in self.schedule[:i])
                or any(r in self.held[d] for d in Client if d not in self.schedule)
                for r in self.wanted[c]
            )
            for i, c in enumerate(self.schedule)
        )

    @leads_to
    def all_is_given(self, c: Client, r: Resource) -> tuple[bool, bool]:
        return r in self.wanted[c], r in self.held[c]

    @leads_to
    def all_is_given_back(self, c: Client) -> tuple[bool, bool]:
        return len(self.wanted[c]) == 0, len(self.held[c]) == 0


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


class Processor(Sort):
    """Reads and writes, one request at a time."""


class Address(Sort):
    """Of a memory."""


class Content(Sort):
    """What a memory has at an address."""


@record
class Read:
    """What is at the address."""

    address: Address


@record
class Write:
    """This is to be there."""

    address: Address
    content: Content


@record
class Answer:
    """It was read, or written."""

    content: Content | None


class Requests(Model):
    """Processors that ask a memory, and its answers: what those outside see of it. Nobody waits where there is no cache."""

    memory: Map[Address, Content]
    control: Map[Processor, Literal["ready", "busy", "waiting", "done"]]
    buffer: Map[Processor, Read | Write | Answer]
    interface: tuple[Processor, Read | Write | Answer]

    def init(self, memory: Map[Address, Content]) -> None:
        self.memory = memory
        self.buffer = Map({p: Answer(None) for p in Processor})
        self.interface = (Processor(0), Answer(None))

    @action
    def request(self, p: Processor, r: Read | Write) -> None:
        require(self.control[p] == "ready")
        self.interface = (p, r)
        self.buffer[p] = r
        self.control[p] = "busy"

    @action
    def answer(self, p: Processor) -> None:
        require(self.control[p] == "done")
        self.interface = (p, self.buffer[p])
        self.control[p] = "ready"


class Memory(Requests):
    """A memory that does one request after the other (Lamport, *Specifying systems*, 2002, chapter 5)."""

    @action
    def do(self, p: Processor) -> None:
        require(self.control[p] == "busy")
        match self.buffer[p]:
            case Write(address, content):
                self.memory[address] = content
                self.buffer[p] = Answer(None)
            case Read(address):
                self.buffer[p] = Answer(self.memory[address])
            case Answer():
                raise AssertionError
        self.control[p] = "done"


class WriteThroughCache(Requests):
    """Caches in front of a memory: what is written goes to all that have the address, and into a queue."""

    length: Param[int] = 1
    cache: Map[Processor, Map[Address, Content | None]]
    queue: Annotated[Seq[tuple[Processor, Read | Write]], AtMost("length")]

    @action
    def miss(self, p: Processor) -> None:
        r = self.buffer[p]
        require(self.control[p] == "busy" and isinstance(r, Read))
        assert isinstance(r, Read)
        require(self.cache[p][r.address] is None and len(self.queue) < self.length)
        self.queue.append((p, r))
        self.control[p] = "waiting"

    @action
    def read(self, p: Processor) -> None:
        r = self.buffer[p]
        require(self.control[p] in ("busy", "waiting") and isinstance(r, Read))
        assert isinstance(r, Read)
        content = self.cache[p][r.address]
        require(content is not None)
        self.buffer[p] = Answer(content)
        self.control[p] = "done"

    @action
    def write(self, p: Processor) -> None:
        r = self.buffer[p]
        require(self.control[p] == "busy" and isinstance(r, Write) and len(self.queue) < self.length)
        assert isinstance(r, Write)
        for q in Processor:
            if q == p or self.cache[q][r.address] is not None:
                self.cache[q][r.address] = r.content
        self.queue.append((p, r))
        self.buffer[p] = Answer(None)
        self.control[p] = "done"

    def current(self) -> Map[Address, Content]:
        """The memory once the queue is empty."""
        memory = self.memory
        for _, r in self.queue:
            if isinstance(r, Write):
                memory = memory | {r.address: r.content}
        return memory

    @action
    def serve(self) -> None:
        require(len(self.queue) > 0)
        p, r = self.queue[0]
        match r:
            case Write(address, content):
                self.memory[address] = content
            case Read(address):
                self.cache[p][address] = self.current()[address]
        self.queue.pop(0)

    @action
    def evict(self, p: Processor, a: Address) -> None:
        r = self.buffer[p]
        require(self.control[p] != "waiting" or (isinstance(r, Read) and r.address != a))
        del self.cache[p][a]

    @invariant
    def coherent(self, p: Processor, q: Processor, a: Address) -> bool:
        x, y = self.cache[p][a], self.cache[q][a]
        return x is None or y is None or x == y

    @refines(Memory)
    def as_memory(self, abstract: Memory) -> None:
        abstract.memory = self.current()
        abstract.control = Map(
            {p: "busy" if self.control[p] == "waiting" else self.control[p] for p in Processor}
        )
        abstract.buffer = self.buffer
        abstract.interface = self.interface
