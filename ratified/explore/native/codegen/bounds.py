"""Declared bounds: what is checked when a value is stored, as `fit_of` does.

Guarantees: the same bounds, in the same order, under the same names; what the value's own interval decides is not checked again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ratified.explore.native.codegen.numbers import (
    Num,
    both,
    compare,
    const,
    either,
    negation,
    num,
    tested,
)
from ratified.explore.native.codegen.sequences import Sequences
from ratified.explore.native.codegen.terms import BagV, Bits, Opt, Ref
from ratified.language.ir import Node
from ratified.language.types import (
    BagType,
    IntType,
    MapType,
    OptionalType,
    SeqType,
    SetType,
    TupleType,
    Type,
)


class Bounds(Sequences):
    """Writes checks of bounds."""

    def fitted(self, value: Any, t: Type, name: str, node: Node) -> Any:
        """A value that is about to be stored, checked as `fit_of` does."""
        if not self.pure_depth and not isinstance(value, Ref):
            value = self.named(value)
        for fine, what in self.checks(value, t, name):
            self.bound_unless(fine, what, node.span)
        return self.clip(value, t)

    def clip(self, value: Any, t: Type) -> Any:
        """The value with what its bounds tell of it."""
        match t, value:
            case IntType(int(low), int(high)), Num():
                return num(value.c, max(low, value.low), min(high, value.high))
            case OptionalType(item), Opt() if isinstance(value.item, Num):
                return replace(value, item=self.clip(value.item, item))
        return value

    def checks(self, value: Any, t: Type, name: str) -> Iterable[tuple[Num, str]]:
        """What must be true of a value within bounds, and the bound that is left where it is not; in order."""
        match t:
            case IntType(int(low), int(high)):
                value = self.v.loaded(value)
                yield (
                    both(compare("<=", const(low), value), compare("<=", value, const(high))),
                    f"the range {low}..{high} of {name}",
                )
            case OptionalType(item):
                value = self.v.loaded(value)
                if isinstance(value, Opt) and value.item is not None and value.some.c != 0:
                    for fine, what in self.checks(value.item, item, name):
                        yield either(negation(value.some), fine), what
            case MapType(_, item) if _bounded(item):
                for entry in self.v.loaded(value).entries:
                    yield from self.checks(entry, item, name)
            case TupleType(items):
                for part, own in zip(items, self.v.loaded(value).items, strict=True):
                    yield from self.checks(own, part, name)
            case SetType(item, size) | SeqType(item, size):
                value = self.v.loaded(value)
                yield from self._size_check(self.length(value), size, name)
                yield from self._item_checks(value, item, name)
            case BagType(item, size, copies):
                value = self.v.loaded(value)
                if isinstance(copies, int):
                    for k in range(value.row.most):
                        there = compare("<", const(k), value.row.length)
                        few = compare("<=", value.row.get(const(k)).items[1], const(copies))
                        yield either(negation(there), few), f"at most {copies} equal elements in {name}"
                yield from self._size_check(self.length(value), size, name)
                yield from self._item_checks(value, item, name)

    def _size_check(self, length: Num, size: Any, name: str) -> Iterable[tuple[Num, str]]:
        if isinstance(size, int):
            yield compare("<=", length, const(size)), f"at most {size} elements in {name}"

    def _item_checks(self, value: Any, item: Type, name: str) -> Iterable[tuple[Num, str]]:
        if not _bounded(item):
            return
        if isinstance(value, Bits):
            wrong: dict[str, list[int]] = {}
            for k, v in enumerate(value.universe.values):
                if value.possible[k >> 6] >> (k & 63) & 1:
                    for fine, what in self.checks(self.v.lift(v, value.universe.type), item, name):
                        if not fine.c:
                            wrong.setdefault(what, [0] * value.universe.words)[k >> 6] |= 1 << (k & 63)
                            break
            for what, masks in wrong.items():
                yield both(*(tested("none", w, m) for w, m in zip(value.words, masks, strict=True))), what
            return
        for k in range(value.row.most):
            there = compare("<", const(k), value.row.length)
            if there.c == 0:
                return
            own = value.row.get(const(k))
            for fine, what in self.checks(own.items[0] if isinstance(value, BagV) else own, item, name):
                yield either(negation(there), fine), what


def _bounded(t: Type) -> bool:
    """Whether a type has bounds outside of records (which are checked when they are made)."""
    match t:
        case IntType(low, _):
            return low is not None
        case OptionalType(item) | MapType(_, item):
            return _bounded(item)
        case SetType(item, size) | SeqType(item, size):
            return size is not None or _bounded(item)
        case BagType(item, size, copies):
            return size is not None or copies is not None or _bounded(item)
        case TupleType(items):
            return any(map(_bounded, items))
    return False
