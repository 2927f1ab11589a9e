"""The store: what `ratified.impl.contract` calls a state machine, with etcd's operations.

Guarantees: deterministic, without a clock: equal logs give equal stores, and equal stores equal snapshots; nothing raises but
`restore`; a transaction happens as a whole or not at all, and its changes have one revision. A lease ends by a command: by who
asks for it, or by the one whose tenure is the latest, so that what a deposed leader says of time has no effect.

Known limit: a snapshot is the whole state in one piece.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from ratified.impl.store.transactions import (
    Chosen,
    Step,
    absent,
    choose,
    impossible,
    malformed,
    out_of_time,
    unleased,
)
from ratified.impl.store.values import (
    Answer,
    Command,
    Compact,
    Delete,
    Expire,
    Fingerprint,
    FingerprintIs,
    Found,
    Grant,
    Happened,
    HasChosen,
    HasDeleted,
    HasPut,
    Lead,
    LeaseIs,
    Leases,
    LeasesAre,
    LookAtLease,
    Once,
    Problem,
    Put,
    Question,
    Range,
    Refused,
    Revoke,
    Target,
    Txn,
    Version,
    commands,
    encode,
    questions,
)
from ratified.impl.store.versions import Versions

TTL_MOST: Final = 9_000_000_000
"""The longest lease, in seconds; etcd's."""

OPERATIONS_MOST: Final = 10_000
"""Operations in a list of a transaction, at most, whatever a front end lets through."""

RESULTS_MOST: Final = 1024
"""Results that a session has not acknowledged, at most."""


@dataclass(slots=True)
class Lease:
    """A lease: the seconds that it was granted for, its keys, and what was done in the session of its name."""

    ttl: int
    keys: set[bytes] = field(default_factory=set)
    acknowledged: int = 0
    results: dict[int, Answer] = field(default_factory=dict)


class _Session(msgspec.Struct, array_like=True, frozen=True):
    lease: int
    ttl: int
    acknowledged: int
    results: tuple[tuple[int, Answer], ...]


class _Snapshot(msgspec.Struct, array_like=True, frozen=True, tag="store/1"):
    compacted: int
    tenure: int
    leases: tuple[_Session, ...]
    base: tuple[Version, ...]
    changes: tuple[tuple[Version, ...], ...]


_snapshots = msgspec.msgpack.Decoder(_Snapshot)
_one = msgspec.msgpack.Encoder()


