"""On the bundled models, the evaluator of the intermediate form does what CPython does with their source, step for step."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ratified.explore import check
from ratified.language import Model
from ratified.language.evaluate import TreeMachine
from ratified.language.ir import Kind
from ratified.language.machine import PythonMachine
from ratified.models.commit import broken as broken_commit
from ratified.models.commit.transaction_commit import TransactionCommit
from ratified.models.commit.two_phase import TwoPhase
from ratified.models.paxos import broken as broken_paxos
from ratified.models.paxos.consensus import Consensus
from ratified.models.paxos.flexible import FlexiblePaxos
from ratified.models.paxos.multi import MultiPaxos
from ratified.models.paxos.paxos import Paxos
from ratified.models.paxos.voting import Voting
from ratified.models.raft.abstract import AbstractRaft
from ratified.models.raft.built import RaftAsBuilt
from ratified.models.raft.clients import RaftClients
from ratified.models.raft.compaction import RaftCompaction
from ratified.models.raft.elections import RaftElections
from ratified.models.raft.history import RaftWithHistory
from ratified.models.raft.membership import RaftMembership
from ratified.models.raft.raft import Raft

STATES_MAX = 400

CORRECT: list[type[Model]] = [
    *(Consensus, Voting, Paxos, FlexiblePaxos, MultiPaxos, TransactionCommit, TwoPhase),
    *(AbstractRaft, Raft, RaftWithHistory),
    *(RaftElections, RaftClients, RaftCompaction, RaftMembership, RaftAsBuilt),
]
BROKEN: list[type[Model]] = [
    cls
    for module, base in ((broken_paxos, Paxos), (broken_commit, TwoPhase))
    for cls in vars(module).values()
    if isinstance(cls, type) and issubclass(cls, base) and cls is not base
]


@pytest.mark.sampled(every=3)
@pytest.mark.parametrize("cls", [*CORRECT, *BROKEN])
def test_they_agree(cls: type[Model]) -> None:
    model = cls(**cls.sizes["small"])
    python, tree = PythonMachine(model), TreeMachine(model)
    module = cls.module
    assert list(tree.initial()) == list(python.initial())
    states = [state for _, state in python.initial() if isinstance(state, tuple)]
    seen = set(states)
    bounds = [constraint.name for constraint in module.of_kind(Kind.CONSTRAINT)]
    for state in states:  # grows while it is walked
        outside = [python.refuted_by(bound, state) is not None for bound in bounds]
        assert [tree.refuted_by(bound, state) is not None for bound in bounds] == outside
        if any(outside):
            continue
        steps = list(python.steps(state))
        assert list(tree.steps(state)) == steps
        for claim in module.of_kind(Kind.INVARIANT):
            assert tree.refuted_by(claim.name, state) == python.refuted_by(claim.name, state)
        for refinement in module.of_kind(Kind.REFINEMENT):
            assert tree.image(refinement.name, state) == python.image(refinement.name, state)
        for _, _, after in steps:
            assert isinstance(after, tuple)  # no bound is left in these models
            for claim in module.of_kind(Kind.STEP_INVARIANT):
                assert tree.step_holds(claim.name, state, after) == python.step_holds(
                    claim.name, state, after
                )
            if len(states) < STATES_MAX and after not in seen:
                seen.add(after)
                states.append(after)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cls", "size"),
    [
        (RaftElections, {"Server": 1, "Value": 1, "pre_vote": True, "check_quorum": True}),
        (RaftElections, {"Server": 2, "Value": 1, "max_log": 0, "transfer": True, "check_quorum": True}),
        (RaftClients, RaftClients.sizes["small"]),
        (RaftCompaction, RaftCompaction.sizes["small"]),
        (RaftMembership, RaftMembership.sizes["small"]),
        (RaftMembership, {"Server": 2, "Value": 2, "max_log": 2, "joint_consensus": True}),
    ],
)
def test_the_native_engine_agrees_with_cpython_on_what_is_added_to_raft(
    cls: type[Model], size: Mapping[str, object]
) -> None:
    model = cls(**{"max_messages": 1, "calm": True, **size})
    reference, native = (check(model, engine=engine) for engine in ("reference", "native"))
    assert (native.verdict, native.depth) == (reference.verdict, reference.depth)
    assert (native.distinct, native.generated) == (reference.distinct, reference.generated)
    assert native.actions == reference.actions
    assert (native.vacuous, native.bounds) == (reference.vacuous, reference.bounds)
