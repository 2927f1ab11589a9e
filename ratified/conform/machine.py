"""Hypothesis drives a cluster: rules for all that can happen to it, each step followed, each failure shrunk to a short script.

Hypothesis chooses among rules and their arguments; the follower looks at every step, the model's claims are asked of the states
that explain it, and at the end what clients saw is decided. What is found is the least that shows it, and is printed as a test
to keep.

Guarantees: derived from the examples that Hypothesis chooses alone; with `derandomize` the same on every run.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hypothesis import seed
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)

from ratified.conform.ending import EndedError, FoundError, Over, never
from ratified.conform.looking import look
from ratified.conform.protocol import Protocol, names_of
from ratified.conform.reference import finder
from ratified.conform.simulation import Cluster, Mismatched, replayed, shrunk
from ratified.follow.binding import Event
from ratified.follow.mismatch import told
from ratified.impl.contract import Campaign, Command, Compact
from ratified.impl.system import BrokenPromise
from ratified.simulator.steps import (
    ClientStep,
    Crash,
    Deliver,
    Heal,
    Lose,
    Order,
    Partition,
    Pass,
    Persist,
    Restart,
    ScheduleStep,
)

CLAIMS_EVERY = 5

INTERESTING = {
    "an election": ("win", "lead", "prepare"),
    "a vote": ("vote", "promise"),
    "entries taken over": ("accept",),
    "a commit": ("commit", "learn"),
    "a commit followed": ("follow_commit", "learn"),
    "a membership change": ("reconfigure",),
    "a snapshot loaded": ("load", "restore"),
}
"""What runs should come to: the model's actions, or events, that show it."""


@dataclass(slots=True)
class Explored:
    """What came of it. `reached` counts the runs that came to each interesting thing; `script` shows what was found."""

    runs: int = 0
    events: int = 0
    steps: int = 0
    reached: Counter[str] = field(default_factory=Counter)
    found: str | None = None
    why: str = ""
    script: tuple[ScheduleStep, ...] = ()


node = st.integers(0, 4)
number = st.integers(0, 7)


