"""The models of services: their states counted by both engines, their bugs refuted by runs of these lengths."""

from __future__ import annotations

import pytest

from ratified.cli.instances import instance
from ratified.cli.loading import load
from ratified.explore import check
from ratified.language.machine import OutOfBounds, PythonMachine
from ratified.models.services.balancing import SmoothWeighted
from ratified.models.services.failover import Failover
from ratified.models.services.recovery import TwoProcesses
from ratified.results.result import PropertyKind, Verdict

ENGINES = ("reference", "native")

COUNTS = [
    ("smooth-weighted", "small", 176, 13),
    ("smooth-groups", "small", 176, 13),
    ("smooth-groups", "standard", 17, 17),
    ("reweighted", "small", 28, 8),
    ("reweighted", "standard", 592, 15),
    ("smooth-clients", "small", 120, 13),
    ("changing-turns", "small", 76, 8),
    ("changing-turns", "standard", 491, 12),
    ("two-draws", "small", 20, 9),
    ("two-draws", "standard", 140, 14),
    ("ring", "small", 7, 3),
    ("ring", "standard", 63, 6),
    ("retries", "small", 31, 7),
    ("retries", "standard", 661, 11),
    ("overload", "small", 29, 11),
    ("overload", "standard", 148, 19),
    ("failover", "small", 598, 12),
    ("recovery", "small", 50, 8),
    ("recovery", "standard", 564, 10),
    ("reattachment", "small", 325, 18),
    ("reattachment", "standard", 1598, 23),
    ("kept-leases", "small", 54, 10),
    ("kept-leases", "standard", 1890, 20),
    ("keep-alive", "standard", 426, 12),
    ("lock-delay", "standard", 60, 7),
    ("max-fails", "standard", 285, 17),
    ("supervision", "standard", 358, 14),
    ("round-robin", "small", 84, 7),
    ("round-robin", "standard", 359, 8),
    ("earliest-deadline", "standard", 7, 7),
    ("least-outstanding", "small", 30, 7),
    ("least-outstanding", "standard", 140, 9),
    ("two-choices", "standard", 140, 9),
    ("bounded-ring", "small", 30, 7),
    ("bounded-ring", "standard", 245, 10),
    ("ejection", "small", 1136, 24),
    ("draining", "small", 21, 6),
    ("draining", "standard", 441, 11),
    ("hedging", "small", 16, 5),
    ("hedging", "standard", 56, 6),
    ("leader-hints", "small", 39, 4),
    ("leader-hints", "standard", 400, 5),
    ("priorities", "standard", 1200, 24),
    ("random", "small", 28, 4),
    ("weighted-random", "small", 15, 5),
    ("weighted-random", "standard", 105, 7),
    ("circuit-breaker", "small", 108, 24),
    ("circuit-breaker", "standard", 248, 23),
    ("retries-in-flight", "small", 16, 8),
    ("retries-in-flight", "standard", 58, 23),
    ("retry-budget", "small", 20, 9),
    ("throttle", "small", 46, 13),
    ("throttle", "standard", 151, 20),
    ("adaptive", "small", 20, 7),
    ("adaptive", "standard", 84, 13),
]


@pytest.mark.sampled(every=3)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("name", "size", "states", "depth"), COUNTS)
def test_what_is_right_holds(name: str, size: str, states: int, depth: int, engine: str) -> None:
    result = check(instance(load(name), size, {}), engine=engine)
    assert (result.verdict, result.distinct, result.depth) == (Verdict.HOLDS, states, depth)
    assert result.never_fired == (("recover",) if "fail" in result.switched_off else ())


