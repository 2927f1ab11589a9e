"""Expressions of the intermediate form as shapes: what a model computes, in first-order logic, for every size.

Guarantees: on the structure that a size and a state are, the formula of a condition is true exactly if CPython says True (where
it has an answer at all: an operation without one, such as an index outside a sequence, stands for an unknown value). What cannot
be said is refused with its place in the source.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from ratified.language import ir
from ratified.language.ir import Expr, Which
from ratified.language.types import (
    IntType,
    MapType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    Type,
    UnionType,
)
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.containers import Containers
from ratified.smt.first_order.reading import Env, Reader
from ratified.smt.first_order.shapes import (
    Atom,
    Listing,
    Maybe,
    Members,
    Nothing,
    OneOf,
    Row,
    Shape,
    sort_name,
)
from ratified.smt.terms import (
    FALSE,
    INT,
    TRUE,
    Term,
    at_most,
    choice,
    conj,
    disj,
    equal,
    every,
    fresh,
    implies,
    less,
    neg,
    some,
)


class Translator(Containers):
    """Translates the expressions of one module."""

    def _domain(self, node: Expr, env: Env, reader: Reader) -> Members:
        if isinstance(node, ir.IntRange):
            low, high = self._term(node.low, env, reader), self._term(node.high, env, reader)

            def over(universal: bool) -> Callable[[Callable[[Shape], Term]], Term]:
                def quantify(f: Callable[[Shape], Term]) -> Term:
                    i = fresh("i", INT)
                    inside = conj(at_most(low, i), less(i, high))
                    if universal:
                        return every([i], implies(inside, f(Atom(i))))
                    return some([i], conj(inside, f(Atom(i))))

                return quantify

            def has(x: Shape) -> Term:
                assert isinstance(x, Atom)
                return conj(at_most(low, x.term), less(x.term, high))

            return Members(IntType(), has, over(True), over(False))
        return self.iterated(self.expr(node, env, reader), node)

    def _quantify(
        self,
        universal: bool,
        clauses: Sequence[ir.Clause],
        env: Env,
        reader: Reader,
        body: Callable[[Env], Term],
    ) -> Term:
        if not clauses:
            return body(env)
        clause, rest = clauses[0], clauses[1:]
        domain = self._domain(clause.domain, env, reader)

        def each(x: Shape) -> Term:
            inner = dict(env)
            self.bind(clause.names, x, inner)
            conditions = conj(*(self.formula(c, inner, reader) for c in clause.conditions))
            if conditions == FALSE:
                return TRUE if universal else FALSE
            found = self._quantify(universal, rest, inner, reader, body)
            return implies(conditions, found) if universal else conj(conditions, found)

        with reader.inside():
            return domain.every(each) if universal else domain.some(each)

    def _collect(self, node: ir.Collect, env: Env, reader: Reader) -> Shape:
        match node.kind:
            case "all" | "any":
                universal = node.kind == "all"
                body = lambda inner: self.formula(node.element, inner, reader)  # noqa: E731
                return Atom(self._quantify(universal, node.clauses, env, reader, body))
            case "set" | "bag":
                return self._comprehension(node, node.element, env, reader)
            case "map":
                return self._map_of(node, env, reader)
            case "min" | "max":
                return self._extreme(node, env, reader)
            case "seq":
                return self._seq_of(node, env, reader)
        raise sh.refuse(node.span, f"`{node.kind}` of a comprehension", "say it with all(...) or any(...)")

    def _comprehension(self, node: ir.Collect, element: Expr, env: Env, reader: Reader) -> Members:
        item = element.type

        def over(universal: bool) -> Callable[[Callable[[Shape], Term]], Term]:
            def quantify(f: Callable[[Shape], Term]) -> Term:
                def body(inner: Env) -> Term:
                    before = len(reader.definitions)
                    found = f(self.expr(element, inner, reader))
                    return self._closed(found, before, reader)

                return self._quantify(universal, node.clauses, dict(env), reader, body)

            return quantify

        all_, some_ = over(True), over(False)

        def has(x: Shape) -> Term:
            clause = node.clauses[0]
            plain = len(node.clauses) == 1 and len(clause.names) == 1 and isinstance(_core(element), ir.Local)
            if plain and _core(element).name == clause.names[0] and isinstance(clause.domain.type, SetType):  # type: ignore[attr-defined]  # a Local
                # {x for x in s if c(x)}: membership without a quantifier
                domain = self.expr(clause.domain, env, reader)
                assert isinstance(domain, Members)
                x = self._seen_as(x, clause.domain.type.item)
                if all(not _narrows(c) for c in clause.conditions):
                    inner = {**env, clause.names[0]: x}
                    return conj(domain.has(x), *(self.formula(c, inner, reader) for c in clause.conditions))
            return some_(lambda y: self.same(x, y))

        return Members(item, has, all_, some_)

    @staticmethod
    def _seen_as(x: Shape, t: Type) -> Shape:
        if isinstance(t, UnionType) and isinstance(x, Row) and isinstance(x.type, RecordType):
            return OneOf(((x.type, TRUE, x),))
        if isinstance(t, OptionalType) and not isinstance(x, Maybe | Nothing):
            return Maybe(TRUE, x)
        return x

    def _map_of(self, node: ir.Collect, env: Env, reader: Reader) -> Shape:
        assert isinstance(node.type, MapType)
        clause = node.clauses[0]
        pair = node.element
        simple = (
            len(node.clauses) == 1
            and len(clause.names) == 1
            and not clause.conditions
            and isinstance(pair, ir.MakeTuple)
            and isinstance(_core(pair.items[0]), ir.Local)
            and _core(pair.items[0]).name == clause.names[0]  # type: ignore[attr-defined]  # a Local, see above
        )
        if not simple:
            raise sh.refuse(node.span, "this map", "write Map({k: ... for k in K})")
        assert isinstance(pair, ir.MakeTuple)
        value, name, outer = pair.items[1], clause.names[0], dict(env)

        def at(key: Shape) -> Shape:
            return self.expr(value, {**outer, name: key}, reader)

        return sh.Function(node.type, at)

    def _seq_of(self, node: ir.Collect, env: Env, reader: Reader) -> Shape:
        assert isinstance(node.type, SeqType)
        clause = node.clauses[0]
        if len(node.clauses) != 1 or clause.conditions:
            raise sh.refuse(node.span, "a sequence of what fits a condition", "use a set")
        domain = self.expr(clause.domain, env, reader)
        if not isinstance(domain, Listing):
            raise sh.refuse(node.span, "a sequence of a set's elements", "use a set")
        outer = dict(env)

        def at(i: Term) -> Shape:
            inner = dict(outer)
            self.bind(clause.names, domain.at(i), inner)
            return self.expr(node.element, inner, reader)

        return Listing(node.type.item, domain.length, at)

    def _extreme(self, node: ir.Collect, env: Env, reader: Reader) -> Shape:
        """Min and max: an unknown that is among them and beyond which none is."""
        t = node.element.type
        default = None if node.default is None else self.expr(node.default, env, reader)
        if node.key is not None or not isinstance(t, IntType | SortType):
            raise sh.refuse(
                node.span, f"`{node.kind}` of {t}", "use it for ints and ordered sorts, without key="
            )
        members = self._comprehension(node, node.element, env, reader)
        sort = INT if isinstance(t, IntType) else sort_name(t)

        def best(x: Term) -> Term:
            def within(y: Shape) -> Term:
                pair = (y, Atom(x)) if node.kind == "max" else (Atom(x), y)
                return self._before(t, *pair, strict=False, node=node)

            return conj(members.has(Atom(x)), members.every(within))

        empty = members.every(lambda _: FALSE)
        if default is None:
            return Atom(self._define(node.kind, sort, reader, lambda x: disj(empty, best(x))))
        if isinstance(default, Nothing):
            found = self._define(node.kind, sort, reader, lambda x: disj(empty, best(x)))
            return Maybe(neg(empty), Atom(found))
        value = default.value if isinstance(default, Maybe) else default
        assert isinstance(value, Atom)
        found = self._define(node.kind, sort, reader, lambda x: choice(empty, equal(x, value.term), best(x)))
        return Atom(found)

    def _call(self, node: ir.Call, env: Env, reader: Reader) -> Shape:
        arguments = [self.expr(a, env, reader) for a in node.arguments]
        function = self.module.functions[node.function]
        if node.which is Which.OLD:
            # A helper called on the state before the step reads that state as its own.
            inner = replace(reader, now=reader.old, old={})
            return self.call(function, arguments, inner)
        return self.call(function, arguments, reader)


def _core(node: Expr) -> Expr:
    while isinstance(node, ir.Widen | ir.Narrow | ir.Fit):
        node = node.operand
    return node


def _narrows(node: Expr) -> bool:
    return any(isinstance(n, ir.Shift) for n in ir.walk(node))