class ClusterMachine(RuleBasedStateMachine):
    """The rules. Nodes are chosen by number, so that the same rules serve clusters of any size."""

    protocol: ClassVar[Protocol]
    nodes: ClassVar[int]
    system_seed: ClassVar[int]
    explored: ClassVar[Explored]
    ended: ClassVar[Over]

    def __init__(self) -> None:
        super().__init__()
        self.names = names_of(self.nodes)
        self.logs: dict[str, dict[int, Any]] = {}  # of each node, as they were seen last
        self.truncations = 0
        self.cluster = Cluster(
            self.protocol, self.nodes, self.system_seed, claims_every=CLAIMS_EVERY, seen=self.look
        )
        self.world = self.cluster.world
        self.serials: Counter[str] = Counter()
        self.over = False

    def look(self, event: Event) -> None:
        """See whether a node has replaced entries that it had, other than by a crash."""
        if event.variables is None or not isinstance(event.variables.get("log"), list):
            return
        log = dict(enumerate(event.variables["log"], event.variables.get("log_start", 1)))
        before = self.logs.get(event.node, {}) if event.action != "start" else {}
        self.truncations += any(log[n] != entry for n, entry in before.items() if n in log)
        self.logs[event.node] = log

    def perform(self, *steps: ScheduleStep) -> None:
        if type(self).ended() is not None:
            raise EndedError
        if self.over:
            return
        try:
            for step in steps:
                self.cluster.perform(step)
        except Mismatched:
            self.over = True
            if self.cluster.follower.result.mismatch is not None:
                self.fail("checker", told(self.cluster.follower))
        except BrokenPromise as broken:
            self.over = True
            self.fail(finder(str(broken)), str(broken))

    def fail(self, found: str, why: str) -> None:
        self.explored.found, self.explored.why = found, why
        self.explored.script = tuple(self.cluster.schedule)
        raise FoundError(why)

    def messages(self) -> list[tuple[str, str, int]]:
        return [(*link, n) for link, sent in sorted(self.world.network.items()) for n in sent]

    # Most of what happens is that messages arrive and disks finish: weights come from how often a rule stands here.

    @precondition(lambda self: self.messages())
    @rule(pick=st.lists(number, min_size=1, max_size=6))
    def deliver(self, pick: list[int]) -> None:
        for p in pick:
            if waiting := self.messages():
                self.perform(Deliver(*waiting[p % len(waiting)]))

    @rule()
    def settle(self) -> None:
        self.settle_now()

    def settle_now(self) -> None:
        try:
            if not self.over:
                self.world.stabilise(self.perform)
        except BrokenPromise as broken:
            self.fail(finder(str(broken)), str(broken))

    @rule(n=node, group=st.sets(node), to_the_end=st.sampled_from([True, True, False]))
    def elect(self, n: int, group: set[int], to_the_end: bool) -> None:
        asleep = {self.name(g) for g in group} - {self.name(n)}
        self.perform(*(Restart(name) for name in self.names))
        self.perform(*(Pass(name, 12) for name in self.names if name not in asleep))
        self.perform(Order(self.name(n), Campaign()))
        if to_the_end:
            self.settle_now()

    @initialize(n=node, led=st.sampled_from([True, True, True, False]))
    def begin(self, n: int, led: bool) -> None:
        if led:
            self.perform(Order(self.name(n), Campaign()))
            self.settle_now()

    @rule(n=node, count=st.integers(1, 3), more=st.integers(0, 2))
    def overtake(self, n: int, count: int, more: int) -> None:
        """A leader that is cut off is asked, and another takes its place: what only the first has is replaced."""
        old = self.world.leader() or self.name(n)
        rest = [name for name in self.names if name != old]
        self.perform(Partition(((old,), tuple(rest))))
        for _ in range(count):
            self.put(old, "w1", "x")
        self.settle_now()
        new = rest[n % len(rest)]
        self.perform(*(Restart(name) for name in rest))
        for _ in range(4):
            if self.over or self.world.leader() not in (old, None):
                break
            self.perform(*(Pass(name, 6) for name in rest), Order(new, Campaign()))
            self.settle_now()
        new = self.world.leader() or new
        for _ in range(more):
            self.put(new, "w2", "y")
        self.settle_now()
        self.reunite(new)

    @rule(n=node, count=st.integers(1, 6))
    def fall_behind(self, n: int, count: int) -> None:
        """A node is cut off until what it lacks is there only as a snapshot."""
        leader = self.world.leader() or self.name(n + 1)
        behind = [name for name in self.names if name != leader][n % (len(self.names) - 1)]
        self.perform(Partition(((behind,), tuple(name for name in self.names if name != behind))))
        for _ in range(count):
            self.put(leader, "w1", "x")
            self.settle_now()
        self.perform(Order(leader, Compact()))
        self.settle_now()
        self.reunite(leader)

    def reunite(self, leader: str) -> None:
        self.perform(Heal())
        for _ in range(2):
            self.perform(Pass(leader, 3))
            self.settle_now()

    @precondition(lambda self: self.messages())
    @rule(p=number, again=st.booleans())
    def lose_or_duplicate(self, p: int, again: bool) -> None:
        sender, to, n = self.messages()[p % len(self.messages())]
        self.perform(Deliver(sender, to, n, again=True) if again else Lose(sender, to, n))

    @rule(n=node)
    def persist(self, n: int) -> None:
        self.perform(Persist(self.name(n)))

    @rule(n=node, ticks=st.integers(1, 12))
    def tick(self, n: int, ticks: int) -> None:
        self.perform(Pass(self.name(n), ticks))

    @rule(n=node, kept=st.integers(0, 2), back=st.booleans())
    def crash(self, n: int, kept: int, back: bool) -> None:
        self.perform(Crash(self.name(n), kept))
        if back:
            self.perform(Restart(self.name(n)))

    @rule(n=node)
    def restart(self, n: int) -> None:
        self.perform(Restart(self.name(n)))

    @rule(side=st.sets(node, min_size=1, max_size=3))
    def partition(self, side: set[int]) -> None:
        one = {self.name(n) for n in side}
        self.perform(Partition((tuple(sorted(one)), tuple(n for n in self.names if n not in one))))

    @rule()
    def heal(self) -> None:
        self.perform(Heal())

    @rule(n=node, client=st.sampled_from(["w1", "w2"]), key=st.sampled_from("xy"))
    def propose(self, n: int, client: str, key: str) -> None:
        self.put(self.asked(n), client, key)
        if self.serials[client] % 2:
            self.settle_now()

    def put(self, to: str, client: str, key: str) -> None:
        self.serials[client] += 1
        serial = self.serials[client]
        self.perform(ClientStep(to, Command(client, serial, f"put {key} {client}.{serial}".encode())))

    @rule(n=node, client=st.sampled_from(["r1", "r2"]), key=st.sampled_from("xy"))
    def read(self, n: int, client: str, key: str) -> None:
        self.serials[client] += 1
        command = Command(client, self.serials[client], f"get {key}".encode())
        self.perform(ClientStep(self.asked(n), command, query=True))

    def name(self, n: int) -> str:
        return self.names[n % len(self.names)]

    def asked(self, n: int) -> str:
        return self.name(n) if self.serials["w1"] % 3 == 2 else self.world.leader() or self.name(n)

    @precondition(lambda self: self.world.system.order is not None)
    @rule(n=node, random=st.randoms(use_true_random=False))
    def order(self, n: int, random: Any) -> None:
        draw = self.world.system.order
        assert draw is not None
        self.perform(Order(self.world.leader() or self.name(n), draw(random, self.names)))

    @rule(n=node)
    def compact(self, n: int) -> None:
        self.perform(Order(self.name(n), Compact()))

    def teardown(self) -> None:
        result = self.cluster.follower.result
        self.explored.runs += 1
        self.explored.events += result.events
        self.explored.steps += len(self.cluster.schedule)
        for what, signs in INTERESTING.items():
            self.explored.reached[what] += any(result.actions[s] or result.names[s] for s in signs)
        self.explored.reached["a restart"] += result.names["start"] > len(self.names)
        self.explored.reached["a truncation"] += self.truncations > 0
        if not self.over:
            self.perform()
            outcome = self.cluster.linearizable()
            if outcome.failure is not None:
                from ratified.follow.linearizability.picture import sentence

                self.fail("linearizability", sentence(outcome.failure))


