"""The simulator finds what real systems got wrong when it is planted into Multi-Paxos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ratified.bundled.systems import play
from ratified.conformance.multipaxos.mutants import MUTANTS
from ratified.impl.multipaxos.system import multipaxos_system
from ratified.impl.paxos.ballots import Ballot, Vote, following
from tests.impl.planting import Catalogue, Mistake, found, planted

plant = Catalogue("ratified.impl", MUTANTS)
plant.known("answered-early", "promises are durable")
plant.known("stale-promise", "a quorum has promised", seeds=600)
plant.known("ignores-promise", "promises are kept")
plant.known("ignores-votes", "one value is chosen")
plant.known("smallest-vote", "one value is chosen", seeds=600)
plant.known("learns-older-vote", "agreement, what is executed is chosen", seeds=600)
plant.known("sessions-not-kept", "agreement, result", seeds=600)


@plant("multipaxos.state:State.promise", "promises are durable")
def promise_in_memory(self: Any, ballot: Ballot) -> None:
    """A promise that is never written."""
    self.promised = ballot


@plant("multipaxos.state:State.vote", "votes are durable")
def vote_in_memory(self: Any, ballot: Ballot, first: int, values: Any) -> None:
    """A vote that is never written."""
    for slot, value in enumerate(values, first):
        if slot > self.chosen:
            self.entries[slot] = Vote(ballot, value)


@plant("multipaxos.state:State.votes_above", "one value is chosen")
def no_votes(self: Any, slot: int) -> Any:
    """A promise that does not report votes."""
    return ()


@plant("multipaxos.acceptor:Acceptor.may_promise", "promises only rise")
def promise_anything(self: Any, ballot: Ballot) -> bool:
    """An acceptor that goes back to a lower promise."""
    return True


@plant("multipaxos.core:MultiPaxosCore.next_ballot", "ballots are used once")
def same_ballot(self: Any) -> Ballot:
    """A ballot used again after a restart."""
    state = self._state
    if state.promised.node == self.node and state.seen == state.promised:
        return Ballot(*state.promised)
    return following(max(state.seen, state.promised), self.node)


@plant("multipaxos.candidate:is_quorum", "a quorum has promised", nodes=4)
def half_promise(some: Any, members: Any) -> bool:
    """Half of an even number of nodes taken for a quorum of promises."""
    return 2 * len(some) >= len(members)


@plant("multipaxos.leader:is_quorum", "what is executed is chosen", nodes=4)
def half_vote(some: Any, members: Any) -> bool:
    """Half of an even number of nodes taken for a quorum of votes."""
    return 2 * len(some) >= len(members)


@plant("multipaxos.leader:Leader.is_chosen", "what is executed is chosen")
def one_vote(self: Any, proposal: Any) -> bool:
    """A vote taken for a quorum."""
    return bool(proposal.voters)


@plant("multipaxos.candidate:Candidate.last_plausible", "one value is chosen")
def nothing_reported(self: Any, floor: int, slots: Any) -> int:
    """A new leader that begins above a gap without filling it."""
    return floor + 1 if slots else floor


@plant("multipaxos.state:State.keep", "ballots are durable")
def keep_nothing(self: Any) -> None:
    """A record that is never written."""


@plant("sessions:Sessions.is_repeated", "acknowledged")
def never_repeated(self: Any, command: Any) -> bool:
    """A command that a client repeats executed again."""
    return False


def test_the_catalogue_is_whole() -> None:
    assert len({mistake.name for mistake in plant.mistakes}) == 18


@pytest.mark.parametrize("mistake", plant.mistakes, ids=lambda mistake: mistake.name)
def test_it_is_found(mistake: Mistake) -> None:
    with planted(mistake.mutant):
        run = found(mistake, multipaxos_system())
    assert run.violation is not None
    assert run.violation.promise in mistake.promise.split(", ")


READS = {
    "deposed_reader": lambda self, _number, index: index <= self._learner.applied,  # without a round
    "new_reader": lambda self, number, _index: number <= self._confirmed,  # before all is executed
}


@pytest.mark.parametrize("scene", READS)
def test_a_read_answered_too_early_is_found(monkeypatch: pytest.MonkeyPatch, scene: str) -> None:
    script = (Path(__file__).parent / "scenarios" / f"{scene}.txt").read_text(encoding="utf-8")
    monkeypatch.setattr("ratified.impl.multipaxos.leader.Leader.may_serve", READS[scene])
    last = play(script).partition("VIOLATION: ")[2].split()
    assert last[:5] == ["linearizability:", "alice", "is", "told", "'1'"]


def test_what_is_found_is_shown_with_few_steps() -> None:
    mistake = next(mistake for mistake in plant.mistakes if mistake.name.startswith("A vote taken"))
    with planted(mistake.mutant):
        run = found(mistake, multipaxos_system()).shrink()
        assert run.violation is not None
        assert run.violation.promise in mistake.promise.split(", ")
        assert len(run.schedule) == 1  # a command is enough
        assert run.transcript().splitlines()[-1] == f"VIOLATION: {run.violation}"
