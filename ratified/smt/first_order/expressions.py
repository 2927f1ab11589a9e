"""What constants, conditions, comparisons and numbers mean in first-order logic."""

from collections.abc import Callable, Sequence
from enum import Enum

from ratified.language import ir
from ratified.language.errors import Span
from ratified.language.ir import Expr, Node, Which
from ratified.language.sorts import Sort
from ratified.language.types import (
    BagType,
    BoolType,
    MapType,
    NoneType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    records_of,
)
from ratified.language.values import Map, Seq, Set
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.reading import Env, Reader, Reading
from ratified.smt.first_order.shapes import (
    Atom,
    Case,
    Listing,
    Maybe,
    Members,
    Nothing,
    OneOf,
    Row,
    Shape,
    either,
    sort_name,
)
from ratified.smt.first_order.variants import known_of
from ratified.smt.terms import (
    FALSE,
    TRUE,
    Arithmetic,
    Number,
    Term,
    at_most,
    choice,
    conj,
    disj,
    every,
    fresh,
    implies,
    less,
    minus,
    neg,
    plus,
    some,
)


class Expressions(Reading):
    """Leaves, logic, numbers and types."""

    # --- leaves ---

    def _literal(self, node: ir.Literal, env: Env, reader: Reader) -> Shape:
        return self.constant(node.value, node.type, node.span)

    def constant(self, value: object, t: Type, span: Span | None) -> Shape:
        """A constant of the source as a shape."""
        match value:
            case None:
                return Nothing()
            case bool():
                return Atom(TRUE if value else FALSE)
            case Sort():
                return Atom(self.theory.numbered(type(value), int(value), span))
            case int():
                return Atom(Number(value))
            case Enum():
                members = list(type(value))
                return Case(type(value), tuple(TRUE if m is value else FALSE for m in members))
            case tuple() if isinstance(t, TupleType):
                items = zip(value, t.items, strict=True)
                return Row(t, tuple(self.constant(v, it, span) for v, it in items))
            case Set() | frozenset():
                item = t.item if isinstance(t, SetType) else None
                assert item is not None
                return self.listed(item, [self.constant(v, item, span) for v in value])
            case Seq():
                assert isinstance(t, SeqType)
                return self.sequence(t.item, [self.constant(v, t.item, span) for v in value])
            case Map():
                assert isinstance(t, MapType)
                pairs = [
                    (self.constant(k, t.key, span), self.constant(v, t.value, span)) for k, v in value.items()
                ]
                return self.mapping(t, pairs)
        for record in records_of(t):
            if type(value) is record.record:
                fields = (self.constant(getattr(value, f), ft, span) for f, ft in record.fields.items())
                return Row(record, tuple(fields))
        raise sh.refuse(span, f"the constant {value!r}", "use a parameter of the model")

    def _local(self, node: ir.Local, env: Env, reader: Reader) -> Shape:
        return env[node.name]

    def _variable(self, node: ir.Variable, env: Env, reader: Reader) -> Shape:
        return (reader.now if node.which is Which.NOW else reader.old)[node.name]

    def _parameter(self, node: ir.Parameter, env: Env, reader: Reader) -> Shape:
        return self.theory.parameters[node.name]

    def _universe(self, node: ir.Universe, env: Env, reader: Reader) -> Shape:
        assert isinstance(node.type, SetType)
        return self.shapes.members(node.type.item, lambda _v, _c: TRUE)

    def _subsets(self, node: ir.Subsets, env: Env, reader: Reader) -> Shape:
        if not node.majorities:
            raise sh.refuse(
                node.span, "the set of these subsets", "use majorities(...), or a parameter with @assume"
            )
        return self.theory.majorities(node.sort)

    def _endpoint(self, node: ir.Endpoint, env: Env, reader: Reader) -> Shape:
        assert isinstance(node.type, SortType)
        return Atom(self.theory.endpoint(node.type, last=node.last))

    # --- logic ---

    def _not(self, node: ir.Not, env: Env, reader: Reader) -> Shape:
        return Atom(neg(self.formula(node.operand, env, reader)))

    def _and(self, node: ir.And, env: Env, reader: Reader) -> Shape:
        return Atom(conj(*self._operands(node.operands, env, reader, FALSE)))

    def _or(self, node: ir.Or, env: Env, reader: Reader) -> Shape:
        return Atom(disj(*self._operands(node.operands, env, reader, TRUE)))

    def _operands(self, operands: Sequence[Expr], env: Env, reader: Reader, last: Term) -> list[Term]:
        """The operands as formulas, up to one that is known to decide."""
        found = [self.formula(operands[0], env, reader)]
        with reader.inside():
            for operand in operands[1:]:
                if found[-1] == last:
                    break
                found.append(self.formula(operand, env, reader))
        return found

    def _compare(self, node: ir.Compare, env: Env, reader: Reader) -> Shape:
        if (counted := self._counted(node, env, reader)) is not None:
            return Atom(counted)
        left, right = self.expr(node.left, env, reader), self.expr(node.right, env, reader)
        if node.op in ("==", "!="):
            same = self.same(left, right)
            return Atom(same if node.op == "==" else neg(same))
        if node.op in (">", ">="):
            left, right = right, left
        t = node.left.type
        return Atom(self._before(t, left, right, strict=node.op in ("<", ">"), node=node))

    def _before(self, t: Type, left: Shape, right: Shape, *, strict: bool, node: Node) -> Term:
        match left, right:
            case Atom(a), Atom(b):
                if isinstance(t, SortType):
                    order = self.theory.order(t)
                    return neg(order(b, a)) if strict else order(a, b)
                return less(a, b) if strict else at_most(a, b)
            case Row(TupleType(items), xs), Row(_, ys):
                found: Term = FALSE if strict else TRUE
                for item, x, y in reversed(list(zip(items, xs, ys, strict=True))):
                    first = self._before(item, x, y, strict=True, node=node)
                    found = disj(first, conj(self.same(x, y), found))
                return found
            case Members(), Members():
                inside = left.every(right.has)
                return conj(inside, neg(right.every(left.has))) if strict else inside
        raise sh.refuse(node.span, f"an order of {t}", "compare ints and ordered sorts")

    def _counted(self, node: ir.Compare, env: Env, reader: Reader) -> Term | None:
        """Comparisons of how many: with a small number, or whether it is more than half."""
        op, left, right = node.op, node.left, node.right
        flipped = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
        if _counts(right) and not _counts(left):
            op, left, right = flipped[op], right, left
        if isinstance(left, ir.Length) and isinstance(right, ir.Literal) and _is_set(left.operand.type):
            members = self.expr(left.operand, env, reader)
            assert isinstance(members, Members)
            assert isinstance(right.value, int)
            return self._size(members, op, right.value, node)
        for op_, a, b in ((op, left, right), (flipped[op], right, left)):
            members_node, sort = _half(a, b)
            if members_node is None or sort is None or op_ not in (">", "<=", ">=", "<"):
                continue
            members = self.expr(members_node, env, reader)
            assert isinstance(members, Members)
            if op_ in (">=", "<"):  # at least half: what is left is no majority
                rest = self.theory.majorities(sort).some(_apart(members))
                return neg(rest) if op_ == ">=" else rest
            majority = self.theory.majorities(sort).some(_within(members))
            return majority if op_ == ">" else neg(majority)
        return None

    def _size(self, members: Members, op: str, number: int, node: Node) -> Term:
        if members.loose:
            raise sh.refuse(node.span, "how many elements a Bag has", "count in a Set")

        def at_least(n: int) -> Term:
            if n > 4:
                raise sh.refuse(node.span, f"a set of {n} or more", "compare with a number up to 3")

            def more(found: list[Shape]) -> Term:
                if len(found) == n:
                    return TRUE
                return members.some(lambda x: conj(*(neg(self.same(x, y)) for y in found), more([*found, x])))

            return TRUE if n <= 0 else more([])

        match op:
            case ">":
                return at_least(number + 1)
            case ">=":
                return at_least(number)
            case "<":
                return neg(at_least(number))
            case "<=":
                return neg(at_least(number + 1))
        exactly = conj(at_least(number), neg(at_least(number + 1)))
        return exactly if op == "==" else neg(exactly)

    def _in(self, node: ir.In, env: Env, reader: Reader) -> Shape:
        item = self.expr(node.item, env, reader)
        container = self.expr(node.container, env, reader)
        match container:
            case Members():
                return Atom(container.has(item))
            case Listing():
                return Atom(self.iterated(container, node).some(lambda x: self.same(x, item)))
            case sh.Function():
                return Atom(TRUE)  # maps are total
        raise AssertionError(node)

    def _is_none(self, node: ir.IsNone, env: Env, reader: Reader) -> Shape:
        match self.expr(node.operand, env, reader):
            case Nothing():
                return Atom(TRUE)
            case Maybe(there, _):
                return Atom(neg(there))
        return Atom(FALSE)

    def _is_record(self, node: ir.IsRecord, env: Env, reader: Reader) -> Shape:
        operand = self.expr(node.operand, env, reader)
        there = TRUE
        if isinstance(operand, Maybe):
            there, operand = operand.some, operand.value
        match operand:
            case Row(t, _):
                return Atom(conj(there, TRUE if t in node.records else FALSE))
            case OneOf(cases):
                return Atom(conj(there, disj(*(test for r, test, _ in cases if r in node.records))))
        return Atom(FALSE)

    def _if_else(self, node: ir.IfElse, env: Env, reader: Reader) -> Shape:
        test = self.formula(node.test, env, reader)
        with reader.inside():
            return either(test, self.expr(node.then, env, reader), self.expr(node.orelse, env, reader))

    # --- numbers ---

    def _arithmetic(self, node: ir.Arithmetic, env: Env, reader: Reader) -> Shape:
        left, right = self._term(node.left, env, reader), self._term(node.right, env, reader)
        match node.op:
            case "+":
                return Atom(plus(left, right))
            case "-":
                return Atom(minus(left, right))
            case "*":
                return Atom(Arithmetic("*", (left, right)))
        if not (isinstance(right, Number) and right.value > 0):
            raise sh.refuse(
                node.span, "division by something other than a positive number", "divide by a constant"
            )
        return Atom(Arithmetic("div" if node.op == "//" else "mod", (left, right)))

    def _negative(self, node: ir.Negative, env: Env, reader: Reader) -> Shape:
        return Atom(minus(Number(0), self._term(node.operand, env, reader)))

    def _absolute(self, node: ir.Absolute, env: Env, reader: Reader) -> Shape:
        operand = self._term(node.operand, env, reader)
        return Atom(choice(less(operand, Number(0)), minus(Number(0), operand), operand))

    def _shift(self, node: ir.Shift, env: Env, reader: Reader) -> Shape:
        found = self._term(node.steps, env, reader)
        if not isinstance(found, Number):
            raise sh.refuse(
                node.span, "a shift by something other than a number", "add or subtract a constant"
            )
        assert isinstance(node.type, SortType)
        term = self._term(node.operand, env, reader)
        for _ in range(abs(found.value)):
            term = self._neighbour(node.type, term, reader, up=found.value > 0)
        return Atom(term)

    def _neighbour(self, t: SortType, x: Term, reader: Reader, *, up: bool) -> Term:
        """The value just after another, or just before it. Where there is none, the step is not possible."""
        order, sort = self.theory.order(t), sort_name(t)
        other = fresh("x", sort)
        there = some([other], neg(order(other, x)) if up else neg(order(x, other)))
        if reader.depth:
            reader.exists.append(there)
        else:
            self._guard(there, reader)

        def says(y: Term) -> Term:
            low, high = (x, y) if up else (y, x)
            z = fresh("z", sort)
            between = conj(neg(order(z, low)), neg(order(high, z)))
            return implies(there, conj(neg(order(high, low)), every([z], neg(between))))

        return self._define(f"{sort}.next" if up else f"{sort}.previous", sort, reader, says)

    def _is_last(self, node: ir.IsLast, env: Env, reader: Reader) -> Shape:
        assert isinstance(node.operand.type, SortType)
        order = self.theory.order(node.operand.type)
        term = self._term(node.operand, env, reader)
        other = fresh("x", sort_name(node.operand.type))
        return Atom(every([other], order(other, term)))

    def _number(self, node: ir.Number, env: Env, reader: Reader) -> Shape:
        if not isinstance(node.operand.type, BoolType):
            raise sh.refuse(
                node.span, "the number of a sort's value", "compare values of the sort themselves"
            )
        return Atom(choice(self.formula(node.operand, env, reader), Number(1), Number(0)))

    def _numbered(self, node: ir.Numbered, env: Env, reader: Reader) -> Shape:
        assert isinstance(node.type, SortType)
        if not (isinstance(node.index, ir.Literal) and isinstance(node.index.value, int)):
            raise sh.refuse(
                node.span, "a value by a number that is computed", "use a parameter of the action"
            )
        return Atom(self.theory.numbered(node.type.sort, node.index.value, node.span))

    # --- types ---

    def _narrow(self, node: ir.Narrow, env: Env, reader: Reader) -> Shape:
        found = self.expr(node.operand, env, reader)
        if isinstance(node.type, NoneType):
            return Nothing()
        if isinstance(found, Nothing) and not isinstance(node.type, OptionalType):
            return self.theory.unknown(node.type)
        if isinstance(found, Maybe) and not isinstance(node.type, OptionalType):
            found = found.value
        wanted = records_of(node.type)
        if isinstance(found, Row) and isinstance(found.type, RecordType) and found.type not in wanted:
            return self.theory.unknown(node.type)
        if isinstance(found, OneOf):
            cases = [c for c in found.cases if c[0] in wanted]
            if not cases:
                return self.theory.unknown(node.type)
            return cases[0][2] if isinstance(node.type, RecordType) else OneOf(tuple(cases))
        return found

    def _widen(self, node: ir.Widen, env: Env, reader: Reader) -> Shape:
        return self.expr(node.operand, env, reader)

    def _fit(self, node: ir.Fit, env: Env, reader: Reader) -> Shape:
        found = self.expr(node.operand, env, reader)
        self._guard(known_of(self.shapes, node.type, found), reader)
        return found


