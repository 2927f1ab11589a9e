"""Cores beside a plain reference; each reference is shown cores that do not do what is due."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from ratified.bundled.conformance import PROTOCOLS
from ratified.conform.mutants import planted
from ratified.conform.reference import BackToBack, finder
from ratified.conform.simulation import simulated
from ratified.conform.stress import stressed
from ratified.conform.suite import nodes_of
from ratified.conformance.multipaxos.hidden import HIDDEN as HIDDEN_IN_MULTI_PAXOS
from ratified.conformance.raft.hidden import HIDDEN as HIDDEN_IN_RAFT
from ratified.impl.contract import Campaign, Core, Effects, Input, Tick
from ratified.impl.raft.messages import HardState
from ratified.impl.system import BrokenPromise

NAMES = ("n1", "n2", "n3")
LATE = {
    "old-snapshot-loaded": 40,
    "snapshot-vouches-for-log": 6,
    "leaves-joint-without-learners": 0,
    "learners-elect": 0,
    "hasty-hand-over": 0,
    "new-leader-reads-early": 0,
}
"""Bugs that the model allows, in calm too, or that only rare state shows; and a seed soon after which they are caught."""


def begun(protocol: str) -> tuple[Core, BackToBack]:
    """A node that has just started, and what watches it."""
    held = PROTOCOLS[protocol]
    assert held.reference is not None
    system = held.system(0)
    durable = system.bootstrap("n1", NAMES)
    core = system.make("n1", durable, Random(1), None)
    inspector = BackToBack(held.reference)
    inspector.started(core, durable)
    return core, inspector


def told(protocol: str, *events: Input, spoilt: Callable[[Effects], Effects] = lambda e: e) -> str:
    """What is said of the last of these inputs, whose effects are spoilt."""
    core, inspector = begun(protocol)
    for event in events[:-1]:
        inspector.stepped(core, event, core.step(event))
    with pytest.raises(BrokenPromise) as error:
        inspector.stepped(core, events[-1], spoilt(core.step(events[-1])))
    return str(error.value)


def test_what_is_not_said_is_told() -> None:
    said = told("raft", Tick(40), spoilt=lambda effects: replace(effects, sends=effects.sends[:-1]))
    assert said.startswith(
        "what is due: n1, given Tick(ticks=40): what it sends lacks Send(to='n3', message="
    )
    said = told("multi-paxos", Campaign(), spoilt=lambda effects: replace(effects, token=7))
    assert said == "what is due: n1, given Campaign(): token is 7, and should be 1"


def test_what_is_said_without_need_is_told() -> None:
    said = told("raft", Tick(40), spoilt=lambda effects: replace(effects, sends=effects.sends * 2))
    assert said.startswith("what is due: n1, given Tick(ticks=40): it sends Send(to='n2', message=")
    assert said.endswith(", and should not (and 1 more)")


def test_the_order_of_messages_is_nobodys_business() -> None:
    core, inspector = begun("raft")
    effects = core.step(Tick(40))
    inspector.stepped(core, Tick(40), replace(effects, sends=effects.sends[::-1]))


def test_what_is_seen_is_compared_too() -> None:
    core, inspector = begun("raft")
    effects = core.step(Tick(40))
    core.state.commit = 3  # type: ignore[attr-defined]  # the contract does not know it
    with pytest.raises(BrokenPromise, match=r": commit is 3, and should be 0$"):
        inspector.stepped(core, Tick(40), effects)


def test_what_no_correct_node_says_is_told_as_such() -> None:
    class Refuses:
        def step(self, event: Input) -> list[str]:
            raise KeyError("x")

        def differences(self, core: Core, effects: Effects) -> list[str]:
            return []

    core, _ = begun("raft")
    inspector = BackToBack(lambda *_: Refuses())
    inspector.started(core, PROTOCOLS["raft"].system(0).bootstrap("n1", NAMES))
    with pytest.raises(
        BrokenPromise, match=r"n1, given Tick\(ticks=1\): no correct node says that \(KeyError"
    ):
        inspector.stepped(core, Tick(1), core.step(Tick(1)))


def test_who_finds_what_is_broken() -> None:
    assert finder("what is due: n1, given Tick(ticks=1): ...") == "reference"
    assert finder("no exception: n1 raised KeyError(1)") == "exception"


@pytest.mark.parametrize(("bug", "first"), LATE.items())
def test_what_the_model_allows_is_caught(bug: str, first: int) -> None:
    assert caught("raft", bug, 20, first) == "reference"


@pytest.mark.parametrize(
    ("protocol", "bug"),
    [
        pytest.param(protocol, bug, marks=pytest.mark.long(suite="conform"))
        for protocol, bugs in (("raft", HIDDEN_IN_RAFT), ("multi-paxos", HIDDEN_IN_MULTI_PAXOS))
        for bug in bugs
    ],
)
@pytest.mark.parametrize("seed", [0, 10_000, 20_000, 30_000, 40_000])
def test_every_hidden_bug_is_caught_from_any_seed(protocol: str, bug: str, seed: int) -> None:
    assert caught(protocol, bug, 120, seed)


def caught(protocol: str, bug: str, seeds: int, first: int = 0) -> str | None:
    """Who catches a bug within so many runs of either kind."""
    with planted(PROTOCOLS[protocol].mutants()[bug]):
        for seed in range(first, first + seeds):
            for kind in (stressed, simulated):
                run = kind(PROTOCOLS[protocol], seed, nodes=nodes_of(seed), claims_every=50)
                if run.found:
                    return run.found
    return None


def test_a_node_is_held_to_its_reference_in_every_life() -> None:
    core, inspector = begun("raft")
    with pytest.raises(BrokenPromise, match=r"^what is due: n1, which starts: term is 0, and should be 5$"):
        inspector.started(
            core, replace(PROTOCOLS["raft"].system(0).bootstrap("n1", NAMES), record=HardState(5, None))
        )
