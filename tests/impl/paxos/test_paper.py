"""Lamport, "Paxos Made Simple" (2001), section 2: what it says of acceptors, proposers and learners, sentence by sentence."""

from __future__ import annotations

from random import Random

import pytest

from ratified.impl.contract import Applied, Campaign, Durable, Receive, Submit, Tick
from ratified.impl.paxos.ballots import NO_BALLOT, Ballot, Vote
from ratified.impl.paxos.core import Config, Record
from ratified.impl.paxos.messages import Accept, Accepted, Chosen, Inquire, Prepare, Promise, Rejected
from ratified.impl.paxos.proposer import Phase, Proposer
from ratified.impl.paxos.system import paxos_system
from ratified.simulator.chaos import NO_FAULTS
from ratified.simulator.run import simulate
from tests.impl.alone import NODES, Alone, put, to_all

RED, BLUE = put("red"), put("blue")
A1, A2, B1, B2, B3, C2 = (Ballot(int(n), node) for node, n in ("a1", "a2", "b1", "b2", "b3", "c2"))


def with_record(**fields: object) -> Alone:
    return Alone(paxos_system(), Durable(Record(NODES, **fields)))  # type: ignore[arg-type]  # fields of a record


# 2.2 Choosing a value: the acceptor


def test_an_acceptor_accepts_the_first_proposal_that_it_receives() -> None:
    node = Alone(paxos_system())
    assert node.hear("b", Accept(B1, RED)) == [("b", Accepted(B1, RED))]
    assert node.durable.record.voted == Vote(B1, RED)


def test_an_acceptor_answers_a_prepare_request_with_a_promise_and_the_highest_proposal_it_has_accepted() -> (
    None
):
    node = Alone(paxos_system())
    assert node.hear("b", Prepare(B1)) == [("b", Promise(B1, None))]
    node.hear("b", Accept(B1, RED))
    node.hear("b", Accept(B2, BLUE))
    assert node.hear("b", Prepare(B3)) == [("b", Promise(B3, Vote(B2, BLUE)))]


def test_an_acceptor_never_again_accepts_a_proposal_numbered_less_than_it_promised() -> None:
    node = with_record(promised=B2)
    assert node.hear("b", Accept(B1, RED)) == [("b", Rejected(B1, B2))]
    assert node.durable.record.voted is None


def test_an_acceptor_accepts_a_proposal_of_the_number_it_promised() -> None:
    node = with_record(promised=B2)
    assert node.hear("b", Accept(B2, RED)) == [("b", Accepted(B2, RED))]


def test_an_acceptor_answers_no_prepare_request_numbered_less_than_one_it_has_answered() -> None:
    node = with_record(promised=B2)
    assert node.hear("b", Prepare(B1)) == [("b", Rejected(B1, B2))]
    assert node.durable.record.promised == B2


def test_the_same_prepare_request_is_answered_again_and_changes_nothing() -> None:
    node = with_record(promised=B2)
    assert node.take(Receive("b", Prepare(B2))).writes == ()
    assert [send.message for send in node.effects.sends] == [Promise(B2, None)]


def test_a_vote_promises_its_ballot() -> None:
    node = Alone(paxos_system())
    node.hear("b", Accept(B2, RED))
    assert node.hear("b", Prepare(B1)) == [("b", Rejected(B1, B2))]


def test_an_acceptor_need_remember_only_its_highest_promise_and_its_highest_proposal_even_if_it_fails() -> (
    None
):
    node = Alone(paxos_system())
    node.hear("b", Accept(B1, RED))
    node.hear("c", Prepare(C2))
    node.crash()
    assert (node.durable.record.promised, node.durable.record.voted) == (C2, Vote(B1, RED))
    assert node.hear("b", Accept(B2, BLUE)) == [("b", Rejected(B2, C2))]
    assert node.hear("c", Prepare(C2)) == [("c", Promise(C2, Vote(B1, RED)))]


def test_an_acceptor_records_its_response_in_stable_storage_before_sending_it() -> None:
    node, last = Alone(paxos_system()), 0
    for message in (Prepare(B1), Prepare(B1), Accept(B1, RED), Accept(B1, RED), Prepare(B2)):
        effects = node.take(Receive("b", message))
        last = effects.token or last
        assert [send.after for send in effects.sends] == [
            last
        ]  # the second time, too: it may not be written yet


