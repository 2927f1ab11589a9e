"""Whatever comes in, a core of single-decree Paxos goes on, and its disk says nothing that Paxos does not allow."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratified.impl.contract import NOTHING, Command, Durable, Receive
from ratified.impl.paxos.ballots import Ballot, Vote
from ratified.impl.paxos.core import Config, Record
from ratified.impl.paxos.messages import Accept, Accepted, Chosen, Inquire, Prepare, Promise, Rejected
from ratified.impl.paxos.system import paxos_system
from tests.impl.fuzzing import NODES, inputs, mostly, odd_ballots, odd_commands, odd_votes, survives

messages = st.one_of(
    st.builds(Prepare, mostly(odd_ballots)),
    st.builds(Promise, mostly(odd_ballots), st.one_of(st.none(), mostly(odd_votes))),
    st.builds(Accept, mostly(odd_ballots), mostly(odd_commands)),
    st.builds(Accepted, mostly(odd_ballots), mostly(odd_commands)),
    st.builds(Rejected, mostly(odd_ballots), mostly(odd_ballots)),
    st.builds(Inquire),
    st.builds(Chosen, mostly(odd_commands)),
)


@settings(max_examples=400, deadline=None)
@given(inputs(messages))
def test_nothing_raises_and_the_disk_stays_true(events: list[Any]) -> None:
    before: Record = paxos_system().bootstrap("n1", NODES).record
    votes: dict[Ballot, Command] = {}
    for _, _, durable in survives(paxos_system(), events):
        record: Record = durable.record
        assert record.members == NODES
        assert record.promised >= before.promised
        assert record.attempted >= before.attempted
        assert before.chosen is None or record.chosen == before.chosen
        if record.voted is not None:
            assert record.voted.ballot <= record.promised
            assert votes.setdefault(record.voted.ballot, record.voted.value) == record.voted.value
        before = record


RED = Command("c", 1, b"put x red")
B2 = Ballot(2, "n2")


@pytest.mark.parametrize(
    ("sender", "message"),
    [
        ("n9", Prepare(Ballot(5, "n9"))),
        ("n1", Prepare(Ballot(5, "n1"))),
        ("n2", Prepare(Ballot(5, "n3"))),
        ("n2", Prepare(Ballot(0, "n2"))),
        ("n2", Prepare(Ballot(-1, "n2"))),
        ("n2", Prepare((2, "n2"))),  # type: ignore[arg-type]  # what comes in may be anything
        ("n2", Accept(B2, "red")),  # type: ignore[arg-type]
        ("n2", Accept(B2, Command("c", 0, b""))),
        ("n2", Promise(B2, None)),
        ("n2", Chosen(None)),  # type: ignore[arg-type]
        ("n2", "hello"),
        ("n2", None),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_ignored(sender: str, message: Any) -> None:
    durable = Durable(Record(NODES, Ballot(1, "n1"), Vote(Ballot(1, "n1"), RED)))
    events = [Receive(sender, message)]
    for _, effects, after in survives(paxos_system(), events):
        assert effects is NOTHING
        assert after.record == paxos_system().bootstrap("n1", NODES).record
    assert durable.record.voted is not None


def test_a_ballot_from_the_far_future_is_promised_as_any_other() -> None:
    far = Ballot(10**30, "n2")
    (_, effects, _), (_, _, durable) = survives(paxos_system(), [Receive("n2", Prepare(far)), "persist"])
    assert [(send.to, send.message, send.after) for send in effects.sends] == [("n2", Promise(far, None), 1)]
    assert durable.record.promised == far


@pytest.mark.parametrize("field", ["patience", "backoff", "inquire"])
def test_a_configuration_without_patience_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="must be at least one tick each"):
        Config(**{field: 0})
