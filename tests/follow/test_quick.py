"""Short ways through usual events change nothing but the time: the same states, counts and mismatches, the same frozen values."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, replace
from random import Random
from typing import Annotated, Any

import pytest

from ratified import Map, Model, Param, Range, Sort, action, invariant, require, step_invariant
from ratified.follow.binding import Binding, Event, Observed
from ratified.follow.quick import Quick
from ratified.follow.steps import Do, Steps, attempt, do, either, holds, refused, repeat
from ratified.follow.tracker import Tracker


class Counter(Sort):
    """Counts."""


class Counters(Model):
    """Counters that never stand at seven, and of which the first is never taken back by itself."""

    most: Param[int] = 8
    count: Map[Counter, Annotated[int, Range(0, "most")]]

    @action
    def up(self, c: Counter, by: Annotated[int, Range(1, 3)]) -> None:
        self.count[c] += by

    @action
    def down(self, c: Counter) -> None:
        require(self.count[c] > 0)
        self.count[c] -= 1

    def even(self, c: Counter) -> bool:
        return self.count[c] % 2 == 0

    @invariant
    def not_seven(self) -> bool:
        return all(self.count[c] != 7 for c in Counter)

    @step_invariant
    def not_from_five(self, old: Counters) -> bool:
        return all(old.count[c] != 5 or self.count[c] != 4 for c in Counter)


class Drawing(Binding):
    """An event stands for steps that are drawn by its number; of some it shows a counter."""

    def model(self) -> Counters:
        return Counters(Counter=2)

    def on_event(self, seed: int) -> Steps:
        return drawn(Random(seed), 2)

    def observe(self, node: str, variables: Mapping[str, Any]) -> Observed:
        return {("count", Counter(n)): at for n, at in enumerate(variables.get("counts", ()))}


def drawn(random: Random, depth: int) -> Steps:
    c = Counter(random.randrange(2))
    step: Do = random.choice((do("up", c=c, by=random.randint(1, 4)), do("down", c=c)))
    if random.random() < 0.05:
        step = do("up", c=c)
    kind = random.randrange(8 if depth else 4)
    if kind < 2:
        return step
    if kind == 2:
        return random.choice((attempt, refused))(step)
    if kind == 3:
        return holds("even", c, expected=random.random() < 0.5)
    parts = [drawn(random, depth - 1) for _ in range(random.randint(0, 3))]
    if kind == 4:
        return repeat(step, 2)
    return tuple(parts) if kind < 7 else either(*parts)


def followed(seed: int, *, quickly: bool) -> list[object]:
    tracker = Tracker(Drawing(), claims_every=seed % 3)
    tracker._is_plain = quickly
    random = Random(seed)
    told: list[object] = []
    for _ in range(8):
        shown = {"counts": [random.randrange(4)]} if random.random() < 0.1 else {}
        tracker.step(Event("event", {"seed": random.randrange(10**6)}, "", shown))
        result = tracker.result
        told.append(
            (
                tracker.states,
                result.verdict,
                result.steps,
                dict(result.actions),
                result.mismatch,
                result.stopped,
            )
        )
    return told


def test_a_short_way_comes_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    found, lead = [], Quick.lead

    def noting(
        self: Quick, event: Event, steps: Steps, state: tuple[object, ...]
    ) -> tuple[object, ...] | None:
        found.append(lead(self, event, steps, state))
        return found[-1]

    monkeypatch.setattr(Quick, "lead", noting)
    for seed in range(300):
        assert followed(seed, quickly=True) == followed(seed, quickly=False), seed
    led = sum(f is not None for f in found)
    assert (len(found), led) == (559, 202)


def test_a_value_that_is_quickly_made_is_as_any_other() -> None:
    class Named(Event):
        """An event of one's own."""

    event = Event("lock", node="n1", line=3)
    assert repr(event) == (
        "Event(action='lock', arguments={}, node='n1', variables=None, certain=True, line=3, source=None, clock=None)"
    )
    assert event.arguments is not Event("lock").arguments
    for same in (
        copy.copy(event),
        pickle.loads(pickle.dumps(event)),  # noqa: S301  # made here
        replace(replace(event, line=4), line=3),
    ):
        assert same == event
        assert type(same) is Event
    assert Named("lock").arguments == {}
    assert do("up", by=1) == Do(action="up", arguments={"by": 1})
    for value in (event, do("up")):
        with pytest.raises(FrozenInstanceError, match="cannot assign to field 'action'"):
            value.action = "other"  # type: ignore[misc]  # what is refused
    with pytest.raises(
        TypeError, match=r"Event.__init__\(\) missing 1 required positional argument: 'action'"
    ):
        Event()  # type: ignore[call-arg]  # the same
