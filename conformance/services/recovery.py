"""Recovery held to its models: one owner of a folder and its log, and the supervision of children.

Of the delays and orders of a supervisor the model of supervision knows nothing: what they must be, the subject says itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Annotated, Any, ClassVar

from ratified.conform.policy import PolicyBinding, Subject
from ratified.follow.binding import Claim, Event, Names, Observed
from ratified.follow.steps import Steps, change, do
from ratified.impl.services.recovery import (
    GiveUp,
    Journal,
    OwnedError,
    Owner,
    Start,
    Stop,
    Strategy,
    Supervisor,
    take_over,
)
from ratified.impl.services.retry import Backoff, Jitter
from ratified.language import Param, Range, Seq, Set, require
from ratified.models.services import recovery as models
from ratified.models.services import supervision as supervised

PROCESSES = ("p", "q")
ENTRIES = tuple(f"e{i}" for i in range(12))


class RecoveryBinding(PolicyBinding):
    """All is a step of the model."""

    def __init__(self, processes: Sequence[str], entries: int) -> None:
        self._entries = entries
        self.process = Names(models.Process, len(processes), processes)
        self.entry = Names(models.Entry, entries, ENTRIES[:entries])

    def model(self) -> models.Recovery:
        """With as many processes and entries."""
        return models.Recovery(Process=len(self.process.known()), Entry=self._entries)

    def on_start(self, name: str) -> Steps:
        """A process has taken the folder."""
        return do("start", p=self.process(name))

    def on_refused(self) -> Steps:
        """A process that has not: somebody has it."""
        return change("the folder is another's", lambda m: require(len(m.running) > 0))

    def on_append(self, name: str, entry: str) -> Steps:
        """A client asks for an entry."""
        return do("append", p=self.process(name), e=self.entry(entry))

    def on_write(self, name: str) -> Steps:
        """The log is durable."""
        return do("write", p=self.process(name))

    def on_acknowledge(self, name: str, entry: str) -> Steps:
        """A client is told."""
        return do("acknowledge", p=self.process(name), e=self.entry(entry))

    def on_crash(self, name: str) -> Steps:
        """A process is gone."""
        return do("crash", p=self.process(name))

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - processes are in the variables
        """The disk, the memory of who runs, and what is claimed of owners."""
        log = {name: Seq(map(self.entry, entries)) for name, entries in variables["memory"].items()}
        return {
            ("disk",): Seq(map(self.entry, variables["disk"])),
            ("running",): Set(self.process(name) for name in log),
            **{("memory", self.process(name)): entries for name, entries in log.items()},
            **{(Claim(claim),): holds for claim, holds in variables["claims"].items()},
        }


class RecoverySubject(Subject):
    """`take_over` and `Journal` held to the model, on a folder that keeps what was written. Each life of a process has a name."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "start": (len(PROCESSES),),
        "append": (len(PROCESSES),),
        "write": (len(PROCESSES),),
        "crash": (len(PROCESSES),),
        "start_again": (len(PROCESSES),),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.processes: tuple[str, ...] = PROCESSES
        self.entries = len(ENTRIES)
        self.disk: tuple[str, ...] = ()
        self.owner: Owner | None = None
        self.lives: dict[str, str] = {}  # the life of each process that runs
        self.journals: dict[str, Journal] = {}
        self.asked = self.started = 0
        self.claims: dict[str, bool] = {}

    def binding(self) -> RecoveryBinding:
        """See Subject."""
        return RecoveryBinding(self.processes, self.entries)

    def seen(self) -> Mapping[str, Any]:
        """The disk, and the memory of who runs."""
        claims, self.claims = self.claims, {}
        memory = {name: tuple(journal.entries) for name, journal in self.journals.items()}
        return {"disk": self.disk, "memory": memory, "claims": claims}

    def start(self, n: int) -> Iterable[Event]:
        """A process wants to start on the folder."""
        name = self.processes[n % len(self.processes)]
        if name in self.lives:
            return
        life = f"{name}.{self.started}"
        alive = self.owner is not None and self.owner.process in self.lives.values()
        before = self.owner
        try:
            self.owner = take_over(before, life, alive)
        except OwnedError:
            yield self.event("refused")
            return
        self.started += 1
        self.lives[name] = life
        self.journals[name] = Journal(self.disk)
        generation = 1 if before is None else before.generation + 1
        self.claims["each owner is of a generation of its own"] = self.owner == Owner(life, generation)
        yield self.event("start", name=name)

    def start_again(self, n: int) -> Iterable[Event]:
        """Who has the folder asks for it once more: it has it, and nothing changes."""
        name = self.processes[n % len(self.processes)]
        if name in self.lives:
            again = take_over(self.owner, self.lives[name], alive=True)
            if again != self.owner:
                raise AssertionError(f"who owned it as {self.owner} now owns it as {again}")
        return ()

    def append(self, n: int, entry: int | None = None) -> Iterable[Event]:
        """A client asks for an entry."""
        name = self.processes[n % len(self.processes)]
        if name in self.journals and self.asked < self.entries:
            said = ENTRIES[self.asked if entry is None else entry]
            self.asked += 1
            self.journals[name].append(said)
            yield self.event("append", name=name, entry=said)
            yield from self.tell(name, self.journals[name].written(0))

    def write(self, n: int) -> Iterable[Event]:
        """The log is written as a whole, and is durable."""
        name = self.processes[n % len(self.processes)]
        if name in self.journals and tuple(self.journals[name].entries) != self.disk:
            journal = self.journals[name]
            self.disk = tuple(journal.entries)
            yield self.event("write", name=name)
            yield from self.tell(name, journal.written(len(self.disk)))
            yield from self.tell(name, journal.written(len(self.disk)))

    def tell(self, name: str, entries: Iterable[str]) -> Iterable[Event]:
        """Clients are told."""
        for entry in entries:
            yield self.event("acknowledge", name=name, entry=entry)

    def crash(self, n: int) -> Iterable[Event]:
        """A process is gone, with its memory."""
        name = self.processes[n % len(self.processes)]
        if name in self.lives:
            del self.lives[name], self.journals[name]
            yield self.event("crash", name=name)


