"""Sorts: finite sets of named values whose size is chosen when a model is instantiated.

Guarantees: there is one object per sort and index, so identity is equality; a value prints as its name (`a1`, `b0`).
`Sort` values are told apart, `Symmetric` values are interchangeable, `Ordered` values are in a total order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import TYPE_CHECKING, Any, Self, TypeVar

from ratified.language.errors import ModelError
from ratified.language.scope import current_scope, scope_if_any, size_of

if TYPE_CHECKING:
    _Base = object
else:
    # An int underneath makes comparison and hashing run at C speed; the compiler sees to it that no model uses a
    # sort as a number, and mypy does not see the int at all.
    _Base = int

S = TypeVar("S", bound="Sort")
T = TypeVar("T")


class BoundKind(Enum):
    """What a declared bound is of."""

    RANGE = "an int"
    LAST = "the values of an ordered sort"
    SIZE = "the elements of a container"


class BoundLeft(Exception):
    """A step would leave a declared bound: it is not taken, and counted. `what` names the bound."""

    def __init__(self, what: str, kind: BoundKind) -> None:
        super().__init__(what)
        self.what = what
        self.kind = kind


class SortMeta(type):
    """Makes a sort class stand for the set of its values: `for a in Acceptor`, `len(Acceptor)`."""

    _values: list[Any]

    def __iter__(cls: type[T]) -> Iterator[T]:
        scope = scope_if_any()
        known: Any = scope.cache.get(cls) if scope else None  # most often: without a call
        return iter(known or members(cls))

    def __len__(cls) -> int:
        return size_of(cls)

    def __bool__(cls) -> bool:
        return True  # a class is one even where it has no size

    def __contains__(cls: type[T], value: object) -> bool:
        return type(value) is cls and int(value) < size_of(cls)  # type: ignore[call-overload]  # values are numbers

    def __call__(cls, index: int) -> Any:
        """The value of a number: always the same object."""
        values = cls._values
        scope = scope_if_any()
        if index < 0 or (scope and cls in scope.sizes and index >= scope.sizes[cls]):
            if index > 0 and issubclass(cls, Ordered):
                raise BoundLeft(past_last(cls), BoundKind.LAST)
            raise ModelError(
                f"{cls.__name__} has no value number {index}", remedy="values are numbered from 0"
            )
        while len(values) <= index:
            values.append(super().__call__(len(values)))
        return values[index]


def members(sort: type[S]) -> tuple[S, ...]:
    """The values of a sort in the scope in force, in order."""
    cache = current_scope().cache
    found = cache.get(sort)
    if found is None:
        found = cache[sort] = tuple(sort(i) for i in range(size_of(sort)))
    return found  # type: ignore[return-value]  # the cache is keyed by what was computed


class Sort(_Base, metaclass=SortMeta):
    """A finite sort whose values are distinguishable. `class Node(Sort, prefix="n")` chooses how values print."""

    __slots__ = ()
    prefix = ""
    first_number = 1

    def __init_subclass__(cls, prefix: str | None = None) -> None:
        super().__init_subclass__()
        cls._values = []
        cls.prefix = prefix or "".join(re.findall(r"[A-Z]", cls.__name__)).lower() or cls.__name__[:1].lower()

    if TYPE_CHECKING:

        def __init__(self, index: int) -> None: ...
        def __int__(self) -> int: ...
        def __index__(self) -> int: ...

    def __repr__(self) -> str:
        return f"{self.prefix}{int(self) + self.first_number}"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __reduce__(self) -> tuple[type, tuple[int]]:
        return type(self), (int(self),)


def tell_apart(sorts: Iterable[type[Sort]]) -> None:
    """Let no two sorts of a model print alike: `Node` and `Nonce` are `n1` and `no1`.

    Of two with the same prefix the later one gets more letters of its name, as few as will do.
    """
    taken: set[str] = set()
    for sort in sorts:
        name = sort.__name__.lower()
        longer = (name[:k] for k in range(len(sort.prefix) + 1, len(name) + 1))
        sort.prefix = next((p for p in (sort.prefix, *longer) if p not in taken), f"{name}_")
        taken.add(sort.prefix)


class Symmetric(Sort):
    """A sort whose values are interchangeable: renaming them turns a run into a run."""

    __slots__ = ()


class Ordered(Sort):
    """A totally ordered sort, bounded when a model is checked and unbounded when it is proved."""

    __slots__ = ()
    first_number = 0

    if TYPE_CHECKING:

        def __lt__(self, other: Self) -> bool: ...
        def __le__(self, other: Self) -> bool: ...
        def __gt__(self, other: Self) -> bool: ...
        def __ge__(self, other: Self) -> bool: ...

    def __add__(self, steps: int) -> Self:
        index = int(self) + steps
        if index >= size_of(type(self)):
            raise BoundLeft(past_last(type(self)), BoundKind.LAST)
        if index < 0:
            raise ModelError(
                f"there is no {type(self).__name__} before the first", remedy="test for the first one"
            )
        return type(self)(index)

    def __sub__(self, steps: int) -> Self:
        return self + -steps

    def is_last(self) -> bool:
        """Whether no value follows this one at this size. Always false where sizes are unbounded."""
        return int(self) == size_of(type(self)) - 1


def past_last(sort: type[Sort]) -> str:
    """How a step past the last value of an ordered sort is reported."""
    return f"the last {sort.__name__}, {sort(size_of(sort) - 1)}"


O = TypeVar("O", bound=Ordered)  # noqa: E741  # the conventional one-letter name


def first(sort: type[O]) -> O:
    """The least value of an ordered sort."""
    return members(sort)[0]


def last(sort: type[O]) -> O:
    """The greatest value of an ordered sort at this size."""
    return members(sort)[-1]
