"""Raft means what Ongaro's specification means: the same number of states. And what must fail, fails.

The numbers are TLC's, on that specification without its history variables; depth counts the initial level.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ratified.models.language import Model, SizeError
from ratified.models.paxos.multi import MultiPaxos
from ratified.models.raft import broken
from ratified.models.raft.abstract import AbstractRaft
from ratified.models.raft.built import RaftAsBuilt
from ratified.models.raft.history import RaftWithHistory
from ratified.models.raft.raft import Raft
from ratified.proofs.explore import check
from ratified.proofs.explore.native.compile import CompilerMissing, find_compiler
from ratified.proofs.explore.result import Verdict
from ratified.report.text import trace_lines

Golden = Callable[[str, str], None]

SLOW = pytest.mark.slow


def can_compile() -> bool:
    """Whether the native engine can be used here."""
    try:
        return bool(find_compiler())
    except CompilerMissing:
        return False


NATIVE = pytest.mark.skipif(not can_compile(), reason="no C compiler, and too large for the reference engine")


@pytest.mark.parametrize(
    ("size", "distinct", "depth"),
    [
        pytest.param("small", 13_479, 32, marks=SLOW),
        pytest.param("standard", 1_662_206, 57, marks=[SLOW, NATIVE]),
    ],
)
def test_the_states_are_those_of_the_published_specification(size: str, distinct: int, depth: int) -> None:
    result = check(Raft(**Raft.sizes[size]))
    assert result.violation is None
    assert (result.verdict, result.distinct, result.depth) == (Verdict.HOLDS, distinct, depth)
    assert result.bounds == ()
    assert result.vacuous == ()


@pytest.mark.parametrize(
    ("model", "size", "distinct", "depth"),
    [
        (AbstractRaft, "small", 765, 13),
        (RaftWithHistory, "small", 1_715, 28),
        pytest.param(RaftWithHistory, "standard", 14_515, 32, marks=SLOW),
    ],
)
def test_the_abstract_raft_and_what_refines_it(
    model: type[Model], size: str, distinct: int, depth: int
) -> None:
    result = check(model(**model.sizes[size]), engine="reference")
    assert (result.verdict, result.distinct, result.depth) == (Verdict.HOLDS, distinct, depth)
    assert result.bounds == ()


@pytest.mark.parametrize("slot", [1, 2])
def test_multi_paxos_is_paxos_at_each_slot(slot: int) -> None:
    result = check(MultiPaxos(**MultiPaxos.sizes["small"], slot=slot), engine="reference")
    assert (result.verdict, result.distinct, result.depth) == (Verdict.HOLDS, 673, 19)
    assert (result.never_fired, result.vacuous, result.bounds) == ((), (), ())


def test_the_slot_that_is_looked_at_must_exist() -> None:
    with pytest.raises(SizeError, match="must be one of the log's"):
        MultiPaxos(**MultiPaxos.sizes["small"], slot=3)


@NATIVE
@SLOW
def test_raft_as_built_is_raft_as_long_as_nothing_is_switched_on() -> None:
    result = check(RaftAsBuilt(**Raft.sizes["small"]), engine="native")
    assert (result.verdict, result.distinct, result.depth) == (Verdict.HOLDS, 13_479, 32)


@NATIVE
@SLOW
def test_raft_as_built_holds_with_everything_switched_on() -> None:
    result = check(RaftAsBuilt(**RaftAsBuilt.sizes["standard"]), engine="native")
    assert (result.verdict, result.distinct, result.depth) == (Verdict.HOLDS, 194_424, 60)
    assert (result.vacuous, result.bounds) == ((), ())


class ConfirmedReads(broken.Quiet, RaftAsBuilt):
    """What `UnconfirmedRead` does in a quiet hour, but right."""


@NATIVE
@SLOW
def test_reads_that_are_confirmed_are_linearizable() -> None:
    result = check(ConfirmedReads(**broken.UnconfirmedRead.sizes["small"]), symmetry=True, engine="native")
    assert result.violation is None
    assert result.verdict is Verdict.HOLDS


def test_the_bounds_must_leave_room() -> None:
    with pytest.raises(SizeError, match="must leave room for a term"):
        Raft(Server=2, Value=1, max_messages=0)


# Each variant, the claim that it breaks, after how many steps, and whether servers are taken for interchangeable, to be quick.
REFUTED: list[tuple[type[Model], str, int, bool]] = [
    (broken.HalfQuorums, "election_safety", 10, False),
    (broken.ForgottenVote, "election_safety", 18, True),
    (broken.StaleVotes, "election_safety", 18, False),
    (broken.StubbornLeader, "election_safety", 18, False),
    (broken.CommitGoesBack, "commit_index_only_rises", 19, False),
    (broken.TruncatingAppend, "committed_is_on_a_majority", 17, False),
    (broken.CountedRejections, "committed_is_on_a_majority", 25, False),
    (broken.KeptConflict, "state_machine_safety", 28, True),
    (broken.ShorterHistory, "leader_completeness", 38, True),
    (broken.CountedOldEntries, "leader_completeness", 54, True),
    (broken.ConsentingLeader, "no_leader_consents", 17, False),
    (broken.RepeatedCommand, "applied_at_most_once", 22, False),
    (broken.UnconfirmedRead, "reads_are_linearizable", 34, True),
]
FOR_THE_REFERENCE = {
    broken.HalfQuorums,
    broken.StaleVotes,
    broken.StubbornLeader,
    broken.CommitGoesBack,
    broken.TruncatingAppend,
    broken.RepeatedCommand,
}


def marks(variant: type[Model]) -> list[pytest.MarkDecorator]:
    return [SLOW] if variant in FOR_THE_REFERENCE else [SLOW, NATIVE]


@pytest.mark.parametrize(
    ("variant", "claim", "steps", "symmetry"),
    [pytest.param(*case, marks=marks(case[0]), id=case[0].__name__) for case in REFUTED],
)
def test_a_variant_is_refuted_by_a_shortest_run(
    variant: type[Model], claim: str, steps: int, symmetry: bool, golden: Golden
) -> None:
    engine = "reference" if variant in FOR_THE_REFERENCE else "native"
    model = variant(**variant.sizes["small"])
    violation = check(model, claims=[claim], symmetry=symmetry, engine=engine).violation
    assert violation is not None
    assert (violation.name, len(violation.trace.steps)) == (claim, steps)
    golden(f"Raft{variant.__name__}.txt", "\n".join(line.rstrip() for line in trace_lines(violation.trace)))


def test_no_variant_is_left_out() -> None:
    correct = {Raft, RaftAsBuilt, broken.Quiet}
    variants = {
        cls for cls in vars(broken).values() if isinstance(cls, type) and issubclass(cls, Raft)
    } - correct
    assert variants == {variant for variant, *_ in REFUTED}


@NATIVE
@SLOW
def test_it_is_not_the_quiet_hour_that_breaks_them() -> None:
    result = check(broken.Quiet(**broken.KeptConflict.sizes["small"]), symmetry=True)
    assert result.verdict is Verdict.HOLDS
