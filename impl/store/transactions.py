"""What a transaction comes to, before anything of it is done: which branches are taken, and whether all of them can be.

Guarantees: comparisons see the store as it is before the transaction; a transaction that is refused has changed nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from ratified.impl.store.values import Compare, Delete, Problem, Put, Range, Relation, Target, Txn, Version
from ratified.impl.store.versions import Versions, in_range

NESTED_MOST: Final = 16
"""So deep may transactions be nested."""

Step: TypeAlias = "Put | Delete | Range | Chosen"
Leased: TypeAlias = Callable[[int], bool]


class Chosen:
    """A transaction whose comparisons are decided."""

    __slots__ = ("steps", "succeeded")

    def __init__(self, succeeded: bool, steps: tuple[Step, ...]) -> None:
        self.succeeded = succeeded
        self.steps = steps


def malformed(op: object, operations_most: int, depth: int = 0) -> Problem | None:
    """Return what is wrong with an operation, whatever is in the store."""
    match op:
        case Put(key, value, lease, _, keep_value, keep_lease):
            if not key:
                return Problem.KEY_MISSING
            if keep_value and value:
                return Problem.VALUE_GIVEN
            return Problem.LEASE_GIVEN if keep_lease and lease else None
        case Delete(key) | Range(key):
            return None if key else Problem.KEY_MISSING
        case Txn(compare, success, failure):
            # As in etcd, the transactions inside have the rest.
            operations_most -= max(len(compare), len(success), len(failure))
            if depth == NESTED_MOST or operations_most < 0:
                return Problem.TOO_MANY
            if not all(each.key for each in compare):
                return Problem.KEY_MISSING
            for each in (*success, *failure):
                problem = malformed(each, operations_most, depth + 1)
                if problem is not None:
                    return problem
            if depth == 0 and not all(_each_key_once(branch) for branch in (success, failure)):
                return Problem.KEY_TWICE
    return None


def _each_key_once(branch: Iterable[object]) -> bool:
    """Whether no key is put twice, or put and deleted, on any way through a list of operations."""
    return _touched(branch) is not None


def _touched(branch: Iterable[object]) -> tuple[set[bytes], list[tuple[bytes, bytes]]] | None:
    """Return keys that are put and ranges that are deleted; None if a key would be changed twice."""
    puts: set[bytes] = set()
    deletes: list[tuple[bytes, bytes]] = []
    for op in branch:
        if isinstance(op, Put):
            new, ranges = {op.key}, []
        elif isinstance(op, Delete):
            new, ranges = set(), [(op.key, op.end)]
        elif isinstance(op, Txn):
            ways = [_touched(op.success), _touched(op.failure)]
            if ways[0] is None or ways[1] is None:
                return None
            new = ways[0][0] | ways[1][0]
            ranges = ways[0][1] + ways[1][1]
            inner = _across(puts, deletes, new, ranges)
            if inner:
                return None
            puts |= new
            deletes += ranges
            continue
        else:
            continue
        if _across(puts, deletes, new, ranges):
            return None
        puts |= new
        deletes += ranges
    return puts, deletes


def _across(
    puts: set[bytes], deletes: list[tuple[bytes, bytes]], new: set[bytes], ranges: list[tuple[bytes, bytes]]
) -> bool:
    return (
        not puts.isdisjoint(new)
        or any(in_range(key, *range_) for key in new for range_ in deletes)
        or any(in_range(key, *range_) for key in puts for range_ in ranges)
    )


def choose(txn: Txn, versions: Versions) -> Chosen:
    """Decide all comparisons."""
    succeeded = all(holds(each, versions) for each in txn.compare)
    branch = txn.success if succeeded else txn.failure
    return Chosen(succeeded, tuple(choose(op, versions) if isinstance(op, Txn) else op for op in branch))


def holds(compare: Compare, versions: Versions) -> bool:
    """Whether a comparison holds."""
    found = versions.read(compare.key, compare.end)
    if not found:
        if compare.target is Target.VALUE:
            return False  # there is no value, not even an empty one
        found = [Version(compare.key, b"", 0, 0, 0)]
    return all(_related(compare, each) for each in found)


def _related(compare: Compare, version: Version) -> bool:
    than = compare.than
    if compare.target is Target.VALUE:
        there: int | bytes = version.value
        than = than if isinstance(than, bytes) else b""
    else:
        there = {
            Target.VERSION: version.version,
            Target.CREATED: version.created,
            Target.MODIFIED: version.modified,
            Target.LEASE: version.lease,
        }.get(compare.target, 0)
        than = than if isinstance(than, int) else 0
    order = (there > than) - (there < than)  # type: ignore[operator]  # both are numbers, or both bytes: see above
    match compare.relation:
        case Relation.EQUAL:
            return order == 0
        case Relation.GREATER:
            return order > 0
        case Relation.LESS:
            return order < 0
    return order != 0


def impossible(steps: Sequence[Step], versions: Versions, leased: Leased) -> Problem | None:
    """Return why steps cannot be taken as the store is, if they cannot: of several reasons the one that etcd tells.

    It looks at all puts before it looks at what is read.
    """
    flat = tuple(_flat(steps))
    for step in flat:
        if isinstance(step, Put):
            problem = absent(step, versions) or unleased(step, leased)
            if problem is not None:
                return problem
    for step in flat:
        if isinstance(step, Range):
            problem = out_of_time(step.revision, versions)
            if step.revision < 0 < versions.compacted:
                problem = Problem.COMPACTED  # a range of its own reads what is now
            if problem is not None:
                return problem
    return None


def _flat(steps: Iterable[Step]) -> Iterator[Put | Delete | Range]:
    for step in steps:
        if isinstance(step, Chosen):
            yield from _flat(step.steps)
        else:
            yield step


def unleased(op: Put, leased: Leased) -> Problem | None:
    """Return whether the lease of a put is one that there is not."""
    return Problem.LEASE_NOT_FOUND if op.lease and not leased(op.lease) else None


def absent(op: Put, versions: Versions) -> Problem | None:
    """Return whether a put is to keep what is not there."""
    keeps = op.keep_value or op.keep_lease
    return Problem.KEY_NOT_FOUND if keeps and op.key not in versions.current else None


def out_of_time(revision: int, versions: Versions) -> Problem | None:
    """Return why a revision cannot be read, if it cannot."""
    if revision > versions.revision:
        return Problem.FUTURE
    return Problem.COMPACTED if 0 < revision < versions.compacted else None
