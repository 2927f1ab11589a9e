"""Multi-Paxos driven along the steps of `MultiPaxosServers`: for each, what makes a core take it, or why none can.

Nodes take turns: with n of them, ballot b is round b + 1 of node b mod n. Messages are put together from what the model says has
been said; what the cores send is compared with it. The model's first value is what fills gaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from ratified.conform.cover import Edge, LazyGraph, NothingToTryError
from ratified.impl.contract import Campaign, Command, Input, Persisted, Receive, Submit
from ratified.impl.machines import KeyValue
from ratified.impl.multipaxos import messages as said
from ratified.impl.multipaxos.core import MultiPaxosCore
from ratified.impl.multipaxos.state import Config, bootstrap
from ratified.impl.paxos.ballots import Ballot, Vote
from ratified.language.machine import Values
from ratified.models.paxos.servers import MultiPaxosServers
from ratified.simulator.disk import Disk

CONFIG = Config(max_batch=1, pipeline=64, compact_after=0)

BEGUN_ONCE = "a ballot that has been begun is not begun again"
NOT_BELOW = "a node starts no ballot below its promise"
STEPPED_DOWN = "a leader that has promised a higher ballot proposes nothing"
NOT_ASKED_FOR = "no client asks for what fills gaps"
AT_ONCE = "a leader proposes again at once all that it must, as the first quorum tells, and nothing later"
VOTED_ONCE = "a leader votes for its own proposal as it makes it, and not again"


class MultiPaxosDriver:
    """Cores with their disks, none of which ever learns what is chosen: nobody tells it of others' votes."""

    def __init__(self, model: MultiPaxosServers) -> None:
        sizes = {sort.__name__: size for sort, size in model.scope.sizes.items()}
        assert sizes["Acceptor"] == 2 or sizes["Ballot"] <= sizes["Acceptor"], "nodes do not lead twice"
        self.quorums: Any = model.quorums
        self.variables = {d.name: n for n, d in enumerate(model.module.variables)}
        self.names = tuple(f"n{i + 1}" for i in range(sizes["Acceptor"]))
        self.reset()

    def reset(self) -> None:
        """Empty disks, and cores that have just started."""
        self.disks = [Disk(bootstrap(self.names)) for _ in self.names]
        self.cores = [
            MultiPaxosCore(name, disk.durable, CONFIG, random=Random(1), machine=KeyValue())  # noqa: S311 - no secret
            for name, disk in zip(self.names, self.disks, strict=True)
        ]
        self.sent: set[tuple[Any, ...]] = set()

    # Names

    def of(self, state: Values, variable: str) -> Any:
        """A variable of a state."""
        return state[self.variables[variable]]

    def ballot(self, b: int) -> Ballot:
        """The ballot that goes by a number."""
        return Ballot(b + 1, self.names[self.owner(b)])

    def owner(self, b: int) -> int:
        """The node whose ballot it is."""
        return b % len(self.names)

    def value(self, v: Any) -> said.Value:
        """What goes by a value."""
        return said.NO_OP if int(v) == 0 else Command(f"c{int(v)}", 1, b"put x %d" % int(v))

    def votes(self, votes: Any) -> tuple[tuple[int, Vote[said.Value]], ...]:
        """Votes as promises report them."""
        return tuple(
            (slot, Vote(self.ballot(vote.ballot), self.value(vote.value)))
            for slot, vote in enumerate(votes, 1)
            if vote is not None
        )

    def _step(self, a: int, event: Input) -> None:
        effects = self.cores[a].step(event)
        if effects.writes:
            self.disks[a].write(effects.token, effects.writes)
        for send in effects.sends:
            match send.message:
                case said.Prepare(ballot, first):
                    self.sent.add(("prepare", ballot, first))
                case said.Promise(ballot, _, votes):
                    told = tuple((slot, vote.ballot, _number(vote.value)) for slot, vote in votes)
                    self.sent.add(("promise", self.names[a], ballot, told))
                case said.Accept(ballot, first, values, _):
                    self.sent |= {("propose", ballot, s, _number(v)) for s, v in enumerate(values, first)}
                case said.Accepted(ballot, first, count):
                    self.sent |= {("accepted", self.names[a], ballot, s) for s in range(first, first + count)}

    # What cannot be, and what comes by itself

    def impossible(self, state: Values, edge: Edge) -> str | None:
        """See EdgeDriver."""
        promised = {int(a): b for a, b in self.of(state, "max_ballot").items()}
        if edge.action == "prepare":
            (b,) = edge.arguments
            if b in self.of(state, "begun"):
                return BEGUN_ONCE
            highest = promised[self.owner(b)]
            return NOT_BELOW if highest is not None and highest > b else None
        if edge.action in ("propose", "propose_again", "fill_gap"):
            b = edge.arguments[0]
            if promised[self.owner(b)] != b:
                return STEPPED_DOWN
            if edge.action != "propose":
                return AT_ONCE if self._has_asked(state, b) else None
            return NOT_ASKED_FOR if int(edge.arguments[2]) == 0 else None
        if edge.action == "accept" and self._is_own(edge):
            return VOTED_ONCE
        return None

    def _is_own(self, edge: Edge) -> bool:
        return int(edge.arguments[0]) == self.owner(edge.arguments[1])

    def _has_asked(self, state: Values, b: int) -> bool:
        return len(self.of(state, "asked")[b]) > 0

    def consequence(
        self, before: Values, taken: Sequence[Edge], state: Values, edges: Sequence[Edge]
    ) -> Edge | None:
        """A candidate promises at once; a leader proposes all that it must at once, and votes for it."""
        first = taken[0]
        b = first.arguments[0]
        if first.action == "prepare":
            return next(
                (e for e in edges if e.action == "promise" and self._is_own(e) and e.arguments[1] == b), None
            )
        if first.action not in ("propose", "propose_again", "fill_gap"):
            return None
        for own in edges:
            if own.action == "accept" and self._is_own(own) and own.arguments[1] == b:
                a, _, s, _ = own.arguments
                if a not in self.of(state, "voters")[b][s - 1]:
                    return own
        if self._has_asked(before, b):
            return None
        due = self._mandate(before, self._quorum(before, first), b)
        asked = self.of(state, "asked")[b]
        for own in edges:
            if own.action in ("propose_again", "fill_gap") and own.arguments[0] == b:
                s = own.arguments[1]
                what = own.arguments[2] if own.action == "propose_again" else None
                if s <= len(due) and due[s - 1] == what and (s > len(asked) or asked[s - 1] is None):
                    return own
        return None

    def _mandate(self, state: Values, quorum: Any, b: int) -> list[Any]:
        """What the leader of b must propose, slot by slot, if these are who has promised; None fills a gap."""
        some = [votes for a, votes in self.of(state, "promises")[b].items() if a in quorum]
        last = max(map(len, some))
        found: list[Any] = []
        for at in range(last):
            votes = [v[at] for v in some if at < len(v) and v[at] is not None]
            found.append(max(votes, key=lambda v: v.ballot).value if votes else None)
        return found

    def _quorum(self, state: Values, edge: Edge) -> Any:
        """A quorum whose promises have the leader begin with a step."""
        b, s = edge.arguments[:2]
        for quorum in self.quorums:
            promises = self.of(state, "promises")[b]
            if all(promises[a] is not None for a in quorum):
                due = self._mandate(state, quorum, b)
                if edge.action == "propose":
                    if not due:
                        return quorum
                elif s <= len(due) and due[s - 1] == (edge.arguments[2] if len(edge.arguments) > 2 else None):
                    return quorum
        raise NothingToTryError

    # What makes a core take a step

    def drive(self, state: Values, edge: Edge) -> None:
        """See EdgeDriver."""
        if edge.action in ("propose", "propose_again", "fill_gap"):
            self._propose(state, edge)
        else:
            getattr(self, f"_{edge.action}")(state, *edge.arguments)

    def _prepare(self, state: Values, b: int) -> None:
        mine = self.owner(b)
        if b > 0:  # somebody has promised a ballot in the round before, which ends what the node tries
            own = [self.ballot(x) for x in self.of(state, "begun") if self.owner(x) == mine]
            higher = said.Rejected(max(own, default=Ballot(1, self.names[mine])), Ballot(b, "~"))
            self._step(mine, Receive(self.names[mine - 1], higher))
        self._step(mine, Campaign())

    def _promise(self, state: Values, a: Any, b: int) -> None:  # noqa: ARG002 - all are called alike
        self._step(int(a), Receive(self.ballot(b).node, said.Prepare(self.ballot(b), 1, insist=True)))

    def _propose(self, state: Values, edge: Edge) -> None:
        b = edge.arguments[0]
        mine = self.owner(b)
        if not self._has_asked(state, b):
            quorum = self._quorum(state, edge)
            if any(int(a) == mine for a in quorum) and self.disks[mine].persist(self.disks[mine].pending):
                self._step(mine, Persisted(self.disks[mine].persisted))
            for a in quorum:
                if int(a) != mine:
                    votes = self.votes(self.of(state, "promises")[b][a])
                    self._step(mine, Receive(self.names[int(a)], said.Promise(self.ballot(b), 0, votes)))
        if edge.action == "propose":
            _, s, v = edge.arguments
            if int(v) == 0:
                raise NothingToTryError
            self._step(mine, Submit(Command(f"c{b}.{s}", 1, b"put x %d" % int(v))))

    def _accept(self, state: Values, a: Any, b: int, s: int, v: Any) -> None:  # noqa: ARG002 - likewise
        if int(a) == self.owner(b):
            raise NothingToTryError
        request = said.Accept(self.ballot(b), s, (self.value(v),), 0)
        self._step(int(a), Receive(self.ballot(b).node, request))

    # What has come of it

    def differences(self, state: Values) -> list[str]:
        """See EdgeDriver. What a node says to itself is not sent, and not compared."""
        found = []
        for core, (a, promised) in zip(self.cores, self.of(state, "max_ballot").items(), strict=True):
            seen = core.observe()
            log = [(s, e.ballot, _number(e.value)) for s, e in seen["log"].items() if isinstance(e, Vote)]
            votes = enumerate(self.of(state, "voted")[a], 1)
            pairs = [
                ("promised", None if promised is None else self.ballot(promised), seen["promised"]),
                ("log", [(s, self.ballot(v.ballot), int(v.value)) for s, v in votes if v is not None], log),
                ("chosen", 0, seen["chosen"]),
            ]
            found += [
                f"{core.node} has {what} {has}, the model {due}" for what, due, has in pairs if has != due
            ]
        due = set(self._told(state))
        found += [f"somebody says {m}" for m in sorted(self.sent - due, key=str)]
        found += [f"nobody says {m}" for m in sorted(due - self.sent, key=str)]
        return found

    def _told(self, state: Values) -> Any:
        """What the model has been told in messages to others."""
        for b in self.of(state, "begun"):
            ballot, mine = self.ballot(b), self.owner(b)
            yield ("prepare", ballot, 1)
            for a, votes in self.of(state, "promises")[b].items():
                if int(a) != mine and votes is not None:
                    told = ((s, v) for s, v in enumerate(votes, 1) if v is not None)
                    yield (
                        "promise",
                        self.names[int(a)],
                        ballot,
                        tuple((s, self.ballot(v.ballot), int(v.value)) for s, v in told),
                    )
            voters = self.of(state, "voters")[b]
            for s, v in enumerate(self.of(state, "asked")[b], 1):
                if v is not None:
                    yield ("propose", ballot, s, int(v))
                    yield from (
                        ("accepted", self.names[int(a)], ballot, s) for a in voters[s - 1] if int(a) != mine
                    )


def _number(value: said.Value) -> int:
    """The number of the value that goes by this."""
    return 0 if isinstance(value, said.NoOp) else int(value.payload.split()[-1])


def graph(small: bool) -> tuple[LazyGraph, MultiPaxosDriver]:
    """All edges with one slot, or those with gaps, as far as the implementation comes; and what drives nodes along them."""
    model = MultiPaxosServers(Acceptor=3, Value=2, Ballot=2, slots=1 if small else 2)
    return LazyGraph(model).all() if small else LazyGraph(model), MultiPaxosDriver(model)
