"""The contract between a protocol core and whatever runs it: a simulator, a test, a server.

A core is a deterministic machine. It has no clock, does no I/O, starts no thread and uses no randomness except the generator it
is given. It is driven by `step(input)`, which never raises, whatever the input, and returns `Effects`: what its *host* must do.
The whole contract:

1. **Inputs** come one at a time. `Receive` a message; `Tick` when time has passed; `Persisted` when writes are durable;
   `Submit` and `Query` from clients; a `Control` from an operator. Messages may be lost, delayed, repeated, reordered; members
   do not forge them, but they may come from anybody, and be of any age.
2. **Writes** are made durable in the order of `Effects.writes`, those of one step after those of the steps before. When all
   writes of a step are durable the host reports `Persisted(effects.token)`, which covers all earlier tokens as well. It may
   leave out tokens in between, and take any time: other steps continue meanwhile.
3. **Messages and answers** carry the token `after` which they may be sent: not before every write up to that token is durable.
   0 means at once. So whatever a core has told anybody survives a crash; what only the core knew may not. What waits for a
   token when the node crashes is lost.
4. **A crash** keeps every write up to the last token that was durable, and of the later ones any prefix, in order: the last
   write may be *torn*: only the first of several entries are there. A record or a snapshot is there whole or not at all.
5. **A restart** makes a new core from its `Durable` state alone (besides constants: its name, its configuration, a
   generator, an empty state machine). Tokens start again.
6. **The state machine** belongs to the core, which executes decided commands on it, in the order of the log, and takes and
   restores its snapshots. It is deterministic and lives in memory; after a restart it is rebuilt from snapshot and log.
7. **The observer**, if there is one, receives each action that a step consists of, with the variables after it. Without one,
   nothing is computed for it.

    core = RaftCore("n1", Durable(...), config, random=Random(7), machine=KeyValue())
    effects = core.step(Submit(Command("alice", 1, b"set x 1")))
    disk.append(effects.writes)                   # start writing
    for send in effects.sends:                    # and send what need not wait
        if send.after == 0: network.send(send.to, send.message)
    ...
    core.step(Persisted(effects.token))           # once they are on the disk: now the others may leave

Everything here is frozen: it can be kept, compared, and replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

NodeId: TypeAlias = str
Token: TypeAlias = int

# What clients say


@dataclass(frozen=True, slots=True)
class Command:
    """A client's command, to be executed once.

    A client numbers its commands from 1 and sends the next one only when it has the answer to the last; if it gets no answer
    it sends the same command again, with the same number. (`client`, `serial`) identifies the command everywhere.
    """

    client: str
    serial: int
    payload: bytes

    def __str__(self) -> str:
        return f"{self.client}/{self.serial} {self.payload.decode('utf-8', 'backslashreplace')}"


# Inputs


@dataclass(frozen=True, slots=True)
class Receive:
    """A message arrived. `sender` is who the transport says it is from; a core ignores senders it does not know."""

    sender: NodeId
    message: object


@dataclass(frozen=True, slots=True)
class Tick:
    """So many units of the host's clock have passed since the last tick; configurations count time-outs in them."""

    ticks: int = 1


@dataclass(frozen=True, slots=True)
class Persisted:
    """Every write up to and including those with this token is durable."""

    token: Token


@dataclass(frozen=True, slots=True)
class Submit:
    """A client asks for a command to be executed. An `Answer` to (client, serial) follows, maybe much later, or never."""

    command: Command


@dataclass(frozen=True, slots=True)
class Query:
    """A client asks the state machine a question that changes nothing; the answer is linearizable."""

    client: str
    serial: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Control:
    """An order of an operator or a test; each protocol has its own subclasses. A core ignores those it does not know."""


@dataclass(frozen=True, slots=True)
class Campaign(Control):
    """Try to become leader now (or, in Paxos, try to get a value chosen), as if the election time-out had passed."""


@dataclass(frozen=True, slots=True)
class Compact(Control):
    """Take a snapshot of what is applied and drop the log up to it."""


Input: TypeAlias = Receive | Tick | Persisted | Submit | Query | Control

# What a step asks to be written


@dataclass(frozen=True, slots=True)
class WriteRecord:
    """Replace the record: the few values kept together, such as term and vote. It is written whole or not at all."""

    record: Any


@dataclass(frozen=True, slots=True)
class WriteEntries:
    """Write entries at the indices `first`, `first + 1`, ..., over those that are there. May be torn between two entries."""

    first: int
    entries: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Truncate:
    """Remove the entries from index `first` on."""

    first: int


@dataclass(frozen=True, slots=True)
class WriteSnapshot:
    """Replace the snapshot by one that covers the log up to `index`, and remove the entries up to there, atomically."""

    index: int
    snapshot: Any


Write: TypeAlias = WriteRecord | WriteEntries | Truncate | WriteSnapshot


