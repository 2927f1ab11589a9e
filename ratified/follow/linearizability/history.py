"""Histories: what clients asked of a system and what they were told, in the order in which it happened.

A file has one event a line, in the words of Jepsen:

    {"process": 0, "type": "invoke", "f": "write", "key": "x", "value": 1}
    {"process": 0, "type": "ok",     "f": "write", "key": "x", "value": 1}

`type` is `invoke` (the call), then `ok` (it returned), `fail` (it certainly had no effect) or `info` (nobody knows; it may take
effect at any time from its call on, or never). An operation that never returns is as one with `info`. What Jepsen's nemesis does
(events of the process "nemesis") is no operation of a client: it is read over.

Guarantees: what is wrong with a file is a HistoryError with its line; nothing is guessed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ratified.follow.strict import RepeatedKeyError, once
from ratified.language.errors import RatifiedError

MOST_LINE: Final = 1 << 20
"""The longest line that is read, in bytes: longer ones are not histories."""

MOST_OPERATIONS: Final = 1_000_000
"""How many operations a history may have before it is left undecided: they are all kept."""


class HistoryError(RatifiedError):
    """A history that is none: a line that cannot be read, or events that cannot follow each other."""


class HistoryTooLong(RatifiedError):
    """A history that has more operations than were asked to be kept."""


class Unknown:
    """The result of an operation that has not returned."""

    def __repr__(self) -> str:
        return "?"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `call` and `end` are positions in the history; `end` is None if it may take effect at any later time."""

    process: object
    function: str
    argument: Any
    result: Any  # UNKNOWN where `end` is None
    call: int
    end: int | None
    key: Any = None

    @property
    def pending(self) -> bool:
        """Whether nobody knows if it took effect."""
        return self.end is None

    def __str__(self) -> str:
        asked = ", ".join(_shown(x) for x in (self.key, self.argument) if x is not None)
        return f"{self.function}({asked})" + ("" if self.pending else f" -> {_shown(self.result)}")


@dataclass(frozen=True, slots=True)
class History:
    """Operations in the order of their calls. `lines` maps positions to line numbers, if it came from a file."""

    operations: tuple[Operation, ...]
    source: str = ""
    lines: tuple[int, ...] = ()

    def line(self, position: int) -> int | None:
        """The line of a position."""
        return self.lines[position] if self.lines else None


def _shown(value: object) -> str:
    return json.dumps(value) if isinstance(value, str | bool | None) else str(value)


class HistoryRecorder:
    """Records a history as it happens. `call` begins an operation, `end` tells what it returned; what never ends is pending."""

    def __init__(self) -> None:
        self._open: dict[object, int] = {}
        self._operations: list[Operation | None] = []
        self._now = 0

    @property
    def events(self) -> int:
        """How many there were, which is the position of the next."""
        return self._now

    def call(self, process: object, function: str, argument: object = None, key: object = None) -> None:
        """Process calls. Raises HistoryError if its last operation has not ended."""
        if process in self._open:
            raise HistoryError(
                f"process {process} calls {function} before its {self._operation(process).function} has returned",
                remedy="each process has one operation at a time; `info` ends one whose outcome is unknown",
            )
        self._open[process] = len(self._operations)
        self._operations.append(
            Operation(process, function, freeze(argument), UNKNOWN, self._tick(), None, freeze(key))
        )

    def end(self, process: object, result: object) -> None:
        """The process's operation returns."""
        operation = self._operation(process)
        self._operations[self._open.pop(process)] = replace(
            operation, result=freeze(result), end=self._tick()
        )

    def fail(self, process: object) -> None:
        """The process's operation certainly had no effect: it is as if it had never been called."""
        self._operation(process)
        self._operations[self._open.pop(process)] = None
        self._tick()

    def lose(self, process: object) -> None:
        """Nobody will know what became of the process's operation."""
        self._operation(process)
        del self._open[process]
        self._tick()

    def _operation(self, process: object) -> Operation:
        if process not in self._open:
            raise HistoryError(
                f"process {process} has no operation to end", remedy="each end has an `invoke` before it"
            )
        found = self._operations[self._open[process]]
        assert found is not None
        return found

    def _tick(self) -> int:
        self._now += 1
        return self._now - 1

    def open(self, process: object) -> Operation | None:
        """The process's operation that has not ended."""
        return self._operation(process) if process in self._open else None

    def history(self, source: str = "", lines: Iterable[int] = ()) -> History:
        """What was recorded so far."""
        return History(tuple(o for o in self._operations if o is not None), source, tuple(lines))


class JsonObject(tuple[tuple[str, Any], ...]):
    """An object of JSON, as its pairs sorted by key; it equals no list of such pairs."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(dict(self))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JsonObject) and super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((JsonObject, tuple(self)))


def freeze(value: object) -> Any:
    """A value as something that can be hashed: lists as tuples, objects as sorted pairs."""
    if isinstance(value, list | tuple):
        return tuple(freeze(v) for v in value)
    if isinstance(value, Mapping):
        return JsonObject(sorted((str(k), freeze(v)) for k, v in value.items()))
    return value


class Unseen:
    """A value that nobody saw: it is as good as any other of them."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unseen)

    def __hash__(self) -> int:
        return hash(Unseen)

    def __repr__(self) -> str:
        return repr(self.value)


