"""What was seen is changed in one place, over a hundred times: nothing that a binding compares may be changed unnoticed."""

from __future__ import annotations

import copy
import io
import json
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from ratified.bundled.conformance import PROTOCOLS
from ratified.conform.simulation import simulated
from ratified.follow.binding import Event, EventError
from ratified.follow.follower import Follower
from ratified.results.result import Verdict

Json = Any
Path = tuple[Any, ...]

COMPARED = {
    ("variables", "term"),
    ("variables", "voted_for"),
    ("variables", "role"),
    ("variables", "leader"),
    ("variables", "commit"),
    ("variables", "log_start"),
    ("variables", "log"),
    ("variables", "voters"),
    ("variables", "match"),
    ("arguments", "record"),
    ("arguments", "entries"),
}
"""Of Raft's traces. What else is in them is a hint, what a node thinks of others, or of messages that nothing came of."""


def leaves(value: Json, path: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Whatever is neither an object nor a list, and where."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from leaves(inner, (*path, key))
    else:
        yield path, value


def another(value: Json, random: Random) -> Json:
    """Another value of its kind, that could be there."""
    if value is None or value in ("n1", "n2", "n3"):
        return random.choice([n for n in ("n1", "n2", "n3") if n != value])
    if isinstance(value, bool):
        return not value
    return value + random.choice((-1, 1, 2)) if isinstance(value, int) else f"{value}?"


def changed(event: Json, path: Path, value: Json) -> Json:
    """The event with another value in one place."""
    event = copy.deepcopy(event)
    inner = event
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return event


def conforms(events: list[Json]) -> bool:
    """Whether the model explains them all."""
    follower = Follower(PROTOCOLS["raft"].binding())
    try:
        for e in events:
            follower.step(
                Event(
                    e["action"], e.get("arguments", {}), e["node"], e.get("variables"), e.get("certain", True)
                )
            )
    except EventError:
        return False
    return follower.result.verdict is Verdict.HOLDS


@pytest.mark.parametrize("seed", [0, 1, 3])
def test_nothing_that_is_compared_is_changed_unnoticed(seed: int) -> None:
    record = io.StringIO()
    simulated(PROTOCOLS["raft"], seed, steps=250, record=record)
    events = [json.loads(line) for line in record.getvalue().splitlines()]
    assert conforms(events)
    random = Random(seed)  # to repeat runs, not to keep secrets
    places = [
        (number, path, value)
        for number, event in enumerate(events)
        for path, value in leaves(event)
        if path[:2] in COMPARED
    ]
    seen = [(e["node"], e["variables"]) for e in events if "variables" in e]
    leads = {(v["term"], node) for node, v in seen if v["role"] == "leader"}
    unnoticed: Counter[str] = Counter()
    for number, path, value in random.sample(places, 120)[:50]:
        event = changed(events[number], path, now := another(value, random))
        if path[-1] == "leader" and (event["variables"]["term"], now) in leads:
            continue  # one that has forgotten who leads is told
        if conforms([*events[:number], event, *events[number + 1 :]]):
            unnoticed[f"{number} {event['action']} {path} {value}"] += 1
    assert not unnoticed
