"""On the bundled models, the evaluator of the intermediate form does what CPython does with their source, step for step."""

from __future__ import annotations

import pytest

from ratified.models.commit import broken as broken_commit
from ratified.models.commit.transaction_commit import TransactionCommit
from ratified.models.commit.two_phase import TwoPhase
from ratified.models.language import Model
from ratified.models.language.evaluate import TreeMachine
from ratified.models.language.ir import Kind
from ratified.models.language.machine import PythonMachine
from ratified.models.paxos import broken as broken_paxos
from ratified.models.paxos.consensus import Consensus
from ratified.models.paxos.flexible import FlexiblePaxos
from ratified.models.paxos.paxos import Paxos
from ratified.models.paxos.voting import Voting

STATES_MAX = 400

CORRECT: list[type[Model]] = [Consensus, Voting, Paxos, FlexiblePaxos, TransactionCommit, TwoPhase]
BROKEN: list[type[Model]] = [
    cls
    for module, base in ((broken_paxos, Paxos), (broken_commit, TwoPhase))
    for cls in vars(module).values()
    if isinstance(cls, type) and issubclass(cls, base) and cls is not base
]


@pytest.mark.parametrize("cls", [*CORRECT, *BROKEN])
def test_they_agree(cls: type[Model]) -> None:
    model = cls(**cls.sizes["small"])
    python, tree = PythonMachine(model), TreeMachine(model)
    module = cls.module
    assert list(tree.initial()) == list(python.initial())
    states = [state for _, state in python.initial() if isinstance(state, tuple)]
    for state in states:  # grows while it is walked
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
            if len(states) < STATES_MAX and after not in states:
                states.append(after)
