"""Values read back out of the tables of a finite structure, along the shapes of the translation.

Guarantees: what is read is the value that the formulas speak of, in the structure as it is when it is asked; symbols that stand
for no value of the type raise `Unlike`. Of a set whose elements are many only some are asked for: one of each form, and those
that values written before had in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ratified.language.sorts import members
from ratified.language.types import (
    BagType,
    IntType,
    MapType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    cardinality,
    values_of,
)
from ratified.language.values import Bag, Seq, Set
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.shapes import (
    Atom,
    Case,
    Listing,
    Maybe,
    Members,
    Nothing,
    OneOf,
    ProductShape,
    Shape,
)
from ratified.smt.terms import Number, Term
from ratified.smt.validation.encoding import WINDOW_MOST, Encoding
from ratified.smt.validation.evaluation import Evaluate, TooMuch
from ratified.smt.validation.writing import VALUES_MOST, Unlike, representatives

VALUES_ASKED = 100
"""Of an element type with so many values, a set is asked for each of them."""


class Reading:
    """How values are read out of the structure of an encoding."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._likely: dict[Type, dict[object, None]] = {}
        """Values that sets may hold, by type, beside those that are always asked for."""

    def reader(self, t: Type, shape: Shape) -> Callable[[], Any]:
        """What gives the value of a shape, in the structure as it is when it is asked."""
        if isinstance(t, OptionalType) and not isinstance(shape, Nothing | Maybe):
            t = t.item
        if isinstance(shape, sh.FunctionShape | Members | Listing) and shape.origin is not None:
            _, values = self._encoding.elements(t)
            index = self._encoding.ask(shape.origin)
            return lambda: values[index()]
        match shape:
            case Nothing():
                return lambda: None
            case Atom(term):
                return self._atom(t, self._encoding.ask(term))
            case Case(enum, tests):
                return _first(
                    [(self._encoding.ask(test), _given(m)) for m, test in zip(enum, tests, strict=True)]
                )
            case Maybe(there, value):
                is_there, inner = self._encoding.ask(there), self.reader(getattr(t, "item", t), value)
                return lambda: inner() if is_there() else None
            case ProductShape(RecordType() as r, fields):
                make, each = (
                    r.record,
                    [self.reader(ft, f) for ft, f in zip(r.fields.values(), fields, strict=True)],
                )
                return lambda: make(*[e() for e in each])
            case ProductShape(TupleType(), fields):
                assert isinstance(t, TupleType)
                some = [self.reader(ft, f) for ft, f in zip(t.items, fields, strict=True)]
                return lambda: tuple([e() for e in some])
            case OneOf(cases):
                return _first([(self._encoding.ask(test), self.reader(r, row)) for r, test, row in cases])
            case sh.FunctionShape(_, at):
                assert isinstance(t, MapType)
                pairs = [
                    (k, self.reader(t.value, at(self._encoding.constant(t.key, k))))
                    for k in self._values(t.key)
                ]
                return lambda: t.of([(k, v()) for k, v in pairs])
            case Members():
                return self._members(t, shape)
            case Listing(_, length, at):
                return self._listing(t, self._encoding.ask(length), at)
        raise AssertionError(shape)

    def _members(self, t: Type, shape: Members) -> Callable[[], Any]:
        """Of a type of many values, only some are asked for, and those that are likely."""
        assert isinstance(t, SetType | BagType)
        item, asked = t.item, dict[object, Evaluate]()
        few = cardinality(item, self._encoding.scope) <= VALUES_ASKED
        always = list(
            values_of(item, self._encoding.scope) if few else representatives(item, self._encoding.scope)
        )
        likely = self._likely.setdefault(item, {})

        def read() -> Any:
            found = []
            for x in always if few else dict.fromkeys((*always, *likely)):
                if x not in asked:
                    asked[x] = self._encoding.ask(self._encoding.content(item, shape, x))
                found += [x] * asked[x]()
            return Bag(found) if isinstance(t, BagType) else Set(found)

        return read

    def expect(self, t: Type, value: Any) -> None:
        """Note what is in a value, so that it is asked for."""
        match t:
            case SetType(item) | BagType(item):
                if item in self._likely:
                    self._likely[item].update(dict.fromkeys(value))
            case MapType(_, item):
                for _, inner in value.entries():
                    self.expect(item, inner)
            case OptionalType(item) if value is not None:
                self.expect(item, value)

    def _listing(self, t: Type, length: Evaluate, at: Callable[[Term], Shape]) -> Callable[[], Any]:
        assert isinstance(t, SeqType)
        item, each = t.item, list[Callable[[], Any]]()

        def read() -> Any:
            count = length()
            if count < 0 or count > WINDOW_MOST:
                raise Unlike(f"a sequence of {count} elements")
            while len(each) < count:
                each.append(self.reader(item, at(Number(len(each)))))
            return Seq([e() for e in each[:count]])

        return read

    def _atom(self, t: Type, index: Evaluate) -> Callable[[], Any]:
        if isinstance(t, SortType):
            values = list(members(t.sort))
            return lambda: values[index()]
        if isinstance(t, IntType):
            return index
        return lambda: bool(index())

    def _values(self, t: Type) -> Iterator[object]:
        if cardinality(t, self._encoding.scope) > VALUES_MOST:
            raise TooMuch(f"all values of {t}")
        return values_of(t, self._encoding.scope)


def _given(value: object) -> Callable[[], object]:
    return lambda: value


def _first(cases: Sequence[tuple[Evaluate, Callable[[], Any]]]) -> Callable[[], Any]:
    def read() -> Any:
        found = [value for test, value in cases if test()]
        if len(found) != 1:
            raise Unlike(f"{len(found)} of the cases of a value are true")
        return found[0]()

    return read