# 2.2 Choosing a value: the proposer


def test_a_proposer_asks_every_acceptor_with_a_number_of_its_own_that_it_has_recorded() -> None:
    node = Alone(paxos_system())
    effects = node.take(Submit(RED))
    assert [(send.to, send.message, send.after) for send in effects.sends] == [
        ("b", Prepare(A1), 1),
        ("c", Prepare(A1), 1),
    ]
    node.persist()
    assert node.durable.record.attempted == A1


def test_with_the_answers_of_a_majority_and_no_proposal_among_them_it_proposes_any_value() -> None:
    node = Alone(paxos_system())
    node.say(Submit(RED))
    assert node.hear("b", Promise(A1, None)) == to_all(Accept(A1, RED))


def test_its_own_answer_does_not_count_before_it_is_durable() -> None:
    node = Alone(paxos_system())
    node.take(Submit(RED))
    node.take(Receive("b", Promise(A1, None)))
    assert node.effects.sends == ()
    node.persist()  # its ballot: now its acceptor is asked
    assert node.effects.sends == ()
    assert [send.message for send in node.persist().sends] == [Accept(A1, RED), Accept(A1, RED)]


def test_it_proposes_the_value_of_the_highest_numbered_proposal_among_the_answers() -> None:
    five = (*NODES, "d", "e")
    node = Alone(paxos_system(), nodes=five)
    node.hear("c", Prepare(C2))
    node.say(Submit(RED))
    a3 = Ballot(3, "a")
    node.hear("d", Promise(a3, Vote(B1, put("white"))))
    said = node.hear("e", Promise(a3, Vote(B2, BLUE)))
    assert {message for _, message in said} == {Accept(a3, BLUE)}


def test_an_answer_to_an_earlier_request_does_not_count() -> None:
    node = Alone(paxos_system())
    node.say(Submit(RED))
    node.say(Campaign())
    assert node.hear("b", Promise(A1, None)) == []
    assert node.hear("b", Promise(A2, None)) == to_all(Accept(A2, RED))


def test_answers_of_one_acceptor_do_not_make_a_majority() -> None:
    node = Alone(paxos_system(), nodes=(*NODES, "d", "e"))
    node.say(Submit(RED))
    assert node.hear("b", Promise(A1, None)) == []
    assert node.hear("b", Promise(A1, None)) == []


def test_in_one_ballot_it_makes_one_proposal() -> None:
    node = Alone(paxos_system())
    node.say(Submit(RED))
    node.hear("b", Promise(A1, None))
    assert node.say(Submit(BLUE)) == []
    assert node.hear("c", Promise(A1, Vote(Ballot(1, "0"), BLUE))) == []


def test_it_abandons_a_proposal_when_an_acceptor_tells_it_of_a_higher_number() -> None:
    node = Alone(paxos_system())
    node.say(Submit(RED))
    node.hear("b", Promise(A1, None))
    node.hear("c", Rejected(A1, C2))
    assert node.core.observe()["phase"] == "waiting"
    assert node.hear("b", Accepted(A1, RED)) == to_all(
        Chosen(RED)
    )  # which does no harm to what it had proposed


def test_it_may_forget_a_proposal_as_long_as_it_never_uses_its_number_again() -> None:
    node = Alone(paxos_system())
    node.say(Submit(RED))
    node.crash()
    assert node.say(Submit(BLUE)) == to_all(Prepare(A2))


def test_a_number_that_was_not_recorded_was_not_used() -> None:
    node = Alone(paxos_system())
    assert all(send.after == 1 for send in node.take(Submit(RED)).sends)
    node.crash()  # what waited for the disk is lost with it
    assert node.say(Submit(RED)) == to_all(Prepare(A1))


def test_different_proposers_never_use_the_same_number() -> None:
    proposers = [Proposer(node, NO_BALLOT, 8, 4, Random(1)) for node in NODES]
    seen, used = NO_BALLOT, []
    for _ in range(3):
        used += [proposer.begin(seen) for proposer in proposers]
        seen = max(used)
    assert len(set(used)) == 9


# 2.3 Learning a chosen value


