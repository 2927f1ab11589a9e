"""What the values of a register tell of the order of its operations.

A value that was written once makes a cluster: the write and what saw it. Nothing else takes effect between them, so of two
clusters one comes before the other altogether, and times say which (Gibbons & Korach, "Testing shared memories", 1997). A `cas`
that swapped ties the cluster of the old value to that of the new one.

Guarantees: pure; what is told holds in every order in which the operations can have taken effect.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from heapq import heapify, heappop, heappush
from typing import Any, Final

from ratified.follow.linearizability.history import UNKNOWN, Operation, Unseen, exactly

NEAR: Final = 64
"""So many clusters that began to end last before another are said to come before it: more would help little, and cost more."""

_NOTHING: Final = object()


def written(operation: Operation) -> Any:
    """The value that an operation leaves, if it may change anything."""
    match operation.function, operation.argument:
        case (("write" | "put"), value):
            return value
        case "delete", _:
            return None
        case "cas", (_, new) if operation.result is not False:
            return new
    return _NOTHING


def found(operation: Operation) -> Any:
    """The value that an operation must have found. A `cas` that has taken effect although nobody was told has swapped."""
    match operation.function, operation.argument:
        case (("read" | "get"), _) if operation.result is not UNKNOWN:
            return operation.result
        case "cas", (old, _) if operation.end is not None and operation.result is not False:
            return old
    return _NOTHING


def _once(operations: Sequence[Operation], initial: object) -> dict[object, Operation]:
    """The writes of values that nothing else wrote."""
    writers: dict[object, list[Operation]] = defaultdict(list)
    for o in operations:
        if (value := written(o)) is not _NOTHING:
            writers[exactly(value)].append(o)
    return {v: w[0] for v, w in writers.items() if len(w) == 1 and v != exactly(initial)}


def taken_by(operations: Sequence[Operation], initial: object) -> Iterable[tuple[Operation, int]]:
    """A value that was found had been written by then."""
    waiting = {v: o for v, o in _once(operations, initial).items() if o.end is None}
    ends = [(o.end, n, exactly(found(o))) for n, o in enumerate(operations) if o.end is not None]
    heapify(ends)
    while ends and waiting:
        end, number, value = heappop(ends)
        if value in waiting and waiting[value].call < end:
            write = waiting.pop(value)
            yield write, end
            heappush(ends, (end, number, exactly(found(replace(write, end=end)))))


def simpler(operations: Sequence[Operation]) -> Sequence[Operation | None]:
    """Values that nobody saw are all alike; where no `cas` failed, writing one may be left out."""
    seen = {exactly(value) for o in operations if (value := found(o)) is not _NOTHING}
    swaps = [o.argument for o in operations if o.function == "cas"]
    seen |= {
        exactly(old) for old, _ in (pair for pair in swaps if isinstance(pair, tuple) and len(pair) == 2)
    }
    failed = any(o.function == "cas" and o.result is False for o in operations)

    def one(o: Operation) -> Operation | None:
        value = written(o)
        if value is _NOTHING:
            return None if o.end is None and o.function in ("read", "get") else o
        if exactly(value) in seen:
            return o
        if o.end is None and not failed:
            return None
        if o.function == "delete":
            return o
        return replace(o, argument=(o.argument[0], Unseen(value)) if o.function == "cas" else Unseen(value))

    return [one(o) for o in operations]


def precedes(operations: Sequence[Operation], initial: object) -> Iterable[tuple[Operation, Operation]]:
    """Pairs of operations that have returned, of which the first took effect first."""
    first, once = exactly(initial), _once(operations, initial)
    anybody = {exactly(value) for o in operations if (value := written(o)) is not _NOTHING}
    finders: dict[object, list[Operation]] = defaultdict(list)
    for o in operations:
        if o.end is not None and (value := found(o)) is not _NOTHING:
            finders[exactly(value)].append(o)
    clusters: list[list[Operation]] = []
    for value, those in finders.items():
        if value in once or value not in anybody:
            yield from _within(once.get(value), those, None if value == first else those)
    for value, write in once.items():
        if write.end is not None:
            clusters.append([write, *(o for o in finders[value] if o is not write)])
    starts = finders[first] if first not in anybody else []
    placed = {id(o) for cluster in (*clusters, starts) for o in cluster}
    alone = (
        o
        for o in operations
        if o.end is not None
        and id(o) not in placed
        and (found(o) is not _NOTHING or written(o) is not _NOTHING)
    )  # a cas that failed may be anywhere
    groups = _tied(clusters) + [[o] for o in alone]
    yield from _between(groups, starts)


def _within(
    write: Operation | None, those: Sequence[Operation], unwritten: Sequence[Operation] | None
) -> Iterable[tuple[Operation, Operation]]:
    """The order in a cluster: the write, what read it, and at most one that swapped it."""
    if write is None:
        yield from ((o, o) for o in unwritten or ())
    elif write.end is None:
        yield from ((o, o) for o in those if write.call > (o.end or 0))
    else:
        yield from ((write, o) for o in those if o is not write)
    swaps = [o for o in those if written(o) is not _NOTHING and exactly(written(o)) != exactly(found(o))]
    yield from ((o, o) for o in sorted(swaps, key=lambda o: o.end or 0)[1:])
    if len(swaps) == 1:
        yield from ((o, swaps[0]) for o in those if o is not swaps[0])


def _tied(clusters: Sequence[list[Operation]]) -> list[list[Operation]]:
    """Clusters of which one ends with the operation that another begins with are one; its first operation stays the first."""
    at: dict[int, int] = {id(cluster[0]): n for n, cluster in enumerate(clusters)}
    follows = {at[id(o)]: n for n, cluster in enumerate(clusters) for o in cluster[1:] if id(o) in at}
    groups: dict[int, list[Operation]] = {}
    for n, cluster in enumerate(clusters):
        root, steps = n, 0
        while root in follows and steps < len(clusters):
            root, steps = follows[root], steps + 1
        groups.setdefault(root, list(clusters[root])).extend(() if root == n else cluster)
    return list(groups.values())


def _between(
    groups: Sequence[list[Operation]], starts: Sequence[Operation]
) -> Iterable[tuple[Operation, Operation]]:
    """Groups of which something had ended before something of another was called come first; `starts` found the initial value."""
    ordered = sorted((min(o.end or 0 for o in group), n) for n, group in enumerate(groups))
    if starts and ordered:
        yield from ((o, o) for o in starts if o.call > ordered[0][0])
    for n, group in enumerate(groups):
        head, until = group[0], bisect_left(ordered, (max(o.call for o in group), -1))
        before = (groups[other] for _, other in ordered[max(0, until - NEAR) : until] if other != n)
        for others in (starts, *before):
            yield from ((o, head) for o in others if (o.end or 0) > head.call and o is not head)
