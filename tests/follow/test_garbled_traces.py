"""Whatever stands in a trace where something else should: an error that is told, or a mismatch, and nothing that conforms."""

from __future__ import annotations

import copy
import io
import json
from random import Random
from typing import Any

import pytest

from ratified.bundled.conformance import PROTOCOLS
from ratified.conform.simulation import simulated
from ratified.follow.binding import Event, EventError
from ratified.follow.follower import Follower
from ratified.language.machine import StepError

WRONG: list[Any] = [None, True, -1, 10**30, 1.5, "", "n9", [], [[]], {}, {"type": "Entry"}]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [p for key, inner in items for p in ((*path, key), *places(inner, (*path, key)))]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_but_an_error_comes_of_what_makes_no_sense(protocol: str) -> None:
    record = io.StringIO()
    simulated(PROTOCOLS[protocol], 1, steps=150, record=record)
    events = [json.loads(line) for line in record.getvalue().splitlines()]
    random = Random(0)  # to repeat runs, not to keep secrets
    told = 0
    for _ in range(60):
        number = random.randrange(len(events))
        event = copy.deepcopy(events[number])
        path = random.choice(
            [p for p in places(event) if p[0] in ("arguments", "variables") and len(p) > 1] or [()]
        )
        if not path:
            continue
        inner = event
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = random.choice(WRONG)
        follower = Follower(PROTOCOLS[protocol].binding())
        try:
            for e in [*events[:number], event]:
                asked = e.get("arguments", {})
                follower.step(
                    Event(e["action"], asked, e["node"], e.get("variables"), e.get("certain", True))
                )
            told += follower.is_over
        except (EventError, StepError):
            told += 1
    assert told > 16
