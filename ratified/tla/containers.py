"""Sets, bags, sequences and maps: what is made of them, and what is asked of them.

Guarantees: see expressions.py.
"""

from __future__ import annotations

from dataclasses import replace

from ratified.language import ir
from ratified.language.ir import Expr, Which
from ratified.language.types import (
    BagType,
    BoolType,
    IntType,
    MapType,
    RecordType,
    SeqType,
    SetType,
    TupleType,
    Type,
)
from ratified.tla.comprehensions import Comprehensions, less_one
from ratified.tla.formulas import ONE, ZERO, Except, braces, function, number, tuple_of
from ratified.tla.linear import constant, plus
from ratified.tla.scope import Frame
from ratified.tla.syntax import Apply, Atom, Index, Infix, Tla


class Containers(Comprehensions):
    """Translates what is done with containers."""

    def _make_set(self, node: ir.MakeSet, f: Frame) -> Tla:
        return braces(*(self.expr(item, f) for item in node.items))

    def _make_seq(self, node: ir.MakeSeq, f: Frame) -> Tla:
        return tuple_of(*(self.expr(item, f) for item in node.items))

    def _make_map(self, node: ir.MakeMap, f: Frame) -> Tla:
        pairs = [tuple_of(self.expr(k, f), self.expr(v, f)) for k, v in node.pairs]
        return self.use("MapOf", tuple_of(*pairs))

    def _at(self, node: ir.At, f: Frame) -> Tla:
        if f.place and self._stands(node, f) == (f.place.variable, f.place.path):
            return Atom("@")
        container = self.expr(node.container, f)
        if isinstance(node.container.type, MapType):
            return Index(container, (self.expr(node.key, f),))
        key = self.sum(node.key, f)
        if self.natural(key, f):
            return Index(container, (self.summed(plus(key, constant(1))),))
        if set(key) <= {""} and key.get("", 0) < 0:
            return Index(container, (self._from_end(container, key[""] + 1),))
        return self.use("Nth", container, self.expr(node.key, f))

    def _stands(self, node: Expr, f: Frame) -> tuple[str, tuple[str, ...]] | None:
        """The variable and keys of a place that is read."""
        keys: list[str] = []
        plain = replace(f, place=None)
        while isinstance(node, ir.At) and isinstance(node.container.type, MapType):
            keys.insert(0, str(self.expr(node.key, plain)))
            node = node.container
        return (
            (node.name, tuple(keys))
            if isinstance(node, ir.Variable) and node.which is not Which.OLD
            else None
        )

    def _from_end(self, sequence: Tla, by: int) -> Tla:
        self.need("Sequences", "Integers")
        length = Apply("Len", (sequence,))
        return length if not by else Infix("-", length, number(-by))

    def _slice(self, node: ir.Slice, f: Frame) -> Tla:
        whole = self.as_seq(node.operand, f)
        low = constant(0) if node.low is None else self.sum(node.low, f)
        high = None if node.high is None else self.sum(node.high, f)
        at_first = not any(low.values())
        if high is not None and set(high) <= {""} and high.get("", 0) < 0:  # s[:-1]
            end: Tla = self._from_end(whole, high[""])
            if at_first:
                self.need("Sequences")
                return Apply("SubSeq", (whole, ONE, end))
            return self.use("Slice*", whole, self._position(node.low, f), self._position(node.high, f))
        star = "" if self.natural(low, f) and (high is None or self.natural(high, f)) else "*"
        if high is None:
            return whole if at_first else self.use(f"Suffix{star}", whole, self._position(node.low, f))
        if at_first:
            return self.use(f"Prefix{star}", whole, self._position(node.high, f))
        return self.use(f"Slice{star}", whole, self._position(node.low, f), self._position(node.high, f))

    def _position(self, node: Expr | None, f: Frame) -> Tla:
        return ZERO if node is None else self.expr(node, f)

    def _length(self, node: ir.Length, f: Frame) -> Tla:
        operand = node.operand
        match operand.type:
            case SetType() | MapType():
                self.need("FiniteSets")
                return Apply("Cardinality", (self.as_set(operand, f),))
            case BagType():
                self.need("Bags")
                return Apply("BagCardinality", (self.expr(operand, f),))
        if isinstance(operand, ir.Collect) and len(operand.clauses) == 1:
            chosen = self._chosen(operand.clauses[0], f)
            if chosen is not None:
                self.need("FiniteSets")
                return Apply("Cardinality", (chosen,))
        self.need("Sequences")
        return Apply("Len", (self.as_seq(operand, f),))

    def _count(self, node: ir.Count, f: Frame) -> Tla:
        container, item = self.expr(node.container, f), self.expr(node.item, f)
        if isinstance(node.container.type, BagType):
            self.need("Bags")
            return Apply("CopiesIn", (item, container))
        return self.use("Occurrences", self.as_seq(node.container, f), item)

    def _index_of(self, node: ir.IndexOf, f: Frame) -> Tla:
        return self.use("FirstIn", self.as_seq(node.container, f), self.expr(node.item, f))

    def _set_op(self, node: ir.SetOp, f: Frame) -> Tla:
        left, right = self.as_set(node.left, f), self.as_set(node.right, f)
        if node.op == "^":
            return Infix("\\union", Infix("\\", left, right), Infix("\\", right, left))
        return Infix({"|": "\\union", "&": "\\intersect", "-": "\\"}[node.op], left, right)

    def _disjoint(self, node: ir.Disjoint, f: Frame) -> Tla:
        return Infix(
            "=", Infix("\\intersect", self.as_set(node.left, f), self.as_set(node.right, f)), Atom("{}")
        )

    def _concat(self, node: ir.Concat, f: Frame) -> Tla:
        if isinstance(node.type, BagType):
            self.need("Bags")
            return Infix("(+)", self.expr(node.left, f), self.expr(node.right, f))
        self.need("Sequences")
        return Infix("\\o", self.as_seq(node.left, f), self.as_seq(node.right, f))

    def _insert(self, node: ir.Insert, f: Frame) -> Tla:
        container, item = self.expr(node.container, f), self.expr(node.item, f)
        match node.container.type:
            case SetType():
                return Infix("\\union", container, braces(item))
            case BagType():
                self.need("Bags")
                return Infix("(+)", container, Apply("SetToBag", (braces(item),)))
        self.need("Sequences")
        return Apply("Append", (container, item))

    def _remove(self, node: ir.Remove, f: Frame) -> Tla:
        container, item = self.expr(node.container, f), self.expr(node.item, f)
        bag = isinstance(node.container.type, BagType)
        self.need(*(["Bags"] if bag else []))
        test = Apply("BagIn", (item, container)) if bag else Infix("\\in", item, container)
        if node.strict and not self._certainly_in(node, f, str(test)):
            return self.use("BagWithout" if bag else "SetWithout", container, item)
        return (
            Infix("(-)", container, Apply("SetToBag", (braces(item),)))
            if bag
            else Infix("\\", container, braces(item))
        )

    def _certainly_in(self, node: ir.Remove, f: Frame, text: str) -> bool:
        plain = replace(f, place=None)
        where = ir.In(node.span, BoolType(), node.item, node.container)
        return text in f.present or str(self.expr(where, plain)) in f.present

    def _pop(self, node: ir.Pop, f: Frame) -> Tla:
        container = self.expr(node.container, f)
        index = self.sum(node.index, f)
        if dict(index) == {"": -1}:
            return self.use("Front", container)
        return self.use("Without", container, self.use("Position", container, self.expr(node.index, f)))

    def _with(self, node: ir.With, f: Frame) -> Tla:
        return self.with_value(
            node.container.type,
            self.expr(node.container, f),
            node.key,
            self.expr(node.value, replace(f, place=None)),
            f,
        )

    def with_value(self, t: Type, container: Tla, key: Expr, value: Tla, f: Frame) -> Tla:
        """A map or sequence with another value at a key or position, which must be there."""
        if isinstance(t, MapType):
            made = self.expr(key, f)
            if isinstance(t.key, IntType | TupleType | RecordType):
                return self.use("Replaced", container, made, value)
            return Except(container, (((made,), value),))
        return self.use("Replaced", container, self.use("Position", container, self.expr(key, f)), value)

    def _convert(self, node: ir.Convert, f: Frame) -> Tla:
        if isinstance(node.type, SetType):
            return self.as_set(node, f)
        operand = node.operand
        match node.what:
            case "reversed":
                return self.use("Reversed", self.as_seq(operand, f))
            case "enumerate":
                return self._by_position(
                    self.as_seq(operand, f), f, lambda s, k: tuple_of(less_one(k), Index(s, (k,)))
                )
            case "values" | "items":
                assert isinstance(operand.type, MapType)
                keys = self.sorted(self._keys(operand, f), operand.type.key)
                whole = self.expr(operand, f)

                def entry(s: Tla, k: Tla) -> Tla:
                    value = Index(whole, (Index(s, (k,)),))
                    return value if node.what == "values" else tuple_of(Index(s, (k,)), value)

                return self._by_position(keys, f, entry)
        made = self._sorted(operand, f)
        return self.use("Reversed", made) if node.what == "sorted-reversed" else made

    def _sorted(self, operand: Expr, f: Frame) -> Tla:
        match operand.type:
            case SeqType(item):
                return self.use("SortedSeq", self.as_seq(operand, f), Atom(self.key_operator(item)))
            case _:
                return self.as_seq(operand, f)

    def _zip(self, node: ir.Zip, f: Frame) -> Tla:
        self.need("Sequences", "Integers")
        left, right = self.as_seq(node.left, f), self.as_seq(node.right, f)
        shorter = self.use("Min", braces(Apply("Len", (left,)), Apply("Len", (right,))))
        k = Atom(f.names.inner().give("k"))
        pair = tuple_of(Index(left, (k,)), Index(right, (k,)))
        return function(pair, ((k.text,), Infix("..", ONE, shorter)))

    def _int_range(self, node: ir.IntRange, f: Frame) -> Tla:
        self.need("Integers")
        low, high = self.sum(node.low, f), self.sum(node.high, f)
        k = f.names.inner().give("k")
        element = self.summed(plus(plus(low, {self.term(Atom(k), natural=True): 1}), constant(-1)))
        return function(element, ((k,), Infix("..", ONE, self.summed(plus(high, low, -1)))))
