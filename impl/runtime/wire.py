"""What goes over a connection between nodes, or from a client to a node: frames, and what is said before anything else.

A frame is four bytes of length, one that says its kind, and a body. Whoever connects says hello: who it is, to whom it wants to
speak, in which versions. It is welcomed, in one of them, or refused, with a reason. What is longer than a frame goes in parts,
between which other frames may go.

Guarantees: no frame is longer than LONGEST; whatever bytes come, `Frames` yields frames or raises a WireError.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Final, TypeAlias

from ratified.impl.contract import Busy, Done, Lost, NodeId, NotLeader, Refused
from ratified.impl.runtime.codec import Codec

VERSIONS: Final = (1,)
"""The versions of all this that are spoken here."""

PART: Final = 1 << 18
"""Bytes of a message in one frame."""

LONGEST: Final = PART + 1024
"""Bytes of a frame, at most."""

_HEAD: Final = Struct(">IB")  # the length of what follows it, and the kind
HEAD: Final = _HEAD.size


class Kind(IntEnum):
    """What a frame is."""

    HELLO = 1
    WELCOME = 2
    REFUSAL = 3
    MESSAGE = 4
    PART = 5
    LAST = 6
    ADDRESSES = 7
    REQUEST = 8
    RESPONSE = 9


KINDS: Final = frozenset(int(kind) for kind in Kind)


class WireError(ValueError):
    """What came in cannot have been sent by one who keeps to this."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Who connects, to whom. `protocol` names it and the fingerprint of its messages; a client's is empty."""

    versions: tuple[int, ...]
    cluster: str
    sender: NodeId
    to: NodeId
    protocol: str
    peer: bool


@dataclass(frozen=True, slots=True)
class Welcome:
    """The one that was wanted is here, and speaks this version."""

    version: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """It is not, or does not; why is for people."""

    why: str


@dataclass(frozen=True, slots=True)
class Address:
    """Where a node is to be found; of two, the one with the higher number is the newer."""

    node: NodeId
    number: int
    peer: str
    client: str


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where nodes are to be found, as far as the sender knows."""

    nodes: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """A client asks: `submit`, `query` or `look` (at this node's own copy), `digest`, `status`, or `order` with words."""

    number: int
    what: str
    client: str
    serial: int
    payload: bytes


Outcome: TypeAlias = Done | NotLeader | Lost | Refused | Busy


@dataclass(frozen=True, slots=True)
class Response:
    """What became of a request."""

    number: int
    outcome: Outcome


GREETINGS: Final = Codec(Hello, Welcome, Refusal)
SPEECH: Final = Codec(Request, Response, Addresses)


def framed(kind: Kind, *parts: bytes | memoryview) -> bytes:
    """Return a frame."""
    length = 1 + sum(map(len, parts))
    assert length <= LONGEST
    return b"".join((_HEAD.pack(length, kind), *parts))


class Frames:
    """Cuts what comes in into frames."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes | bytearray) -> Iterator[tuple[int, bytes]]:
        """Yield the kinds and bodies of the frames that are complete now. Raises WireError."""
        held, came = self._held, data
        if held:
            held += data
            came = held
        start, end = 0, len(came)
        try:
            while end - start >= HEAD:
                length, kind = _HEAD.unpack_from(came, start)
                if not 1 <= length <= LONGEST:
                    raise WireError(f"a frame of {length:,} bytes; there are from 1 to {LONGEST:,}")
                if kind not in KINDS:
                    raise WireError(f"a frame of unknown kind {kind}")
                if end - start < 4 + length:
                    break
                body = bytes(came[start + HEAD : start + 4 + length])
                start += 4 + length
                yield kind, body
        finally:
            if came is held:
                del held[:start]
            elif start < end:
                held += came[start:]


class Parts:
    """Puts the parts of one message after the other together."""

    __slots__ = ("_held", "_length", "_most")

    def __init__(self, most: int) -> None:
        self._held: list[bytes] = []
        self._length = 0
        self._most = most

    def add(self, body: bytes, last: bool) -> bytes | None:
        """Take a part, and return the whole if it was the last. Raises WireError if it gets too long."""
        self._length += len(body)
        if self._length > self._most:
            raise WireError(f"a message of more than {self._most:,} bytes")
        self._held.append(body)
        if not last:
            return None
        whole = b"".join(self._held)
        self._held.clear()
        self._length = 0
        return whole


def agreed(versions: tuple[int, ...]) -> int | None:
    """Return the newest version that both speak; None if there is none."""
    return max(set(versions) & set(VERSIONS), default=None)
