"""Raft driven along the steps of `RaftServers`: for each step of the model, what makes a core take it, or why none can.

The cores have no compaction and no pre-vote, and no entry begins a term; messages are put together from what the model says has
been said. Values are not told apart: the model is taken with one.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from ratified.conform.cover import Edge, LazyGraph, NothingToTryError
from ratified.conformance.raft.binding import ROLES
from ratified.impl.contract import Campaign, Command, Input, Persisted, Receive, Submit, Tick
from ratified.impl.machines import KeyValue
from ratified.impl.raft.config import Config
from ratified.impl.raft.core import RaftCore
from ratified.impl.raft.messages import AppendEntries, AppendResponse, Entry, RequestVote, VoteResponse
from ratified.impl.raft.system import bootstrap
from ratified.language.machine import Values
from ratified.models.raft.servers import RaftServers
from ratified.models.raft.sorts import Role, term_at
from ratified.simulator.disk import Disk

CONFIG = Config(election_ticks=4, heartbeat_ticks=1, pre_vote=False, no_op=False, snapshot_every=0)

NO_SNAPSHOT = "without compaction there are no snapshots: none is loaded, and none is there at a restart"
NOT_ITSELF = "a candidate has its own vote already, and does not ask itself"
NOT_ALONE = "a candidate steps down only for the leader of its term"
NOT_FROM_ITSELF = "a former leader does not announce what it had committed"
AT_ONCE = "a leader commits in the same step in which it hears that it may, and as far as it can"


class RaftDriver:
    """Two or more cores with their disks."""

    def __init__(self, model: RaftServers) -> None:
        servers = [s for s in model.scope.sizes if s.__name__ == "Server"]
        self.names = [f"n{i + 1}" for i in range(model.scope.sizes[servers[0]])]
        self.variables = {d.name: n for n, d in enumerate(model.module.variables)}
        self.serial = 0
        self.cores: list[RaftCore] = []
        self.disks: list[Disk] = []
        self.reset()

    def reset(self) -> None:
        """Empty disks, and cores that have just started."""
        self.disks = [Disk(bootstrap(self.names)) for _ in self.names]
        self.cores = [self._core(i) for i in range(len(self.names))]

    def _core(self, i: int) -> RaftCore:
        return RaftCore(self.names[i], self.disks[i].durable, CONFIG, Random(1), KeyValue())  # noqa: S311 - no secret

    def of(self, state: Values, variable: str) -> Any:
        """A variable of a state."""
        return state[self.variables[variable]]

    def _step(self, i: int, event: Input) -> None:
        effects = self.cores[i].step(event)
        if effects.writes:
            self.disks[i].write(effects.token, effects.writes)

    def _leader(self, state: Values, i: Any) -> Any:
        """The reign in which server i is, if another leads it."""
        term = self.of(state, "current_term")[i]
        return next((r for r in self.of(state, "reigns") if r.term == term and r.leader != i), None)

    # What cannot be

    def impossible(self, state: Values, edge: Edge) -> str | None:
        """See EdgeDriver."""
        action, arguments = edge.action, edge.arguments
        if action == "load" or (action == "restart" and arguments[1] > 0):
            return NO_SNAPSHOT
        if action == "vote" and arguments[0] == arguments[1]:
            return NOT_ITSELF
        if action == "stand_back":
            i = arguments[0]
            if self.of(state, "role")[i] is Role.CANDIDATE and self._leader(state, i) is None:
                return NOT_ALONE
        if action == "follow_commit" and self._leader(state, arguments[0]) is None:
            return NOT_FROM_ITSELF
        if action == "commit" or self._may_commit(state):
            return AT_ONCE
        return None

    def _may_commit(self, state: Values) -> bool:
        return any(self._committable(state, i) for i in self.of(state, "role"))

    def _committable(self, state: Values, i: Any) -> int:
        """Up to where leader i may commit, if that is further than it has."""
        if self.of(state, "role")[i] is not Role.LEADER:
            return 0
        log, disk = self.of(state, "log")[i], self.of(state, "disk_log")[i]
        term, known = self.of(state, "current_term")[i], self.of(state, "commit_index")[i]
        match = self.of(state, "match_index")[i]
        for n in range(len(log), known, -1):
            have = sum(disk[:n] == log[:n] if j == i else match[j] >= n for j in match)
            if term_at(log, n) == term and 2 * have > len(self.names):
                return n
        return 0

    def consequence(
        self,
        before: Values,  # noqa: ARG002 - it shows in the state
        taken: Sequence[Edge],  # noqa: ARG002 - likewise
        state: Values,
        edges: Sequence[Edge],
    ) -> Edge | None:
        """See EdgeDriver."""
        for i in self.of(state, "role"):
            n = self._committable(state, i)
            if n:
                return next(e for e in edges if e.action == "commit" and e.arguments == (i, n))
        return None

    # What makes a core take a step

    def drive(self, state: Values, edge: Edge) -> None:
        """See EdgeDriver."""
        getattr(self, f"_{edge.action}")(state, *edge.arguments)

    def _stand(self, state: Values, i: Any) -> None:  # noqa: ARG002 - all are called alike
        self._step(int(i), Campaign())

    def _learn_term(self, state: Values, i: Any, t: int) -> None:  # noqa: ARG002 - likewise
        self._step(int(i), Receive(self._other(i), VoteResponse(t, granted=False)))

    def _other(self, i: Any) -> str:
        return self.names[(int(i) + 1) % len(self.names)]

    def _stand_back(self, state: Values, i: Any) -> None:
        if self.of(state, "role")[i] is Role.LEADER:
            for _ in range(2):  # nobody answers for that long
                self._step(int(i), Tick(CONFIG.election_ticks))
        else:
            self._accept(state, i, 0, 0)

    def _vote(self, state: Values, i: Any, c: Any) -> None:
        term = self.of(state, "current_term")[i]
        m = max(
            (m for m in self.of(state, "candidacies") if m.server == c and m.term == term),
            key=lambda m: (m.last_log_term, m.last_log_index),
        )
        request = RequestVote(term, m.last_log_index, m.last_log_term, transfer=False)
        self._step(int(i), Receive(self.names[int(c)], request))

    def _win(self, state: Values, i: Any) -> None:
        term = self.of(state, "current_term")[i]
        for b in self.of(state, "ballots"):
            if b.term == term and b.candidate == i and b.voter != i:
                self._step(int(i), Receive(self.names[int(b.voter)], VoteResponse(term, granted=True)))

    def _append(self, state: Values, i: Any, v: Any) -> None:  # noqa: ARG002 - one value is as good as another
        self.serial += 1
        self._step(int(i), Submit(Command(f"c{self.serial}", 1, b"put x 1")))

    def _accept(self, state: Values, i: Any, prev: int, n: int, commit: int = 0) -> None:
        term = self.of(state, "current_term")[i]
        reigns = [r for r in self.of(state, "reigns") if r.term == term]
        if not reigns:
            raise NothingToTryError
        reign = self._leader(state, i) or reigns[0]
        core = self.cores[int(reign.leader)]
        entries = tuple(
            Entry(e.term, self._value(core, reign, at))
            for at, e in enumerate(reign.log[prev : prev + n], prev + 1)
        )
        message = AppendEntries(reign.term, prev, term_at(reign.log, prev), entries, commit, 0)
        self._step(int(i), Receive(self.names[int(reign.leader)], message))

    def _value(self, core: RaftCore, reign: Any, index: int) -> Command:
        """What stands there; the same for everybody, made up where the leader has lost it."""
        known = core.log.term_at(index) == reign.log[index - 1].term
        if known:
            value = core.log.entry(index).value
            assert isinstance(value, Command)
            return value
        return Command(f"t{reign.log[index - 1].term}", index, b"put x 1")

    def _follow_commit(self, state: Values, i: Any, n: int) -> None:
        self._accept(state, i, n, 0, commit=n)

    def _hear(self, state: Values, i: Any, j: Any, n: int) -> None:
        term = self.of(state, "current_term")[i]
        answer = AppendResponse(term, success=True, index=n)
        self._step(int(i), Receive(self.names[int(j)], answer))

    def _write(self, state: Values, i: Any) -> None:  # noqa: ARG002 - all are called alike
        disk = self.disks[int(i)]
        disk.persist(disk.pending)
        self._step(int(i), Persisted(disk.persisted))

    def _load(self, *_: object) -> None:
        raise NothingToTryError  # nobody has a snapshot to send

    def _restart(self, state: Values, i: Any, n: int) -> None:  # noqa: ARG002 - likewise
        self.disks[int(i)].crash(0)
        self.cores[int(i)] = self._core(int(i))

    # What has come of it

    def differences(self, state: Values) -> list[str]:
        """See EdgeDriver."""
        found = []
        for number, i in enumerate(self.of(state, "role")):
            core, disk = self.cores[number], self.disks[number].durable
            record = disk.record
            vote = self.of(state, "voted_for")[i]
            disk_vote = self.of(state, "disk_vote")[i]
            pairs = [
                ("term", self.of(state, "current_term")[i], core.term),
                ("vote", None if vote is None else self.names[int(vote)], core.state.voted_for),
                ("role", self.of(state, "role")[i], ROLES[str(core.role)]),
                ("log", [e.term for e in self.of(state, "log")[i]], [e.term for e in core.log.entries()]),
                ("commit", self.of(state, "commit_index")[i], core.commit),
                ("term on disk", self.of(state, "disk_term")[i], record.term),
                ("vote on disk", None if disk_vote is None else self.names[int(disk_vote)], record.voted_for),
                (
                    "log on disk",
                    [e.term for e in self.of(state, "disk_log")[i]],
                    [disk.entries[n].term for n in sorted(disk.entries)],
                ),
            ]
            found += [
                f"{self.names[number]} has {name} {has}, the model {due}"
                for name, due, has in pairs
                if has != due
            ]
        return found


def graph(small: bool) -> tuple[LazyGraph, RaftDriver]:
    """The edges at a size that takes a second or so, or about a minute, and what drives cores along them."""
    model = RaftServers(Server=2, Value=1, max_term=1 if small else 2, max_log=2 if small else 1)
    return LazyGraph(model).all(), RaftDriver(model)
