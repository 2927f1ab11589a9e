"""Map, Set, Bag and Seq: immutable, hashable values that a running step may update in place.

Guarantees: equality and hashing are by content; iteration is in canonical order; **an assignment copies**: a value that was
read keeps its content for ever. `self.log[i].append(e)` works because the value held by a model's variable knows its
*place* there (`_place`), and an update writes a new value to that place. One that is no longer the current content of its place
cannot be updated. A value without a place is changed itself: the language lets a step do so only with a copy that it has made
and that nothing else holds (`compile/copies.py`).
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum, EnumType
from itertools import chain
from typing import Any, Protocol, Self, TypeAlias, TypeVar, get_origin, overload

from ratified.language.deferred import Deferred
from ratified.language.errors import ModelError
from ratified.language.scope import scope_if_any

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")


PlacePath: TypeAlias = tuple[object, ...]


class Place(Protocol):
    """Where a value stands in a running model: a variable, or a key of a map that has a place."""

    def read(self) -> Any:
        """What stands there now."""

    def write(self, value: Any, path: PlacePath = ()) -> None:
        """Put another value there, which differs from what was there at the end of a path of keys alone."""

    def child(self, key: object) -> Place:
        """The place of a key of the map that stands here."""


class KeyPlace:
    """The place of one key of a map."""

    __slots__ = ("_children", "_key", "_parent")

    def __init__(self, parent: Place, key: object) -> None:
        self._parent = parent
        self._key = key
        self._children: dict[object, KeyPlace] = {}

    def read(self) -> Any:
        """What the map holds at the key."""
        return self._parent.read()[self._key]

    def write(self, value: Any, path: PlacePath = ()) -> None:
        """Replace the map by one with another value at the key."""
        self._parent.write(self._parent.read()._with(self._key, value), (self._key, *path))

    def child(self, key: object) -> KeyPlace:
        """The place of a key of the map that stands here (one object per key)."""
        found = self._children.get(key)
        if found is None:
            found = self._children[key] = KeyPlace(self, key)
        return found


class Value:
    """What the four containers share: content, a cached hash, and perhaps a place in a running model."""

    __slots__ = ("_data", "_hashed", "_place")
    _data: Any
    _hashed: int | None
    _place: Place | None

    @classmethod
    def _of(cls, data: Any, place: Place | None = None) -> Self:
        self = object.__new__(cls)
        self._data = data
        self._hashed = None
        self._place = place
        return self

    def _at(self, place: Place | None) -> Self:
        """The same content standing at a place."""
        return self if self._place is place else self._of(self._data, place)

    def _update(self, data: Any, path: PlacePath = ()) -> None:
        place = self._place
        if place is None:
            self._become(data)
            return
        if place.read() is not self:
            raise ModelError(
                "this value was read before its variable changed, and cannot be used to change it again",
                remedy="update through self.x... each time",
            )
        place.write(self._of(data, place), path)

    def _become(self, data: Any) -> None:
        """Change a local copy, which a step has made for itself: the compiler sees to it that nothing else holds it."""
        self._data = data
        self._hashed = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle, (type(self), self._data)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


def _unpickle(cls: type[Value], data: Any) -> Value:
    return cls._of(data)


def attached(value: Any, place: Place) -> Any:
    """A value as it stands at a place; anything but a container is its own self."""
    return value._at(place) if isinstance(value, Value) else value


class Map(Value, Mapping[K, V]):
    """A total map: a value for every key of a finite type. `m[k]`, `m | {k: v}`; `self.m[k] = v` updates a variable."""

    __slots__ = ()
    _data: dict[K, V]

    # Of two forms, and not of a union: a type checker then knows what the values of a dict that is written out are to be.
    @overload
    def __init__(self, items: Mapping[K, V], /) -> None: ...
    @overload
    def __init__(self, items: Iterable[tuple[K, V]] = (), /) -> None: ...
    def __init__(self, items: Mapping[K, V] | Iterable[tuple[K, V]] = (), /) -> None:
        data = dict(items)
        self._data = {key: data[key] for key in sorted(data, key=order_key)}
        self._hashed = None
        self._place = None

    def _at(self, place: Place | None) -> Self:
        if self._place is place or place is None:
            return self
        return self._of({key: attached(value, place.child(key)) for key, value in self._data.items()}, place)

    def _with(self, key: K, value: V) -> Self:
        if key not in self._data:
            raise _unbound(key)
        data = self._data.copy()
        data[key] = value if self._place is None else attached(value, self._place.child(key))
        return self._of(data, self._place)

    def __getitem__(self, key: K) -> V:
        try:
            return self._data[key]
        except KeyError:
            raise _unbound(key) from None

    def __setitem__(self, key: K, value: V) -> None:
        if key not in self._data:
            raise _unbound(key)
        place = self._place
        data = self._data.copy()
        data[key] = value if place is None else attached(value, place.child(key))
        self._update(data, (key,))

    def __delitem__(self, key: K) -> None:
        """Put None at a key, whose value may be None."""
        self[key] = None  # type: ignore[assignment]  # the compiler sees to it

    def pop(self, key: K) -> V:
        """The same as `del`: the value becomes None. Returns what it was."""
        value = self[key]
        del self[key]
        return value

    @overload  # type: ignore[override]  # every key is there; what may be None is the value
    def get(self, key: K, /) -> V: ...
    @overload
    def get(self: Map[K, T | None], key: K, default: T, /) -> T: ...
    def get(self, key: Any, default: Any = None, /) -> Any:
        """The value at a key, or `default` if that is None."""
        value = self[key]
        return default if value is None else value

    def update(self, other: Mapping[K, V], /) -> None:
        """Change the variable's map at some keys."""
        place = self._place
        changed = {k: v if place is None else attached(v, place.child(k)) for k, v in other.items()}
        self._update((self | changed)._data)

    @overload
    @classmethod
    def fromkeys(cls, keys: Iterable[K], value: T) -> Map[K, T]: ...
    @overload
    @classmethod
    def fromkeys(cls, keys: type[K], value: T) -> Map[K, T]: ...
    @overload
    @classmethod
    def fromkeys(cls, keys: object, value: T) -> Map[Any, T]: ...
    @classmethod
    def fromkeys(cls, keys: Any, value: T) -> Map[Any, T]:
        """The same value at every key of a type, which may also be the default of a variable.

        `Map.fromkeys(Node, 0)`, `Map.fromkeys(tuple[Row, Column], 0)`, `Map.fromkeys(Annotated[int, Range(1, 9)], 0)`.
        """
        if isinstance(value, Deferred) or (scope_if_any() is None and is_unsized(keys)):
            return Deferred(lambda: Map((k, _computed(value)) for k in _keys_of(keys)), each=value)  # type: ignore[return-value]  # Model computes it
        return Map((k, value) for k in _keys_of(keys))

    def entries(self) -> ItemsView[K, V]:
        """Every key of the type with what it holds, which for a key that a partial map has not is None: for engines."""
        return self._data.items()

    def __iter__(self) -> Iterator[K]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __contains__(self, key: object) -> bool:
        return key in self._data

    def __or__(self, other: Mapping[K, V]) -> Map[K, V]:
        """This map with the other's values at the other's keys, all of which it must have."""
        data = self._data.copy()
        for key, value in other.items():
            if key not in data:
                raise _unbound(key)
            data[key] = value
        return Map._of(data)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Map):
            return self._data == other._data
        return self._data == other if isinstance(other, dict) else NotImplemented

    def __hash__(self) -> int:
        if self._hashed is None:
            self._hashed = hash(tuple(self._data.values()))
        return self._hashed

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{show(k)}: {show(v)}" for k, v in self._data.items()) + "}"


