"""The Raft that is proved is the Raft that is explored: every step of the one is a step of the other, at a small size."""

from __future__ import annotations

import pytest

from ratified.explore import check
from ratified.language import Param, action, require
from ratified.models.raft.as_relational import RaftAsRelational
from ratified.models.raft.broken import ForgottenVote, Quiet
from ratified.models.raft.sorts import Server, Value
from ratified.results.result import Verdict


class Forgetful(RaftAsRelational, ForgottenVote):
    """A server that restarts has lost its vote, which the relational Raft does not allow."""


class TwoElections(RaftAsRelational, Quiet):
    """A quiet hour in which one server leads, and then another, each for an entry: long enough for a conflict."""

    early: Param[Server]
    late: Param[Server]

    @action
    def timeout(self, i: Server) -> None:
        """The one in the first term, the other in the second."""
        require(i == (self.early if self.current_term[i] == 1 else self.late))
        require(self.current_term[i] <= 2)
        super().timeout(i)

    @action
    def client_request(self, i: Server, v: Value) -> None:
        """An entry for each."""
        require(len(self.log[i]) == 0)
        super().client_request(i, v)


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


@pytest.mark.slow
def test_a_leader_whose_entry_goes_is_one_of_the_relational_raft_too() -> None:
    size = {"Server": 3, "Value": 1, "Term": 5, "Index": 3, "max_term": 3, "max_log": 1, "max_messages": 1}
    result = check(TwoElections(**size, early=Server(0), late=Server(1)), claims=["as_relational"])
    fired = {a.name: a.fired for a in result.actions}
    assert (result.verdict, result.distinct, result.depth) == (Verdict.HOLDS, 29_920, 52)
    assert fired["remove_conflicting_entry"] == 400
