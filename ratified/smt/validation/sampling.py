"""Which sizes, parameters and states formulas are held against: few, the same for the same seed, and not only reachable ones.

Guarantees: sizes come smallest first; a state is one of values of the declared types; everything is drawn from the generator that
is given.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any

from ratified.language.api import Deferred
from ratified.language.errors import RatifiedError
from ratified.language.ir import Declaration
from ratified.language.model import Model
from ratified.language.scope import Scope, running
from ratified.language.sorts import BoundLeft, members
from ratified.language.types import (
    BagType,
    BoolType,
    EnumType,
    IntType,
    MapType,
    NoneType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    UnionType,
    cardinality,
    resolved,
    values_of,
)
from ratified.language.values import Bag, Map, Seq, Set

EACH_MOST = 3
"""So many elements of each sort at most."""

UNLIKE_MOST = 4
"""So many sizes beside those where all sorts are alike."""

KEYS_MOST = 64
ELEMENTS_MOST = 3
NUMBERS = range(4)
"""What a number without bounds is drawn from."""

TRIES = 2
"""So many choices of parameters, beside the defaults, are taken for each size."""

DRAWS = 24
"""So many are drawn to find them, where a model's assumptions forbid some."""

LARGER = range(EACH_MOST + 1, 7)
"""Numbers of elements where a model's assumptions forbid fewer."""


def larger_sizes(cls: type[Model]) -> Iterator[dict[str, int]]:
    """Numbers of elements that are tried where the assumptions forbid those of `sizes_of`."""
    sorts = [t.sort.__name__ for t in cls.module.sorts]
    return (dict.fromkeys(sorts, n) for n in LARGER if sorts)


def sizes_of(cls: type[Model]) -> Iterator[dict[str, int]]:
    """Numbers of elements for each sort: all alike first, then one sort unlike the others."""
    sorts = [t.sort.__name__ for t in cls.module.sorts]
    alike = [dict.fromkeys(sorts, n) for n in range(1, EACH_MOST + 1)]
    yield from alike if sorts else alike[:1]
    if len(sorts) > 1:
        unlike = [(s, few, many) for (few, many), s in itertools.product(((2, 1), (1, 2)), sorts)]
        for sort, few, many in unlike[:UNLIKE_MOST]:
            yield {**dict.fromkeys(sorts, few), sort: many}


def instances(cls: type[Model], sizes: dict[str, int], rng: random.Random) -> Iterator[Model]:
    """The model at some sizes: with its parameters' defaults, and with others. None that its assumptions forbid."""
    seen: list[dict[str, object]] = []
    made = 0
    for attempt in range(DRAWS if cls.module.parameters else 1):
        scope = Scope({t.sort: sizes[t.sort.__name__] for t in cls.module.sorts}, {})
        try:
            given = _parameters(cls.module.parameters, scope, rng, defaults=attempt == 0)
            if given in seen:
                continue
            seen.append(given)
            model = cls(**sizes, **given)
        except (RatifiedError, BoundLeft):
            continue
        yield model
        made += 1
        if made > TRIES:
            return


def _parameters(
    declared: tuple[Declaration, ...], scope: Scope, rng: random.Random, *, defaults: bool
) -> dict[str, object]:
    found: dict[str, object] = {}
    for declaration in declared:
        inner = Scope(scope.sizes, dict(found))
        with running(inner):
            default = declaration.default.value if declaration.default else None
            if declaration.default is not None and (defaults or rng.random() < 0.25):
                found[declaration.name] = default.compute() if isinstance(default, Deferred) else default
            else:
                found[declaration.name] = drawn(declaration.type, inner, rng)
    return found


def drawn(t: Type, scope: Scope, rng: random.Random) -> Any:
    """A value of a type, in a scope that is in force."""
    match resolved(t, scope):
        case BoolType():
            return rng.random() < 0.5
        case NoneType():
            return None
        case IntType(low, high):
            if not isinstance(low, int) or not isinstance(high, int):
                return rng.choice(NUMBERS)
            return rng.randint(low, max(low, high)) if high - low < KEYS_MOST else low + rng.choice(NUMBERS)
        case EnumType(enum):
            return rng.choice(list(enum))
        case SortType(sort):
            return rng.choice(list(members(sort)))
        case OptionalType(item):
            return None if rng.random() < 0.3 else drawn(item, scope, rng)
        case UnionType(records):
            return drawn(rng.choice(records), scope, rng)
        case RecordType(record) as r:
            return record(*(drawn(f, scope, rng) for f in r.fields.values()))
        case TupleType(items):
            return tuple(drawn(i, scope, rng) for i in items)
        case MapType(key, value):
            alike = rng.random() < 0.3
            one = drawn(value, scope, rng)
            return Map([(k, one if alike else drawn(value, scope, rng)) for k in values_of(key, scope)])
        case SetType(item, size):
            count = rng.choice((0, 1, 2, 3, 5)) if size is None else rng.randint(0, int(size))
            if size is None and rng.random() < 0.15 and cardinality(item, scope) <= KEYS_MOST:
                return Set(values_of(item, scope))
            return Set([drawn(item, scope, rng) for _ in range(count)])
        case BagType(item, size, copies):
            return _bag(item, size, copies, scope, rng)
        case SeqType(item, size):
            most = ELEMENTS_MOST if size is None else int(size)
            return Seq([drawn(item, scope, rng) for _ in range(rng.randint(0, most))])
    raise AssertionError(t)


def _bag(item: Type, size: object, copies: object, scope: Scope, rng: random.Random) -> Any:
    most = ELEMENTS_MOST if size is None else int(str(size))
    each = most if copies is None else int(str(copies))
    found: list[Any] = []
    for _ in range(rng.randint(0, most)):
        value = drawn(item, scope, rng)
        if found and rng.random() < 0.4:
            value = rng.choice(found)
        if found.count(value) < each:
            found.append(value)
    return Bag(found)


def changed(t: Type, value: Any, scope: Scope, rng: random.Random) -> Any:
    """A value that is nearly another: a place of a map, or an element of a set, is unlike."""
    match t:
        case MapType(key, item) if len(value):
            k = rng.choice(list(values_of(key, scope)))
            return Map(
                [(other, changed(item, v, scope, rng) if other == k else v) for other, v in value.items()]
            )
        case SetType(item, None):
            if value and rng.random() < 0.4:
                return value - Set([rng.choice(list(value))])
            return value | Set([drawn(item, scope, rng)])
    return drawn(t, scope, rng)
