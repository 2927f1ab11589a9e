"""Sequences: one after the other, cut, changed at a place, seen from the end, with numbers, in order, in pairs.

Guarantees: positions are checked as Python does, negative ones counting from the end; bounds of slices are clipped.
"""

from __future__ import annotations

from typing import Any

from ratified.explore.native.codegen.containers import PLACES_MOST, Containers, empty_bits
from ratified.explore.native.codegen.expressions import Env
from ratified.explore.native.codegen.numbers import (
    Num,
    chosen_num,
    compare,
    const,
    num,
)
from ratified.explore.native.codegen.shapes import (
    Shape,
    SMap,
    STup,
    Universe,
    Unsupported,
)
from ratified.explore.native.codegen.terms import (
    Arr,
    BagV,
    ListArr,
    MapV,
    Ref,
    SeqV,
    SlotV,
    Tup,
    known,
)
from ratified.explore.native.codegen.writer import Impure
from ratified.language import ir
from ratified.language.ir import Node


class Sequences(Containers):
    """Writes expressions on sequences, and what turns other containers into one."""

    def _ev_concat(self, node: ir.Concat, env: Env) -> Any:
        a, b = self.val(node.left, env), self.val(node.right, env)
        if isinstance(a, SeqV):
            return self.concat(a.row, b.row)
        if self.pure_depth:
            raise Impure
        own = self.item_shape(b.row)
        if own is None:
            return a
        assert isinstance(own, STup)
        row = self.bag_memory(a, own.items[0], b.row.most, b.copies)
        for k in range(b.row.most):
            there = compare("<", const(k), b.row.length)
            pair = b.row.get(const(k))
            with self.block(f"if ({there.text()}) {{"):
                self.bag_add(row, pair.items[0], pair.items[1])
        return BagV(self.settle(row), a.copies + b.copies)

    def concat(self, a: Arr, b: Arr) -> SeqV:
        """Two sequences, one after the other."""
        length = self.total([a.length, b.length])
        if isinstance(a.length.c, int):
            return SeqV(self.listed(length, [*self.places(a)[: a.length.c], *self.places(b)]))
        items = []
        for k in range(a.most + b.most):
            behind = (
                b.get(const(0))
                if b.most == 1
                else (
                    b.get(
                        num(
                            f"({k} - {a.length.c})",
                            max(0, k - a.length.high),
                            min(b.most - 1, k - a.length.low),
                        )
                    )
                    if b.most
                    else None
                )
            )
            if behind is None:
                items.append(a.get(const(k)))
            elif k >= a.most:
                items.append(behind)
            elif k < a.length.low:
                items.append(a.get(const(k)))
            else:
                items.append(self.v.select(compare("<", const(k), a.length), a.get(const(k)), behind))
        return SeqV(self.listed(length, items))

    def _ev_slice(self, node: ir.Slice, env: Env) -> Any:
        row = self.val(node.operand, env).row
        low = const(0) if node.low is None else self.clipped(self.val(node.low, env), row, node)
        high = row.length if node.high is None else self.clipped(self.val(node.high, env), row, node)
        low, high = self.hold(low), self.hold(high)
        difference = self.arithmetic("-", high, low, node)
        length = chosen_num(compare("<", low, high), difference, const(0))
        most = max(0, min(row.most, high.high - low.low))
        length = num(length.c, max(0, length.low), min(most, length.high))
        if isinstance(low.c, int):
            return SeqV(
                self.listed(length, [row.get(const(low.c + k)) for k in range(most) if low.c + k < row.most])
            )
        return SeqV(
            self.listed(
                length,
                [
                    row.get(num(f"({low.c} + {k})", low.low + k, min(row.most - 1, low.high + k)))
                    for k in range(most)
                ],
            )
        )

    def clipped(self, bound: Num, row: Arr, node: Node) -> Num:
        """A bound of a slice, as Python clips it."""
        bound = self.hold(bound)
        if bound.low < 0:
            from_end = self.arithmetic("+", bound, row.length, node)
            from_end = chosen_num(compare("<", from_end, const(0)), const(0), from_end)
            bound = chosen_num(compare("<", bound, const(0)), from_end, bound)
            bound = num(bound.c, max(0, bound.low), max(0, bound.high))
        found = chosen_num(compare("<", row.length, bound), row.length, bound)
        return num(found.c, max(0, min(bound.low, row.length.low)), max(0, min(bound.high, row.length.high)))

    def _ev_pop(self, node: ir.Pop, env: Env) -> Any:
        row = self.val(node.container, env).row
        index = self.index(row, self.val(node.index, env), node)
        length = self.arithmetic("-", row.length, const(1), node)
        length = num(length.c, max(0, length.low), max(0, length.high))
        if node_is_last(node):
            return SeqV(self.listed(length, self.places(row)[: max(0, row.most - 1)]))
        index = self.hold(index)
        items = [
            self.v.select(compare("<", const(k), index), row.get(const(k)), row.get(const(k + 1)))
            for k in range(row.most - 1)
        ]
        return SeqV(self.listed(length, items))

    def _ev_with(self, node: ir.With, env: Env) -> Any:
        container, key, value = (
            self.val(node.container, env),
            self.val(node.key, env),
            self.ev(node.value, env),
        )
        if isinstance(container, MapV):
            code = self.key_code(container.keys, key, node)
            entries = [
                self.v.select(compare("==", code, const(k)), value, e)
                for k, e in enumerate(container.entries)
            ]
            return MapV(container.keys, tuple(entries))
        return self.with_item(container, key, value, node)

    def with_item(self, container: SeqV, key: Num, value: Any, node: Node) -> SeqV:
        """A sequence with another value at an index."""
        row = container.row
        index = self.index(row, key, node)
        items = [
            self.v.select(compare("==", index, const(k)), value, e) for k, e in enumerate(self.places(row))
        ]
        return SeqV(self.listed(row.length, items))

    def _ev_convert(self, node: ir.Convert, env: Env) -> Any:
        operand = self.ev(node.operand, env)
        if node.what == "keys":
            return empty_bits(self.keys_of(operand), full=True)
        operand = self.v.loaded(operand)
        match node.what:
            case "distinct":
                pairs = self.places(operand.row)
                return SlotV(
                    ListArr(
                        self.v, operand.row.length, [p.items[0] for p in pairs], self._bag_item(operand.row)
                    )
                )
            case "values":
                return SeqV(self.listed(const(operand.keys.size), operand.entries))
            case "items":
                lifted = [self.v.lift(k, operand.keys.type) for k in operand.keys.values]
                return SeqV(
                    self.listed(
                        const(operand.keys.size),
                        [Tup(pair) for pair in zip(lifted, operand.entries, strict=True)],
                    )
                )
            case "reversed":
                return self.reversed(operand.row)
            case "enumerate":
                return SeqV(
                    self.listed(
                        operand.row.length,
                        [Tup((const(k), v)) for k, v in enumerate(self.places(operand.row))],
                    )
                )
        found = self.sorted(operand)
        return self.reversed(found) if node.what == "sorted-reversed" else SeqV(found)

    def keys_of(self, value: Any) -> Universe:
        """The keys of a map."""
        if isinstance(value, Ref):
            assert isinstance(value.shape, SMap)
            return value.shape.keys
        assert isinstance(value, MapV)
        return value.keys

    def _bag_item(self, row: Arr) -> Shape | None:
        shape = self.item_shape(row)
        return shape.items[0] if isinstance(shape, STup) else None

    def reversed(self, row: Arr) -> SeqV:
        """A sequence from its end."""
        if isinstance(row.length.c, int):
            return SeqV(self.listed(row.length, self.places(row)[: row.length.c][::-1]))
        n = self.hold(row.length)
        return SeqV(
            self.listed(n, [row.get(num(f"({n.c} - {k + 1})", 0, row.most - 1)) for k in range(row.most)])
        )

    def sorted(self, value: Any) -> Arr:
        """The elements in order. Sets and bags are in order already."""
        if not isinstance(value, SeqV):
            return self.as_row(value)
        row = value.row
        shape = self.item_shape(row)
        if shape is None or row.most <= 1:
            return row
        if known(value):
            items = sorted(self.places(row), key=lambda i: self.v.leaves(i, shape))
            return self.listed(row.length, items)
        memory = self.to_memory(row, shape, row.most)
        self.line(f"rt_sort({memory.name}, {memory.length.text()}, {memory.stride});")
        return self.settle(memory)

    def as_row(self, value: Any) -> Arr:
        """The elements of a container in canonical order, copies repeated. Defined where loops are."""
        raise NotImplementedError

    def _ev_zip(self, node: ir.Zip, env: Env) -> Any:
        a, b = self.val(node.left, env).row, self.val(node.right, env).row
        length = chosen_num(compare("<", a.length, b.length), a.length, b.length)
        most = min(a.most, b.most)
        length = num(length.c, length.low, min(length.high, most))
        return SeqV(self.listed(length, [Tup((a.get(const(k)), b.get(const(k)))) for k in range(most)]))

    def _ev_int_range(self, node: ir.IntRange, env: Env) -> Any:
        low, high = self.hold(self.val(node.low, env)), self.hold(self.val(node.high, env))
        most = max(0, high.high - low.low)
        if most > PLACES_MOST:
            raise Unsupported(
                "a range of ints without bounds is not compiled",
                span=node.span,
                remedy="bound its ends with Range, or explore with engine='reference'",
            )
        difference = self.arithmetic("-", high, low, node)
        length = chosen_num(compare("<", low, high), difference, const(0))
        length = num(length.c, max(0, length.low), min(most, max(0, length.high)))
        items = [
            const(low.c + k) if isinstance(low.c, int) else num(f"({low.c} + {k})", low.low + k, low.high + k)
            for k in range(most)
        ]
        return SeqV(self.listed(length, items))


def node_is_last(node: ir.Pop) -> bool:
    """Whether the last element is taken."""
    return isinstance(node.index, ir.Literal) and node.index.value == -1
