"""The Raft that is proved is the Raft that is explored: every step of the one is a step of the other, at a small size."""

from __future__ import annotations

import pytest

from ratified.models.raft.as_relational import RaftAsRelational
from ratified.models.raft.broken import ForgottenVote
from ratified.proofs.explore import check
from ratified.proofs.explore.result import Verdict


class Forgetful(RaftAsRelational, ForgottenVote):
    """A server that restarts has lost its vote, which the relational Raft does not allow."""


@pytest.mark.slow
def test_every_step_of_raft_is_one_of_the_relational_raft() -> None:
    result = check(RaftAsRelational(**RaftAsRelational.sizes["standard"]), claims=["as_relational"])
    assert (result.verdict, result.distinct, result.depth) == (Verdict.HOLDS, 2075, 31)


def test_a_broken_raft_is_not() -> None:
    size = {"Server": 2, "Value": 1, "Term": 4, "Index": 2, "max_term": 2, "max_log": 0, "max_messages": 1}
    result = check(Forgetful(**size), claims=["as_relational"])
    assert result.violation
    assert result.violation.name == "as_relational"
    assert result.violation.trace.steps[-1].action == "handle_request_vote"
