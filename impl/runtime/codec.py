"""Bytes for the values that a protocol keeps and says: MessagePack, by a codec that is made from the types of its dataclasses.

Each dataclass is a list of a number, which says which one it is, and its fields in order; nothing is left out and nothing may be
added. `fingerprint` is of all those lists: two codecs understand each other if and only if theirs are equal.

Guarantees: what is encoded is decoded to an equal value; what is decoded is of the types that the dataclasses say, all the way
down, or it is a CodecError; no input takes more memory than some multiple of its length.
"""

from __future__ import annotations

import hashlib
import types
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from operator import attrgetter
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from ratified.impl.services.extras import missing

try:
    import msgspec
except ModuleNotFoundError as error:
    raise missing("msgspec", "msgspec", "serve", error) from None

Turn = Callable[[Any], Any]

PLAIN = (int, str, bytes, bool, float, type(None))


class CodecError(ValueError):
    """Bytes that are none of the codec's values."""


class Codec:
    """Encodes and decodes values of some types: dataclasses, or what these are made of."""

    def __init__(self, *kinds: Any) -> None:
        self._mirrors: dict[Any, Any] = {}  # by dataclass, with its parameters: the type that stands for it
        self._pack: dict[type, Turn] = {}
        self._unpack: dict[type, Turn] = {}
        self._said: list[str] = []
        mirrored = [self._mirror(kind) for kind in kinds]
        self._decoder = msgspec.msgpack.Decoder(Union[tuple(mirrored)])  # noqa: UP007 - made of a list
        self._encoder = msgspec.msgpack.Encoder()
        told = "\n".join([*map(repr, mirrored), *self._said])
        self.fingerprint = hashlib.sha256(told.encode()).hexdigest()[:16]

    def encode(self, value: Any) -> bytes:
        """Return a value's bytes. Raises CodecError if it holds what no bytes stand for, such as an integer of over 64 bits."""
        try:
            return self._encoder.encode(self._packed(value))
        except (OverflowError, TypeError, UnicodeEncodeError, KeyError, RecursionError) as error:
            raise CodecError(f"{type(value).__name__} cannot be encoded: {error}") from None

    def decode(self, data: bytes | memoryview) -> Any:
        """Return the value whose bytes these are. Raises CodecError."""
        try:
            return self._unpacked(self._decoder.decode(data))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise CodecError(str(error)) from None

    # Values. What is no dataclass and holds none is the same on both sides.

    def _packed(self, value: Any) -> Any:
        kind = type(value)
        if kind is tuple:
            return tuple([self._packed(part) for part in value])
        turn = self._pack.get(kind)
        return value if turn is None else turn(value)

    def _unpacked(self, value: Any) -> Any:
        kind = type(value)
        if kind is tuple:
            return tuple([self._unpacked(part) for part in value])
        turn = self._unpack.get(kind)
        return value if turn is None else turn(value)

    # Types

    def _mirror(self, kind: Any, given: dict[Any, Any] | None = None) -> Any:
        """Return the type whose values msgspec reads and writes for those of a type; `given` are the parameters' types."""
        if isinstance(kind, TypeVar):
            return self._mirror((given or {})[kind])
        origin, parts = get_origin(kind), get_args(kind)
        if kind in PLAIN:
            return kind
        if origin is tuple:
            return tuple[tuple(p if p is ... else self._mirror(p, given) for p in parts)]  # type: ignore[misc]  # made of a list
        if origin in (Union, types.UnionType):
            return Union[tuple(self._mirror(p, given) for p in parts)]  # noqa: UP007 - made of a list
        if isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields"):
            return kind  # named tuples msgspec knows, as long as they are plain
        if is_dataclass(origin or kind):
            return self._mirror_of(origin or kind, tuple(self._resolved(p, given) for p in parts))
        raise TypeError(f"{kind!r} is of no kind that the codec knows")

    @staticmethod
    def _resolved(part: Any, given: dict[Any, Any] | None) -> Any:
        return (given or {}).get(part, part)

    def _mirror_of(self, cls: Any, parameters: tuple[Any, ...]) -> Any:
        known = self._mirrors.get((cls, parameters))
        if known is not None:
            return known
        given = dict(zip(getattr(cls, "__parameters__", ()), parameters, strict=True))
        hints = get_type_hints(cls)
        names = [f.name for f in fields(cls)]
        kinds = [self._mirror(hints[name], given) for name in names]
        number = len(self._mirrors)
        mirror = msgspec.defstruct(
            cls.__name__,
            list(zip(names, kinds, strict=True)),
            tag=number,
            array_like=True,
            frozen=True,
            forbid_unknown_fields=True,
            gc=False,
        )
        self._mirrors[cls, parameters] = mirror
        self._said.append(f"{number} {cls.__name__} {dict(zip(names, kinds, strict=True))}")
        deep = [at for at, kind in enumerate(kinds) if not _is_plain(kind)]
        self._pack[cls] = _turning(mirror, names, deep, self._packed)
        self._unpack[mirror] = _turning(cls, names, deep, self._unpacked)
        return mirror


def _is_plain(kind: Any) -> bool:
    """Whether values of a type are the same on both sides, all the way down."""
    if get_origin(kind) is not None:
        return all(part is ... or _is_plain(part) for part in get_args(kind))
    return not (isinstance(kind, type) and issubclass(kind, msgspec.Struct))


def _turning(make: Any, names: list[str], deep: Iterable[int], turn: Turn) -> Turn:
    """Return what makes a value of one type from the fields of another's, turning those at `deep`."""
    if not names:
        only = make()
        return lambda _: only
    get = attrgetter(*names)
    if len(names) == 1:
        return (lambda v: make(turn(get(v)))) if deep else (lambda v: make(get(v)))
    if not deep:
        return lambda v: make(*get(v))

    def turned(value: Any) -> Any:
        parts = list(get(value))
        for at in deep:
            parts[at] = turn(parts[at])
        return make(*parts)

    return turned