def _is_set(t: Type) -> bool:
    return isinstance(t, SetType | BagType)


def _within(members: Members) -> Callable[[Shape], Term]:
    """That a set is a part of another."""

    def inside(q: Shape) -> Term:
        assert isinstance(q, Members)
        return q.every(members.has)

    return inside


def _apart(members: Members) -> Callable[[Shape], Term]:
    """That a set has no element in common with another."""

    def outside(q: Shape) -> Term:
        assert isinstance(q, Members)
        return q.every(lambda x: neg(members.has(x)))

    return outside


def _counts(node: Expr) -> bool:
    return isinstance(node, ir.Length) and _is_set(node.operand.type)


def _half(more: Expr, whole: Expr) -> tuple[Expr | None, SortType | None]:
    """The set and the sort in `2 * len(set)` and `len(Sort)`."""

    def universe(node: Expr) -> SortType | None:
        if isinstance(node, ir.Length) and isinstance(node.operand, ir.Universe):
            t = node.operand.type
            return t.item if isinstance(t, SetType) and isinstance(t.item, SortType) else None
        return None

    def two(node: Expr) -> bool:
        return isinstance(node, ir.Literal) and node.value == 2

    if isinstance(more, ir.Arithmetic) and more.op == "*":
        for a, b in ((more.left, more.right), (more.right, more.left)):
            if two(a) and _counts(b) and (sort := universe(whole)):
                assert isinstance(b, ir.Length)
                return b.operand, sort
    return None, None
