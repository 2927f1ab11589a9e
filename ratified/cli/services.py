"""What is written on the command line about nodes, times and faults; what is wrong is told with its option and a caret.

Guarantees: a reader returns values that the policies take, or raises RatifiedError.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

from ratified.impl.services.endpoints import PRIORITY_MOST, WEIGHT_MOST, Endpoint
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


NAME = r"\w[\w.:-]*"
LETTERS = "letters, digits, '.', ':', '-' and '_'"
A_NODE = "write NAME=WEIGHT,... as in a=5,b=1; with a zone and a level, a=5@east/1"


def read_nodes(option: str, text: str) -> tuple[Endpoint, ...]:
    """Read nodes: `a=5,b=1`, `a,b`, or with zones and levels of priority, `a=5@east,b@west/1`."""
    found: dict[str, Endpoint] = {}
    at = 0
    for part in text.split(","):
        rest, slash, level = part.partition("/")
        rest, sign, zone = rest.partition("@")
        name, equals, weight = rest.partition("=")
        if not name:
            wrong(option, text, at, len(part), "a node has no name", A_NODE)
        if not re.fullmatch(NAME, name):
            wrong(option, text, at, len(name), f"{name!r} is not a name", LETTERS)
        if name in found:
            wrong(option, text, at, len(name), f"{name} appears twice", "each node has a name of its own")
        behind = at + len(name) + 1
        heavy = _number(option, text, behind, f"{name}: ", "weight", weight, 1, WEIGHT_MOST) if equals else 1
        behind = at + len(rest) + 1
        if sign and not re.fullmatch(NAME, zone):
            why = f"{name}: {zone!r} is not a zone" if zone else f"{name}: a zone is missing"
            wrong(option, text, behind, len(zone), why, LETTERS)
        behind += len(zone) + len(sign)
        first = _number(option, text, behind, f"{name}: ", "level", level, 0, PRIORITY_MOST) if slash else 0
        found[name] = Endpoint(name, heavy, zone, first)
        at += len(part) + 1
    return tuple(found.values())


REMEDIES = {"weight": "leave out a node that is to get nothing", "level": "level 0 is asked first"}


def _number(option: str, text: str, at: int, of: str, what: str, said: str, least: int, most: int) -> int:
    """Read a whole number that stands somewhere in an option's value."""
    if not re.fullmatch(r"-?\d+", said, flags=re.ASCII):
        why = f"{said!r} is not a {what}" if said else f"a {what} is missing"
        wrong(option, text, at, len(said), of + why, f"a {what} is a whole number")
    if len(said) > 9 or not least <= int(said) <= most:
        wrong(option, text, at, len(said), f"{of}{what} {said} is not in {least} to {most:,}", REMEDIES[what])
    return int(said)


def read_zone(option: str, text: str, nodes: Sequence[Endpoint]) -> str:
    """Read the zone of a client, in which there are nodes."""
    zones = list(dict.fromkeys(node.zone for node in nodes if node.zone))
    if text not in zones:
        remedy = f"--nodes has {', '.join(zones)}" if zones else "say where nodes are: --nodes a@east,b@west"
        wrong(option, text, 0, len(text), f"there is no node in zone {text!r}", remedy)
    return text


def node_text(node: Endpoint) -> str:
    """A node as it is written."""
    zone = f"@{node.zone}" if node.zone else ""
    return f"{node.name}={node.weight}{zone}" + (f"/{node.priority}" if node.priority else "")


def read_fault(trouble: Trouble, text: str, names: Sequence[str]) -> Fault:
    """Read what happens to a node, and when: `a@2s..4s`."""
    option = f"--{trouble.value}"
    remedy = "write NODE@FROM..UNTIL, as in a@2s..4s"
    name, sign, span = text.partition("@")
    if not sign:
        wrong(option, text, len(text), 1, "the time is missing: there is no @", remedy)
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
        why = f"it ends at {end}, before it starts at {start}" if until_ms < from_ms else "it takes no time"
        wrong(option, text, at, len(span), why, remedy)
    return Fault(trouble, name, from_ms, until_ms)


def time_of(ms: int) -> str:
    """A time as it is shown."""
    return f"{ms / 1000:g} s" if ms >= 1000 else f"{ms} ms"
