"""What must come about in a cluster once all is calm: liveness, checked on runs, bounded.

A run is finite: it cannot show that something never happens, but that something did not happen within so many *rounds* of a fair
schedule. A round is this, and no more is granted: the clock of each node that runs ticks once, in the order of their names; then
whatever is being written becomes durable, and whatever was sent on links that are not cut arrives, in the order in which it was
sent, until nothing is left. Clients without an answer ask again every sixteenth round.

Guarantees: what is asked depends on the cluster and the seed alone; what came about in time is never blamed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Final

from ratified.impl.contract import Command, Compact, NodeId
from ratified.simulator.steps import (
    ClientStep,
    Crash,
    Deliver,
    Heal,
    Order,
    Partition,
    Pass,
    Persist,
    Restart,
    ScheduleStep,
)

if TYPE_CHECKING:
    from ratified.conform.simulation import Cluster

ROUNDS: Final = 300
"""So many rounds anything may take that needs an election."""

PROMPT: Final = 60
"""So many, what a leader that nobody disturbs has to do."""

QUIET: Final = 30
"""For so many rounds nothing may change once all is at rest."""

FAIR: Final = (
    "in each of which every clock ticked once, and all that was being written and sent was durable and there"
)


class StalledError(Exception):
    """Something did not come about in time."""


class Calm:
    """A cluster under a fair schedule."""

    def __init__(self, cluster: Cluster, seed: int) -> None:
        self.cluster = cluster
        self.protocol = cluster.protocol
        self.world = cluster.world
        self.perform = cluster.perform
        self.names: Sequence[NodeId] = list(cluster.world.nodes)
        self.random = Random(f"progress/{seed}")  # noqa: S311 - to repeat runs, not to keep secrets
        self.serial = 0

    # Rounds

    def until(self, what: str, reached: Callable[[], bool], rounds: int = ROUNDS) -> None:
        """Let rounds go by until something is so. Raises StalledError."""
        for n in range(rounds + 1):
            self.world.stabilise(self.perform)
            if reached():
                return
            if n % 16 == 15:
                self.ask_again()
            for name in self.names:
                self.perform(Pass(name))
        left = self.left()
        why = f"; {left}" if left else ""
        raise StalledError(f"{what}: not within {rounds} rounds, {FAIR}{why}")

    def some_rounds(self, count: int = 12) -> None:
        """Let so many rounds go by."""
        for _ in range(count):
            for name in self.names:
                self.perform(Pass(name))
            self.world.stabilise(self.perform)

    def ask_again(self) -> None:
        """Clients without an answer ask the leader, or everybody; if all have theirs, one has something new.

        A leader whose term begins with no entry commits what is before it with the next command.
        """
        leader, history = self.world.leader(), self.world.checks.history
        if leader is not None and not history.open():
            self.put(leader)
        for operation in history.open():
            command = Command(operation.client, operation.serial, operation.payload)
            for name in [leader] if leader is not None else self.names:
                self.perform(ClientStep(name, command, operation.query))

    def put(self, to: NodeId, query: bool = False) -> tuple[str, int]:
        """A new client asks."""
        self.serial += 1
        name = f"calm{self.serial}"
        self.perform(ClientStep(to, Command(name, 1, b"get calm" if query else b"put calm 1"), query))
        return name, 1

    # What is seen

    def up(self) -> list[NodeId]:
        """Who runs."""
        return [name for name in self.names if self.world.nodes[name].core is not None]

    def led(self, among: Collection[NodeId]) -> NodeId | None:
        """Who of these leads, if there must be somebody."""
        cores = [(core.term, name) for name in among if (core := self.world.nodes[name].core) is not None]
        leading = [(term, name) for term, name in cores if self.leads(name)]
        return max(leading)[1] if leading else None

    def leads(self, name: NodeId) -> bool:
        """Whether a node believes that it leads."""
        core = self.world.nodes[name].core
        return core is not None and core.leader == name

    def voters(self) -> Collection[NodeId]:
        """Who votes, as the leader knows."""
        leader = self.world.leader()
        core = None if leader is None else self.world.nodes[leader].core
        if core is None or self.protocol.voters is None:
            return self.names
        return self.protocol.voters(core.observe())

    def members(self) -> list[NodeId]:
        """Who must have everything."""
        leader, of = self.world.leader(), self.world.system.members
        core = None if leader is None else self.world.nodes[leader].core
        return list(self.names) if core is None or of is None else [n for n in of(core) if n in self.names]

    def all_are_members(self) -> bool:
        """Whether no node was removed: one that was, and does not know, may stand for election."""
        return set(self.members()) == set(self.names)

    def pending(self) -> str | None:
        """What the leader has not finished."""
        leader = self.world.leader()
        core = None if leader is None else self.world.nodes[leader].core
        if core is None or self.protocol.pending is None:
            return None
        return self.protocol.pending(core.observe())

    # What must come about

    def rest(self) -> None:
        """There is a leader, nothing is under way, clients have their answers, and members have the same."""
        elects = self.world.system.elects
        if elects:
            self.until("a leader is elected", lambda: self.led(self.names) is not None)
            self.until("what was begun ends", lambda: self.led(self.names) is not None and not self.pending())
        while waiting := len(self.world.checks.history.open()):
            # One after the other: a leader that is busy may turn away all but one.
            self.until("clients are answered", partial(self.fewer_wait, waiting))
        self.until("members have applied the same", self.same)
        self.until("nothing is left to do", lambda: self.left() is None)

    def fewer_wait(self, than: int) -> bool:
        """Whether fewer clients than so many wait for an answer."""
        return len(self.world.checks.history.open()) < than

    def left(self) -> str | None:
        """What a member has still to do, in the words of its protocol."""
        if self.protocol.left is None:
            return None
        leader = self.world.leader()
        names = dict.fromkeys([*self.members(), *([] if leader is None else [leader])])
        cores = (self.world.nodes[name].core for name in names)
        return next((left for core in cores if core is not None and (left := self.protocol.left(core))), None)

    def same(self) -> bool:
        """Whether the members have executed the same, up to the same index, with the same outcome."""
        cores = [self.world.nodes[name].core for name in self.members()]
        seen = {(core.applied, core.machine.snapshot()) for core in cores if core is not None}
        return len(seen) == 1 and (not self.world.system.elects or self.led(self.names) is not None)

    def answered(self, name: tuple[str, int]) -> Callable[[], bool]:
        """Whether a client has its answer."""
        return lambda: not self.world.checks.history.is_open(name)

    def undisturbed(self) -> None:
        """While nothing happens, who leads goes on leading, and what it is asked is done."""
        self.some_rounds()  # until all have heard from the leader
        self.rest()
        leader = self.world.leader()
        if leader is None or not self.all_are_members():
            return
        core = self.world.nodes[leader].core
        assert core is not None
        term = core.term
        asked = [self.put(leader), self.put(leader, query=True)]
        for name in asked:
            self.until("a leader answers", self.answered(name), PROMPT)
        for n in range(QUIET):
            self.some_rounds(1)
            if self.world.leader() != leader or core.term != term:
                raise StalledError(f"{leader} leads on when nothing interferes: not after {n} rounds, {FAIR}")

    def without_some(self) -> None:
        """With fewer than half of the voters down there is a leader, which does what it is asked."""
        voters = sorted(set(self.voters()) & set(self.names))
        leader = self.world.leader()
        few = (len(voters) - 1) // 2
        if not few or leader is None:
            return
        down = self.random.sample(voters, few)
        if leader not in down and self.random.random() < 0.5:
            down[0] = leader
        for name in down:
            self.perform(Crash(name, 0))
        rest = [name for name in self.names if name not in down]
        self.until("a leader is elected by those that run", lambda: self.led(rest) is not None)
        now = self.led(rest)
        assert now is not None
        self.until("a leader that a majority follows answers", self.answered(self.put(now)))
        self.until(
            "a leader that a majority follows answers a query", self.answered(self.put(now, query=True))
        )
        if self.random.random() < 0.5:
            for name in self.up():
                self.perform(Order(name, Compact()))
        for name in down:
            self.perform(Restart(name))
        self.rest()

    def cut_off(self) -> None:
        """A leader that nobody hears gives up, within the time that it promises; the others have another."""
        leader = self.world.leader()
        voters = set(self.voters())
        if leader is None or len(voters) < 3 or leader not in voters or not voters <= set(self.names):
            return
        # With it are who has no vote, and perhaps other voters, but fewer than half.
        followers = self.random.sample(
            sorted(voters - {leader}), self.random.randint(0, (len(voters) - 1) // 2 - 1)
        )
        side = [name for name in self.names if name == leader or name in followers or name not in voters]
        rest = [name for name in self.names if name not in side]
        self.perform(Partition((tuple(side), tuple(rest))))
        within = self.world.system.gives_up
        if within is not None:
            self.until(f"{leader}, which is cut off, gives up", lambda: not self.leads(leader), within)
        self.until("a leader is elected by the others", lambda: self.led(rest) is not None)
        now = self.led(rest)
        assert now is not None
        self.until("a leader that a majority follows answers", self.answered(self.put(now)))
        self.put(leader, query=True)  # which must not be answered with what was before
        self.some_rounds(3)
        self.perform(Heal())
        self.rest()

    def interrupted(self) -> None:
        """What is asked of a leader while nobody hears it for a moment is done once it is heard again."""
        leader = self.world.leader()
        if leader is None or not self.all_are_members():
            return
        self.perform(Partition(tuple((name,) for name in self.names)))
        asked = [self.put(leader) for _ in range(self.random.randint(1, 3))]
        self.world.stabilise(self.perform)  # all that was sent is lost
        self.perform(Heal())
        for name in asked:
            self.until("a leader that was cut off for a moment answers", self.answered(name), PROMPT)
        self.rest()

    def hand_over(self) -> None:
        """A leader that is told to hands over; to one that cannot be reached it gives up, and goes on."""
        leader, transfer = self.world.leader(), self.world.system.transfer
        others = sorted((set(self.voters()) & set(self.names)) - {leader})
        if leader is None or transfer is None or not others or not self.all_are_members():
            return None
        to = self.random.choice(others)
        if self.random.random() < 0.4 and len(others) > 1:
            self.perform(Partition(((to,), tuple(name for name in self.names if name != to))))
            self.perform(Order(leader, transfer(to)))
            self.until("a transfer to a node that is cut off ends", lambda: not self.pending(), PROMPT)
            self.perform(Heal())
            return self.rest()
        if self.random.random() < 0.5:
            # The other has to be brought up to date first.
            self.perform(Partition(((to,), tuple(name for name in self.names if name != to))))
            for _ in range(3):
                self.put(leader)
            self.world.stabilise(self.perform)
            self.perform(Heal())
        self.perform(Order(leader, transfer(to)))
        self.until(f"{leader} hands over to {to}", lambda: self.world.leader() == to, PROMPT)
        self.rest()

    def rearrange(self) -> None:
        """A change of the voters ends, whoever leads meanwhile; it is the one that was asked for, or the one before."""
        change, leader = self.world.system.change, self.world.leader()
        if change is None or leader is None:
            return
        self.until("a leader answers", self.answered(self.put(leader)))  # it may change nothing before
        self.rest()
        core = self.world.nodes[leader].core
        if self.world.leader() != leader or core is None:
            return
        undisturbed, term = (
            self.all_are_members(),
            core.term,
        )  # else one may lead who does not have the change
        before = set(self.voters())
        wanted = max(
            (set(self.random.sample(self.names, self.random.randint(1, len(self.names)))) for _ in range(2)),
            key=lambda some: len(some ^ before),  # more than one at a time takes two steps
        )
        for _ in range(self.random.randint(0, 2)):
            self.put(leader)  # so that something is committed before the change is
        rest = [name for name in self.names if name not in wanted]
        learners = self.random.sample(rest, self.random.randint(0, len(rest)))  # who must catch up, too
        self.perform(Order(leader, change([name for name in self.names if name in wanted], learners)))
        ends = self.random.random() < 0.5
        if ends:
            self.until("a change of voters is committed", lambda: not self.pending(), PROMPT)
            ends = undisturbed or (self.world.leader(), core.term) == (leader, term)
        else:
            # Some of what follows comes about before the leader is gone.
            for _ in range(self.random.randint(1, 3 * len(self.names))):
                self.one_thing()
            self.perform(Crash(leader, self.random.randint(0, 2)))
            up = set(self.up())
            if (
                all(2 * len(up & voters) > len(voters) for voters in (before, wanted))
                and self.random.random() < 0.5
            ):
                self.until("a change ends without who began it", lambda: self.led(up) is not None)
                self.until("a change ends without who began it", lambda: not self.pending())
            self.perform(Restart(leader))
        self.rest()
        now = set(self.voters())
        if now != wanted and (ends or now != before):
            raise StalledError(
                f"a change to {' '.join(sorted(wanted))} ends: voters are {' '.join(sorted(now))}"
            )

    def one_thing(self) -> None:
        """A disk finishes, or a message arrives."""
        steps: list[ScheduleStep] = [
            *(
                Persist(name, node.disk.pending)
                for name, node in self.world.nodes.items()
                if node.disk.pending
            ),
            *(Deliver(*link, number) for link, sent in self.world.network.items() for number in sent),
        ]
        if steps:
            self.perform(self.random.choice(steps))


def progress(cluster: Cluster, seed: int) -> None:
    """End all faults, and see that what must come about does; then disturb the calm a little, and see again.

    Raises StalledError, and whatever performing a step raises.
    """
    calm = Calm(cluster, seed)
    calm.perform(Heal())
    for name in calm.names:
        calm.perform(Restart(name))
    calm.rest()
    if not cluster.world.system.elects:
        return
    every = [calm.undisturbed, calm.without_some, calm.cut_off, calm.hand_over, calm.interrupted]
    some = calm.random.sample(every, 2)
    for what in (*some, calm.rearrange):
        what()