REFUTED = [
    ("services-pays-its-own", "credits_add_up_to_zero", 1),
    ("services-all-of-the-heaviest", "not_far_ahead", 2),
    ("services-picks-the-dead", "who_is_down_is_not_picked", 4),
    ("services-no-sessions", "at_most_once", 3),
    ("services-forgotten-sessions", "at_most_once", 5),
    ("services-unchecked-token", "writes_take_effect_in_order", 7),
    ("services-fast-clock", "one_primary", 5),
    ("services-token-used-again", "a_token_is_of_one", 6),
    ("services-acknowledged-early", "acknowledged_is_durable", 3),
    ("services-same-start", "no_rush_at_the_beginning", 2),
    ("services-weights-not-looked-at", "the_least_is_picked", 1),
    ("services-drawn-twice", "the_busiest_is_not_picked", 2),
    ("services-bound-not-looked-at", "load_is_bounded", 3),
    ("services-limit-tested-before", "the_limit_holds", 4),
    ("services-not-longer", "each_is_longer", 5),
    ("services-never-forgiven", "all_is_forgiven_in_time", 6),
    ("services-no-panic", "somebody_is_used", 2),
    ("services-many-probes", "one_probe", 8),
    ("services-late-answers-count", "only_its_own_answers_change_it", 12),
    ("services-waiting-not-counted", "retries_are_limited", 4),
    ("services-one-too-many", "retries_are_a_share", 2),
    ("services-throttle-at-half", "no_retry_at_half", 8),
    ("services-counted-when-ended", "what_begins_counts", 1),
    ("services-refuses-at-once", "a_few_are_not_refused", 1),
    ("services-begins-alike", "no_rush_at_the_beginning", 3),
    ("services-walks-on", "each_has_the_same_probability", 1),
    ("services-share-not-paid", "nothing_is_lost", 1),
    ("services-columns-only", "each_has_its_share", 2),
    ("services-gone-too-early", "nobody_goes_too_early", 3),
    ("services-drains-anew", "time_is_not_given_again", 2),
    ("services-hedges-afterwards", "nothing_is_on_the_way_after_it", 3),
    ("services-others-run-on", "nothing_is_on_the_way_after_it", 3),
    ("services-stop-not-heard", "nothing_is_sent_to_who_asks_for_no_more", 2),
    ("services-older-term-believed", "terms_do_not_go_back", 3),
    ("services-term-not-kept", "who_is_believed_was_elected", 3),
    ("services-no-quarantine", "quarantine_is_kept", 5),
    ("services-quarantined-for-good", "all_is_forgiven_in_time", 5),
    ("services-nobody-leads", "somebody_leads", 3),
    ("services-released-by-name", "one_primary", 5),
    ("services-lease-forgotten", "one_primary", 3),
    ("services-watched-from-now", "events_are_on_their_way", 2),
    ("services-told-again", "no_event_is_told_twice", 7),
    ("services-asked-anew", "at_most_once", 6),
    ("services-answer-not-awaited", "requests_are_on_their_way", 2),
    ("services-counted-from-the-answer", "what_is_believed_is_so", 4),
    ("services-lost-again", "lost_is_told_once", 3),
    ("services-all-come-back", "probes_are_rare", 7),
    ("services-late-answer-readmits", "only_its_probe_brings_it_back", 9),
    ("services-no-lock-delay", "nobody_elses_writes_arrive", 4),
    ("services-delay-forgotten", "nobody_elses_writes_arrive", 5),
    ("services-renewal-ends", "it_goes_on_asking", 2),
    ("services-error-is-the-end", "nobody_gives_up_early", 2),
    ("services-no-grace", "nobody_gives_up_early", 2),
    ("services-cached-in-jeopardy", "what_is_cached_is_current", 2),
    ("services-comes-back", "what_is_lost_stays_lost", 9),
]


@pytest.mark.sampled(every=3)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("name", "claim", "steps"), REFUTED)
def test_what_is_wrong_is_refuted_by_a_shortest_run(name: str, claim: str, steps: int, engine: str) -> None:
    result = check(instance(load(name), "small", {}), engine=engine)
    assert result.violation is not None
    assert (result.violation.name, len(result.violation.trace.steps)) == (claim, steps)


REFUTED_SOON = [
    ("services-turns-begin-anew", "nobody_waits_longer_than_a_round", 4),
    ("services-turns-by-number", "nobody_waits_longer_than_a_round", 4),
    ("services-one-draw", "the_busiest_is_not_picked", 4),
    ("services-arriving-not-counted", "somebody_has_room", 0),
    ("services-maglev-keeps-its-turn", "counts_differ_by_one", 4),
]


@pytest.mark.parametrize(("name", "claim", "steps"), REFUTED_SOON)
def test_what_is_wrong_with_balancing_is_refuted_too(name: str, claim: str, steps: int) -> None:
    result = check(instance(load(name), "small", {}), engine="reference")
    assert result.violation is not None
    assert (result.violation.name, len(result.violation.trace.steps)) == (claim, steps)


