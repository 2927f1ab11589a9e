"""What the store is asked, what it answers, and how both look in the log: MessagePack, by msgspec.

The data model is etcd's (etcd.io/docs/v3.5/learning/data_model and /api): the store has one revision, which counts the
transactions that changed something and is 1 at first. A key has the revisions of its creation and of its last change, and a
version that counts its changes since it was created. A range is `[key, end)`; `end` empty means the key alone, and a zero byte
means all keys from `key` on.

A command is a sequence of operations, each a transaction of its own, and its result a sequence of results: front ends put what
many clients ask into one entry of the log.
"""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

import msgspec


class Problem(Enum):
    """Why an operation was refused; nothing of it was executed."""

    KEY_MISSING = "key not provided"
    VALUE_GIVEN = "value is provided"
    LEASE_GIVEN = "lease is provided"
    KEY_NOT_FOUND = "key not found"
    KEY_TWICE = "duplicate key"
    TOO_MANY = "too many operations"
    COMPACTED = "compacted"
    FUTURE = "future revision"
    LEASE_NOT_FOUND = "lease not found"
    LEASE_EXISTS = "lease exists"
    TTL_TOO_LARGE = "too large lease TTL"
    SESSION_OVER = "session over"
    ALREADY_ACKNOWLEDGED = "already acknowledged"
    SESSION_FULL = "too many results without acknowledgement"
    NOT_THE_LESSOR = "not the lessor"
    UNKNOWN = "no such operation"


