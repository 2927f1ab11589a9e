"""Traces in files: the events that an implementation reported, one per line.

    {"node": "n1", "action": "promise", "arguments": {"ballot": [3, "n2"]}, "variables": {"promised": [3, "n2"]}}

`node`, `arguments` and `variables` are optional. `"certain": false` marks an event that a crash may have undone. The first
line may be a heading, `{"trace": "paxos", ...}`, whose fields are for the binding.

Guarantees: at most one line is in memory; an invalid line is a TraceError with its number, and nothing is skipped silently.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

from ratified.follow.binding import Event
from ratified.follow.made import maker
from ratified.follow.source import TraceError, Wait, lines
from ratified.follow.strict import RepeatedKeyError, once
from ratified.impl.text import plain

BACKSLASH: Final = ord("\\")  # a number is found in bytes several times as quickly as bytes are

FIELDS: Final[Mapping[str, type]] = {
    "node": str,
    "action": str,
    "arguments": dict,
    "variables": dict,
    "certain": bool,
}


def read_trace(
    path: Path, wait: Wait | None = None, clock: str | None = None
) -> tuple[Mapping[str, Any], Iterator[Event]]:
    """Return the heading of a source and its events. It is opened once, so that it may be a pipe. Raises TraceError.

    With `wait`, lines appended to a file are read too, until `wait` returns false. With `clock`, events may have a field of
    that name, and say which file they are from.
    """
    found = lines(path, wait)
    first = next(found, None)
    return _heading(first, path), _events(chain([] if first is None else [first], found), path, clock)


def read_events(path: Path) -> Iterator[Event]:
    """Yield the events of a file. Raises TraceError, with its number, for an invalid line."""
    return _events(lines(path), path)


def read_heading(path: Path) -> Mapping[str, Any]:
    """Return the heading of a file; empty if it has none. Raises TraceError."""
    return _heading(next(lines(path), None), path)


def _events(numbered: Iterable[tuple[int, bytes]], path: Path, clock: str | None = None) -> Iterator[Event]:
    quickly = _quick_reader() if clock is None else None
    for number, text in numbered:
        if quickly is not None:
            told = quickly(text, number)
            if told is not None:
                yield told
                continue
        event = _parsed(text, f"{path}:{number}")
        if clock is not None and "action" in event:
            time = None if clock in FIELDS else event.pop(clock, None)
            yield replace(_event(event, number, f"{path}:{number}"), source=str(path), clock=time)
            continue
        if "trace" not in event or number > 1:
            yield _event(event, number, f"{path}:{number}")


def _quick_reader() -> Callable[[bytes, int], Event | None] | None:
    """What reads a line in which nothing is wrong, if msgspec is there; None for any other: `_parsed` says what it is."""
    try:
        import msgspec
    except ImportError:
        return None
    line: Any = msgspec.defstruct(
        "Line",
        [
            ("action", str),
            ("arguments", dict[str, Any] | msgspec.UnsetType, msgspec.UNSET),
            ("node", str | msgspec.UnsetType, msgspec.UNSET),
            ("variables", dict[str, Any] | msgspec.UnsetType, msgspec.UNSET),
            ("certain", bool | msgspec.UnsetType, msgspec.UNSET),
        ],
        forbid_unknown_fields=True,
    )
    decode: Callable[[bytes], Any] = msgspec.json.Decoder(line).decode
    encode = msgspec.json.Encoder().encode
    made = maker(Event)
    wrong, unset = (msgspec.MsgspecError, RecursionError, OverflowError), msgspec.UNSET

    def read(text: bytes, number: int) -> Event | None:
        if BACKSLASH in text:
            return None
        try:
            told = decode(text)
            arguments, node, variables, certain = told.arguments, told.node, told.variables, told.certain
            # A key that came twice was left out. Where nothing is escaped texts stand as they are, so that a line has as
            # many colons as keys that were read, those in texts aside, or else as it has when it is written again.
            missing = text.count(b":") - 1
            if arguments is unset:
                arguments = {}
            else:
                missing -= 1 + len(arguments)
                for value in arguments.values():
                    if type(value) is dict:
                        missing -= len(value)
            if variables is unset:
                variables = None
            else:
                missing -= 1 + len(variables)
                for value in variables.values():
                    if type(value) is dict:
                        missing -= len(value)
            if node is unset:
                node = ""
            else:
                missing -= 1
            if certain is unset:
                certain = True
            else:
                missing -= 1
            if missing and encode(told).count(b":") != text.count(b":"):
                return None
        except wrong:
            return None
        return made(told.action, arguments, node, variables, certain, number, None, None)

    return read


def _heading(first: tuple[int, bytes] | None, path: Path) -> Mapping[str, Any]:
    if first is None or first[0] > 1:
        return {}
    heading = _parsed(first[1], f"{path}:1")
    if "trace" not in heading:
        return {}
    nodes = heading.get("nodes", ["n1"])
    if not _are_names(nodes):
        raise TraceError(
            f"{path}:1: 'nodes' are the names of the nodes, each once, not {json.dumps(nodes):.40}"
        )
    voters = heading.get("voters", [])
    if not (voters == [] or _are_names(voters)) or not set(voters) <= set(nodes):
        raise TraceError(f"{path}:1: 'voters' are some of the nodes, each once, not {json.dumps(voters):.40}")
    return heading


def _are_names(given: object) -> bool:
    return (
        isinstance(given, list)
        and bool(given)
        and all(isinstance(n, str) for n in given)
        and len(set(given)) == len(given)
    )


class _ConstantError(ValueError):
    """A number of Python's that JSON does not have."""


