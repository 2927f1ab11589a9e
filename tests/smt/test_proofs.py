"""The bundled proofs: they go through, and they are not proofs of everything.

Each broken variant fails where it should, no lemma can be left out, and each lemma holds in every state the explorer reaches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ratified.loading import load
from ratified.models.raft import relational_broken
from ratified.proofs.explore import check
from ratified.proofs.explore.result import Limits, Verdict
from ratified.proofs.raft import RaftSafety
from ratified.proofs.smt.proving import Options, prove, prove_script
from ratified.proofs.smt.result import Cell, Status
from ratified.proofs.smt.script import Script, applied, script_of
from ratified.proving import SCRIPTS, script_for

PATIENT = Options(seconds=120, processes=1)

OBLIGATIONS = {
    "consensus": 3,
    "voting": 11,
    "paxos": 49,
    "flexible-paxos": 45,
    "multi-paxos": 63,
    "raft": 688,
    "transaction-commit": 7,
    "two-phase-commit": 49,
}

SMALL: Mapping[str, Mapping[str, object]] = {
    "consensus": {"Value": 3},
    "voting": {"Acceptor": 3, "Value": 2, "Ballot": 2},
    "paxos": {"Acceptor": 3, "Value": 2, "Ballot": 2},
    "flexible-paxos": {"Acceptor": 3, "Value": 2, "Ballot": 2},
    "multi-paxos": {"Acceptor": 2, "Value": 1, "Ballot": 2, "slots": 2},
    "raft": {"Server": 2, "Value": 1, "Term": 2, "Index": 2},
    "transaction-commit": {"ResourceManager": 3},
    "two-phase-commit": {"ResourceManager": 4},
}

BROKEN = {
    "paxos-ignores-promise": "promises_are_kept / accept",
    "paxos-ignores-votes": "proposals_are_safe / propose",
    "paxos-smallest-vote": "proposals_are_safe / propose",
    "paxos-half-quorums": "agreement (goal)",
    "paxos-stale-promise": "proposals_are_safe / propose",
    "paxos-reused-ballot": "one_value_per_ballot / propose",
    "paxos-forgotten-promise": "promises_are_kept / restart",
    "paxos-forgotten-vote": "last_vote_is_the_last / restart",
    "two-phase-commit-by-majority": "commit_needs_all / tm_commit",
    "two-phase-commit-impatient": "prepared_wait / rm_choose_to_abort",
    "two-phase-commit-forgets": "decisions_are_the_managers / tm_restart",
}


BROKEN_RAFT = {
    "ForgottenVote": "grants_are_votes / restart",
    "StaleVotes": "counted_votes_are_votes / handle_vote_response",
    "HalfQuorums": "election_safety (goal)",
    "StubbornLeader": "leaders_are_known / update_term",
    "CountedOldEntries": "commits_were_led / advance_commit_index",
    "CommitGoesBack": "commit_index_only_rises / accept_entries",
    "TruncatingAppend": "entries_are_within_the_length / accept_entries",
    "KeptConflict": "what_is_held_is_kept / accept_entries",
    "CountedRejections": "counted_answers_tell_what_is_held / handle_append_response",
    "LostLog": "what_leaders_hold / restart",
    "ForgottenTerm": "voters_have_come_to_the_term / reboot",
}
"""Variants of the relational Raft, and an obligation that each fails."""


def failed(cells: tuple[Cell, ...]) -> dict[str, Cell]:
    return {c.name: c for c in cells if c.status is Status.FAILED}


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_obligation_is_proved(name: str) -> None:
    proof = prove(script_for(name), options=PATIENT)
    assert [c.name for c in proof.cells if c.status is not Status.PROVED] == []
    assert (proof.verdict, len(proof.cells)) == (Verdict.HOLDS, OBLIGATIONS[name])


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_variant_fails_where_it_is_broken(name: str) -> None:
    proof = prove(script_for(name), options=PATIENT)
    found = failed(proof.cells)
    assert proof.verdict is Verdict.VIOLATED
    assert BROKEN[name] in found
    for cell in found.values():
        assert cell.counterexample
        assert cell.counterexample.false_part
        if name != "two-phase-commit-by-majority":  # whose majorities need not be real ones
            # CPython takes the very step that is shown.
            assert cell.counterexample.confirmed is (True if cell.action else None)


@pytest.mark.parametrize("name", BROKEN_RAFT)
def test_a_broken_raft_fails_where_it_is_broken(name: str) -> None:
    cls: Any = applied(RaftSafety, getattr(relational_broken, name))
    cls.goals = {**cls.goals, "commit_index_only_rises": ()} if name == "CommitGoesBack" else cls.goals
    expected = BROKEN_RAFT[name]
    proof = prove_script(script_of(cls), cls, PATIENT, only={expected.partition(" ")[0]})
    found = failed(proof.cells)[expected].counterexample
    assert proof.verdict is Verdict.VIOLATED
    assert found
    assert found.confirmed is (None if expected.endswith("(goal)") else True)


def resting_on(script: Script, lemma: str) -> set[str]:
    """The claims whose proofs may use a lemma, itself apart."""
    return {
        each.function.name
        for each in (*script.lemmas, *script.goals)
        if each.function.name != lemma and (each.uses is None or lemma in each.uses)
    }


def lemmas() -> list[tuple[str, str]]:
    return [
        (name, lemma.function.name)
        for name in SCRIPTS
        if name != "raft"
        for script in [script_of(script_for(name))]
        for lemma in script.lemmas
        if resting_on(script, lemma.function.name)
    ]


@pytest.mark.parametrize(("name", "lemma"), lemmas())
def test_no_lemma_can_be_left_out(name: str, lemma: str) -> None:
    cls = script_for(name)
    missing = resting_on(script_of(cls), lemma)
    proof = prove_script(script_of(cls, without=(lemma,)), cls, PATIENT, only=missing)
    assert proof.verdict is Verdict.VIOLATED
    assert failed(proof.cells).keys()


@pytest.mark.parametrize("name", SCRIPTS)
def test_lemmas_hold_wherever_the_explorer_comes(name: str) -> None:
    model: Any = load(SCRIPTS[name])(**SMALL[name])
    claims = [lemma.function.name for lemma in script_of(type(model)).lemmas]
    if (
        name == "raft"
    ):  # more states than can be visited here: the first of them, which are those of short runs
        found = check(model, claims=claims, limits=Limits(states=20_000))
        assert (found.verdict, found.violation, found.distinct >= 20_000) == (Verdict.UNDECIDED, None, True)
        return
    result = check(model, claims=claims)
    assert (result.verdict, result.vacuous) == (Verdict.HOLDS, ())
