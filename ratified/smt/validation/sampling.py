"""Which sizes, parameters and states formulas are held against: few, the same for the same seed, and not only reachable ones.

Guarantees: sizes come smallest first; a state is one of values of the declared types; everything is drawn from the generator that
is given.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ratified.language.deferred import Deferred
from ratified.language.errors import RatifiedError
from ratified.language.ir import Declaration
from ratified.language.model import Model
from ratified.language.rules import Rules
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


@dataclass(frozen=True, slots=True)
class _Drawing:
    """Sizes and parameters that are in force, and where chance comes from."""

    scope: Scope
    rng: random.Random

    def __call__(self, t: Type) -> Any:
        return _DRAWN(resolved(t, self.scope), self)


_DRAWN: Rules[_Drawing, Any] = Rules("values drawn at random")


def drawn(t: Type, scope: Scope, rng: random.Random) -> Any:
    """A value of a type, in a scope that is in force."""
    return _Drawing(scope, rng)(t)


@_DRAWN.rule(BoolType)
def _(t: BoolType, draw: _Drawing) -> bool:
    return draw.rng.random() < 0.5


@_DRAWN.rule(NoneType)
def _(t: NoneType, draw: _Drawing) -> None:
    return None


@_DRAWN.rule(IntType)
def _(t: IntType, draw: _Drawing) -> int:
    low, high = t.low, t.high
    if not isinstance(low, int) or not isinstance(high, int):
        return draw.rng.choice(NUMBERS)
    if high - low < KEYS_MOST:
        return draw.rng.randint(low, max(low, high))
    return low + draw.rng.choice(NUMBERS)


@_DRAWN.rule(EnumType)
def _(t: EnumType, draw: _Drawing) -> object:
    return draw.rng.choice(list(t.enum))


@_DRAWN.rule(SortType)
def _(t: SortType, draw: _Drawing) -> object:
    return draw.rng.choice(list(members(t.sort)))


@_DRAWN.rule(OptionalType)
def _(t: OptionalType, draw: _Drawing) -> object:
    return None if draw.rng.random() < 0.3 else draw(t.item)


@_DRAWN.rule(UnionType)
def _(t: UnionType, draw: _Drawing) -> object:
    return draw(draw.rng.choice(t.records))


@_DRAWN.rule(RecordType)
def _(t: RecordType, draw: _Drawing) -> object:
    return t.record(*map(draw, t.fields.values()))


@_DRAWN.rule(TupleType)
def _(t: TupleType, draw: _Drawing) -> object:
    return tuple(map(draw, t.items))


@_DRAWN.rule(MapType)
def _(t: MapType, draw: _Drawing) -> Map[Any, Any]:
    alike = draw.rng.random() < 0.3
    one = draw(t.value)
    return t.of([(k, one if alike else draw(t.value)) for k in values_of(t.key, draw.scope)])


@_DRAWN.rule(SetType)
def _(t: SetType, draw: _Drawing) -> Set[Any]:
    rng, size = draw.rng, t.size
    count = rng.choice((0, 1, 2, 3, 5)) if size is None else rng.randint(0, int(size))
    if size is None and rng.random() < 0.15 and cardinality(t.item, draw.scope) <= KEYS_MOST:
        return Set(values_of(t.item, draw.scope))
    return Set([draw(t.item) for _ in range(count)])


@_DRAWN.rule(BagType)
def _(t: BagType, draw: _Drawing) -> Bag[Any]:
    most = ELEMENTS_MOST if t.size is None else int(t.size)
    each = most if t.copies is None else int(t.copies)
    found: list[Any] = []
    for _ in range(draw.rng.randint(0, most)):
        value = draw(t.item)
        if found and draw.rng.random() < 0.4:
            value = draw.rng.choice(found)
        if found.count(value) < each:
            found.append(value)
    return Bag(found)


@_DRAWN.rule(SeqType)
def _(t: SeqType, draw: _Drawing) -> Seq[Any]:
    most = ELEMENTS_MOST if t.size is None else int(t.size)
    return Seq([draw(t.item) for _ in range(draw.rng.randint(0, most))])


def changed(t: Type, value: Any, scope: Scope, rng: random.Random) -> Any:
    """A value that is nearly another: a place of a map, or an element of a set, is unlike."""
    match t:
        case MapType(key, item) if value._data:
            k = rng.choice(list(values_of(key, scope)))
            return type(value)(
                [(other, changed(item, v, scope, rng) if other == k else v) for other, v in value.entries()]
            )
        case SetType(item, None):
            if value and rng.random() < 0.4:
                return value - Set([rng.choice(list(value))])
            return value | Set([drawn(item, scope, rng)])
    return drawn(t, scope, rng)
