"""Single-decree Paxos: `ratified.impl.paxos` held to `ratified.models.paxos.paxos.Paxos`.

The model numbers ballots from 0; the implementation's are a round and a node's name. With n nodes, the ballot of round r of the
k-th node (both from 0, rounds from 1) is (r - 1) * n + k, which keeps their order. A node is proposer, acceptor and learner;
the model has acceptors only, whose messages everybody sees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ratified.follow.binding import Binding, Names, Observed, TooSmallError
from ratified.follow.steps import Steps, change, do, holds
from ratified.language import Set, require
from ratified.models.paxos.paxos import Paxos
from ratified.models.paxos.sorts import Acceptor, Ballot, Value, Vote
from ratified.models.paxos.synod import Accepted, Prepare, Propose

ROUNDS, VALUES = 128, 32


class FollowedPaxos(Paxos):
    """The same, whose questions go through what was said instead of all that could have been: there is room for much here."""

    def asked(self) -> Set[Propose]:
        """Every proposal."""
        return Set(m for m in self.messages if isinstance(m, Propose))

    def has_proposed(self, b: Ballot) -> bool:
        """See Paxos."""
        return any(m.ballot == b for m in self.asked())

    def proposed(self, b: Ballot) -> Set[Value]:
        """See Paxos."""
        return Set(m.value for m in self.asked() if m.ballot == b)

    def chosen(self, v: Value) -> bool:
        """See Paxos."""
        return any(self.chosen_at(m.ballot, v) for m in self.asked() if m.value == v)

    def votes(self, a: Acceptor) -> Set[Vote]:
        """See Paxos."""
        return Set(
            Vote(m.ballot, m.value) for m in self.messages if isinstance(m, Accepted) and m.acceptor == a
        )

    def safe_at(self, b: Ballot, v: Value) -> bool:
        """See Paxos. Of ballots without a proposal the last tells of all."""
        asked = Set(m.ballot for m in self.asked())
        last = max((c for c in Ballot if c < b and c not in asked), default=b)
        return all(
            any(
                all(Accepted(a, c, v) in self.messages or self.cannot_vote_in(a, c) for a in q)
                for q in self.quorums
            )
            for c in asked | Set([last])
            if c < b
        )


class PaxosBinding(Binding):
    """Every event is a step of the model, or something that must be true of it."""

    def __init__(
        self, nodes: Sequence[str] = ("n1", "n2", "n3"), rounds: int = ROUNDS, values: int = VALUES
    ) -> None:
        self.nodes = sorted(nodes)
        self.rounds, self.values = rounds, values
        self.acceptor = Names(Acceptor, len(nodes), self.nodes)
        self.value_of = Names(Value, values)

    def begin(self, heading: Mapping[str, Any]) -> None:
        """A trace's heading may name the nodes."""
        if "nodes" in heading:
            self.__init__(heading["nodes"])  # type: ignore[misc]  # anew, for other nodes

    def model(self) -> FollowedPaxos:
        """Room for many rounds."""
        return FollowedPaxos(
            Acceptor=len(self.nodes), Value=self.values, Ballot=self.rounds * len(self.nodes)
        )

    def ballot(self, given: Sequence[Any]) -> Ballot:
        """A ballot [round, node]."""
        turn, node = given
        if turn > self.rounds:
            raise TooSmallError(f"more than {self.rounds} rounds")
        return Ballot((turn - 1) * len(self.nodes) + int(self.acceptor(node)))

    def value(self, command: Mapping[str, Any]) -> Value:
        """A client's command."""
        return self.value_of((command["client"], command["serial"], command["payload"]))

    def vote(self, given: Mapping[str, Any] | None) -> Vote | None:
        """The last vote of an acceptor."""
        return None if given is None else Vote(self.ballot(given["ballot"]), self.value(given["value"]))

    # Events

    def on_start(self) -> Steps:
        """A node is there, perhaps again: what it promised and voted for is as it was."""
        return ()

    def on_prepare(self, node: str, ballot: list[Any]) -> Steps:
        """1a, with a ballot that is the node's own and that nobody has used."""
        b = self.ballot(ballot)

        def is_new(m: Any) -> None:
            require(ballot[1] == node and Prepare(b) not in m.messages)

        return (change(f"{b} is a new ballot of {node}", is_new), do("prepare", b=b))

    def on_promise(self, node: str, ballot: list[Any]) -> Steps:
        """1b."""
        return do("promise", a=self.acceptor(node), b=self.ballot(ballot))

    def on_propose(self, ballot: list[Any], value: dict[str, Any]) -> Steps:
        """2a."""
        return do("propose", b=self.ballot(ballot), v=self.value(value))

    def on_accept(self, node: str, ballot: list[Any], value: dict[str, Any]) -> Steps:
        """2b."""
        return do("accept", a=self.acceptor(node), b=self.ballot(ballot), v=self.value(value))

    def on_learn(self, value: dict[str, Any]) -> Steps:
        """What is learned has been chosen."""
        return holds("chosen", self.value(value))

    def on_give_up(self) -> Steps:
        """A proposer that gives up changes nothing."""
        return ()

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:
        """The acceptor's promise and vote; what is chosen."""
        a = self.acceptor(node)
        promised = variables["promised"]
        return {
            ("max_ballot", a): None if promised is None else self.ballot(promised),
            ("voted", a): self.vote(variables["voted"]),
        }
