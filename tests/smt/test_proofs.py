"""The bundled proofs: they go through, and they are not proofs of everything.

Each broken variant fails where it should, no lemma can be left out, and each lemma holds in every state the explorer reaches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ratified.loading import load
from ratified.models.language.ir import Kind
from ratified.models.raft import relational_broken
from ratified.proofs.explore import check
from ratified.proofs.explore.result import Limits, Verdict
from ratified.proofs.raft import RaftSafety
from ratified.proofs.smt.first_order import small
from ratified.proofs.smt.first_order.obligations import Obligation, Translation
from ratified.proofs.smt.proving import Options, prove, prove_script
from ratified.proofs.smt.result import Cell, Status
from ratified.proofs.smt.script import applied, script_of
from ratified.proofs.smt.smtlib import refuted_at_once
from ratified.proofs.smt.worker import with_z3
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
    "TruncatingAppend": "what_is_held_is_kept / accept_entries",
    "KeptConflict": "what_is_held_is_kept / accept_entries",
    "CountedRejections": "counted_answers_tell_what_is_held / handle_append_response",
    "LostLog": "what_is_held_is_kept / restart",
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
    if name != "CommitGoesBack":  # in whose state there are more messages than exploring allows
        assert found.confirmed is (None if expected.endswith("(goal)") else True)


LEFT_OUT = {
    "raft": {
        "election_safety": "leaders_have_their_length / client_request",
        "leader_completeness": "state_machine_safety (goal)",
        "one_vote_a_term": "election_safety (goal)",
        "voters_have_come_to_the_term": "later_leaders_have_it_or_it_is_lost / become_leader",
        "candidates_have_come_to_the_term": "votes_pass_on_what_is_held / timeout",
        "grants_are_votes": "counted_votes_are_votes / handle_vote_response",
        "counted_votes_are_votes": "leaders_were_elected / become_leader",
        "leaders_were_elected": "election_safety (goal)",
        "leaders_have_come_to_the_term": "candidates_do_not_lead / timeout",
        "candidates_do_not_lead": "who_wins_is_the_first (goal)",
        "who_wins_is_the_first": "commits_were_led / become_leader",
        "leaders_are_known": "commits_were_led / advance_commit_index",
        "entries_are_within_the_length": "leader_entries_have_a_place / become_leader",
        "logs_have_one_entry_a_place": "leader_logs_have_one_entry_a_place / become_leader",
        "leaders_have_their_log": "commits_were_led / advance_commit_index",
        "leaders_have_their_length": "what_is_held_is_kept / client_request",
        "leader_logs_have_one_entry_a_place": "state_machine_safety (goal)",
        "only_leaders_have_logs": "leader_logs_are_the_leaders / become_leader",
        "leader_entries_have_a_place": "what_is_held_is_kept / accept_entries",
        "logs_are_the_leaders": "log_matching (goal)",
        "leader_logs_are_the_leaders": "logs_are_the_leaders / append_new_entry",
        "entries_are_of_the_past": "leader_entries_are_of_its_past / become_leader",
        "leader_entries_are_of_its_past": "entries_are_of_the_past / append_new_entry",
        "sent_entries_are_the_leaders": "only_entries_are_held / accept_entries",
        "requests_tell_the_last_entry": "votes_pass_on_what_is_held / handle_request_vote",
        "requests_are_of_the_past": "requests_tell_the_last_entry / timeout",
        "holders_have_come_to_the_term": "what_is_held_is_kept / remove_conflicting_entry",
        "what_leaders_hold": "commits_are_on_a_majority / advance_commit_index",
        "only_entries_are_held": "what_is_held_is_kept / client_request",
        "what_is_held_is_kept": "votes_pass_on_what_is_held / handle_request_vote",
        "votes_pass_on_what_is_held": "later_leaders_have_it_or_it_is_lost / become_leader",
        "later_leaders_have_it_or_it_is_lost": "leader_completeness (goal)",
        "answers_tell_what_is_held": "counted_answers_tell_what_is_held / handle_append_response",
        "counted_answers_tell_what_is_held": "commits_are_on_a_majority / advance_commit_index",
        "commits_are_on_a_majority": "leader_completeness (goal)",
        "commits_were_led": "leader_completeness (goal)",
        "sent_commits_were_committed": "what_is_applied_was_committed / accept_entries",
        "what_is_applied_was_committed": "state_machine_safety (goal)",
    }
}
"""An obligation of Raft that fails without each lemma; of other proofs all are tried that used it."""


def hypothesis(lemma: str) -> str:
    return f"before the step, lemma: {lemma}"


def fails_without(obligation: Obligation, lemma: str) -> bool:
    """Whether an obligation has a model of at most two elements in each sort, once a lemma is not among its hypotheses."""
    facts = [f for f in obligation.facts if f.says != hypothesis(lemma)]
    for size in (1, 2):
        text, _ = small.at_sizes("", facts, dict.fromkeys(small.sorts_of_facts(facts), size))
        if with_z3(text.partition("(get-value")[0], 60, 0).strip() == "sat":
            return True
    return False


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_lemma_can_be_left_out(name: str) -> None:
    """Without it, something fails that used it; one that nothing uses is a claim of the model."""
    cls = script_for(name)
    proof = script_of(cls)
    claims = {f.name for f in cls.__mro__[1].module.of_kind(Kind.INVARIANT)}
    made = [o for o in Translation(proof).obligations() if not refuted_at_once(o.facts)]
    hints = LEFT_OUT.get(name, {})
    superfluous = []
    for lemma in (w.function.name for w in proof.lemmas):
        users = [o for o in made if o.claim.name != lemma and hypothesis(lemma) in {f.says for f in o.facts}]
        tried = [o for o in users if hints.get(lemma, o.name) == o.name]
        if not any(fails_without(o, lemma) for o in tried) and (users or lemma not in claims):
            superfluous.append(lemma)
    assert superfluous == []


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
