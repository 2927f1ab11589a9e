"""What can be said to a core of Raft: it often fits what the core knows, and sometimes is what no correct node says."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from ratified.impl.contract import (
    Campaign,
    Command,
    Compact,
    Control,
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
from ratified.impl.raft.core import RaftCore
from ratified.impl.raft.membership import Membership
from ratified.impl.raft.messages import (
    AppendEntries,
    AppendResponse,
    Entry,
    InstallSnapshot,
    Message,
    NoOp,
    PreVote,
    PreVoteResponse,
    RequestVote,
    Snapshot,
    TimeoutNow,
    VoteResponse,
)
from ratified.impl.raft.operators import AddVoter, ChangeMembership, RemoveNode, TransferLeadership
from ratified.impl.raft.state import Role


def drawn(random: Random, core: Core, names: Sequence[NodeId]) -> Input:
    """Draw an input."""
    assert isinstance(core, RaftCore)
    draw = Drawing(random, core, names)
    kind = random.random()
    if kind < 0.6:
        others = names[1:] if random.random() < 0.97 else ()
        sender = random.choice(others or (names[0], "stranger"))
        return Receive(sender, draw.message())
    if kind < 0.75:
        return Tick(random.choice((1, 1, 2, 2, 6, 12, 0, -1)))
    if kind < 0.85:
        return Submit(draw.command(least=0))
    if kind < 0.9:
        return Query(f"r{random.randint(1, 2)}", random.randint(1, 4), b"get x")
    if kind < 0.91:
        return Persisted(random.choice((-1, 0, 1, 10_000)))  # what was said before, or never
    return draw.control()


class Drawing:
    """Draws for one moment of one core."""

    def __init__(self, random: Random, core: RaftCore, names: Sequence[NodeId]) -> None:
        self.random, self.core, self.names = random, core, names
        self.last = core.log.last

    def command(self, least: int = 1) -> Command:
        """Draw a client's command, perhaps a repeated one."""
        client, serial = f"c{self.random.randint(1, 3)}", self.random.randint(least, 6)
        return Command(client, serial, f"put x {client}.{serial}".encode())

    def some(self, least: int = 0) -> tuple[NodeId, ...]:
        """Draw some of the nodes."""
        return tuple(self.random.sample(self.names, self.random.randint(least, len(self.names))))

    def membership(self) -> Membership:
        """Draw a configuration."""
        voters = self.some(1)
        outgoing = self.some() if self.random.random() < 0.3 else ()
        learners = tuple(
            n for n in self.names if n not in (*voters, *outgoing) and self.random.random() < 0.5
        )
        return Membership(voters, outgoing, learners)

    def control(self) -> Control:
        """Draw what an operator orders; some of it makes no sense."""
        node = self.random.choice(self.names)
        return self.random.choice(
            (
                Campaign(),
                Campaign(),
                Compact(),
                ChangeMembership(self.some(), self.some()),
                ChangeMembership(self.some(1)),
                AddVoter(node),
                RemoveNode(node),
                TransferLeadership(node),
            )
        )

    def index(self) -> int:
        """Draw an index, most often near what the log has."""
        return max(0, self.random.randint(min(self.core.log.offset, self.core.commit) - 1, self.last + 2))

    def entries(self, before: int, term: int) -> tuple[Entry, ...]:
        """Draw entries whose terms rise from one to another."""
        made = []
        for _ in range(self.random.choice((0, 1, 1, 2, 4))):
            before = (
                self.random.randint(max(before, 1), max(term, 1))
                if self.random.random() < 0.3
                else max(before, term)
            )
            value = (
                self.membership()
                if self.random.random() < 0.1
                else self.random.choice((NoOp(), self.command()))
            )
            made.append(Entry(before, value))
        return tuple(made)

    def message(self) -> Message:
        """Draw a message, most often of the present term."""
        random, core = self.random, self.core
        term = max(1, core.term + random.choice((-1, 0, 0, 0, 0, 0, 0, 0, 1)))
        kind = random.random()
        if (
            random.random() < 0.8
        ):  # mostly an answer to what the node has asked, so that it comes to lead, and for a while
            kind = {Role.LEADER: 0.5, Role.CANDIDATE: 0.85, Role.PRE_CANDIDATE: 0.9}.get(core.role, kind)
        if kind < 0.3:
            return self.append(term)
        if kind < 0.6:
            index = self.last if random.random() < 0.3 else self.index()
            hint = random.randint(0, term)
            return AppendResponse(
                term, random.random() < 0.7, index, self.index(), hint, random.randint(0, 9)
            )
        last_index = random.choice((self.last, self.index()))
        last_term = min(random.choice((core.log.last_term, random.randint(0, term))), term)
        if kind < 0.7:
            asked = RequestVote if random.random() < 0.5 else PreVote
            return asked(term + 1, last_index, last_term)
        if kind < 0.8:
            return RequestVote(term + 1, last_index, last_term, transfer=random.random() < 0.5)
        if kind < 0.88:
            return VoteResponse(term, random.random() < 0.8)
        if kind < 0.93:
            granted = random.random() < 0.8
            return PreVoteResponse(term + granted, granted)
        if kind < 0.95:
            return TimeoutNow(term)
        state = KeyValue()
        state.apply(b"put x %d" % random.randint(1, 9))
        sessions = (("c1", random.randint(1, 3), b"r"),)
        content = b"nothing" if random.random() < 0.1 else state.snapshot()
        index = max(1, self.index())
        known = core.log.term_at(index)
        of = known if 0 < known <= term and random.random() < 0.7 else random.randint(1, term)
        return InstallSnapshot(term, Snapshot(index, of, self.membership(), sessions, content))

    def append(self, term: int) -> AppendEntries:
        """Draw entries that most often follow what there is."""
        random, core = self.random, self.core
        prev = random.choice((self.last, self.index()))
        known = core.log.term_at(prev)
        before = known if 0 <= known <= term and random.random() < 0.85 else random.randint(1, term)
        if prev == 0 or before == 0:
            prev = before = 0
        entries = self.entries(before, term)
        return AppendEntries(
            term, prev, before, entries, random.randint(0, self.last + 2), random.randint(0, 3)
        )
