"""The simulator finds what real systems got wrong when it is planted into single-decree Paxos."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ratified.conformance.paxos.mutants import MUTANTS
from ratified.impl.contract import Command, WriteRecord
from ratified.impl.paxos.ballots import NO_BALLOT, Ballot, Vote
from ratified.impl.paxos.system import paxos_system
from tests.impl.planting import Catalogue, Mistake, found, planted

plant = Catalogue("ratified.impl.paxos", MUTANTS)
plant.known("ignores-promise", "promises are kept")
plant.known("stale-promise", "a quorum has promised", seeds=600)
plant.known("smallest-vote", "one value is chosen", seeds=1_500, nodes=5)
plant.known("half-quorums", "a quorum has promised")


@plant("acceptor:Acceptor.may_promise", "promises only rise")
def promise_anything(self: Any, ballot: Ballot) -> bool:
    """An acceptor that goes back to a lower promise."""
    return True


@plant("acceptor:Acceptor.accept", "promises are kept", seeds=600)
def accept_without_promise(self: Any, ballot: Ballot, value: Command) -> None:
    """An acceptor that votes without promising the ballot."""
    self.voted = Vote(ballot, value)


@plant("proposer:Proposer.choose_value", "one value is chosen", seeds=600)
def own_value(self: Any, wish: Command | None) -> Command | None:
    """A proposer that proposes its own value although votes were reported."""
    return wish


@plant("learner:is_quorum", "what is executed is chosen", nodes=4)
def half_vote(some: Any, members: Any) -> bool:
    """Half of an even number of nodes taken for a quorum of votes."""
    return 2 * len(some) >= len(members)


@plant("proposer:Proposer.next_ballot", "ballots are used once")
def same_ballot(self: Any, seen: Ballot) -> Ballot:
    """A ballot used again after a restart."""
    return Ballot(self.ballot.round + self.failures, self.node) if self.ballot.round else Ballot(1, self.node)


@plant("core:PaxosCore._keep", "ballots are durable")
def keep_nothing(self: Any, **changed: Any) -> None:
    """A record that is never written."""
    self._record = replace(self._record, **changed)


def keep_without(self: Any, name: str, nothing: Any, changed: dict[str, Any]) -> None:
    self._record = replace(self._record, **changed | {name: nothing})
    self._out.write(WriteRecord(self._record))


@plant("core:PaxosCore._keep", "promises are durable")
def keep_no_promise(self: Any, **changed: Any) -> None:
    """A record without the promise."""
    keep_without(self, "promised", NO_BALLOT, changed)


@plant("core:PaxosCore._keep", "votes are durable")
def keep_no_vote(self: Any, **changed: Any) -> None:
    """A record without the vote."""
    keep_without(self, "voted", None, changed)


@plant("core:PaxosCore._keep", "ballots are durable")
def keep_no_ballot(self: Any, **changed: Any) -> None:
    """A record without the node's own ballot."""
    keep_without(self, "attempted", NO_BALLOT, changed)


def test_the_catalogue_is_whole() -> None:
    assert len({mistake.name for mistake in plant.mistakes}) == 13


@pytest.mark.parametrize("mistake", plant.mistakes, ids=lambda mistake: mistake.name)
def test_it_is_found(mistake: Mistake) -> None:
    with planted(mistake.mutant):
        run = found(mistake, paxos_system(), steps=250)
    assert run.violation is not None
    assert run.violation.promise in mistake.promise.split(", ")
