"""The models of services: their states counted by both engines, their bugs refuted by runs of these lengths."""

from __future__ import annotations

import pytest

from ratified.cli.instances import instance
from ratified.cli.loading import load
from ratified.explore import check
from ratified.models.services.balancing import SmoothWeighted
from ratified.models.services.failover import Failover
from ratified.models.services.recovery import TwoProcesses
from ratified.results.result import PropertyKind, Verdict

ENGINES = ("reference", "native")

COUNTS = [
    ("smooth-weighted", "small", 176, 13),
    ("retries", "small", 31, 7),
    ("retries", "standard", 661, 11),
    ("overload", "small", 29, 11),
    ("overload", "standard", 148, 19),
    ("failover", "small", 598, 12),
    ("recovery", "small", 50, 8),
    ("recovery", "standard", 564, 10),
    ("supervision", "standard", 358, 14),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("name", "size", "states", "depth"), COUNTS)
def test_what_is_right_holds(name: str, size: str, states: int, depth: int, engine: str) -> None:
    result = check(instance(load(name), size, {}), engine=engine)
    assert (result.verdict, result.distinct, result.depth) == (Verdict.HOLDS, states, depth)
    assert result.never_fired == ()


REFUTED = [
    ("services-pays-its-own", "credits_add_up_to_zero", 1),
    ("services-all-of-the-heaviest", "near_its_share", 5),
    ("services-picks-the-dead", "who_is_down_is_not_picked", 4),
    ("services-no-sessions", "at_most_once", 3),
    ("services-forgotten-sessions", "at_most_once", 5),
    ("services-unchecked-token", "writes_take_effect_in_order", 7),
    ("services-fast-clock", "one_primary", 5),
    ("services-token-used-again", "a_token_is_of_one", 6),
    ("services-acknowledged-early", "acknowledged_is_durable", 3),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("name", "claim", "steps"), REFUTED)
def test_what_is_wrong_is_refuted_by_a_shortest_run(name: str, claim: str, steps: int, engine: str) -> None:
    result = check(instance(load(name), "small", {}), engine=engine)
    assert result.violation is not None
    assert (result.violation.name, len(result.violation.trace.steps)) == (claim, steps)


@pytest.mark.parametrize(
    ("name", "claim"),
    [
        ("services-forgets-the-light", "nobody_starves"),
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