class Store:
    """A state machine. What is not underlined may be looked at between steps, and is not to be changed."""

    def __init__(self) -> None:
        self.versions = Versions()
        self.leases: dict[int, Lease] = {}
        self.tenure = 0

    @property
    def revision(self) -> int:
        """How many transactions have changed something, and one."""
        return self.versions.revision

    # As the contract has it

    def apply(self, payload: bytes) -> bytes:
        """Execute operations, one after the other."""
        try:
            ops = commands(payload)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return encode((Refused(self.revision, Problem.UNKNOWN),))
        return encode(tuple([self.execute(op) for op in ops]))

    def query(self, payload: bytes) -> bytes:
        """Answer questions."""
        try:
            asked = questions(payload)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return encode((Refused(self.revision, Problem.UNKNOWN),))
        return encode(tuple([self.ask(question) for question in asked]))

    def snapshot(self) -> bytes:
        """Return the whole state."""
        leases = tuple(
            _Session(number, lease.ttl, lease.acknowledged, tuple(sorted(lease.results.items())))
            for number, lease in sorted(self.leases.items())
        )
        base, changes = self.versions.dump()
        return _one.encode(_Snapshot(self.versions.compacted, self.tenure, leases, base, changes))

    def restore(self, snapshot: bytes) -> None:
        """Take on a state.

        Raises:
            ValueError: it is none.
        """
        try:
            found = _snapshots.decode(snapshot)
            versions = Versions.load(found.compacted, found.base, found.changes)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise ValueError(f"no snapshot of a store: {error}") from None
        leases = {
            each.lease: Lease(each.ttl, set(), each.acknowledged, dict(each.results)) for each in found.leases
        }
        for version in versions.current.values():
            if version.lease:
                if version.lease not in leases:
                    raise ValueError(
                        f"no snapshot of a store: a key has lease {version.lease}, which there is not"
                    )
                leases[version.lease].keys.add(version.key)
        self.versions, self.leases, self.tenure = versions, leases, found.tenure

    # Operations

    def execute(self, op: Command) -> Answer:
        """Execute one."""
        if type(op) is Put:
            problem = malformed(op, 0) or unleased(op, self.leases.__contains__) or absent(op, self.versions)
            if problem is not None:
                return Refused(self.revision, problem)
            previous = self._put(op)
            return HasPut(self.versions.commit(), previous)
        match op:
            case Txn():
                problem = malformed(op, OPERATIONS_MOST)
                if problem is not None:
                    return Refused(self.revision, problem)
                return self._txn(op)
            case Delete(key):
                if not key:
                    return Refused(self.revision, Problem.KEY_MISSING)
                deleted = self._delete(op)
                return HasDeleted(self.versions.commit(), len(deleted), deleted if op.previous else ())
            case Range():
                return self.ask(op)
            case Compact(revision):
                problem = self._not_to_compact(revision)
                if problem is not None:
                    return Refused(self.revision, problem)
                self.versions.compact(revision)
                return Happened(self.revision)
            case Grant(number, ttl):
                return self._grant(number, ttl)
            case Revoke(number):
                if number not in self.leases:
                    return Refused(self.revision, Problem.LEASE_NOT_FOUND)
                return Happened(self._revoke(number), number)
            case Lead():
                self.tenure += 1
                return Happened(self.revision, self.tenure)
            case Expire():
                return self._expire(op)
            case Once():
                return self._once(op)
        return Refused(self.revision, Problem.UNKNOWN)

    def _put(self, op: Put) -> Version | None:
        """Set a key of which it is known that it can be; return what it was, if that is wanted."""
        value, lease = op.value, op.lease
        if op.keep_value or op.keep_lease:
            before = self.versions.current[op.key]
            value = before.value if op.keep_value else value
            lease = before.lease if op.keep_lease else lease
        previous = self.versions.put(op.key, value, lease)
        if previous is not None and previous.lease != lease:
            self._detach(previous)
        if lease:
            self.leases[lease].keys.add(op.key)
        return previous if op.previous else None

    def _detach(self, version: Version) -> None:
        if version.lease:
            self.leases[version.lease].keys.discard(version.key)

    def _delete(self, op: Delete) -> tuple[Version, ...]:
        deleted = tuple([self.versions.delete(key) for key in self.versions.keys(op.key, op.end)])
        for version in deleted:
            self._detach(version)
        return deleted

    def _txn(self, op: Txn) -> Answer:
        chosen = choose(op, self.versions)
        problem = impossible(chosen.steps, self.versions, self.leases.__contains__)
        if problem is not None:
            return Refused(self.revision, problem)
        results = tuple([self._take(step) for step in chosen.steps])
        return HasChosen(self.versions.commit(), chosen.succeeded, results)

    def _take(self, step: Step) -> HasPut | HasDeleted | Found | HasChosen:
        """Take a step of a transaction; its revision is the transaction's once that has changed something, as in etcd."""
        if isinstance(step, Chosen):
            results = tuple([self._take(each) for each in step.steps])
            return HasChosen(self.versions.reached, step.succeeded, results)
        if isinstance(step, Put):
            previous = self._put(step)
            return HasPut(self.versions.reached, previous)
        if isinstance(step, Delete):
            deleted = self._delete(step)
            return HasDeleted(self.versions.reached, len(deleted), deleted if step.previous else ())
        return self._range(step, self.versions.reached)

    def _not_to_compact(self, revision: int) -> Problem | None:
        if revision <= self.versions.compacted:
            return Problem.COMPACTED
        return Problem.FUTURE if revision > self.revision else None

    def _grant(self, number: int, ttl: int) -> Answer:
        if not 0 < ttl <= TTL_MOST:
            return Refused(self.revision, Problem.TTL_TOO_LARGE)
        if number in self.leases or not number:
            return Refused(self.revision, Problem.LEASE_EXISTS)
        self.leases[number] = Lease(ttl)
        return Happened(self.revision, number)

    def _revoke(self, number: int) -> int:
        """End a lease that there is: its keys are deleted in one revision."""
        for key in sorted(self.leases.pop(number).keys):
            self.versions.delete(key)
        return self.versions.commit()

    def _expire(self, op: Expire) -> Answer:
        if op.tenure != self.tenure:
            return Refused(self.revision, Problem.NOT_THE_LESSOR)
        over = [number for number in op.leases if number in self.leases]
        for number in over:
            self._revoke(number)
        return Happened(self.revision, len(over))

    def _once(self, op: Once) -> Answer:
        """Execute an operation of a session, unless it has been."""
        session = self.leases.get(op.session)
        if session is None:
            return Refused(self.revision, Problem.SESSION_OVER)
        if op.serial <= session.acknowledged:
            return Refused(self.revision, Problem.ALREADY_ACKNOWLEDGED)
        known = session.results.get(op.serial)
        if known is not None:
            return known
        if op.acknowledged > session.acknowledged:
            session.acknowledged = min(op.acknowledged, op.serial - 1)
            session.results = {n: result for n, result in session.results.items() if n > session.acknowledged}
        if len(session.results) >= RESULTS_MOST:
            return Refused(self.revision, Problem.SESSION_FULL)
        result = self.execute(op.operation)
        session.results[op.serial] = result
        return result

    # Questions

    def ask(self, question: Question) -> Answer:
        """Answer one."""
        match question:
            case Range(key):
                problem = out_of_time(question.revision, self.versions)
                if problem is not None or not key:
                    return Refused(self.revision, problem or Problem.KEY_MISSING)
                return self._range(question, self.revision)
            case Leases():
                return LeasesAre(
                    self.revision,
                    tuple(sorted((n, lease.ttl) for n, lease in self.leases.items())),
                    self.tenure,
                )
            case LookAtLease(number, keys):
                lease = self.leases.get(number)
                if lease is None:
                    return LeaseIs(self.revision, number, 0, (), self.tenure)
                return LeaseIs(
                    self.revision, number, lease.ttl, tuple(sorted(lease.keys)) if keys else (), self.tenure
                )
            case Fingerprint(revision):
                problem = out_of_time(revision, self.versions)
                if problem is not None:
                    return Refused(self.revision, problem)
                return FingerprintIs(self.revision, self._checksum(revision), self.versions.compacted)

    def _range(self, op: Range, revision: int) -> Found:
        versions = self.versions
        past = 0 < op.revision < versions.reached
        bounded = op.least_modified or op.most_modified or op.least_created or op.most_created
        partly = op.limit > 0 and not bounded and (op.sort is None or op.early)
        if past:
            found = versions.read_at(op.revision, op.key, op.end)
            count = len(found)
            if partly:
                del found[op.limit + 1 :]
        elif op.count_only:
            return Found(revision, (), versions.count(op.key, op.end))
        else:
            found = versions.read(op.key, op.end, op.limit + 1 if partly else 0)
            count = versions.count(op.key, op.end) if partly else len(found)
        if op.count_only:
            return Found(revision, (), count)
        if bounded:
            found = [each for each in found if _in_bounds(op, each)]
        if op.sort is not None:
            found.sort(key=_SORTED_BY[op.sort], reverse=op.descending)
        more = 0 < op.limit < len(found)
        if more:
            del found[op.limit :]
        if op.keys_only:
            found = [Version(v.key, b"", v.created, v.modified, v.version, v.lease) for v in found]
        return Found(revision, tuple(found), count, more)

    def _checksum(self, revision: int) -> int:
        """Return a checksum of what is kept up to a revision (0: now)."""
        base, changes = self.versions.dump()
        checksum = zlib.crc32(_one.encode((self.versions.compacted, base)))
        for change in changes:
            if revision and change[0].modified > revision:
                break
            checksum = zlib.crc32(_one.encode(change), checksum)
        return checksum

    def events(self, first: int, last: int) -> Iterator[tuple[int, tuple[Version, ...]]]:
        """Give what changed, by revision; see `Versions.changes`."""
        return self.versions.changes(first, last)


def _in_bounds(op: Range, version: Version) -> bool:
    return (
        version.modified >= op.least_modified
        and (not op.most_modified or version.modified <= op.most_modified)
        and version.created >= op.least_created
        and (not op.most_created or version.created <= op.most_created)
    )


_SORTED_BY: Final = {
    Target.KEY: lambda version: version.key,
    Target.VERSION: lambda version: version.version,
    Target.CREATED: lambda version: version.created,
    Target.MODIFIED: lambda version: version.modified,
    Target.VALUE: lambda version: version.value,
    Target.LEASE: lambda version: version.lease,
}
