"""One Raft core on a bench: made with a given log, fed by hand, its effects looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any, TypeVar

from ratified.impl.contract import (
    Command,
    Control,
    Durable,
    Effects,
    Input,
    Outcome,
    Persisted,
    Query,
    Receive,
    Submit,
    Tick,
)
from ratified.impl.machines import KeyValue
from ratified.impl.raft import Config, Entry, HardState, Membership, RaftCore, Snapshot
from ratified.impl.raft.messages import AppendEntries, AppendResponse, NoOp, VoteResponse

T = TypeVar("T")

PAPER = Config(pre_vote=False, check_quorum=False, no_op=False, sessions=False, fast_backoff=False)
"""Figure 2 of the paper, and nothing else."""

THREE = ("s1", "s2", "s3")
FIVE = ("s1", "s2", "s3", "s4", "s5")


def entries(*terms: int) -> tuple[Entry, ...]:
    """Return entries of these terms, the n-th with the n-th command."""
    return tuple(Entry(term, put(index)) for index, term in enumerate(terms, 1))


def put(number: int) -> Command:
    """Return a command that can be told from others."""
    return Command("client", number, f"put x {number}".encode())


class Bench:
    """A core, a disk that is as fast as it is wanted to be, and what the core has asked for."""

    def __init__(
        self,
        node: str = "s1",
        voters: Sequence[str] = THREE,
        term: int = 0,
        vote: str | None = None,
        log: Sequence[Entry] = (),
        snapshot: Snapshot | None = None,
        seed: int = 0,
        config: Config = PAPER,
        slow_disk: bool = False,
        **settings: Any,
    ) -> None:
        snapshot = snapshot or Snapshot(0, 0, Membership(tuple(voters)))
        self.config = replace(config, **settings)
        durable = Durable(HardState(term, vote), dict(enumerate(log, snapshot.index + 1)), snapshot)
        self.core = RaftCore(node, durable, self.config, Random(seed), KeyValue())
        self.disk = durable
        self.slow_disk = slow_disk
        self.last = Effects()
        self.held: list[Any] = []

    def do(self, event: Input) -> list[Any]:
        """Give the core an input; return the messages that may leave, as (receiver, message).

        Unless the disk is slow, everything is durable at once.
        """
        effects = self.last = self.core.step(event)
        for write in effects.writes:
            self.disk = self.disk.after(write)
        sends = list(effects.sends)
        answers = list(effects.answers)
        if effects.token and not self.slow_disk:
            more = self.core.step(Persisted(effects.token))
            for write in more.writes:
                self.disk = self.disk.after(write)
            if more.token:
                assert self.core.step(Persisted(more.token)) == Effects()
            sends += more.sends
            answers += more.answers
            self.last = replace(
                effects, sends=tuple(sends), answers=tuple(answers), applied=effects.applied + more.applied
            )
        return [(send.to, send.message) for send in sends]

    def receive(self, sender: str, message: object) -> list[Any]:
        """A message comes in; what the core sends."""
        return self.do(Receive(sender, message))

    def reply(self, sender: str, message: object) -> Any:
        """A request comes in; the one answer, to the sender."""
        ((to, answer),) = self.receive(sender, message)
        assert to == sender
        return answer

    def tick(self, ticks: int = 1) -> list[Any]:
        """Time passes, tick by tick."""
        return [sent for _ in range(ticks) for sent in self.do(Tick())]

    def time_out(self) -> list[Any]:
        """Time passes until the core begins an election."""
        term, ticks = self.core.term, 0
        sent: list[Any] = []
        while self.core.term == term:
            sent = self.do(Tick())
            ticks += 1
            assert ticks <= 2 * self.config.election_ticks
        return sent

    def lead(self) -> list[Any]:
        """The core campaigns and gets all votes; what it sends as leader."""
        self.time_out()
        sent: list[Any] = []
        for voter in self.core.membership.everyone():
            if voter != self.core.node and self.core.role != "leader":
                sent = self.receive(voter, VoteResponse(self.core.term, granted=True))
        assert self.core.role == "leader"
        return sent

    def agree(self, follower: str) -> list[Any]:
        """A follower has everything that the core has; what the core sends then."""
        return self.receive(follower, AppendResponse(self.core.term, success=True, index=self.core.log.last))

    def submit(self, number: int = 1) -> list[Any]:
        """A client submits a command; what the core sends."""
        return self.do(Submit(put(number)))

    def query(self, payload: bytes = b"get x", serial: int = 1) -> list[Any]:
        """A client asks something; what the core sends."""
        return self.do(Query("client", serial, payload))

    def order(self, control: Control) -> list[Any]:
        """An operator orders something; what the core sends."""
        return self.do(control)

    @property
    def outcomes(self) -> list[Outcome]:
        """What clients were told by the last input."""
        return [answer.outcome for answer in self.last.answers]

    @property
    def applied(self) -> list[int]:
        """The indices that were applied by the last input."""
        return [what.index for what in self.last.applied]

    @property
    def terms(self) -> list[int]:
        """The terms of the entries in the log."""
        return [entry.term for entry in self.core.log.entries()]

    def restart(self) -> Bench:
        """Return a bench with a core made anew from the disk."""
        again = Bench(self.core.node, config=self.config)
        again.disk = self.disk
        again.core = RaftCore(self.core.node, self.disk, self.config, Random(1), KeyValue())
        return again


def append(term: int, prev: int = 0, prev_term: int = 0, *new: Entry, commit: int = 0) -> AppendEntries:
    """Return a leader's message."""
    return AppendEntries(term, prev, prev_term, new, commit)


def of(kind: type[T], sent: list[Any]) -> dict[str, T]:
    """Return the messages of a kind, by receiver; each receiver must have got one at most."""
    found: dict[str, T] = {}
    for to, message in sent:
        if isinstance(message, kind):
            assert to not in found
            found[to] = message
    return found


NO_OP = NoOp()
