"""The codec that is made from the types of dataclasses: what goes in comes out, and nothing else does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratified.impl.contract import Command
from ratified.impl.multipaxos.messages import Accept, NoOp, Promise
from ratified.impl.multipaxos.state import Record
from ratified.impl.paxos.ballots import Ballot, Vote
from ratified.impl.raft.membership import Membership
from ratified.impl.raft.messages import (
    AppendEntries,
    AppendResponse,
    Entry,
    HardState,
    InstallSnapshot,
    RequestVote,
    Snapshot,
)
from ratified.impl.raft.messages import NoOp as RaftNoOp
from ratified.impl.runtime.codec import Codec, CodecError
from ratified.impl.runtime.hosted import hosted

COMMAND = Command("alice", 7, b"put x \xff")

RAFT: list[Any] = [
    AppendEntries(
        3, 7, 2, (Entry(2, COMMAND), Entry(3, RaftNoOp()), Entry(3, Membership(("n1",), (), ("n2",))))
    ),
    AppendResponse(3, success=True, index=7),
    RequestVote(3, 7, 2, transfer=True),
    InstallSnapshot(4, Snapshot(7, 3, Membership(("n1", "n2")), (("alice", 7, b"1"),), b"state")),
]
MULTI: list[Any] = [
    Promise(Ballot(3, "n1"), 4, ((5, Vote(Ballot(2, "n2"), COMMAND)), (6, Vote(Ballot(2, "n2"), NoOp())))),
    Accept(Ballot(3, "n1"), 5, (COMMAND, NoOp()), 4),
]


@pytest.mark.parametrize("message", RAFT, ids=lambda m: type(m).__name__)
def test_what_raft_says_comes_back_equal(message: Any) -> None:
    said = hosted("raft").said
    back = said.decode(said.encode(message))
    assert back == message
    assert type(back) is type(message)


@pytest.mark.parametrize("message", MULTI, ids=lambda m: type(m).__name__)
def test_what_multi_paxos_says_comes_back_equal(message: Any) -> None:
    said = hosted("multi-paxos").said
    assert said.decode(said.encode(message)) == message


def test_what_is_kept_comes_back_equal() -> None:
    kept = hosted("raft").kept
    for value in (HardState(3, None), HardState(3, "n1"), Entry(3, COMMAND), Snapshot()):
        assert kept.decode(kept.encode(value)) == value
    record = Record(("n1", "n2"), Ballot(3, "n2"), 4)
    assert hosted("multi-paxos").kept.decode(hosted("multi-paxos").kept.encode(record)) == record


def test_a_field_of_another_type_is_told_by_its_place() -> None:
    said = hosted("raft").said
    with pytest.raises(CodecError, match=r"^Expected `int`, got `str` - at `\$\[1\]`$"):
        said.decode(said.encode(RequestVote("three", 7, 2)))  # type: ignore[arg-type]  # that is the point


def test_what_no_bytes_stand_for_is_refused() -> None:
    with pytest.raises(CodecError, match="AppendResponse cannot be encoded"):
        hosted("raft").said.encode(AppendResponse(1 << 80, success=True, index=7))


def test_fingerprints_differ_where_types_do() -> None:
    @dataclass(frozen=True, slots=True)
    class One:
        a: int

    @dataclass(frozen=True, slots=True)
    class Other:
        a: str

    Other.__name__ = "One"
    assert Codec(One).fingerprint == Codec(One).fingerprint != Codec(Other).fingerprint


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_are_a_value_or_an_error(data: bytes) -> None:
    for codec in (hosted("raft").said, hosted("multi-paxos").said, hosted("raft").kept):
        try:
            value = codec.decode(data)
        except CodecError:
            continue
        assert codec.decode(codec.encode(value)) == value


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(RAFT), st.data())
def test_damaged_messages_do_not_break_a_core(message: Any, data: st.DataObject) -> None:
    from random import Random

    from ratified.impl.contract import Receive
    from ratified.impl.machines import KeyValue
    from ratified.impl.raft import Config, RaftCore, bootstrap

    said = hosted("raft").said
    damaged = bytearray(said.encode(message))
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        heard = said.decode(bytes(damaged))
    except CodecError:
        return
    core = RaftCore("n2", bootstrap(["n1", "n2", "n3"]), Config(), Random(1), KeyValue())
    effects = core.step(Receive("n1", heard))
    for send in effects.sends:
        assert said.decode(said.encode(send.message)) == send.message
