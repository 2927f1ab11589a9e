"""Multi-Paxos: `ratified.impl.multipaxos` held to `ratified.models.paxos.multi.MultiPaxos`.

Ballots are numbered as for single-decree Paxos. Two things the implementation does not do that the model does: it forgets votes
for what it knows to be chosen, and a leader does not propose again what it knows to be chosen but takes it over from others. In
the model it does, and may: whatever is chosen is reported by some member of every quorum. So before a leader's proposal in a
slot, those in the slots before it are searched for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ratified.conformance.binding import Observed, TooSmallError
from ratified.conformance.bindings.paxos import PaxosBinding
from ratified.conformance.steps import Steps, change, do, either, holds
from ratified.models.language import Model, require
from ratified.models.paxos.multi import MultiPaxos, Prepare
from ratified.models.paxos.sorts import Value, Vote

SLOTS, ROUNDS, VALUES = 48, 64, 96


class MultiPaxosBinding(PaxosBinding):
    """Every event is a step of the model, or something that must be true of it."""

    def __init__(
        self,
        nodes: Sequence[str] = ("n1", "n2", "n3"),
        rounds: int = ROUNDS,
        values: int = VALUES,
        slots: int = SLOTS,
    ) -> None:
        super().__init__(nodes, rounds, values)
        self.slots = slots
        self._proposed: dict[
            int, set[int]
        ] = {}  # by ballot, the slots for which a proposal was told of or searched for

    def model(self) -> Model:  # type: ignore[override]  # another model
        """Room for many rounds, and a log of `slots`."""
        return MultiPaxos(
            Acceptor=len(self.nodes),
            Value=self.values,
            Ballot=self.rounds * len(self.nodes),
            slots=self.slots,
        )

    def value(self, command: Mapping[str, Any]) -> Value:
        """A client's command, or what fills gaps, which is the model's first value."""
        if command["type"] == "NoOp":
            return Value(0)
        named = self.value_of((command["client"], command["serial"], command["payload"]))
        if int(named) + 1 >= self.values:
            raise TooSmallError(f"more than {self.values - 1} commands")
        return Value(int(named) + 1)

    def slot(self, given: int) -> int:
        """A slot, from 1."""
        if given > self.slots:
            raise TooSmallError(f"more than {self.slots} slots")
        return given

    # Events

    def on_prepare(self, node: str, ballot: list[Any], first: int) -> Steps:  # type: ignore[override]  # noqa: ARG002 - it has more
        """1a, with a ballot that is the node's own and that nobody has used."""
        b = self.ballot(ballot)
        own = ballot[1] == node

        def is_new(m: Any) -> None:
            require(own and Prepare(b) not in m.messages)

        return (change(f"{b} is a new ballot of {node}", is_new), do("prepare", b=b))

    def on_lead(self) -> Steps:
        """A leader's right is seen by what it proposes."""
        return ()

    def on_resign(self) -> Steps:
        """To stop leading is always right."""
        return ()

    def _before(self, b: int, slot: int) -> tuple[Steps, ...]:
        """The proposals for what is chosen in earlier slots, which are not made."""
        known = self._proposed.setdefault(b, set())
        missing = [s for s in range(1, slot) if s not in known]
        known.update(range(1, slot + 1))
        return tuple(either(holds("has_proposed", b, s), do("propose_again", b=b, s=s)) for s in missing)

    def on_propose(self, ballot: list[Any], slot: int, value: dict[str, Any]) -> Steps:  # type: ignore[override]  # it has more
        """2a, in the first slot that is free."""
        b, s = self.ballot(ballot), self.slot(slot)
        return (*self._before(int(b), s), do("propose", b=b, s=s, v=self.value(value)))

    def on_propose_again(self, ballot: list[Any], slot: int, value: dict[str, Any]) -> Steps:
        """2a, where a vote was reported."""
        return do("propose_again", b=self.ballot(ballot), s=self.slot(slot), v=self.value(value))

    def on_fill_gap(self, ballot: list[Any], slot: int) -> Steps:
        """2a, where none was, though one was for a later slot."""
        return do("fill_gap", b=self.ballot(ballot), s=self.slot(slot))

    def on_accept(self, node: str, ballot: list[Any], slot: int, value: dict[str, Any]) -> Steps:  # type: ignore[override]  # it has more
        """2b."""
        return do(
            "accept", a=self.acceptor(node), b=self.ballot(ballot), s=self.slot(slot), v=self.value(value)
        )

    def on_learn(self, slot: int, value: dict[str, Any]) -> Steps:  # type: ignore[override]  # it has more
        """What is learned has been chosen."""
        return holds("chosen", self.slot(slot), self.value(value))

    def on_restore(self, slot: int) -> Steps:  # noqa: ARG002 - what is in a snapshot was learned by another node
        """A snapshot is taken over."""
        return ()

    def on_compact(self, slot: int) -> Steps:  # noqa: ARG002 - likewise
        """A snapshot is taken."""
        return ()

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:
        """The acceptor's promise, and its votes for what it does not know to be chosen."""
        a = self.acceptor(node)
        promised = variables["promised"]
        seen: dict[tuple[Any, ...], Any] = {
            ("max_ballot", a): None if promised is None else self.ballot(promised)
        }
        for slot, entry in variables["log"].items():
            if entry["type"] == "Vote":
                vote = Vote(self.ballot(entry["ballot"]), self.value(entry["value"]))
                seen["voted", a, self.slot(int(slot))] = vote
        return seen
