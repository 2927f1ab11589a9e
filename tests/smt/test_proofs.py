"""The bundled proofs: they go through, and they are not proofs of everything.

Each broken variant fails where it should, no lemma can be left out, and each lemma holds in every state the explorer reaches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from ratified.bundled import bugs, models
from ratified.cli.scripts import own_script, script_for
from ratified.explore import check
from ratified.language import Param, action, first, require
from ratified.language.errors import RatifiedError
from ratified.language.ir import Kind
from ratified.models.raft.relational import (
    AppendEntriesResponse,
    Index,
    Last,
    Message,
    RequestVoteResponse,
    Slot,
    Term,
)
from ratified.models.raft.sorts import Server, Value
from ratified.proofs.raft.raft import RaftSafety
from ratified.proofs.services.balancing import BoundedSafety
from ratified.proofs.services.smooth import SmoothSafety
from ratified.results.result import Limits, Verdict
from ratified.smt.facts import Fact, Role, refuted_at_once, resting_on
from ratified.smt.first_order import small
from ratified.smt.first_order.obligations import Obligation, Translation
from ratified.smt.proving import ProofOptions, prove_script
from ratified.smt.result import Cell, Status
from ratified.smt.script import about_of, script_of
from ratified.smt.smtlib import uses_numbers
from ratified.smt.terms import INT, Quantified, walk
from ratified.smt.worker import SOLVERS

RELATIONAL = "ratified.models.raft.relational_broken"
BUILT = ("raft-elections", "raft-clients")
PATIENT = ProofOptions(timeout=120, processes=1)

PROVED = [name for name, model in models.items() if model.proof]
UNSAID = [name for name, bug in bugs.items() if bug.no_proof]

OBLIGATIONS = {
    "consensus": 3,
    "voting": 11,
    "paxos": 49,
    "flexible-paxos": 49,
    "multi-paxos": 64,
    "raft": 689,
    "raft-elections": 100,
    "raft-clients": 209,
    "transaction-commit": 7,
    "two-phase-commit": 49,
    "smooth-weighted": 63,
    "smooth-groups": 52,
    "reweighted": 31,
    "changing-turns": 15,
    "two-draws": 9,
    "ring": 6,
    "bounded-ring": 48,
    "ejection": 34,
    "retries": 36,
    "failover": 55,
    "draining": 29,
    "hedging": 40,
    "leader-hints": 10,
    "recovery": 27,
    "kept-leases": 46,
    "max-fails": 27,
    "lock-delay": 40,
    "keep-alive": 76,
    "etcd-leases": 77,
    "etcd-locks": 61,
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
    "smooth-weighted": {"Node": 2},
    "smooth-groups": {"Node": 2, "Group": 3},
    "reweighted": {"Node": 2},
    "changing-turns": {"Endpoint": 3},
    "two-draws": {"Server": 2, "requests": 2},
    "ring": {"Place": 4},
    "bounded-ring": {"Node": 2, "Key": 2, "most": 2},
    "ejection": {"Node": 3},
    "retries": {"Client": 2},
    "failover": {"Node": 2, "tokens": 2},
    "draining": {"Node": 2},
    "hedging": {},
    "leader-hints": {"Node": 2, "Term": 3},
    "recovery": {"Process": 2, "Entry": 2},
    "kept-leases": {"Lease": 2},
    "max-fails": {"most": 1, "room": 2},
    "lock-delay": {"Node": 2, "delay": 1},
    "keep-alive": {"length": 1, "grace": 1},
    "etcd-leases": {"Node": 2, "tenures": 2, "ttl": 1},
    "etcd-locks": {"Client": 2, "tokens": 2},
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
    "services-pays-its-own": "credits_add_up_to_zero / pick",
    "services-drawn-twice": "the_busiest_is_not_picked / send",
    "services-arriving-not-counted": "limits_are_enough (goal)",
    "services-bound-not-looked-at": "load_is_bounded / pick",
    "services-limit-tested-before": "an_ejection_fits / fail",
    "services-not-longer": "each_is_longer / fail",
    "services-never-forgiven": "all_is_forgiven_in_time / tick",
    "services-turns-begin-anew": "who_was_served_since_comes_later / come",
    "services-gone-too-early": "nobody_goes_too_early / go",
    "services-drains-anew": "time_is_not_given_again / drain",
    "services-hedges-afterwards": "nothing_is_sent_after_it / elapse",
    "services-others-run-on": "nothing_is_left / succeed",
    "services-stop-not-heard": "nothing_is_sent_to_who_asks_for_no_more / fail",
    "services-older-term-believed": "terms_do_not_go_back / hear",
    "services-term-not-kept": "hints_are_of_the_elected / hear",
    "services-one-draw": "the_busiest_is_not_picked / send",
    "services-no-sessions": "executed_is_remembered / execute",
    "services-forgotten-sessions": "executed_is_remembered / crash",
    "services-unchecked-token": "writes_take_effect_in_order / store",
    "services-fast-clock": "who_believes_has_the_lease / tick_of_the_service",
    "services-token-used-again": "tokens_were_given / forget",
    "services-released-by-name": "who_believes_has_the_lease / release_again",
    "services-lease-forgotten": "who_believes_has_the_lease / start_anew",
    "services-acknowledged-early": "acknowledged_is_durable / acknowledge",
    "services-two-processes": "one_at_a_time / start",
    "services-counted-from-the-answer": "what_is_believed_is_so / renewed",
    "services-lost-again": "lost_is_told_once / lose",
    "services-all-come-back": "one_probe / request",
    "services-late-answer-readmits": "only_its_probe_brings_it_back / late_answer",
    "services-no-lock-delay": "others_wait_for_what_is_on_the_way / tick",
    "services-delay-forgotten": "others_wait_for_what_is_on_the_way / start_anew",
    "services-renewal-ends": "it_goes_on_asking / error",
    "services-error-is-the-end": "nobody_gives_up_early / error",
    "services-no-grace": "nobody_gives_up_early / tick",
    "services-cached-in-jeopardy": "what_is_cached_is_current / tick",
    "services-comes-back": "what_is_lost_stays_lost / hear_renewed",
    "etcd-deposed-leader-ends": "a_deposed_leader_ends_nothing / ended",
    "etcd-counted-on": "the_last_leader_counts_longest / lead",
    "etcd-lost-with-the-leader": "a_deposed_leader_ends_nothing / lead",
    "etcd-unconfirmed": "the_last_leader_counts_longest / renew",
    "etcd-renewed-while-ending": "what_is_to_end_is_over / renew",
    "etcd-counted-from-the-answer": "the_last_leader_counts_longest / hear",
    "etcd-not-looked-again": "who_is_told_has_it / acquire",
    "etcd-unguarded": "writes_take_effect_in_order / store",
    "etcd-out-of-turn": "who_is_in_front_is_first / look",
    "etcd-guarded-by-name": "writes_take_effect_in_order / store",
    "services-all-of-the-heaviest": "the_picked_had_most / pick",
    "services-picks-the-dead": "who_is_down_is_not_picked / pick",
}


BROKEN_RAFT = {
    "raft-forgets-vote": "grants_are_votes / restart",
    "raft-torn-vote": "grants_are_votes / crash_in_election",
    "raft-stale-votes": "counted_votes_are_votes / handle_vote_response",
    "raft-half-quorums": "election_safety (goal)",
    "raft-stubborn-leader": "leaders_are_known / update_term",
    "raft-counted-old-entries": "commits_were_led / advance_commit_index",
    "raft-commit-goes-back": "commit_index_only_rises / accept_entries",
    "raft-match-goes-back": "match_index_only_rises / handle_append_response",
    "raft-truncating-append": "what_is_held_is_kept / accept_entries",
    "raft-repeated-append": "logs_are_the_leaders / append_first_entry",
    "raft-kept-conflict": "what_is_held_is_kept / accept_entries",
    "raft-counted-rejections": "counted_answers_tell_what_is_held / handle_append_response",
    "raft-lost-entry": "what_is_held_is_kept / crash_before_sync",
    "raft-append-for-snapshot": "sent_entries_are_the_leaders / heartbeat",
    "raft-snapshot-lowers-term": "voters_have_come_to_the_term / load_snapshot",
    "raft-unconfirmed-read": "reads_are_linearizable (goal)",
    "raft-repeated-command": "applied_at_most_once / apply",
    "raft-consenting-leader": "no_leader_consents / handle_pre_vote",
    "raft-costly-pre-vote": "asking_changes_no_term / handle_pre_vote",
    "raft-disturbed-follower": "no_follower_is_disturbed / update_term",
    "raft-hasty-transfer": "transferee_is_caught_up / order_election",
    "raft-lost-log": "what_is_held_is_kept / restart",
    "raft-shorter-history": "votes_pass_on_what_is_held / handle_request_vote",
    "raft-forgotten-term": "voters_have_come_to_the_term / reboot",
}
"""Variants of Raft, and an obligation that each fails."""


def failed(cells: tuple[Cell, ...]) -> dict[str, Cell]:
    return {c.name: c for c in cells if c.status is Status.FAILED}


def added(name: str) -> set[str] | None:
    """What a script adds to that of Raft, if it does: the rest is the same once more, and is left to the benchmark."""
    if name not in BUILT:
        return None
    known, own = script_of(RaftSafety), script_of(script_for(name))
    return {w.function.name for w in (*own.lemmas, *own.goals)} - {
        w.function.name for w in (*known.lemmas, *known.goals)
    }


@pytest.mark.sampled(every=3)
@pytest.mark.parametrize("name", PROVED)
def test_every_obligation_is_proved(name: str) -> None:
    """That those of the others are true, certificates show: `certificate/test_committed.py`."""
    cls = script_for(name)
    proof = prove_script(script_of(cls), cls, PATIENT, only=added(name))
    assert [c.name for c in proof.cells if c.status is not Status.PROVED] == []
    assert (proof.verdict, len(proof.cells)) == (Verdict.HOLDS, OBLIGATIONS[name])


@pytest.mark.sampled(every=5)
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_variant_fails_where_it_is_broken(name: str) -> None:
    cls = script_for(name)
    claim, _, action = BROKEN[name].partition(" / ")
    # Where it multiplies what is not known, all else that fails is looked for long; this is found soon.
    alone = issubclass(cls, SmoothSafety | BoundedSafety)
    only = {claim.removesuffix(" (goal)")} if alone else None
    by = {action} if alone and action else None
    proof = prove_script(script_of(cls), cls, PATIENT, only=only, by=by)
    found = failed(proof.cells)
    assert proof.verdict is Verdict.VIOLATED
    assert BROKEN[name] in found
    for cell in found.values():
        assert cell.counterexample
        assert cell.counterexample.false_part
        if name != "two-phase-commit-by-majority":  # whose majorities need not be real ones
            # CPython takes the very step that is shown.
            assert cell.counterexample.confirmed is True or not cell.action


@pytest.mark.sampled(every=5)
@pytest.mark.parametrize("name", BROKEN_RAFT)
def test_a_broken_raft_fails_where_it_is_broken(name: str) -> None:
    cls = script_for(name)
    claim, _, action = BROKEN_RAFT[name].partition(" / ")
    if claim in ("commit_index_only_rises", "match_index_only_rises"):
        cls.goals = {**cls.goals, claim: ()}  # a variant's own claim, false whatever else is true
    where = action or None
    proof = prove_script(
        script_of(cls), cls, PATIENT, only={claim.removesuffix(" (goal)")}, by={where} if where else None
    )
    found = failed(proof.cells)[BROKEN_RAFT[name]].counterexample
    assert proof.verdict is Verdict.VIOLATED
    assert found
    assert found.confirmed is (True if where else None)


def test_every_broken_variant_is_tried() -> None:
    """Those that no proof can be about say why."""
    variants = {name for name, bug in bugs.items() if bug.model or bug.relational}
    tried = {*BROKEN, *BROKEN_RAFT}
    assert variants == {*tried, *UNSAID}
    for name in UNSAID:
        with pytest.raises(RatifiedError, match="there is no proof to try"):
            script_for(name)


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
    },
    "raft-clients": {"leaders_know_what_they_committed": "what_is_due_is_read / begin_read"},
}
"""An obligation of Raft that fails without each lemma; of other proofs all are tried that used it."""


FOR_SOLVERS = {
    "smooth-weighted": {"a_pick_costs_something"},
    "smooth-groups": {
        "each_gains_its_weight",
        "the_picked_has_paid",
        "one_more_added_its_credit",
        "one_more_added_what_it_had",
        "one_more_adds_its_credit",
        "one_more_adds_its_weight",
        "one_more_is_picked_from_for_one",
        "one_more_may_have_less",
        "groups_weigh_no_more_than_all",
        "shares_are_added",
    },
    "bounded-ring": {
        "limits_are_as_many",
        "filled_by_as_many",
        "the_up_have_no_more_than_all",
        "or_all_are_filled",
        "room_below_the_limit",
    },
    "reweighted": {"weights_are_of_the_heaviest"},
}
"""Lemmas that say of sums what is true of all finite sets, or make a step short: only solvers need them."""


def fails_without(obligation: Obligation, lemma: str) -> bool:
    """Whether an obligation has a model of at most three elements in each sort, once a lemma is not among its hypotheses."""
    facts = [f for f in obligation.facts if f.role is not Role.HYPOTHESIS or f.about != lemma]
    for size in (1, 2, 3):
        sizes = dict.fromkeys(small.sorts_of_facts(facts), size)
        asked = small.written_out("", facts, sizes, values=False) if speaks_of_some_numbers(facts) else None
        asked = asked or small.at_sizes("", facts, sizes, values=False)
        if SOLVERS[asked.solver](asked.text, 60, 0).startswith("sat"):
            return True
    return False


def speaks_of_some_numbers(facts: Iterable[Fact]) -> bool:
    """Whether facts are about numbers, but not about all of them: of a finite size they can be written out."""
    formulas = [f.formula for f in facts]
    bound = {v.sort for f in formulas for t in walk(f) if isinstance(t, Quantified) for v in t.variables}
    return uses_numbers(formulas) and INT not in bound


@pytest.mark.sampled(every=5)
@pytest.mark.parametrize("name", PROVED)
def test_no_lemma_can_be_left_out(name: str) -> None:
    """Without it, something fails that used it; one that nothing uses is a claim of the model."""
    cls = script_for(name)
    proof = script_of(cls)
    claims = {f.name for f in about_of(cls).module.of_kind(Kind.INVARIANT)}
    ours = added(name)
    made = [o for o in Translation(proof).obligations(ours) if not refuted_at_once(o.facts)]
    hints = LEFT_OUT.get(name, {})
    superfluous = []
    for lemma in (w.function.name for w in proof.lemmas if ours is None or w.function.name in ours):
        if lemma in FOR_SOLVERS.get(name, ()):
            continue
        users = [o for o in made if o.about != lemma and lemma in resting_on(o.facts)]
        tried = [o for o in users if hints.get(lemma, o.name) == o.name]
        named = any(
            o.about not in ("well-defined", "within bounds") for o in users
        )  # these use all there are
        if not any(fails_without(o, lemma) for o in tried) and (named or lemma not in claims):
            superfluous.append(lemma)
    assert superfluous == []


@pytest.mark.parametrize("name", [n for n in PROVED if not n.startswith("raft")])
def test_lemmas_hold_wherever_the_explorer_comes(name: str) -> None:
    model: Any = own_script(name)(**SMALL[name])
    claims = [lemma.function.name for lemma in script_of(type(model)).lemmas]
    result = check(model, claims=claims)
    assert (result.verdict, result.vacuous) == (Verdict.HOLDS, ())


BOUNDS = "some steps would exceed a declared bound and were not taken; nothing is known beyond it"


def test_lemmas_of_raft_hold_wherever_the_explorer_comes() -> None:
    """In all states of this size: there would be more, were there more indices and terms, which is said."""
    result = check(RaftSafety(**SMALL["raft"]))
    assert (result.verdict, result.violation, result.stopped) == (Verdict.UNDECIDED, None, BOUNDS)
    assert (result.distinct, result.depth) == (20_067, 29)


@pytest.mark.parametrize("name", BUILT)
def test_lemmas_of_raft_as_built_hold_in_short_runs(name: str) -> None:
    cls: Any = own_script(name)
    size = {**SMALL["raft"], **({"Request": 1} if name == "raft-clients" else {})}
    result = check(cls(**size), limits=Limits(states=4_000))
    assert (result.verdict, result.violation, result.distinct >= 4_000) == (Verdict.UNDECIDED, None, True)


class TwoLeaders(RaftSafety):
    """One server leads, and then another, on a network that loses and repeats nothing and carries a message at a time."""

    early: Param[Server]
    late: Param[Server]

    @action
    def timeout(self, i: Server, t: Term) -> None:
        """The one begins the second term, the other the last."""
        require(i == (self.early if self.current_term[i] == first(Term) else self.late))
        require(t == self.current_term[i] + 1)
        super().timeout(i, t)

    @action
    def update_term(self, i: Server, t: Term) -> None:
        """Terms are learned from messages."""
        require(any(m.dest == i and m.term == t for m in self.messages))
        super().update_term(i, t)

    @action
    def restart(self, i: Server) -> None:
        """Not now."""
        require(False)

    @action
    def drop(self, m: Message) -> None:
        """What is of an older term."""
        require(m in self.messages and isinstance(m, RequestVoteResponse | AppendEntriesResponse))
        require(m.term < self.current_term[m.dest])
        super().drop(m)

    def dealt_with(self, m: Message, kept: bool) -> None:
        """There are no copies."""
        require(not kept)
        super().dealt_with(m, kept)

    @action
    def request_vote(self, i: Server, j: Server, last: Last | None) -> None:
        """Nothing else is in flight."""
        require(not self.messages and j not in self.votes_granted[i])
        super().request_vote(i, j, last)

    @action
    def append_entry(self, i: Server, j: Server, prev: Last | None, entry: Slot, commit: Index) -> None:
        """Nor now; what the other has is not sent again."""
        require(not self.messages and i != j and self.match_index[i][j] < entry.index)
        super().append_entry(i, j, prev, entry, commit)

    @action
    def heartbeat(self, i: Server, j: Server, prev: Last | None, end: Index, commit: Index) -> None:
        """Nor now; it tells of a commit."""
        require(not self.messages and i != j and self.commit_index[j] < commit == self.commit_index[i])
        super().heartbeat(i, j, prev, end, commit)

    @action
    def client_request(self, i: Server, v: Value) -> None:
        """An entry for each leader."""
        require(self.length[i] == first(Index))
        super().client_request(i, v)


@pytest.mark.slow
def test_lemmas_of_raft_hold_where_they_say_something() -> None:
    """With three servers and two leaders, one of which has its entry removed, there is a case of each."""
    size = {"Server": 3, "Value": 1, "Term": 3, "Index": 2}
    result = check(TwoLeaders(**size, early=Server(0), late=Server(1)))
    fired = {a.name: a.fired for a in result.actions}
    assert (result.verdict, result.violation, result.stopped) == (Verdict.UNDECIDED, None, BOUNDS)
    assert (result.distinct, result.depth, result.vacuous) == (13_592, 45, ())
    assert fired["remove_conflicting_entry"] == 24