class Version(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A key as a revision left it: with a value, or deleted, if `version` is 0."""

    key: bytes
    value: bytes
    created: int
    modified: int
    version: int
    lease: int = 0


# Operations


class Op(msgspec.Struct, array_like=True, frozen=True, gc=False, tag=True):
    """What the store can be asked to do, or what it is asked for."""


class Put(Op, tag="put", frozen=True):
    """Set a key. `keep_value` and `keep_lease` leave these as they are, of a key that is there."""

    key: bytes
    value: bytes
    lease: int = 0
    previous: bool = False
    keep_value: bool = False
    keep_lease: bool = False


class Delete(Op, tag="delete", frozen=True):
    """Delete a range."""

    key: bytes
    end: bytes = b""
    previous: bool = False


class Target(Enum):
    """What of a key is compared, or sorted by."""

    VERSION = 0
    CREATED = 1
    MODIFIED = 2
    VALUE = 3
    LEASE = 4
    KEY = 5


class Range(Op, tag="range", frozen=True):
    """Read a range, at a revision (0: now). `limit` 0: all; the four bounds: 0 means none.

    With `early` only as many keys as may be told, and one, are sorted: what etcd does where an order is not asked for.
    """

    key: bytes
    end: bytes = b""
    limit: int = 0
    revision: int = 0
    sort: Target | None = None
    descending: bool = False
    keys_only: bool = False
    count_only: bool = False
    least_modified: int = 0
    most_modified: int = 0
    least_created: int = 0
    most_created: int = 0
    early: bool = False


class Relation(Enum):
    """How the two sides of a comparison have to be."""

    EQUAL = 0
    GREATER = 1
    LESS = 2
    NOT_EQUAL = 3


class Compare(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """All keys of a range have this so; a range without keys is compared as one key that has zero everywhere, and no value."""

    key: bytes
    target: Target
    relation: Relation
    than: int | bytes
    end: bytes = b""


class Txn(Op, tag="txn", frozen=True):
    """If all comparisons hold the one list, else the other, in one revision. All comparisons come before all else."""

    compare: tuple[Compare, ...] = ()
    success: tuple[Put | Delete | Range | Txn, ...] = ()
    failure: tuple[Put | Delete | Range | Txn, ...] = ()


class Compact(Op, tag="compact", frozen=True):
    """Forget what was before a revision."""

    revision: int


class Grant(Op, tag="grant", frozen=True):
    """Begin a lease; `ttl` is in seconds."""

    lease: int
    ttl: int


class Revoke(Op, tag="revoke", frozen=True):
    """End a lease, and delete the keys that it was given to."""

    lease: int


class Lead(Op, tag="lead", frozen=True):
    """Begin a tenure: from now on leases expire by the word of who asked for this, and of nobody before."""

    node: str


class Expire(Op, tag="expire", frozen=True):
    """Revoke leases whose time is over, by the one who has this tenure."""

    leases: tuple[int, ...]
    tenure: int


class Once(Op, tag="once", frozen=True):
    """Execute an operation of a session once. The session is a lease: what it is remembered by ends with it.

    Its numbers begin with 1; the client has the results of all up to `acknowledged`, which are forgotten.
    """

    session: int
    serial: int
    acknowledged: int
    operation: Put | Delete | Txn | Compact | Grant | Revoke


class Leases(Op, tag="leases", frozen=True):
    """Which leases there are."""


class LookAtLease(Op, tag="lease", frozen=True):
    """What there is to know of a lease."""

    lease: int
    keys: bool = False


class Fingerprint(Op, tag="fingerprint", frozen=True):
    """A checksum of all versions that are kept, up to a revision (0: now)."""

    revision: int = 0


Command: TypeAlias = Put | Delete | Range | Txn | Compact | Grant | Revoke | Lead | Expire | Once
Question: TypeAlias = Range | Leases | LookAtLease | Fingerprint

# Results


class Result(msgspec.Struct, array_like=True, frozen=True, gc=False, tag=True):
    """What came of an operation; `revision` is the store's after it."""

    revision: int


class HasPut(Result, tag="put", frozen=True):
    """The key is set."""

    previous: Version | None = None


class HasDeleted(Result, tag="deleted", frozen=True):
    """So many keys are deleted."""

    count: int
    previous: tuple[Version, ...] = ()


class Found(Result, tag="found", frozen=True):
    """What is in a range: `count` in all, of which `more` may be than were asked for."""

    versions: tuple[Version, ...]
    count: int
    more: bool = False


class HasChosen(Result, tag="chosen", frozen=True):
    """The comparisons of a transaction held, or not, and what came of what followed."""

    succeeded: bool
    results: tuple[HasPut | HasDeleted | Found | HasChosen, ...]


class Happened(Result, tag="done", frozen=True):
    """It was done: `number` is a lease, a tenure, or how many expired."""

    number: int = 0


class LeaseIs(Result, tag="lease", frozen=True):
    """A lease: the seconds it was granted for (0: there is none), its keys, and the tenure in which this is said."""

    lease: int
    ttl: int
    keys: tuple[bytes, ...]
    tenure: int


class LeasesAre(Result, tag="leases", frozen=True):
    """All leases by number, each with the seconds that it was granted for, and the tenure in which this is said."""

    leases: tuple[tuple[int, int], ...]
    tenure: int


class FingerprintIs(Result, tag="fingerprint", frozen=True):
    """A checksum, and up to which revision there is no history any more."""

    checksum: int
    compacted: int


class Refused(Result, tag="refused", frozen=True):
    """It was not executed."""

    problem: Problem


Answer: TypeAlias = (
    HasPut | HasDeleted | Found | HasChosen | Happened | LeaseIs | LeasesAre | FingerprintIs | Refused
)

_encoder = msgspec.msgpack.Encoder()
_commands = msgspec.msgpack.Decoder(tuple[Command, ...])
_questions = msgspec.msgpack.Decoder(tuple[Question, ...])
_answers = msgspec.msgpack.Decoder(tuple[Answer, ...])


def encode(values: tuple[Command, ...] | tuple[Question, ...] | tuple[Answer, ...]) -> bytes:
    """Return operations or results as they are sent."""
    return _encoder.encode(values)


def commands(payload: bytes) -> tuple[Command, ...]:
    """Return the operations of a command. Raises ValueError: it has none."""
    return _commands.decode(payload)


def questions(payload: bytes) -> tuple[Question, ...]:
    """Return the questions of a query. Raises ValueError: it has none."""
    return _questions.decode(payload)


def answers(payload: bytes) -> tuple[Answer, ...]:
    """Return the results of a command or a query. Raises ValueError: they are none."""
    return _answers.decode(payload)