def _constant(name: str) -> None:
    raise _ConstantError(f"{name} is not a number")


_decode = json.JSONDecoder(object_pairs_hook=once, parse_constant=_constant).decode


def _parsed(raw: bytes, where: str) -> dict[str, Any]:
    try:
        text = raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise TraceError(f"{where}: the line is not UTF-8 text") from None
    try:
        event = _decode(text)
        if "\\ud" in text or "\\uD" in text:
            json.dumps(event, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise TraceError(f"{where}: a text has half of a character that takes two") from None
    except json.JSONDecodeError as error:
        raise TraceError(
            f"{where}: the line is not JSON at column {error.colno}",
            remedy=f"{_cut(raw)}\n\n{_pointed(text.rstrip(), error.colno)}",
        ) from None
    except (RepeatedKeyError, _ConstantError) as error:
        raise TraceError(f"{where}: {error}") from None
    except RecursionError:
        raise TraceError(f"{where}: the line is nested too deeply") from None
    except ValueError:  # of int, for thousands of digits
        raise TraceError(f"{where}: a number has too many digits") from None
    if not isinstance(event, dict):
        raise TraceError(
            f"{where}: the line is not an object", remedy='each line is an event: {"action": ...}'
        )
    return event


def _cut(raw: bytes) -> str:
    """What to do about a line that is not JSON."""
    if raw.endswith(b"\n"):
        return "was it cut? each line is one object"
    return "the trace ends within this line: leave it out (head -n -1), or wait for the rest with --follow"


def _pointed(text: str, column: int, width: int = 72) -> str:
    """A piece of a line around a column, counted from 1, and a caret under that."""
    start = max(0, column - 1 - width // 2)
    piece = text[start : start + width]
    shown = "".join(c if c.isprintable() else "?" for c in piece)
    return f"    {shown}\n    {' ' * (column - 1 - start)}^"


def _event(event: Mapping[str, Any], number: int, where: str) -> Event:
    if "action" not in event and "trace" in event:
        raise TraceError(
            f"{where}: another trace begins here",
            remedy="a heading is the first line; give each trace as a file of its own",
        )
    if "action" not in event:
        raise TraceError(f"{where}: the event has no 'action'", remedy=f"it may have {', '.join(FIELDS)}")
    for name, value in event.items():
        kind = FIELDS.get(name)
        if kind is None:
            raise TraceError(
                f"{where}: the event has an unknown field {name!r}",
                remedy=f"it may have {', '.join(FIELDS)}; anything else goes into `arguments`, or --clock names it",
            )
        if not isinstance(value, kind):
            told = {str: "text", dict: "an object", bool: "true or false"}[kind]
            raise TraceError(f"{where}: {name!r} is {json.dumps(value):.40}, not {told}")
    return Event(
        event["action"],
        event.get("arguments", {}),
        event.get("node", ""),
        event.get("variables"),
        event.get("certain", True),
        number,
    )


def line_of(event: Event) -> str:
    """An event as a line of a file, with a newline at the end."""
    told: dict[str, Any] = {"node": event.node} if event.node else {}
    told["action"] = event.action
    if event.arguments:
        told["arguments"] = plain(event.arguments)
    if event.variables is not None:
        told["variables"] = plain(event.variables)
    if not event.certain:
        told["certain"] = False
    return json.dumps(told) + "\n"
