"""What is written on the command line about nodes, times and faults; what is wrong is told with its option and a caret.

Guarantees: a reader returns values that the policies take, or raises RatifiedError.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

from ratified.impl.services.endpoints import WEIGHT_MOST, Endpoint
from ratified.impl.services.simulation import Fault, Trouble
from ratified.language.errors import RatifiedError

UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000}
LONGEST_MS = 86_400_000

A_TIME = "write 500ms, 2s or 1.5s"


def wrong(option: str, text: str, at: int, length: int, why: str, remedy: str) -> NoReturn:
    """Raise an error that points at a part of an option's value."""
    carets = " " * at + "^" * max(1, length)
    raise RatifiedError(f"{option}: {why}\n  {text}\n  {carets}", remedy=remedy)


def read_ms(option: str, text: str, part: str | None = None, at: int = 0, *, least: int = 1) -> int:
    """Read a time, in milliseconds; `part` is the part of the option's value that is one, and `at` where it begins."""
    said = text if part is None else part
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m)", said, flags=re.ASCII)
    if not found:
        why = "a time is missing" if not said else f"{said!r} is not a time"
        wrong(option, text, at, len(said), why, A_TIME)
    ms = float(found[1]) * UNITS_MS[found[2]]
    if ms != int(ms):
        wrong(option, text, at, len(said), f"{said} is not a whole number of milliseconds", A_TIME)
    if not least <= ms <= LONGEST_MS:
        wrong(option, text, at, len(said), f"{said} is not in {least}ms to 1440m", A_TIME)
    return int(ms)


def read_nodes(option: str, text: str) -> tuple[Endpoint, ...]:
    """Read nodes: `a=5,b=1` or `a,b`."""
    found: dict[str, Endpoint] = {}
    at = 0
    for part in text.split(","):
        name, sign, weight = part.partition("=")
        remedy = "write NAME=WEIGHT,... as in a=5,b=1"
        if not name:
            wrong(option, text, at, len(part), "a node has no name", remedy)
        if not re.fullmatch(r"\w[\w.:-]*", name):
            wrong(
                option,
                text,
                at,
                len(name),
                f"{name!r} is not a name",
                "letters, digits, '.', ':', '-' and '_'",
            )
        if name in found:
            wrong(option, text, at, len(name), f"{name} appears twice", "each node has a name of its own")
        if sign:
            start = at + len(name) + 1
            if not re.fullmatch(r"-?\d+", weight, flags=re.ASCII):
                said = f"{weight!r} is not a weight" if weight else "a weight is missing"
                wrong(option, text, start, len(weight), f"{name}: {said}", "a weight is a whole number")
            if len(weight) > 9 or not 1 <= int(weight) <= WEIGHT_MOST:
                why = f"{name}: weight {weight} is not in 1 to {WEIGHT_MOST:,}"
                wrong(option, text, start, len(weight), why, "leave out a node that is to get nothing")
        found[name] = Endpoint(name, int(weight) if sign else 1)
        at += len(part) + 1
    return tuple(found.values())


def read_fault(trouble: Trouble, text: str, names: Sequence[str]) -> Fault:
    """Read what happens to a node, and when: `a@2s..4s`."""
    option = f"--{trouble.value}"
    remedy = "write NODE@FROM..UNTIL, as in a@2s..4s"
    name, sign, span = text.partition("@")
    if not sign:
        wrong(option, text, len(text), 1, "there is no @ that says when", remedy)
    if name not in names:
        what = f"there is no node {name!r}" if name else "a node is missing"
        wrong(option, text, 0, len(name), what, f"--nodes has {', '.join(names)}")
    start, dots, end = span.partition("..")
    at = len(name) + 1
    if not dots:
        wrong(option, text, at, len(span), "there is no .. between two times", remedy)
    after = at + len(start) + 2
    from_ms = read_ms(option, text, start, at, least=0)
    until_ms = read_ms(option, text, end, after, least=0)
    if until_ms <= from_ms:
        why = f"it ends at {end}, and begins only at {start}" if until_ms < from_ms else "it takes no time"
        wrong(option, text, at, len(span), why, remedy)
    return Fault(trouble, name, from_ms, until_ms)


def time_of(ms: int) -> str:
    """A time as it is shown."""
    return f"{ms / 1000:g} s" if ms >= 1000 else f"{ms} ms"