def as_written(state: Any) -> Any:
    """A state with the values that were written, where nobody saw them: some that it may have had."""
    if isinstance(state, Unseen):
        return state.value
    return tuple(map(as_written, state)) if type(state) is tuple else state


def exactly(value: object) -> object:
    """A frozen value as it is told from others: to Python 1 is true."""
    if isinstance(value, JsonObject):
        return JsonObject((name, exactly(v)) for name, v in value)
    if isinstance(value, tuple):
        return tuple(map(exactly, value))
    if isinstance(value, frozenset):
        return frozenset(map(exactly, value))
    return (isinstance(value, bool), value)


def are_mixed(values: Iterable[object]) -> bool:
    """Whether truth values occur beside the numbers that Python takes for the same."""
    waiting, kinds = list(values), set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, tuple):
            waiting += value
        elif isinstance(value, bool | int | float) and value in (0, 1):
            kinds.add(isinstance(value, bool))
    return len(kinds) > 1


def read_history(path: str | Path, *, most: int = MOST_OPERATIONS) -> History:
    """Read a file. Raises HistoryError for what is no history, HistoryTooLong past `most` operations."""
    recorder = HistoryRecorder()
    lines: list[int] = []
    calls = 0
    for number, text in _lines(Path(path)):
        try:
            calls += _event(recorder, text)
        except HistoryError as error:
            raise HistoryError(f"{path}:{number}: {error.message}", remedy=error.remedy) from None
        lines += [number] * (recorder.events - len(lines))
        if calls > most:
            raise HistoryTooLong(
                f"{path}:{number}: more than {most:,} operations", remedy="--operations N keeps more"
            )
    return recorder.history(str(path), lines)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers from 1; never more than one in memory."""
    try:
        with path.open("rb") as file:
            number = 0
            while text := file.readline(MOST_LINE + 1):
                number += 1
                if len(text) > MOST_LINE:
                    raise HistoryError(
                        f"{path}:{number}: the line is longer than {MOST_LINE:,} bytes",
                        remedy="one event a line",
                    )
                if text.strip():
                    yield number, text
    except OSError as error:
        raise HistoryError(f"{path} cannot be read: {error.strerror}") from None


NEMESIS = "nemesis"
TYPES = ("invoke", "ok", "fail", "info")


def _event(recorder: HistoryRecorder, text: bytes) -> bool:
    """Record a line's event; whether it is a call."""
    event = _parsed(text)
    process, kind, function = (
        _field(event, "process", int, str),
        _field(event, "type", str),
        _field(event, "f", str),
    )
    if kind not in TYPES:
        raise HistoryError(f"{kind!r} is not a type of event", remedy=f"the types are {', '.join(TYPES)}")
    if kind == "invoke":
        recorder.call(process, function, event.get("value"), event.get("key"))
        return True
    called = recorder.open(process)
    if called is None and process == NEMESIS and kind == "info":
        return False
    if called is not None and (
        called.function != function or freeze(event.get("key", called.key)) != called.key
    ):
        raise HistoryError(
            f"process {process} ends {function}{_on(event.get('key'))}, but it had called "
            f"{called.function}{_on(called.key)}",
            remedy="an end has the `f` and `key` of its invoke",
        )
    if kind == "ok":
        recorder.end(process, event.get("value"))
    elif kind == "fail":
        recorder.fail(process)
    else:
        recorder.lose(process)
    return False


def _on(key: object) -> str:
    return f" of {_shown(key)}" if key is not None else ""


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        event = json.loads(text, object_pairs_hook=once, parse_constant=_constant)
    except UnicodeDecodeError:
        raise HistoryError("the line is not UTF-8 text") from None
    except RepeatedKeyError as error:
        raise HistoryError(str(error), remedy="which of the two is meant cannot be known") from None
    except (ValueError, RecursionError) as error:
        column = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise HistoryError(
            f"the line is not JSON{column}", remedy="was it cut? each line is one object"
        ) from None
    if not isinstance(event, dict):
        raise HistoryError(
            "the line is not an object", remedy='each line is an event: {"process": 0, "type": "invoke", ...}'
        )
    return event


def _constant(name: str) -> None:
    raise HistoryError(
        f"{name} is no value of JSON", remedy="it does not even equal itself; write a number, a text or null"
    )


def _field(event: Mapping[str, Any], name: str, *types: type) -> Any:
    if name not in event:
        raise HistoryError(f"the event has no {name!r}", remedy="every event has process, type and f")
    value = event[name]
    if isinstance(value, bool) or not isinstance(value, types):
        wanted = " or ".join({"int": "a number", "str": "text"}[t.__name__] for t in types)
        raise HistoryError(f"{name!r} is {_shown(value)}, not {wanted}")
    return value
