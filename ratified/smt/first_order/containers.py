"""What records, maps, sets, bags and sequences mean in first-order logic, and what is done with them."""

from collections.abc import Callable, Sequence

from ratified.language import ir
from ratified.language.types import (
    IntType,
    MapType,
    RecordType,
    SeqType,
    SetType,
    TupleType,
    Type,
)
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.expressions import Expressions
from ratified.smt.first_order.reading import Env, Reader, position, union, where
from ratified.smt.first_order.shapes import Atom, Listing, Maybe, Members, OneOf, Row, Shape, either
from ratified.smt.first_order.variants import known_of
from ratified.smt.terms import (
    TRUE,
    Number,
    at_most,
    choice,
    constant,
    disj,
    equal,
    fresh,
    less,
    minus,
    neg,
    plus,
)


class Containers(Expressions):
    """Records, tuples and containers."""

    def _make_record(self, node: ir.MakeRecord, env: Env, reader: Reader) -> Shape:
        assert isinstance(node.type, RecordType)
        made = Row(node.type, tuple(self.expr(f, env, reader) for f in node.fields))
        self._guard(known_of(self.shapes, node.type, made), reader)
        return made

    def _make_tuple(self, node: ir.MakeTuple, env: Env, reader: Reader) -> Shape:
        return Row(node.type, tuple(self.expr(i, env, reader) for i in node.items))

    def _make_set(self, node: ir.MakeSet, env: Env, reader: Reader) -> Shape:
        assert isinstance(node.type, SetType)
        return self.listed(node.type.item, [self.expr(i, env, reader) for i in node.items])

    def _make_seq(self, node: ir.MakeSeq, env: Env, reader: Reader) -> Shape:
        assert isinstance(node.type, SeqType)
        return self.sequence(node.type.item, [self.expr(i, env, reader) for i in node.items])

    def _make_map(self, node: ir.MakeMap, env: Env, reader: Reader) -> Shape:
        assert isinstance(node.type, MapType)
        pairs = [(self.expr(k, env, reader), self.expr(v, env, reader)) for k, v in node.pairs]
        return self.mapping(node.type, pairs)

    def _field(self, node: ir.Field, env: Env, reader: Reader) -> Shape:
        operand = self.expr(node.operand, env, reader)
        if isinstance(operand, Maybe):
            operand = operand.value
        match operand:
            case Row(RecordType() as t, fields):
                return fields[list(t.fields).index(node.name)]
            case OneOf(cases):
                found: Shape | None = None
                for r, test, row in reversed(cases):
                    assert isinstance(row, Row)
                    value = row.fields[list(r.fields).index(node.name)]
                    found = value if found is None else either(test, value, found)
                assert found is not None
                return found
        raise AssertionError(node)

    def _item(self, node: ir.Item, env: Env, reader: Reader) -> Shape:
        operand = self.expr(node.operand, env, reader)
        assert isinstance(operand, Row)
        return operand.fields[node.index]

    def _at(self, node: ir.At, env: Env, reader: Reader) -> Shape:
        container, key = self.expr(node.container, env, reader), self.expr(node.key, env, reader)
        match container:
            case sh.Function():
                return container.at(key)
            case Listing():
                return container.at(position(container, key))
        raise AssertionError(node)

    def _slice(self, node: ir.Slice, env: Env, reader: Reader) -> Shape:
        operand = self.expr(node.operand, env, reader)
        assert isinstance(operand, Listing)
        bounds = []
        for bound, default in ((node.low, Number(0)), (node.high, operand.length)):
            given = default if bound is None else self._term(bound, env, reader)
            from_start = choice(less(given, Number(0)), plus(operand.length, given), given)
            clipped = choice(less(from_start, Number(0)), Number(0), from_start)
            bounds.append(choice(at_most(operand.length, clipped), operand.length, clipped))
        low, high = bounds
        length = choice(less(low, high), minus(high, low), Number(0))
        return Listing(operand.item, length, lambda i: operand.at(plus(i, low)))

    def _length(self, node: ir.Length, env: Env, reader: Reader) -> Shape:
        operand = self.expr(node.operand, env, reader)
        if isinstance(operand, Listing):
            return Atom(operand.length)
        raise sh.refuse(
            node.span,
            "the number of elements",
            "compare it with a small number, or `2 * len(s) > len(Sort)`, which says that s is a majority",
        )

    def _set_op(self, node: ir.SetOp, env: Env, reader: Reader) -> Shape:
        left, right = self.expr(node.left, env, reader), self.expr(node.right, env, reader)
        assert isinstance(left, Members)
        assert isinstance(right, Members)
        match node.op:
            case "|":
                return union(left, right)
            case "&":
                return where(left, right.has)
            case "-":
                return where(left, lambda x: neg(right.has(x)))
        return union(where(left, lambda x: neg(right.has(x))), where(right, lambda x: neg(left.has(x))))

    def _disjoint(self, node: ir.Disjoint, env: Env, reader: Reader) -> Shape:
        left, right = self.expr(node.left, env, reader), self.expr(node.right, env, reader)
        assert isinstance(left, Members)
        assert isinstance(right, Members)
        return Atom(left.every(lambda x: neg(right.has(x))))

    def _concat(self, node: ir.Concat, env: Env, reader: Reader) -> Shape:
        left, right = self.expr(node.left, env, reader), self.expr(node.right, env, reader)
        if isinstance(left, Members) and isinstance(right, Members):
            return union(left, right)
        assert isinstance(left, Listing)
        assert isinstance(right, Listing)
        return Listing(
            left.item,
            plus(left.length, right.length),
            lambda i: either(less(i, left.length), left.at(i), right.at(minus(i, left.length))),
        )

    def _insert(self, node: ir.Insert, env: Env, reader: Reader) -> Shape:
        container, item = self.expr(node.container, env, reader), self.expr(node.item, env, reader)
        if isinstance(container, Listing):
            length = container.length
            at = lambda i: either(equal(i, length), item, container.at(i))  # noqa: E731
            return Listing(container.item, plus(length, Number(1)), at)
        assert isinstance(container, Members)
        return union(container, self.listed(container.item, [item]))

    def _remove(self, node: ir.Remove, env: Env, reader: Reader) -> Shape:
        container, item = self.expr(node.container, env, reader), self.expr(node.item, env, reader)
        assert isinstance(container, Members)
        if node.strict:
            self._guard(container.has(item), reader)
        without = where(container, lambda x: neg(self.same(x, item)))
        if not container.loose:
            return without
        if not reader.step or reader.depth or reader.sealed:
            raise sh.refuse(node.span, "a Bag with one copy less", "take copies away in actions only")
        # Another copy may remain: which, is not known.
        more = constant(fresh("another_copy", "Bool").name, "Bool")
        remains = where(container, lambda x: disj(neg(self.same(x, item)), more))
        return Members(remains.item, remains.has, remains.every, remains.some, loose=True)

    def _pop(self, node: ir.Pop, env: Env, reader: Reader) -> Shape:
        container, index = self.expr(node.container, env, reader), self.expr(node.index, env, reader)
        assert isinstance(container, Listing)
        gone = position(container, index)
        shorter = minus(container.length, Number(1))
        at = lambda i: container.at(choice(less(i, gone), i, plus(i, Number(1))))  # noqa: E731
        last = gone == minus(container.length, Number(1))
        return Listing(container.item, shorter, container.at if last else at)

    def _with(self, node: ir.With, env: Env, reader: Reader) -> Shape:
        container = self.expr(node.container, env, reader)
        key, value = self.expr(node.key, env, reader), self.expr(node.value, env, reader)
        return self.updated(container, [key], value)

    def updated(self, container: Shape, path: Sequence[Shape], value: Shape) -> Shape:
        """A map or sequence with another value at a path of keys."""
        if not path:
            return value
        match container:
            case sh.Function(t, at):
                inner = self.updated(at(path[0]), path[1:], value)
                return sh.Function(t, lambda k: either(self.same(k, path[0]), inner, at(k)))
            case Listing(item, length, at_):
                index = position(container, path[0])
                changed = self.updated(at_(index), path[1:], value)
                return Listing(item, length, lambda i: either(equal(i, index), changed, at_(i)))
        raise AssertionError(container)

    def _convert(self, node: ir.Convert, env: Env, reader: Reader) -> Shape:
        operand = self.expr(node.operand, env, reader)
        match node.what, operand:
            case "distinct", Members():
                return Members(operand.item, operand.has, operand.every, operand.some)
            case "distinct", Listing():
                return self.iterated(operand, node)
            case "keys", sh.Function(t, _):
                return self.shapes.members(t.key, lambda _v, _c: TRUE)
            case ("values" | "items") as what, sh.Function(t, at):
                keys = self.shapes.members(t.key, lambda _v, _c: TRUE)
                pair = TupleType((t.key, t.value))

                def element(k: Shape) -> Shape:
                    return at(k) if what == "values" else Row(pair, (k, at(k)))

                return self.image(t.value if what == "values" else pair, keys, element)
            case "reversed", Listing(item, length, at_):
                return Listing(item, length, lambda i: at_(minus(minus(length, Number(1)), i)))
            case "enumerate", Listing(item, length, at_):
                assert isinstance(node.type, SeqType)
                pair_ = node.type.item
                return Listing(pair_, length, lambda i: Row(pair_, (Atom(i), at_(i))))
            case (("sorted" | "sorted-reversed"), Members()) if isinstance(node.type, SeqType):
                raise sh.refuse(node.span, "the order of a set's elements", "use min or max, or quantify")
        raise sh.refuse(node.span, "this", "use all(...), any(...) or a comprehension over a set")

    def _int_range(self, node: ir.IntRange, env: Env, reader: Reader) -> Shape:
        low, high = self._term(node.low, env, reader), self._term(node.high, env, reader)
        length = choice(less(low, high), minus(high, low), Number(0))
        return Listing(IntType(), length, lambda i: Atom(plus(i, low)))

    def image(self, item: Type, domain: Members, element: Callable[[Shape], Shape]) -> Members:
        """The set of what a function gives for the members of a set."""
        return Members(
            item,
            lambda x: domain.some(lambda y: self.same(x, element(y))),
            lambda f: domain.every(lambda y: f(element(y))),
            lambda f: domain.some(lambda y: f(element(y))),
        )
