"""The clocks by which events of several nodes are ordered: vector clocks, hybrid logical clocks, wall clocks with an error.

A clock says of two events that one came before the other, or that their order is not known. Vector clocks know exactly what may
have caused what (Fidge 1988, Mattern 1989). Hybrid logical clocks (Kulkarni et al., 2014) number events so that causes come
before what they cause; by their stamps events are ordered, and only equal ones are not. Wall clocks that are at most `error`
seconds from the true time order what is more than twice that apart.

Guarantees: frozen values; what is no stamp, and a clock that runs backwards, is a TraceError with its place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ratified.follow.binding import Event
from ratified.follow.source import TraceError
from ratified.language.errors import RatifiedError

SECONDS: Final[Mapping[str, float]] = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}

ClockStamp = tuple[Any, ...]
"""Of a vector clock ((node, count), ...); of a hybrid one (wall, counter); of a wall clock (seconds,)."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A kind of clock and where events have it: a field of their own, or an argument or variable. `error` is in seconds."""

    kind: str  # vector, hlc or wall
    field: str
    unit: float = 1.0
    error: float = 0.0

    def stamp(self, event: Event) -> ClockStamp:
        """Return the stamp of an event. Raises TraceError."""
        place = f"{event.source}:{event.line}"
        value = event.clock
        for fields in (event.arguments, event.variables or {}):
            if value is None:
                value = fields.get(self.field)
        if value is None:
            raise TraceError(
                f"{place}: the event has no clock {self.field!r}",
                remedy="it may be a field of the event, of its arguments, or of its variables",
            )
        found = {"vector": _vector, "hlc": _hybrid, "wall": _wall}[self.kind](value)
        if found is None:
            wanted = {
                "vector": 'an object of counts: {"n1": 3, "n2": 1}',
                "hlc": "a list of a time and a counter: [1700000000000, 2]",
                "wall": "a number, or a time as ISO 8601 has it",
            }[self.kind]
            raise TraceError(f"{place}: the clock {self.field!r} is {value!r:.60}, not {wanted}")
        return found

    def before(self, one: ClockStamp, other: ClockStamp) -> bool:
        """Whether an event with the one stamp is known to have come before an event of another node with the other."""
        if self.kind == "vector":
            return one != other and _within(one, other)
        if self.kind == "hlc":
            return one < other
        return bool((other[0] - one[0]) * self.unit > 2 * self.error)

    def runs_backwards(self, earlier: ClockStamp, later: ClockStamp) -> bool:
        """Whether two stamps of one node, in the order of its file, cannot be those of one clock."""
        if self.kind == "vector":
            return not _within(earlier, later)
        if self.kind == "hlc":
            return later < earlier
        return bool((earlier[0] - later[0]) * self.unit > 2 * self.error)

    def order(self, stamp: ClockStamp) -> tuple[float, ...]:
        """A number by which events can be sorted so that what is before comes before."""
        return (sum(count for _, count in stamp),) if self.kind == "vector" else stamp


def read_clock(text: str, error: str | None) -> Clock:
    """Return the clock that is meant by `vector:FIELD`, `hlc:FIELD`, `wall:FIELD` or `wall:FIELD:ms`. Raises RatifiedError."""
    kind, _, rest = text.partition(":")
    field, _, unit = rest.partition(":")
    if kind not in ("vector", "hlc", "wall") or not field or (unit and kind != "wall"):
        raise RatifiedError(
            f"{text!r} is not a clock", remedy="vector:FIELD, hlc:FIELD, wall:FIELD, or wall:FIELD:ms"
        )
    if unit and unit not in SECONDS:
        raise RatifiedError(f"{unit!r} is not a unit of time", remedy=f"units are {', '.join(SECONDS)}")
    if kind == "wall" and error is None:
        raise RatifiedError(
            "wall clocks need --error, the most that they may be off",
            remedy="--error 5ms, or --error 0s if they agree",
        )
    if kind != "wall" and error is not None:
        raise RatifiedError(f"--error is for wall clocks, not for {kind}")
    return Clock(kind, field, SECONDS[unit or "s"], read_duration(error) if error is not None else 0.0)


def read_duration(text: str) -> float:
    """Return seconds, of `5ms`. Raises RatifiedError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|ms|us|ns)", text)
    if found is None:
        raise RatifiedError(f"{text!r} is not a duration", remedy="write 5ms, 0.5s, 200us")
    return float(found[1]) * SECONDS[found[2]]


def _within(one: ClockStamp, other: ClockStamp) -> bool:
    counts = dict(other)
    return all(count <= counts.get(node, 0) for node, count in one)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _vector(value: Any) -> ClockStamp | None:
    if not isinstance(value, dict) or not all(type(c) is int and c >= 0 for c in value.values()):
        return None
    return tuple(sorted((n, c) for n, c in value.items() if c))


def _hybrid(value: Any) -> ClockStamp | None:
    if not isinstance(value, list) or len(value) < 2 or not all(map(_is_number, value[:2])):
        return None
    return (value[0], value[1])


def _wall(value: Any) -> ClockStamp | None:
    if isinstance(value, str):
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            return None
        return ((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp(),)
    return (value,) if _is_number(value) else None
