"""What gRPC makes of HTTP/2: what the headers of a call say, how messages follow each other, how a call ends. No sockets.

After gRPC's description, "gRPC over HTTP2" (PROTOCOL-HTTP2.md).

Guarantees: whatever bytes come, `Messages` gives messages of at most so many bytes, also where they were compressed, or raises a
Fault; no more is kept than the beginning of one message.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterable
from struct import Struct
from typing import Final, TypeAlias
from urllib.parse import quote_from_bytes

from grpc import StatusCode

from ratified.impl.etcd.errors import Fault

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

PREFIX: Final = Struct(">?I")  # whether a message is compressed, and its length

BEGIN: Final[Headers] = ((b":status", b"200"), (b"content-type", b"application/grpc"))
DONE: Final[Headers] = ((b"grpc-status", b"0"),)

_BITS: Final = {b"gzip": zlib.MAX_WBITS | 16, b"deflate": zlib.MAX_WBITS}
_SECONDS: Final = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_PLAIN: Final = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")
_OWN: Final = (
    b":",
    b"grpc-",
    b"content-",
    b"te",
)  # what begins the names of headers that are not the caller's


def framed(message: bytes) -> bytes:
    """Return a message as it is sent."""
    return PREFIX.pack(False, len(message)) + message


def failed(fault: Fault) -> Headers:
    """Return what a call ends with that failed."""
    text = quote_from_bytes(fault.text.encode(), safe=_PLAIN).encode()
    return (b"grpc-status", b"%d" % fault.code.value[0]), (b"grpc-message", text)


def seconds(timeout: bytes) -> float:
    """Return how long a caller waits, by its header. Raises Fault."""
    found = re.fullmatch(rb"(\d{1,8})([HMSmun])", timeout)
    if found is None:
        raise Fault(StatusCode.INTERNAL, "malformed grpc-timeout")
    return int(found[1]) * _SECONDS[found[2]]


def metadata(headers: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str | bytes], ...]:
    """Return what a caller says beside its request; bytes where the name ends so. What cannot be read is left out."""
    found: list[tuple[str, str | bytes]] = []
    for name, value in headers:
        if name.startswith(_OWN):
            continue
        try:
            if name.endswith(b"-bin"):
                found.append((name.decode(), base64.b64decode(value + b"=" * (-len(value) % 4))))
            else:
                found.append((name.decode(), value.decode()))
        except (binascii.Error, UnicodeDecodeError):
            continue
    return tuple(found)


class Messages:
    """The messages that the bytes of a call are."""

    def __init__(self, most: int, encoding: bytes = b"identity") -> None:
        self._most = most
        self._encoding = encoding
        self._begun = bytearray()

    @property
    def begun(self) -> int:
        """How many bytes there are of a message that has no end yet."""
        return len(self._begun)

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages that are whole now. Raises Fault."""
        if self._begun:
            self._begun += data
            if len(self._begun) < PREFIX.size + self._length(self._begun, 0):
                return []
            data = bytes(self._begun)
        found, at = [], 0
        while (begins := at + PREFIX.size) <= len(data):
            end = begins + self._length(data, at)
            if end > len(data):
                break
            message = data[begins:end]
            found.append(self._plain(message) if data[at] else message)
            at = end
        self._begun = bytearray(data[at:])
        return found

    def _length(self, data: bytes | bytearray, at: int) -> int:
        """Return the length of the message that begins there; 0 while that is not there yet."""
        if len(data) < at + PREFIX.size:
            return 0
        length: int = PREFIX.unpack_from(data, at)[1]
        if length > self._most:
            raise self._too_large(length)
        return length

    def _plain(self, message: bytes) -> bytes:
        bits = _BITS.get(self._encoding)
        if bits is None:
            raise Fault(
                StatusCode.UNIMPLEMENTED,
                f"grpc: Decompressor is not installed for grpc-encoding {self._encoding.decode('ascii', 'replace')!r}",
            )
        reading = zlib.decompressobj(bits)
        try:
            plain = reading.decompress(message, self._most + 1)
        except zlib.error as error:
            raise Fault(
                StatusCode.INTERNAL, f"grpc: failed to decompress the received message: {error}"
            ) from None
        if len(plain) > self._most:
            raise self._too_large(len(plain))
        if not reading.eof:
            raise Fault(StatusCode.INTERNAL, "grpc: failed to decompress the received message: it is cut off")
        return plain

    def _too_large(self, length: int) -> Fault:
        return Fault(
            StatusCode.RESOURCE_EXHAUSTED,
            f"grpc: received message larger than max ({length} vs. {self._most})",
        )
