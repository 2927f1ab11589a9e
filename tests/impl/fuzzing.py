"""Inputs that nobody should send, for cores: messages of the right types with wrong things in them, from anybody, at any time.

`survives` drives a core and keeps its disk as the contract has it; what it returns says what is durable after each step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from hypothesis import strategies as st

from ratified.impl.contract import (
    Campaign,
    Command,
    Compact,
    Control,
    Durable,
    Effects,
    Observation,
    Persisted,
    Query,
    Receive,
    Submit,
    Tick,
)
from ratified.impl.paxos.ballots import Ballot, Vote
from ratified.impl.system import System

NODES = ("n1", "n2", "n3")

junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.sampled_from([10**15, -(10**15), 1.5, "", "n1", "n9", b"", (), (1,), ((1, 2), 3), {}, object, NODES]),
)
counts = st.integers(0, 6)
nodes = st.sampled_from(NODES)
ballots = st.builds(Ballot, st.integers(1, 4), nodes)
commands = st.builds(
    Command, st.sampled_from(["c1", "c2"]), st.integers(1, 3), st.sampled_from([b"put x 1", b"?"])
)


def mostly(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Most of the time what should be there."""
    return st.integers(0, 19).flatmap(lambda dice: strategy if dice else junk)


odd_ballots = st.one_of(ballots, ballots, ballots, st.builds(Ballot, junk, junk))
odd_commands = st.one_of(commands, commands, commands, st.builds(Command, junk, junk, junk))
odd_votes = st.one_of(
    st.builds(Vote, ballots, commands), st.builds(Vote, mostly(odd_ballots), mostly(odd_commands))
)

others: st.SearchStrategy[Any] = st.one_of(
    st.builds(Tick, mostly(st.integers(1, 30))),
    st.builds(Persisted, mostly(st.integers(0, 30))),
    st.just("persist"),
    st.just("crash"),
    st.builds(Submit, mostly(odd_commands)),
    st.builds(Query, mostly(nodes), mostly(st.integers(1, 3)), mostly(st.just(b"get x"))),
    st.sampled_from([Campaign(), Compact(), Control(), None, 7, "tick"]),
)


def inputs(messages: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Inputs of all kinds, most of them messages."""
    received = st.builds(Receive, st.sampled_from([*NODES, "n9", "", None, 3]), mostly(messages))
    return st.lists(st.one_of(received, received, received, others), max_size=60)


def token_of(event: Persisted) -> int:
    """Return its token; 0 if it is none."""
    token: Any = event.token
    return token if type(token) is int else 0


def _unheard(_: Observation) -> None:
    """Have everything observed that can be."""


def survives(system: System, events: Sequence[Any]) -> Iterator[tuple[Any, Effects, Durable]]:
    """Give a core some inputs and yield each, what came of it, and what is durable then; it restarts where it crashes."""
    durable = system.bootstrap("n1", NODES)
    core = system.make("n1", durable, Random(1), _unheard)
    pending: list[Effects] = []
    persisted = issued = 0
    for event in events:
        if event == "crash":
            core = system.make("n1", durable, Random(2), _unheard)
            pending, persisted, issued = [], 0, 0
            continue
        if event == "persist":
            for effects in pending:
                for write in effects.writes:
                    durable = durable.after(write)
                persisted = effects.token
            pending = []
            effects = core.step(Persisted(persisted))
        else:
            effects = core.step(event)
        assert effects.token > issued if effects.writes else effects.token == 0
        issued = max(issued, effects.token)
        if effects.writes:
            pending.append(effects)
        assert all(send.to in NODES[1:] and send.after <= issued for send in effects.sends)
        assert all(answer.after <= issued for answer in effects.answers)
        if isinstance(event, Persisted) and persisted < token_of(event) <= issued:
            for effects in [effects for effects in pending if effects.token <= token_of(event)]:
                for write in effects.writes:
                    durable = durable.after(write)
            pending = [effects for effects in pending if effects.token > token_of(event)]
            persisted = token_of(event)
        yield event, effects, durable
