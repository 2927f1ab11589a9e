"""PartialMap: a map with some of its keys.

Guarantees: equal if it has the same values at the same keys, however it was made; in a state it has an entry for every key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self, TypeVar, overload

from ratified.language.errors import ModelError
from ratified.language.values import Map, attached, order_key, show

K = TypeVar("K")
V = TypeVar("V")


class PartialMap(Map[K, V]):
    """A map with some of its keys, used like a dict: `k in m`, `m[k] = v`, `del m[k]`, `m.get(k)`, `m.items()`.

    In a state it is a total map with None for keys without a value, and engines treat it so. One made by hand has the keys it
    was given, until a state holds it.
    """

    __slots__ = ()

    def _held(self) -> dict[K, V]:
        return {key: value for key, value in self._data.items() if value is not None}

    def __getitem__(self, key: K) -> V:
        value = self._data.get(key)
        if value is None:
            raise ModelError(f"the map has no key {key!r}", remedy=ABSENT)
        return value

    def _with(self, key: K, value: V) -> Self:
        # The path to a value that is changed in place; what holds it is looked at whole, absent keys and all.
        data = self._data.copy()
        data[key] = value if self._place is None else attached(value, self._place.child(key))
        return self._of(data, self._place)

    def __setitem__(self, key: K, value: V) -> None:
        data = self._with(key, value)._data
        if key not in self._data:
            data = {k: data[k] for k in sorted(data, key=order_key)}
        self._update(data, (key,))

    def __delitem__(self, key: K) -> None:
        """Take a key away, which must be there."""
        self[key]  # fails where there is none
        self[key] = None  # type: ignore[assignment]  # how absence is held

    @overload
    def pop(self, key: K, /) -> V: ...
    @overload
    def pop(self, key: K, otherwise: None, /) -> V | None: ...
    def pop(self, key: K, /, *otherwise: None) -> V | None:
        """Remove a key, which must be there unless called as `m.pop(k, None)`, and return its value (or None)."""
        value = self.get(key)
        if value is not None or not otherwise:
            del self[key]
        return value

    def clear(self) -> None:
        """Remove every key."""
        self._update(dict.fromkeys(self._data))

    @overload  # type: ignore[override]  # of a dict: None where there is no value
    def get(self, key: K, /) -> V | None: ...
    @overload
    def get(self, key: K, default: V, /) -> V: ...
    def get(self, key: Any, default: Any = None, /) -> Any:
        """The value at a key, or `default` (or None) if there is none."""
        value = self._data.get(key)
        return default if value is None else value

    def __iter__(self) -> Iterator[K]:
        return iter(self._held())

    def __len__(self) -> int:
        return len(self._held())

    def __contains__(self, key: object) -> bool:
        return self._data.get(key) is not None  # type: ignore[arg-type]  # any object may be asked for

    def __or__(self, other: Mapping[K, V]) -> PartialMap[K, V]:
        """This map with the other's values at the other's keys."""
        data = {**self._data, **dict(other.items())}
        return PartialMap._of({key: data[key] for key in sorted(data, key=order_key)})

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PartialMap):
            return self._data == other._data or self._held() == other._held()
        return self._held() == other if isinstance(other, dict) else NotImplemented

    def __hash__(self) -> int:
        if self._hashed is None:
            self._hashed = hash(tuple(self._held().items()))
        return self._hashed

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{show(k)}: {show(v)}" for k, v in self._held().items()) + "}"


ABSENT = "test first that it is there: `if k in m`, require(k in m), or m.get(k)"
"""What to do where a partial map may not have a key."""