# Supervision

CHILDREN = ("x", "y", "z")
WINDOW_MS = 1_000


class FollowedSupervision(supervised.Supervision):
    """The same, with room for more restarts."""

    most: Param[Annotated[int, Range(0, 50)]] = 2


class SupervisionBinding(PolicyBinding):
    """A child that ends is one that fails and is started again, at once for the model."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.child = Names(supervised.Child, len(CHILDREN), CHILDREN)

    def model(self) -> FollowedSupervision:
        """With as many restarts."""
        return FollowedSupervision(Child=len(CHILDREN), most=self._most)

    def on_start(self) -> Steps:
        """All are started."""
        return tuple(do("start", c=self.child(name)) for name in CHILDREN)

    def on_break_down(self, name: str) -> Steps:
        """A fault comes that stays."""
        return do("break_down", c=self.child(name))

    def on_end(self, name: str, restarts: int) -> Steps:
        """A child that has a fault fails, and is started again, when so many restarts still count."""

        def forget(m: Any) -> None:
            require(restarts <= m.restarts)
            m.restarts = restarts

        c = self.child(name)
        return (change("what is long ago does not count", forget), do("fail", c=c), do("start", c=c))

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:  # noqa: ARG002 - there is one
        """Whether it gave up, and what is claimed of its orders."""
        claims = {(Claim(claim),): holds for claim, holds in variables["claims"].items()}
        return {("gave_up",): variables["gave_up"], **claims}


def delays_are_those_of_the_default() -> bool:
    """From 100 ms, twice as long each time, to 5 s; within 5 s there are 3 restarts, and the fourth is one too many."""

    def after(supervisor: Supervisor, now: int) -> int | None:
        (order, *_) = supervisor.ended("x", now, lambda of: of - 1)
        return order.after_ms if isinstance(order, Start) else None

    often = Supervisor(("x",), most=8)
    few = Supervisor(("x",))
    return [after(often, 0) for _ in range(8)] == [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000] and [
        after(few, now) for now in (0, 0, 0, 5_000, 5_000, 5_000, 9_999)
    ] == [100, 200, 400, 800, 1_600, 3_200, None]


class SupervisionSubject(Subject):
    """`Supervisor` held to its model, and its orders and delays to what they must be."""

    calls: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "break_down": (len(CHILDREN),),
        "end": (len(CHILDREN), 1_000),
        "well": (len(CHILDREN),),
        "rest": (24,),
    }

    def __init__(self, number: int) -> None:
        super().__init__(number)
        random = Random(number)  # noqa: S311 - no secret
        self.strategy = random.choice(tuple(Strategy))
        self.most = random.randint(0, 6)
        self.base, self.cap = random.randint(1, 10), random.choice((10, 35, 1_000))
        backoff = Backoff(self.base, self.cap, 2, Jitter.FULL)
        self.supervisor = Supervisor(CHILDREN, self.strategy, self.most, WINDOW_MS, backoff)
        self.begun = False
        self.now = 0
        self.faulty: set[str] = set()
        self.restarts: list[int] = []
        self.in_a_row: dict[str, int] = {}
        self.over = False
        self.claims: dict[str, bool] = {}

    def binding(self) -> SupervisionBinding:
        """See Subject."""
        return SupervisionBinding(self.most)

    def seen(self) -> Mapping[str, Any]:
        """Whether it gave up."""
        claims, self.claims = self.claims, {}
        return {"gave_up": self.supervisor.given_up, "claims": claims}

    def wrong(self) -> Sequence[tuple[Callable[[], object], str]]:
        """See Subject: clocks that go back or are none, children that are none or there twice."""
        made, before, says = self.supervisor, self.now - 1, "a supervisor needs children"
        nan: Any = float("nan")
        late: list[tuple[Callable[[], object], str]] = [
            (lambda: made.ended("x", before, lambda _: 0), "the clock went back")
        ]
        return [
            *(late if self.restarts and self.restarts[-1] == self.now else []),
            (lambda: made.ended("x", nan, lambda _: 0), "the time is a whole number"),
            (
                lambda: made.ended("nobody", self.now, lambda _: 0),
                "there is no child nobody; there are x, y, z",
            ),
            (lambda: Supervisor(()), says),
            (lambda: Supervisor(("x", "x")), says),
            (lambda: Supervisor(("x",), most=-1), "restarts are 0 or more"),
            (lambda: Supervisor(("x",), window_ms=0), "restarts are 0 or more"),
            (lambda: Supervisor(("x",), most=nan), "most is a whole number"),
        ]

    def right(self) -> Sequence[Callable[[], object]]:
        """See Subject."""
        return [lambda: Supervisor(("x",), most=0, window_ms=1), delays_are_those_of_the_default]

    def begin(self) -> Iterable[Event]:
        """All are started, in their order."""
        if not self.begun:
            self.begun = True
            orders = self.supervisor.start()
            self.claims["all are started in their order"] = list(orders) == [Start(name) for name in CHILDREN]
            yield self.event("start")

    def break_down(self, n: int) -> Iterable[Event]:
        """A fault comes that stays."""
        yield from self.begin()
        if CHILDREN[n] not in self.faulty:
            self.faulty.add(CHILDREN[n])
            yield self.event("break_down", name=CHILDREN[n])

    def end(self, n: int, drawn: int) -> Iterable[Event]:
        """A child ends, if it has a fault."""
        yield from self.begin()
        name = CHILDREN[n]
        if name not in self.faulty:
            return
        if self.over:
            if tuple(self.supervisor.ended(name, self.now, lambda of: drawn % of)):
                raise AssertionError("one that gave up orders something")
            return
        self.restarts = [moment for moment in self.restarts if moment > self.now - WINDOW_MS]
        counted = len(self.restarts)
        self.restarts.append(self.now)
        self.over = len(self.restarts) > self.most
        orders = list(self.supervisor.ended(name, self.now, lambda of: drawn % of))
        if self.over:
            others = [Stop(child) for child in reversed(CHILDREN) if child != name]
            self.claims["who gives up stops all, the last first"] = orders[:-1] == others
            self.claims["who gives up says so"] = isinstance(orders[-1], GiveUp)
        else:
            self.claims["orders are those of the strategy"] = orders == self.expected(name, drawn)
        yield self.event("end", name=name, restarts=counted)

    def expected(self, name: str, drawn: int) -> list[Stop | Start]:
        """What is to be ordered: the later of a group stop first; the first of them waits, by full jitter."""
        tries = self.in_a_row.get(name, 0)
        self.in_a_row[name] = tries + 1
        after = drawn % (min(self.cap, self.base * 2**tries) + 1) if self.base <= self.cap else 0
        group = {
            Strategy.ONE: (name,),
            Strategy.REST: CHILDREN[CHILDREN.index(name) :],
            Strategy.ALL: CHILDREN,
        }[self.strategy]
        stops: list[Stop | Start] = [Stop(child) for child in reversed(group) if child != name]
        return [*stops, Start(group[0], after), *(Start(child) for child in group[1:])]

    def well(self, n: int) -> Iterable[Event]:
        """A child has been running for long enough."""
        self.supervisor.well(CHILDREN[n])
        self.in_a_row.pop(CHILDREN[n], None)
        return ()

    def rest(self, by: int) -> Iterable[Event]:
        """Time goes by."""
        self.now += by * 50
        return ()