def is_type(value: object) -> bool:
    """Whether this names a type, rather than values: `bool`, `Literal["a"]`, `tuple[A, B]`."""
    return isinstance(value, type) or get_origin(value) is not None


def is_unsized(keys: object) -> bool:
    """Whether these are the values of a type, which are known in a model of a size alone."""
    return is_type(keys) and not isinstance(keys, EnumType)


def _keys_of(keys: Any) -> Iterable[Any]:
    """The values of a type in the scope in force, or those that are given."""
    if not is_type(keys) or (isinstance(keys, type) and isinstance(keys, Iterable)):
        return keys  # type: ignore[no-any-return]  # sorts and Enums are iterable themselves
    return values_of_type[0](keys)


values_of_type: list[Callable[[object], Iterable[Any]]] = []
"""What the values of a type are in the scope in force: put here by `types`, which knows."""


def _computed(value: T) -> T:
    return value.compute() if isinstance(value, Deferred) else value  # type: ignore[return-value]  # likewise


def _unbound(key: object) -> ModelError:
    return ModelError(
        f"the map has no key {key!r}", remedy="a Map has a value for every key of its key type only"
    )


class Set(Value, AbstractSet[T]):
    """A finite set. `self.s.add(x)`, `.discard`, `.remove`, `.clear`, `.update` change a variable."""

    __slots__ = ("_sorted",)
    _data: frozenset[T]
    _sorted: tuple[T, ...] | None

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._data = frozenset(items)
        self._hashed = None
        self._place = None
        self._sorted = None

    @classmethod
    def _of(cls, data: Any, place: Place | None = None) -> Self:
        self = object.__new__(cls)
        self._data = data
        self._hashed = None
        self._place = place
        self._sorted = None
        return self

    def _become(self, data: Any) -> None:
        super()._become(data)
        self._sorted = None

    @classmethod
    def _from_iterable(cls, items: Iterable[Any]) -> Set[Any]:
        return cls(items)

    def __contains__(self, item: object) -> bool:
        return item in self._data

    def __iter__(self) -> Iterator[T]:
        if self._sorted is None:
            few = len(self._data) < 2
            self._sorted = tuple(self._data) if few else tuple(sorted(self._data, key=order_key))
        return iter(self._sorted)

    def __len__(self) -> int:
        return len(self._data)

    # The four operations give a Set, not just some AbstractSet: what they give can be stored in a variable.

    def __or__(self, other: AbstractSet[T]) -> Set[T]:  # type: ignore[override]  # one element type, on purpose
        return Set._of(self._data | _raw(other))

    def __and__(self, other: AbstractSet[Any]) -> Set[T]:
        return Set._of(self._data & _raw(other))

    def __sub__(self, other: AbstractSet[Any]) -> Set[T]:
        return Set._of(self._data - _raw(other))

    def __xor__(self, other: AbstractSet[T]) -> Set[T]:  # type: ignore[override]  # as for `|`
        return Set._of(self._data ^ _raw(other))

    def __le__(self, other: AbstractSet[Any]) -> bool:
        return self._data <= _raw(other)

    def __ge__(self, other: AbstractSet[Any]) -> bool:
        return self._data >= _raw(other)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Set):
            return self._data == other._data
        return self._data == other if isinstance(other, set | frozenset) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._data)

    def __repr__(self) -> str:
        return "{" + ", ".join(map(show, self)) + "}"

    def add(self, item: T) -> None:
        """Add an element to the variable's set."""
        self._update(self._data | {item})

    def discard(self, item: T) -> None:
        """Remove an element from the variable's set, if it is there."""
        self._update(self._data - {item})

    def remove(self, item: T) -> None:
        """Remove an element from the variable's set; it must be there."""
        if item not in self._data:
            raise ModelError(
                f"the set has no element {item!r} to remove",
                remedy="use discard, or require that it is there",
            )
        self._update(self._data - {item})

    def clear(self) -> None:
        """Empty the variable's set."""
        self._update(frozenset())

    def update(self, items: Iterable[T]) -> None:
        """Add all of these to the variable's set."""
        self._update(self._data.union(items))