@dataclass(frozen=True, slots=True)
class Durable:
    """What is on a node's disk, and all that a core is rebuilt from. Each protocol defines what the values mean.

    `entries` is by index, in no order; a host need not keep it in one piece.
    """

    record: Any = None
    entries: Mapping[int, Any] = field(default_factory=lambda: MappingProxyType({}))
    snapshot: Any = None

    def after(self, write: Write) -> Durable:
        """Return what is on the disk after a write. Takes time linear in the length of the log; hosts use faster ways."""
        match write:
            case WriteRecord(record):
                return Durable(record, self.entries, self.snapshot)
            case WriteEntries(first, entries):
                return Durable(
                    self.record, {**self.entries, **dict(enumerate(entries, first))}, self.snapshot
                )
            case Truncate(first):
                kept = {index: entry for index, entry in self.entries.items() if index < first}
                return Durable(self.record, kept, self.snapshot)
            case WriteSnapshot(index, snapshot):
                kept = {at: entry for at, entry in self.entries.items() if at > index}
                return Durable(self.record, kept, snapshot)


# What a step asks to be said


@dataclass(frozen=True, slots=True)
class Send:
    """A message for another node (never the node itself), to be sent once every write up to `after` is durable; 0: at once.

    An `idle` message may wait for some milliseconds more, and need not be sent if another one goes to the same node
    meanwhile, since that one implies it.
    """

    to: NodeId
    message: Any
    after: Token = 0
    idle: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Done:
    """The command was executed, now or at an earlier request; the state machine's result."""

    result: bytes


@dataclass(frozen=True, slots=True)
class NotLeader:
    """This node did nothing: ask `leader`, or any other node if that is None."""

    leader: NodeId | None


@dataclass(frozen=True, slots=True)
class Lost:
    """This node accepted the command and then lost track of it: it may still be executed, or never. It may be sent again."""

    leader: NodeId | None


@dataclass(frozen=True, slots=True)
class Refused:
    """The command was not and will not be executed, and should not be sent again unchanged; `reason` is for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class Busy:
    """This node did nothing, because it has too much to do: ask again later."""


Outcome: TypeAlias = Done | NotLeader | Lost | Refused | Busy


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a client's command or query, sent once every write up to `after` is durable."""

    client: str
    serial: int
    outcome: Outcome
    after: Token = 0


# What happened to the state machine, for those who watch


@dataclass(frozen=True, slots=True)
class Applied:
    """The entry at `index` was executed. For a given index, every node reports the same entry and the same result.

    `entry` is the `Command`, or a value of the protocol for other entries (a no-op, a membership); `result` is None for
    these.
    """

    index: int
    entry: Any
    result: bytes | None


@dataclass(frozen=True, slots=True)
class Restored:
    """The state machine was set to a snapshot that covers the log up to `index`."""

    index: int


@dataclass(frozen=True, slots=True)
class Effects:
    """What a step asks of the host. `token` is that of its writes, larger than all before; 0 if there are none."""

    writes: tuple[Write, ...] = ()
    token: Token = 0
    sends: tuple[Send, ...] = ()
    answers: tuple[Answer, ...] = ()
    applied: tuple[Applied | Restored, ...] = ()


NOTHING = Effects()

# Those who take part


class StateMachine(Protocol):
    """What is replicated. Deterministic; never raises except where documented."""

    def apply(self, payload: bytes) -> bytes:
        """Execute a command and return its result. An invalid command has a result too."""

    def query(self, payload: bytes) -> bytes:
        """Answer a question without changing anything."""

    def snapshot(self) -> bytes:
        """Return the whole state: equal states give equal bytes."""

    def restore(self, snapshot: bytes) -> None:
        """Set the state to that of a snapshot.

        Raises:
            ValueError: it is not a snapshot; the state is then unchanged.
        """


@dataclass(frozen=True, slots=True)
class Observation:
    """One action of a core: its name, its arguments, and the observable variables after it."""

    node: NodeId
    action: str
    arguments: Mapping[str, Any]
    variables: Mapping[str, Any]


Observer: TypeAlias = Callable[[Observation], None]


class Core(Protocol):
    """The interface of every core, for simulators, servers and tests."""

    @property
    def node(self) -> NodeId:
        """Its own name."""

    @property
    def term(self) -> int:
        """The highest attempt that it knows: Raft's term, the round of a Paxos ballot. Never decreases while it runs."""

    @property
    def leader(self) -> NodeId | None:
        """The leader as far as it knows; its own name if it leads. Always None in a protocol without a leader."""

    @property
    def applied(self) -> int:
        """The index up to which its state machine has executed the log; 0 initially."""

    @property
    def machine(self) -> StateMachine:
        """Its state machine, for inspection only."""

    def step(self, event: Input) -> Effects:
        """Take one input; see the contract. Never raises."""

    def observe(self) -> Mapping[str, Any]:
        """Return the observable variables by name: fresh, immutable values that print well."""


class MakeCore(Protocol):
    """Creates a core, initially and after each crash: how a simulator is told what to run."""

    def __call__(self, node: NodeId, durable: Durable, random: Random, observer: Observer | None) -> Core:
        """Return a core that goes on from what is durable. `random` is for it alone."""
