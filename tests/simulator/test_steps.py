"""Schedules as text: what is written is read back, and what cannot be read is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratified.impl.contract import Campaign, Command, Compact
from ratified.impl.raft import ChangeMembership, TransferLeadership, raft_system
from ratified.simulator import ScheduleError, parse_step, read_schedule, simulate
from ratified.simulator.steps import (
    ClientStep,
    Crash,
    Cut,
    Deliver,
    Heal,
    Lose,
    Order,
    Partition,
    Pass,
    Persist,
    Restart,
    ScheduleStep,
)

node = st.sampled_from(["n1", "n2", "leader"])
number = st.integers(0, 99)
nodes = st.lists(node, max_size=3).map(tuple)
payload = st.sampled_from([b"put x 1", b"get x", b"cas x a b"])
control = st.one_of(
    st.sampled_from([Campaign(), Compact()]),
    st.builds(ChangeMembership, nodes, nodes),
    st.builds(TransferLeadership, node),
)
step = st.one_of(
    st.builds(Deliver, node, node, number, st.booleans()),
    st.builds(Lose, node, node, number),
    st.builds(Pass, node, number),
    st.builds(Persist, node, st.one_of(st.none(), number)),
    st.builds(Crash, node, number),
    st.builds(Restart, node),
    st.builds(Cut, node, node),
    st.builds(Partition, st.lists(nodes.filter(bool), min_size=1, max_size=3).map(tuple)),
    st.just(Heal()),
    st.builds(ClientStep, node, st.builds(Command, st.just("c1"), number, payload), st.booleans()),
    st.builds(Order, node, control),
)


@given(step)
def test_a_step_that_is_written_is_read_back(step: ScheduleStep) -> None:
    assert parse_step(str(step), (ChangeMembership, TransferLeadership)) == step


def test_a_whole_schedule_is_read_back() -> None:
    run = simulate(raft_system(), nodes=3, seed=5)
    assert read_schedule(f"# a comment\n\n{run.script()}", run.system) == run.schedule


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "explode n1",
            "there is no step 'explode'; there are: deliver, lose, tick, persist, crash, restart, cut, "
            "partition, heal, submit, query, order",
        ),
        ("deliver n1 n2", "cannot read 'deliver n1 n2'; write: deliver SENDER RECEIVER NUMBER [again]"),
        ("tick n1 soon", "cannot read 'tick n1 soon'; write: tick NODE [TICKS]"),
        ("submit n1 alice", "cannot read 'submit n1 alice'; write: submit NODE CLIENT NUMBER COMMAND"),
        ("heal n1", "cannot read 'heal n1'; write: heal"),
        (
            "order n1 retreat",
            "there is no order 'retreat'; there are: campaign, change-membership, compact, transfer-leadership",
        ),
        ("order n1 transfer-leadership", "transfer-leadership needs to=..."),
        (
            "order n1 transfer-leadership from=n2",
            "unexpected 'from=n2' after transfer-leadership; expected: to=...",
        ),
        ("order n1 campaign now", "unexpected 'now' after campaign; expected: nothing"),
        (
            "",
            "there is no step ''; there are: deliver, lose, tick, persist, crash, restart, cut, "
            "partition, heal, submit, query, order",
        ),
    ],
)
def test_a_line_that_is_no_step_is_refused(line: str, message: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        parse_step(line, (ChangeMembership, TransferLeadership))
    assert str(caught.value) == message