def _raw(items: AbstractSet[Any]) -> frozenset[Any]:
    return items._data if isinstance(items, Set) else frozenset(items)


class Bag(Value, Sequence[T]):
    """A finite multiset. `len` and iteration count copies; `self.b.add(x)`, `.remove`, `.discard`, `.clear` change a variable."""

    __slots__ = ()
    _data: dict[T, int]

    def __init__(self, items: Iterable[T] = ()) -> None:
        data: dict[T, int] = {}
        for item in items:
            data[item] = data.get(item, 0) + 1
        self._data = data
        self._hashed = None
        self._place = None

    def count(self, item: object) -> int:
        """The number of copies of an element."""
        return self._data.get(item, 0)  # type: ignore[arg-type]  # any object may be asked for

    def distinct(self) -> Set[T]:
        """The elements, each once."""
        return Set(self._data)

    def __contains__(self, item: object) -> bool:
        return item in self._data

    def __len__(self) -> int:
        return sum(self._data.values())

    def __iter__(self) -> Iterator[T]:
        copies = self._data
        for item in sorted(copies, key=order_key):
            for _ in range(copies[item]):
                yield item

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Seq[T]: ...
    def __getitem__(self, index: int | slice) -> T | Seq[T]:
        raise ModelError("the elements of a Bag have no position", remedy="iterate over it, or use a Seq")

    def __add__(self, other: Bag[T]) -> Bag[T]:
        data = self._data.copy()
        for item, copies in other._data.items():
            data[item] = data.get(item, 0) + copies
        return Bag._of(data)

    def __eq__(self, other: object) -> bool:
        return self._data == other._data if isinstance(other, Bag) else NotImplemented

    def __hash__(self) -> int:
        if self._hashed is None:
            self._hashed = hash(frozenset(self._data.items()))
        return self._hashed

    def __repr__(self) -> str:
        items = sorted(self._data, key=order_key)
        return "[" + ", ".join((f"{n} x " if (n := self._data[i]) > 1 else "") + show(i) for i in items) + "]"

    def add(self, item: T) -> None:
        """Add one copy to the variable's bag."""
        self._update(self._data | {item: self._data.get(item, 0) + 1})

    def discard(self, item: T) -> None:
        """Remove one copy from the variable's bag, if there is one."""
        if item in self._data:
            self.remove(item)
        else:
            self._update(self._data)

    def remove(self, item: T) -> None:
        """Remove one copy from the variable's bag; there must be one."""
        copies = self._data.get(item, 0)
        if not copies:
            raise ModelError(
                f"the bag has no copy of {item!r} to remove", remedy="require that it is there, or discard"
            )
        data = self._data.copy()
        if copies == 1:
            del data[item]
        else:
            data[item] = copies - 1
        self._update(data)

    def clear(self) -> None:
        """Empty the variable's bag."""
        self._update({})