def machine_of(
    protocol: Protocol, nodes: int, system_seed: int, explored: Explored, ended: Over = never
) -> type[RuleBasedStateMachine]:
    """A state machine of Hypothesis for a protocol. What its runs come to is added to `explored`."""
    given = {
        "protocol": protocol,
        "nodes": nodes,
        "system_seed": system_seed,
        "explored": explored,
        "ended": staticmethod(ended),
    }
    return type("Cluster", (ClusterMachine,), given)


def explore(
    protocol: Protocol,
    *,
    nodes: int = 3,
    examples: int = 50,
    steps: int = 40,
    system_seed: int = 0,
    with_seed: int | None = None,
    least: int = 0,
    over: Over = never,
    shrink: bool = True,
) -> Explored:
    """Let Hypothesis look for what the model does not explain; what it finds is shrunk, unless that is not wanted.

    Once it is `over`, it ends after the `least` number of examples.
    """
    explored = Explored()

    def ended() -> str | None:
        return over() if explored.runs >= least else None

    machine = machine_of(protocol, nodes, system_seed, explored, ended)
    if with_seed is not None:
        machine = seed(with_seed)(machine)
    try:
        look(machine, examples=examples, steps=steps, ended=ended, derandomize=with_seed is None)
    except FoundError:
        if not shrink:
            return explored
        run = replayed(protocol, system_seed, nodes, explored.script, claims_every=CLAIMS_EVERY)
        explored.script = shrunk(protocol, run).schedule
    return explored


def regression_test(
    protocol: Protocol,
    nodes: int,
    system_seed: int,
    explored: Explored,
    *,
    calm: bool = False,
    alone: int = 0,
) -> str:
    """What was found as a test that can be run: a schedule, perhaps `calm` after it, or so many steps of a core `alone`."""
    module, _, expression = protocol.place.partition(":")
    beginning = f"from {module} import {expression.partition('[')[0]}\n"
    end = "    assert run.verdict is Verdict.HOLDS, run.why\n"
    if alone:
        return (
            f"{beginning}"
            "from ratified.conform.alone import alone\n"
            "from ratified.results.result import Verdict\n\n\n"
            "def test_it_conforms() -> None:\n"
            f"    run = alone({expression}, {system_seed}, nodes={nodes}, steps={alone})\n"
            f"{end}"
        )
    where, how = ("stress", "restressed") if calm else ("simulation", "replayed")
    lines = "".join(f"    {step}\n" for step in explored.script)
    return (
        f"{beginning}"
        f"from ratified.conform.{where} import {how}\n"
        "from ratified.simulator import read_schedule\n"
        "from ratified.results.result import Verdict\n\n"
        f'SCRIPT = """\n{lines}"""\n\n\n'
        "def test_it_conforms() -> None:\n"
        f"    protocol = {expression}\n"
        f"    schedule = read_schedule(SCRIPT, protocol.system({system_seed}))\n"
        f"    run = {how}(protocol, {system_seed}, {nodes}, schedule, claims_every=1)\n"
        f"{end}"
    )