@pytest.mark.parametrize(
    ("name", "claim"),
    [
        ("services-forgets-the-light", "nobody_starves"),
        ("services-reweighted-begins-anew", "nobody_starves"),
        ("services-metastable", "heals"),
        ("services-restart-loop", "it_comes_to_rest"),
    ],
)
def test_what_never_comes_is_refuted_by_a_run_that_repeats(name: str, claim: str) -> None:
    result = check(instance(load(name), "small", {}))
    assert result.violation is not None
    assert (result.violation.kind, result.violation.name) == (PropertyKind.LIVENESS, claim)
    assert result.violation.trace.loop is not None


def test_clients_that_look_at_their_own_attempts_only_are_too_many() -> None:
    result = check(instance(load("services-unlimited-retries"), "small", {"attempts": "4"}))
    assert result.violation is not None
    assert (result.violation.name, len(result.violation.trace.steps)) == ("within_the_budget", 4)


def test_two_processes_on_one_folder_lose_what_was_acknowledged() -> None:
    result = check(TwoProcesses(Process=2, Entry=2), claims=["acknowledged_is_durable"])
    assert result.violation is not None
    assert [step.action for step in result.violation.trace.steps] == [
        "start",
        "start",
        "append",
        "write",
        "acknowledge",
        "write",
    ]


def test_a_watch_that_begins_with_what_is_new_leaves_out_what_was_missed() -> None:
    result = check(instance(load("services-watched-from-now"), "small", {}), claims=["no_event_is_left_out"])
    assert result.violation is not None
    assert [step.action for step in result.violation.trace.steps] == [
        "happen",
        "reattach",
        "happen",
        "send",
        "receive",
    ]


def test_dealing_keys_by_their_number_moves_those_of_nodes_that_stay() -> None:
    result = check(
        instance(load("services-hash-modulo"), "small", {}), claims=["a_change_moves_only_what_it_must"]
    )
    assert result.violation is not None
    assert len(result.violation.trace.steps) == 1


def test_maglev_is_even_for_all_orders() -> None:
    """All 400 pairs of orders of 5 places, each filled once and once more after a node has gone; of three nodes 8,000."""
    result = check(instance(load("maglev"), "small", {}), engine="native")
    assert (result.verdict, result.distinct, result.depth) == (Verdict.HOLDS, 7_221, 14)
    result = check(instance(load("maglev"), "standard", {}), engine="native")
    assert (result.verdict, result.distinct, result.depth) == (Verdict.HOLDS, 192_421, 15)


def test_maglevs_own_example() -> None:
    """Seven places, offsets and skips (3, 4), (0, 2), (3, 1): b1 b0 b1 b0 b2 b2 b0; and without the second node."""
    machine = PythonMachine(instance(load("maglev"), None, {"Node": "3", "Place": "7"}))
    (state,) = [s for _, s in machine.initial() if not isinstance(s, OutOfBounds)]
    orders = [(3, 4), (0, 2), (3, 1)]
    for step in [*orders, *[()] * 7, "go", *[()] * 7]:
        wanted = ("go", (1,)) if step == "go" else ("choose", step) if step else ("take", ())
        (state,) = [
            after
            for action, arguments, after in machine.steps(state)
            if machine.actions[action].name == wanted[0]
            and tuple(map(int, arguments[-len(wanted[1]) :] if wanted[1] else ())) == wanted[1]
            and not isinstance(after, OutOfBounds)
        ]
    names = [d.name for d in machine.module.variables]
    found = dict(zip(names, state, strict=True))
    assert [repr(n) for n in found["before"].values()] == ["b1", "b0", "b1", "b0", "b2", "b2", "b0"]
    assert [repr(n) for n in found["table"].values()] == ["b0", "b0", "b0", "b0", "b2", "b2", "b2"]


def test_turns_are_those_of_the_policy() -> None:
    """The model is deterministic while nobody fails: it picks a a b a c a a at weights 5, 1, 1."""
    model = instance(
        SmoothWeighted, None, {"Node": "3", "weights": "{n1: 5, n2: 1, n3: 1}", "failures": "false"}
    )
    result = check(model)
    assert (result.verdict, result.distinct, result.out_degree) == (Verdict.HOLDS, 8, (1, 1.0, 1))


def test_a_lease_alone_is_enough_only_without_delay() -> None:
    """Writes come in any order: without the token an old primary's take effect after a newer one's, though none lead together."""
    result = check(instance(load("services-unchecked-token"), "small", {}), claims=["one_primary"])
    assert result.verdict is Verdict.HOLDS
    assert check(Failover(Node=2, tokens=2, drift=0)).verdict is Verdict.HOLDS