class Seq(Value, Sequence[T]):
    """A finite sequence. `self.s.append(x)`, `.extend`, `.pop`, `.clear` and `self.s[i] = x` change a variable."""

    __slots__ = ()
    _data: tuple[T, ...]

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._data = tuple(items)
        self._hashed = None
        self._place = None

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Seq[T]: ...
    def __getitem__(self, index: int | slice) -> T | Seq[T]:
        if isinstance(index, slice):
            return Seq._of(self._data[index])
        try:
            return self._data[index]
        except IndexError:
            self._checked(index)  # which says more
            raise

    def _checked(self, index: int) -> int:
        if not -len(self._data) <= index < len(self._data):
            raise ModelError(
                f"the sequence has length {len(self._data)}, and no index {index}",
                remedy="test the length first",
            )
        return index

    def __setitem__(self, index: int, value: T) -> None:
        data = list(self._data)
        data[self._checked(index)] = value
        self._update(tuple(data))

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[T]:
        return iter(self._data)

    def __contains__(self, item: object) -> bool:
        return item in self._data

    def __add__(self, other: Sequence[T]) -> Seq[T]:
        return Seq._of(self._data + tuple(other))

    def __radd__(self, other: Sequence[T]) -> Seq[T]:
        return Seq._of(tuple(other) + self._data)

    def index(self, value: object, start: int = 0, stop: int | None = None) -> int:
        """The first position of an element, which must be there."""
        if value not in self._data:
            raise ModelError(f"the sequence has no element {value!r}", remedy="test with `in` first")
        return self._data.index(value)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Seq):
            return self._data == other._data
        return self._data == tuple(other) if isinstance(other, list | tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._data)

    def __repr__(self) -> str:
        return "[" + ", ".join(map(show, self._data)) + "]"

    def append(self, item: T) -> None:
        """Append an element to the variable's sequence."""
        self._update((*self._data, item))

    def insert(self, index: int, item: T) -> None:
        """Put an element before a position of the variable's sequence."""
        self._update((*self._data[:index], item, *self._data[index:]))

    def remove(self, item: T) -> None:
        """Take the first such element out of the variable's sequence; there must be one."""
        at = self.index(item)
        self._update((*self._data[:at], *self._data[at + 1 :]))

    def extend(self, items: Iterable[T]) -> None:
        """Append elements to the variable's sequence."""
        self._update((*self._data, *items))

    def pop(self, index: int = -1) -> T:
        """Remove the element at a position (the last one) from the variable's sequence, and return it."""
        at = self._checked(index) % len(self._data)
        item = self._data[at]
        self._update(self._data[:at] + self._data[at + 1 :])
        return item

    def clear(self) -> None:
        """Empty the variable's sequence."""
        self._update(())


