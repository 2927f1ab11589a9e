"""What a step changed: the difference of two states, piece by piece, for reports and diagrams.

Guarantees: pure; the changes name every place where the states differ and no other, as text that a person reads (`a1`, not a
number), in the order in which variables are declared and values are ordered; the same states give the same changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Any

from ratified.language.partial import PartialMap
from ratified.language.values import Bag, Map, Seq, Set, order_key, show
from ratified.results.result import State, Trace


class ChangeKind(Enum):
    """How a place changed: another value stands there, or a container has one element more or less."""

    REPLACED = "replaced"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class StateDifference:
    """One difference between two states.

    `path` is the place as it is written in a model: `max_ballot[a1]`, `leader.term`, `log[s1][0]`; for an element added or
    removed it is the place of its container, with the index if that is a `Seq` and the element is not at its end. `old` and
    `new` are display text; `old` is None where something was added, `new` where something was removed. `copies` is above 1 only
    for a `Bag`.
    """

    path: str
    kind: ChangeKind
    old: str | None
    new: str | None
    copies: int = 1

    def __str__(self) -> str:
        return f"{self.path}  {self.described}"

    @property
    def described(self) -> str:
        """What happened at the place: `None -> b0`, `+ Prepare(ballot=b0)`, `- 2 x Ack()`."""
        copies = f"{self.copies} x " if self.copies > 1 else ""
        if self.kind is ChangeKind.ADDED:
            return f"+ {copies}{self.new}"
        if self.kind is ChangeKind.REMOVED:
            return f"- {copies}{self.old}"
        return f"{self.old} -> {self.new}"


def changes(before: State, after: State) -> tuple[StateDifference, ...]:
    """Return what differs between two states of one model."""
    return tuple(change for name in after for change in _differences(name, before[name], after[name]))


def step_changes(trace: Trace) -> tuple[tuple[StateDifference, ...], ...]:
    """Return the changes of each step of a trace, in order."""
    return tuple(changes(before, after) for before, after in pairwise(trace.states))


def compact(value: object) -> str:
    """Return a value's display text, a map shortened to what sets its keys apart.

    `None everywhere` where every key has the same value; `None except {a1: b0}` where most have; nested maps that agree in every
    leaf are shortened as one.
    """
    if not isinstance(value, Map) or isinstance(value, PartialMap) or len(value) < 2:
        return show(value)
    leaves = list(_leaves(value))
    if all(leaf == leaves[0] for leaf in leaves):
        return f"{show(leaves[0])} everywhere"
    usual, times = Counter(value.values()).most_common(1)[0]
    if times <= len(value) - times or isinstance(usual, Map):
        return show(value)
    rest = ", ".join(f"{show(key)}: {show(held)}" for key, held in value.items() if held != usual)
    return f"{show(usual)} except {{{rest}}}"


def _leaves(value: object) -> Iterator[object]:
    """Yield what stands at the innermost keys of nested maps."""
    if isinstance(value, Map) and not isinstance(value, PartialMap):
        for held in value.values():
            yield from _leaves(held)
    else:
        yield value


def _differences(path: str, old: Any, new: Any) -> Iterator[StateDifference]:
    """Yield the changes at a place, descending as long as both sides are the same kind of thing."""
    if type(old) is type(new) and old == new:
        return
    if isinstance(old, Map) and isinstance(new, Map) and old._data.keys() == new._data.keys():
        for key, held in new.entries():
            yield from _differences(f"{path}[{show(key)}]", old._data[key], held)
    elif isinstance(old, Set) and isinstance(new, Set):
        yield from _removed(path, (item for item in old if item not in new))
        yield from _added(path, (item for item in new if item not in old))
    elif isinstance(old, Bag) and isinstance(new, Bag):
        yield from _bag_differences(path, old, new)
    elif isinstance(old, Seq) and isinstance(new, Seq):
        yield from _seq_differences(path, old, new)
    elif type(old) is type(new) and hasattr(new, "__record_types__"):
        for name in type(new).__match_args__:
            yield from _differences(f"{path}.{name}", getattr(old, name), getattr(new, name))
    else:
        yield StateDifference(path, ChangeKind.REPLACED, show(old), show(new))


def _removed(path: str, items: Iterable[object]) -> Iterator[StateDifference]:
    return (StateDifference(path, ChangeKind.REMOVED, show(item), None) for item in items)


def _added(path: str, items: Iterable[object]) -> Iterator[StateDifference]:
    return (StateDifference(path, ChangeKind.ADDED, None, show(item)) for item in items)


def _bag_differences(path: str, old: Bag[Any], new: Bag[Any]) -> Iterator[StateDifference]:
    items = sorted({*old.distinct(), *new.distinct()}, key=order_key)
    gained = [(item, new.count(item) - old.count(item)) for item in items]
    yield from (
        StateDifference(path, ChangeKind.REMOVED, show(item), None, -n) for item, n in gained if n < 0
    )
    yield from (StateDifference(path, ChangeKind.ADDED, None, show(item), n) for item, n in gained if n > 0)


def _seq_differences(path: str, old: Seq[Any], new: Seq[Any]) -> Iterator[StateDifference]:
    """Yield what happened to a sequence: changed in place, grown or shrunk at one point, or replaced as a whole."""
    if len(old) == len(new):
        for index, (a, b) in enumerate(zip(old, new, strict=True)):
            yield from _differences(f"{path}[{index}]", a, b)
        return
    shorter = min(len(old), len(new))
    # The longest common beginning first: appending is what sequences are mostly for, and [x, x] after [x] has grown at its end.
    head = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    tail = len(old) - head
    if len(new) > len(old) and list(new[len(new) - tail :] if tail else ()) == list(old[head:]):
        at = f"{path}[{head}]" if tail else path
        yield from _added(at, new[head : len(new) - tail])
        return
    tail = len(new) - head
    if len(old) > len(new) and list(old[len(old) - tail :] if tail else ()) == list(new[head:]):
        at = f"{path}[{head}]" if tail else path
        yield from _removed(at, old[head : len(old) - tail])
        return
    yield StateDifference(path, ChangeKind.REPLACED, show(old), show(new))