def test_a_value_is_learned_when_a_majority_has_accepted_one_proposal() -> None:
    node = Alone(paxos_system(), nodes=(*NODES, "d", "e"))
    for acceptor, ballot in (("b", B1), ("c", B1), ("c", B1), ("d", B2), ("e", B3)):
        assert node.hear(acceptor, Accepted(ballot, RED)) == []
    assert node.core.observe()["chosen"] is None
    said = node.hear("e", Accepted(B1, RED))
    assert said == [(other, Chosen(RED)) for other in "bcde"]
    assert node.core.observe()["chosen"] == RED


def test_acceptors_tell_the_distinguished_learner_which_tells_the_others() -> None:
    node = Alone(paxos_system())
    assert node.hear("b", Accept(B1, RED)) == [("b", Accepted(B1, RED))]
    assert node.hear("b", Chosen(RED)) == []
    assert node.core.applied == 1


def test_a_learner_asks_the_acceptors_what_they_have_accepted_when_it_hears_of_nothing() -> None:
    node = Alone(paxos_system())
    assert node.say(Tick(15)) == []
    assert node.say(Tick(1)) == to_all(Inquire())


def test_an_acceptor_tells_what_it_has_accepted_and_a_learner_what_it_has_learned() -> None:
    node = Alone(paxos_system())
    assert node.hear("b", Inquire()) == []
    node.hear("c", Accept(C2, RED))
    assert node.hear("b", Inquire()) == [("b", Accepted(C2, RED))]
    node.hear("b", Chosen(RED))
    assert node.hear("b", Inquire()) == [("b", Chosen(RED))]


def test_a_learner_that_cannot_find_out_has_a_proposal_issued() -> None:
    node = Alone(paxos_system())
    node.hear("b", Accept(B1, RED))
    asked = [node.say(Tick(16)) for _ in range(4)]
    assert asked[0] == to_all(Inquire())
    assert asked[3] == [*to_all(Inquire()), *to_all(Prepare(A2))]
    assert node.hear("c", Promise(A2, None)) == to_all(Accept(A2, RED))  # its own acceptor has reported red


def test_what_is_chosen_is_executed_once_and_again_after_a_restart() -> None:
    node = Alone(paxos_system())
    node.hear("b", Chosen(RED))
    node.hear("c", Chosen(RED))
    assert node.core.applied == 1
    node.crash()
    assert node.core.applied == 0
    assert node.take(Tick()).applied == (Applied(1, RED, b""),)


# 2.4 Progress


@pytest.mark.parametrize("nodes", [1, 3, 5])
def test_a_proposer_that_can_talk_to_a_majority_gets_something_chosen(nodes: int) -> None:
    for seed in range(20):
        run = simulate(paxos_system(), nodes=nodes, steps=60 * nodes, seed=seed, faults=NO_FAULTS)
        assert run.violation is None
        assert run.applied == 1


def test_after_each_failure_a_proposer_waits_for_longer_and_for_a_time_that_others_cannot_foresee() -> None:
    waits: list[list[int]] = []
    for seed in range(200):
        proposer = Proposer("a", NO_BALLOT, 8, 4, Random(seed))
        waits.append([])
        for _ in range(8):
            proposer.give_up()
            assert proposer.phase is Phase.WAITING
            waits[-1].append(proposer.timer)
    for bound, some in zip([8, 16, 32, 64, 128, 256, 256, 256], zip(*waits, strict=True), strict=True):
        assert 1 <= min(some) < bound // 4 < 3 * bound // 4 < max(some) <= bound
    assert len({tuple(some) for some in waits}) == 200


def test_a_proposer_that_has_waited_begins_a_higher_ballot() -> None:
    node = Alone(paxos_system(Config(patience=8, backoff=4)))
    node.say(Submit(RED))
    node.hear("c", Rejected(A1, C2))
    said: list[object] = []
    for _ in range(8):
        said += node.say(Tick(1))
    assert said == to_all(Prepare(Ballot(3, "a")))


def test_a_proposer_that_hears_nothing_gives_up_and_begins_again() -> None:
    node = Alone(paxos_system())
    node.say(Submit(RED))
    node.say(Tick(8))
    assert node.core.observe()["phase"] == "waiting"