_record_keys: dict[object, tuple[Any, ...]] = {}
_container_keys: dict[object, tuple[Any, ...]] = {}
_CONTAINERS_MOST = 1 << 16
_enum_index: dict[Enum, int] = {}


def order_key(value: Any) -> tuple[Any, ...]:
    """The place of a value in the canonical order of its type.

    None first; numbers and sorts by size; enums as declared; records by class name, then fields; tuples and sequences
    lexicographically after their length; sets and bags likewise by their sorted elements.
    """
    if value is None:
        return ()
    if isinstance(value, str):
        return (str(value.value if isinstance(value, Enum) else value),)
    if isinstance(value, int):
        return (int(value),)
    if isinstance(value, Enum):
        if value not in _enum_index:
            _enum_index.update({member: index for index, member in enumerate(type(value))})
        return (_enum_index[value],)
    if hasattr(value, "__record_types__"):
        key = _record_keys.get(value)
        if key is None:
            fields = tuple(order_key(getattr(value, name)) for name in value.__match_args__)
            key = _record_keys[value] = (type(value).__name__, *fields)
        return key
    if isinstance(value, Map):
        return tuple((order_key(k), order_key(v)) for k, v in value.entries())
    # Positions, pairs and small sets stand in many sets. What is equal, a value of another sort included, has the same place.
    same = value if type(value) is tuple else value._data if type(value) is Set else None
    try:
        key = _container_keys.get(same)
    except TypeError:  # there is one of Python's own sets in it
        same = key = None
    if key is None:
        keys = [order_key(item) for item in value]
        key = (len(value), *(sorted(keys) if isinstance(value, set | frozenset) else keys))
        if same is not None:
            if len(_container_keys) >= _CONTAINERS_MOST:
                _container_keys.clear()
            _container_keys[same] = key
    return key


def values_in(value: object) -> Iterator[object]:
    """The values directly in a value: fields of a record, keys and values of a map, items; of any other there are none."""
    if hasattr(type(value), "__record_types__"):
        yield from (getattr(value, name) for name in type(value).__match_args__)  # type: ignore[attr-defined]  # a record
    elif isinstance(value, Map):
        yield from chain.from_iterable(value.entries())
    elif isinstance(value, tuple | Set | Seq | Bag | set | frozenset | list):
        yield from value


def forget_keys() -> None:
    """Forget the order of records, which is worked out anew where it is asked for."""
    _record_keys.clear()
    _container_keys.clear()


def show(value: object) -> str:
    """A value as people read it: names of values, members of enums without their class."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, str):
        return value
    return "(" + ", ".join(map(show, value)) + ")" if type(value) is tuple else repr(value)


def quoted(value: object) -> str:
    """The same of a value that may be none of a model's: a text can be told from a name."""
    if isinstance(value, str):
        return repr(value)
    return "(" + ", ".join(map(quoted, value)) + ")" if type(value) is tuple else show(value)
