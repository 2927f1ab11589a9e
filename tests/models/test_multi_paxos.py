"""Multi-Paxos does what it is for: one phase 1 serves all slots, gaps are filled, leaders that compete agree, slot by slot.

What can happen is shown by claiming that it cannot, and reading the shortest run that refutes the claim.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pytest

from ratified.explore import check
from ratified.language import Model, Set, SizeError, action, invariant, require
from ratified.models.paxos.multi import Accepted, MultiPaxos, Prepare, Promise, Propose, Slot
from ratified.models.paxos.servers import MultiPaxosServers, Number
from ratified.models.paxos.servers import Slot as ServersSlot
from ratified.models.paxos.sorts import Acceptor, Ballot, Value, Vote
from ratified.results.result import Verdict

SMALL: Mapping[str, object] = {"Acceptor": 2, "Value": 1, "Ballot": 2, "slots": 2}
TWO_VALUES: Mapping[str, object] = {"Acceptor": 2, "Value": 2, "Ballot": 2, "slots": 2}


def shortest(model: Model, claim: str) -> Counter[str]:
    """The actions of a shortest run that refutes a claim, and how often each is taken."""
    violation = check(model, claims=[claim], engine="reference").violation
    assert violation is not None
    assert violation.name == claim
    return Counter(step.action for step in violation.trace.steps)


@pytest.mark.parametrize("slot", [1, 2])
def test_it_is_paxos_at_each_slot(slot: int) -> None:
    result = check(MultiPaxos(**SMALL, slot=slot), engine="reference")
    assert (result.verdict, result.distinct, result.depth) == (Verdict.HOLDS, 673, 19)
    assert (result.never_fired, result.vacuous, result.bounds) == ((), (), ())


@pytest.mark.slow
@pytest.mark.parametrize("slot", [1, 2])
def test_so_it_is_with_two_values(slot: int) -> None:
    result = check(MultiPaxos(**TWO_VALUES, slot=slot), engine="reference")
    assert (result.verdict, result.distinct, result.depth) == (Verdict.HOLDS, 2_977, 19)
    assert (result.never_fired, result.vacuous, result.bounds) == ((), (), ())


@pytest.mark.parametrize("sizes", [SMALL, {**SMALL, "Ballot": 1, "Value": 2, "slots": 3}])
def test_by_ballot_and_slot_it_is_the_same(sizes: Mapping[str, object]) -> None:
    messages = check(MultiPaxos(**sizes), engine="reference")
    servers = check(MultiPaxosServers(**sizes), engine="reference")
    assert (servers.verdict, servers.never_fired, servers.bounds) == (Verdict.HOLDS, messages.never_fired, ())
    assert (servers.distinct, servers.generated, servers.depth) == (
        messages.distinct,
        messages.generated,
        messages.depth,
    )
    assert [(a.name, a.fired, a.new) for a in servers.actions] == [
        (a.name, a.fired, a.new) for a in messages.actions
    ]


class CarelessServers(MultiPaxosServers):
    """Acceptors that vote below what they have promised."""

    @action
    def accept(self, a: Acceptor, b: Number, s: ServersSlot, v: Value) -> None:
        require(b in self.begun)
        require(s in self.slots_asked(b))
        require(self.asked[b][s - 1] == v)
        self.vote(a, b, s, v)


def test_by_ballot_and_slot_it_can_fail() -> None:
    result = check(CarelessServers(**SMALL), engine="reference")
    assert result.violation is not None
    assert result.violation.name == "as_messages"


def test_the_slot_that_is_looked_at_must_exist() -> None:
    with pytest.raises(SizeError, match="must be one of the log's"):
        MultiPaxos(**SMALL, slot=3)


class Working(MultiPaxos):
    """Claims of what cannot happen, all of which are wrong."""

    def chosen_at_all(self, s: int) -> bool:
        return any(self.chosen(s, v) for v in Value)

    @invariant
    def no_leader_fills_the_log(self) -> bool:
        """All slots are chosen, and only one ballot was ever begun."""
        return not (
            all(self.chosen_at_all(s) for s in range(1, self.slots + 1))
            and sum(1 for m in self.messages if isinstance(m, Prepare)) == 1
        )

    def fills_a_gap(self, b: Ballot) -> bool:
        return Propose(b, 1, self.no_op) in self.messages and any(
            self.reports(q, b, 2) and not self.reports(q, b, 1) for q in self.quorums
        )

    @invariant
    def no_gap_is_filled(self) -> bool:
        """Slot 1 does nothing, since slot 2, where somebody has voted, was begun before it."""
        return not any(self.fills_a_gap(b) for b in Ballot)

    @invariant
    def what_comes_after_a_gap_is_lost(self) -> bool:
        """Slot 1 does nothing, and slot 2 is what the leader before had asked for."""
        return not (
            any(self.fills_a_gap(b) for b in Ballot)
            and self.chosen(1, self.no_op)
            and any(v != self.no_op and self.chosen(2, v) for v in Value)
        )

    @invariant
    def leaders_do_not_compete(self) -> bool:
        """Two leaders ask for votes in one slot, for different values."""
        return all(
            v == w
            for b in Ballot
            for c in Ballot
            for v in Value
            if Propose(b, 1, v) in self.messages
            for w in Value
            if Propose(c, 1, w) in self.messages
        )

    @invariant
    def a_slot_is_chosen_once(self) -> bool:
        """Two leaders get the same value chosen in a slot, one after the other."""
        return not all(
            any(all(Accepted(a, b, 1, v) in self.messages for a in q) for q in self.quorums for v in Value)
            for b in Ballot
        )


@pytest.mark.parametrize("slots", [1, 2, 3])
def test_a_leader_that_stays_prepares_once_for_all_slots(slots: int) -> None:
    taken = shortest(Working(**{**SMALL, "Ballot": 1, "slots": slots}), "no_leader_fills_the_log")
    assert taken == {"prepare": 1, "promise": 2, "propose": slots, "accept": 2 * slots}


def test_a_leader_that_comes_later_fills_the_gaps() -> None:
    taken = shortest(Working(**TWO_VALUES), "no_gap_is_filled")
    assert taken == {"prepare": 2, "promise": 4, "propose": 2, "accept": 1, "fill_gap": 1}


def test_a_gap_does_nothing_and_what_comes_after_it_is_kept() -> None:
    taken = shortest(Working(**TWO_VALUES), "what_comes_after_a_gap_is_lost")
    assert taken == {"prepare": 2, "promise": 4, "propose": 2, "accept": 4, "fill_gap": 1}


def test_several_leaders_compete() -> None:
    taken = shortest(Working(**TWO_VALUES), "leaders_do_not_compete")
    assert taken == {"prepare": 2, "promise": 4, "propose": 2}


def test_a_later_leader_chooses_again_what_was_chosen() -> None:
    taken = shortest(Working(**TWO_VALUES), "a_slot_is_chosen_once")
    assert taken == {"prepare": 2, "promise": 4, "propose": 1, "propose_again": 1, "accept": 4}


@pytest.mark.slow
def test_three_proposers_agree() -> None:
    result = check(MultiPaxos(Acceptor=2, Value=2, Ballot=3, slots=2), symmetry=True, engine="native")
    assert (result.verdict, result.distinct, result.depth) == (Verdict.HOLDS, 51_740, 28)
    assert (result.never_fired, result.vacuous, result.bounds) == ((), (), ())


class ForgetfulLeader(MultiPaxos):
    """Wrong: a leader looks at the votes of the first slot only, and takes the others for free."""

    def votes(self, quorum: Set[Acceptor], b: Ballot, s: int) -> Set[Vote]:
        return super().votes(quorum, b, s) if s == 1 else Set()

    def is_free_from(self, quorum: Set[Acceptor], b: Ballot, s: int) -> bool:
        return not any(self.reports(quorum, b, t) for t in range(s, self.slots + 1))


class UnpreparedLeader(MultiPaxos):
    """Wrong: the leader of a ballot takes promises that were made to one before."""

    def answers(self, quorum: Set[Acceptor], b: Ballot) -> Set[Promise]:
        return Set(
            m for m in self.messages if isinstance(m, Promise) and m.ballot <= b and m.acceptor in quorum
        )


class HastyFiller(MultiPaxos):
    """Wrong: a leader fills with nothing whatever it has not asked for votes in."""

    @action
    def fill_gap(self, b: Ballot, s: Slot) -> None:
        require(not self.has_proposed(b, s))
        self.messages.add(Propose(b, s, self.no_op))


@pytest.mark.parametrize(
    ("model", "slot", "steps"), [(ForgetfulLeader, 2, 14), (UnpreparedLeader, 1, 9), (HastyFiller, 1, 9)]
)
def test_without_one_of_its_rules_two_values_are_chosen_in_a_slot(
    model: type[Model], slot: int, steps: int
) -> None:
    violation = check(model(**TWO_VALUES), claims=["agreement"], engine="reference").violation
    assert violation is not None
    assert len(violation.trace.steps) == steps
    refined = check(model(**TWO_VALUES, slot=slot), claims=["as_paxos"], engine="reference").violation
    assert refined is not None  # and it is no Paxos there
