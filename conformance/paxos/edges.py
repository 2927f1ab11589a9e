"""Paxos driven along the steps of `Paxos`: for each step of the model, what makes a core take it, or why none can.

Each ballot belongs to one node, and none has two: ballot b is round b + 1 of node b. Messages are put together from what the
model says has been said; what the cores send is compared with it. What a node says to itself waits for its own disk, which is
given its time where the model's step is the node's own answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from ratified.conform.cover import Edge, LazyGraph, NothingToTryError
from ratified.impl.contract import Campaign, Command, Input, Persisted, Receive, Submit
from ratified.impl.machines import KeyValue
from ratified.impl.paxos import messages as said
from ratified.impl.paxos.ballots import Ballot, Vote
from ratified.impl.paxos.core import Config, PaxosCore, bootstrap
from ratified.language.machine import Values
from ratified.models.paxos.paxos import Paxos
from ratified.models.paxos.sorts import at_most
from ratified.models.paxos.synod import Accepted, Prepare, Promise, Propose
from ratified.simulator.disk import Disk

BEGUN_ONCE = "a ballot that has been begun is not begun again"
NOT_BELOW = "a node starts no ballot below its promise"


class PaxosDriver:
    """Cores with their disks, none of which ever learns what is chosen: nobody tells it of others' votes."""

    def __init__(self, model: Paxos) -> None:
        sizes = {sort.__name__: size for sort, size in model.scope.sizes.items()}
        assert sizes["Ballot"] <= sizes["Acceptor"], "each ballot must have a node of its own"
        self.quorums: Any = model.quorums
        self.names = tuple(f"n{i + 1}" for i in range(sizes["Acceptor"]))
        self.reset()

    def reset(self) -> None:
        """Empty disks, and cores that have just started."""
        self.disks = [Disk(bootstrap(self.names)) for _ in self.names]
        self.cores = [
            PaxosCore(name, disk.durable, Config(), random=Random(1), machine=KeyValue())  # noqa: S311 - no secret
            for name, disk in zip(self.names, self.disks, strict=True)
        ]
        self.sent: set[tuple[str, Any]] = set()

    # Names

    def ballot(self, b: Any) -> Ballot:
        """The ballot that goes by a number."""
        return Ballot(int(b) + 1, self.names[int(b)])

    def command(self, v: Any) -> Command:
        """The command that goes by a value."""
        return Command(f"c{int(v)}", 1, b"put x %d" % int(v))

    def vote(self, vote: Any) -> Vote[Command] | None:
        """A vote, if there is one."""
        return None if vote is None else Vote(self.ballot(vote.ballot), self.command(vote.value))

    def _step(self, a: Any, event: Input) -> None:
        effects = self.cores[int(a)].step(event)
        if effects.writes:
            self.disks[int(a)].write(effects.token, effects.writes)
        self.sent |= {(self.names[int(a)], send.message) for send in effects.sends}

    def _persist(self, a: Any) -> None:
        disk = self.disks[int(a)]
        if disk.persist(disk.pending):
            self._step(a, Persisted(disk.persisted))

    # What cannot be, and what comes by itself

    def impossible(self, state: Values, edge: Edge) -> str | None:
        """See EdgeDriver."""
        max_ballot, _, messages = state
        if edge.action == "prepare":
            (b,) = edge.arguments
            if Prepare(b) in messages:
                return BEGUN_ONCE
            promised = next((n for a, n in max_ballot.items() if int(a) == int(b)), None)
            if promised is not None and promised > b:
                return NOT_BELOW
        return None

    def consequence(
        self,
        before: Values,  # noqa: ARG002 - it shows in the state
        taken: Sequence[Edge],
        state: Values,
        edges: Sequence[Edge],
    ) -> Edge | None:
        """A proposer that has its own promise, or gives it, has its own vote at once, unless it has promised more."""
        edge = taken[-1]
        owner = int(edge.arguments[-2 if edge.action == "propose" else -1])
        max_ballot, _, messages = state
        if edge.action == "propose":
            b, v = edge.arguments
            waits = owner not in self._quorum(state, b, v)
        elif edge.action == "promise" and int(edge.arguments[0]) == owner:
            b, waits = edge.arguments[1], False
        else:
            return None
        for own in edges:
            if own.action == "accept" and int(own.arguments[0]) == owner and own.arguments[1] == b:
                done = Accepted(*own.arguments) in messages
                return None if waits or done or not at_most(max_ballot[own.arguments[0]], b) else own
        return None

    def _quorum(self, state: Values, b: Any, v: Any) -> dict[int, Promise]:
        """Promises that let v be proposed in b; without the proposer's own, if there are others enough."""
        answers = {int(m.acceptor): m for m in state[2] if isinstance(m, Promise) and m.ballot == b}
        fits = []
        for quorum in self.quorums:
            some = {int(a): answers[int(a)] for a in quorum if int(a) in answers}
            votes = [m.voted for m in some.values() if m.voted is not None]
            if len(some) == len(quorum) and (not votes or max(votes, key=lambda w: w.ballot).value == v):
                fits.append(some)
        if not fits:
            raise NothingToTryError
        return min(fits, key=lambda some: int(b) in some)

    # What makes a core take a step

    def drive(self, state: Values, edge: Edge) -> None:
        """See EdgeDriver."""
        getattr(self, f"_{edge.action}")(state, *edge.arguments)

    def _prepare(self, state: Values, b: Any) -> None:  # noqa: ARG002 - all are called alike
        if int(b) > 0:  # somebody has promised a ballot in the round before
            higher = said.Rejected(Ballot(1, self.names[int(b)]), Ballot(int(b), "~"))
            self._step(b, Receive(self.names[int(b) - 1], higher))
        self._step(b, Campaign())

    def _promise(self, state: Values, a: Any, b: Any) -> None:  # noqa: ARG002 - likewise
        if int(a) == int(b):
            self._persist(a)
        else:
            self._step(a, Receive(self.names[int(b)], said.Prepare(self.ballot(b))))

    def _propose(self, state: Values, b: Any, v: Any) -> None:
        quorum = self._quorum(state, b, v)
        free = all(promise.voted is None for promise in quorum.values())
        self._step(
            b, Submit(self.command(v if free else int(v) + 1))
        )  # where it must propose v, it wishes for another
        if int(b) in quorum:
            self._persist(b)
        for a, promise in quorum.items():
            if a != int(b):
                answer = said.Promise(self.ballot(b), self.vote(promise.voted))
                self._step(b, Receive(self.names[a], answer))

    def _accept(self, state: Values, a: Any, b: Any, v: Any) -> None:  # noqa: ARG002 - likewise
        if int(a) == int(b):
            self._persist(a)
        else:
            request = said.Accept(self.ballot(b), self.command(v))
            self._step(a, Receive(self.names[int(b)], request))

    # What has come of it

    def differences(self, state: Values) -> list[str]:
        """See EdgeDriver. What a node says to itself is not sent, and not compared."""
        max_ballot, voted, messages = state
        found = []
        for a, name in zip(max_ballot, self.names, strict=True):
            seen, promised = self.cores[int(a)].observe(), max_ballot[a]
            pairs = [
                ("promised", None if promised is None else self.ballot(promised), seen["promised"]),
                ("voted", self.vote(voted[a]), seen["voted"]),
            ]
            found += [f"{name} has {what} {has}, the model {due}" for what, due, has in pairs if has != due]
        due = {told for m in messages if (told := self._told(m)) is not None}
        sent = {(who, m) for who, m in self.sent if not isinstance(m, said.Rejected)}
        found += [f"{who} says {m}" for who, m in sorted(sent - due, key=str)]
        found += [f"{who} does not say {m}" for who, m in sorted(due - sent, key=str)]
        return found

    def _told(self, m: Any) -> tuple[str, Any] | None:
        """A message of the model as a core sends it to another; None if it is to itself."""
        b = self.ballot(m.ballot)
        match m:
            case Prepare():
                return b.node, said.Prepare(b)
            case Propose():
                return b.node, said.Accept(b, self.command(m.value))
        name = self.names[int(m.acceptor)]
        if name == b.node:
            return None
        if isinstance(m, Promise):
            return name, said.Promise(b, self.vote(m.voted))
        return name, said.Accepted(b, self.command(m.value))


def graph(small: bool) -> tuple[LazyGraph, PaxosDriver]:  # noqa: ARG001 - all of it takes no time
    """The edges at a small size, and what drives nodes along them."""
    model = Paxos(Acceptor=3, Value=2, Ballot=2)
    return LazyGraph(model).all(), PaxosDriver(model)
