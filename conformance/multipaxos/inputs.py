"""What can be said to a core of Multi-Paxos: it often fits what the core knows, and sometimes is what no correct node says."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from ratified.impl.contract import (
    Campaign,
    Command,
    Compact,
    Core,
    Input,
    NodeId,
    Persisted,
    Query,
    Receive,
    Submit,
    Tick,
)
from ratified.impl.machines import KeyValue
from ratified.impl.multipaxos.core import MultiPaxosCore
from ratified.impl.multipaxos.messages import (
    NO_OP,
    Accept,
    Accepted,
    Alive,
    CatchUp,
    Chosen,
    Heartbeat,
    Install,
    Message,
    Prepare,
    Promise,
    Rejected,
    Snapshot,
    Value,
)
from ratified.impl.paxos.ballots import Ballot, Vote


def drawn(random: Random, core: Core, names: Sequence[NodeId]) -> Input:
    """Draw an input."""
    assert isinstance(core, MultiPaxosCore)
    draw = Drawing(random, core)
    kind = random.random()
    if kind < 0.6:
        sender = random.choice(names[1:] or ("stranger",))
        message = draw.message(sender)
        return Receive(sender if random.random() < 0.97 else "stranger", message)
    if kind < 0.75:
        return Tick(random.choice((1, 1, 2, 2, 6, 0, -1)))
    if kind < 0.87:
        return Submit(draw.command(least=0))
    if kind < 0.94:
        return Query(f"r{random.randint(1, 2)}", random.randint(0, 4), b"get x")
    if kind < 0.95:
        return Persisted(random.choice((-1, 0, 1, 10_000)))  # what was said before, or never
    return Campaign() if random.random() < 0.7 else Compact()


class Drawing:
    """Draws for one moment of one core."""

    def __init__(self, random: Random, core: MultiPaxosCore) -> None:
        self.random, self.core = random, core
        seen: Any = core.observe()
        self.chosen: int = seen["chosen"]
        self.promised: Ballot | None = seen["promised"]
        self.own: Ballot = seen["ballot"] or Ballot(max(1, core.term), core.node)

    def command(self, least: int = 1) -> Command:
        """Draw a client's command, perhaps a repeated one."""
        client, serial = f"c{self.random.randint(1, 3)}", self.random.randint(least, 6)
        return Command(client, serial, f"put x {client}.{serial}".encode())

    def values(self) -> tuple[Value, ...]:
        """Draw what stands in some slots."""
        count = self.random.choice((1, 1, 2, 4))
        return tuple(NO_OP if self.random.random() < 0.1 else self.command() for _ in range(count))

    def slot(self) -> int:
        """Draw a slot, most often near what is known to be chosen."""
        return max(1, self.chosen + self.random.choice((-3, -1, 0, 1, 1, 1, 2, 3, 12)))

    def upto(self) -> int:
        """Draw how much is chosen."""
        return max(0, self.chosen + self.random.choice((-2, 0, 0, 1, 1, 2, 5)))

    def ballot(self, sender: NodeId) -> Ballot:
        """Draw a ballot of another node, most often one that may be answered."""
        if self.promised is not None and self.promised.node == sender and self.random.random() < 0.7:
            return self.promised
        return Ballot(max(1, self.core.term + self.random.choice((-1, 0, 0, 0, 1))), sender)

    def answered(self) -> Ballot:
        """Draw a ballot of the node's own, most often the present one."""
        return (
            self.own
            if self.random.random() < 0.9
            else Ballot(self.random.randint(1, self.own.round), self.own.node)
        )

    def votes(self, above: int, below: Ballot) -> tuple[tuple[int, Vote[Value]], ...]:
        """Draw votes, with gaps between them."""
        found, slot = [], above
        for _ in range(self.random.choice((0, 1, 2, 4)) if below.round > 1 else 0):
            slot += self.random.choice((1, 1, 1, 2, 3, 20))
            ballot = Ballot(self.random.randint(1, below.round - 1), self.random.choice(("n2", "n3")))
            found.append((slot, Vote(ballot, self.values()[0])))
        return tuple(found)

    def message(self, sender: NodeId) -> Message:
        """Draw a message."""
        random = self.random
        kind = random.random()
        if (
            random.random() < 0.8
        ):  # mostly an answer to what the node has asked, so that it comes to lead, and for a while
            role = self.core.observe()["role"]
            kind = {"leader": random.choice((0.5, 0.85)), "candidate": 0.3}.get(role, kind)
        if kind < 0.25:
            return Accept(self.ballot(sender), self.slot(), self.values(), self.upto())
        if kind < 0.4:
            ballot, chosen = self.answered(), self.upto()
            return Promise(ballot, chosen, self.votes(chosen, ballot))
        if kind < 0.6:
            return Accepted(self.answered(), self.slot(), random.choice((1, 1, 2, 4)))
        if kind < 0.67:
            return Prepare(self.ballot(sender), self.slot(), insist=random.random() < 0.5)
        if kind < 0.7:
            own = self.answered()
            return Rejected(own, Ballot(own.round + random.randint(1, 2), sender))
        if kind < 0.78:
            return Heartbeat(self.ballot(sender), self.upto(), random.randint(0, 5))
        if kind < 0.88:
            return Alive(self.answered(), random.randint(0, 12))
        if kind < 0.92:
            return CatchUp(self.slot())
        if kind < 0.97:
            return Chosen(self.slot(), self.values(), self.upto())
        state = KeyValue()
        state.apply(b"put x %d" % random.randint(1, 9))
        content = b"nothing" if random.random() < 0.1 else state.snapshot()
        return Install(Snapshot(self.slot(), content, (("c1", random.randint(1, 3), b"r"),)), self.upto())
