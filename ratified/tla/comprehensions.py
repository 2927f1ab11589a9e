"""Comprehensions: what runs through a container, as a quantifier, a set, a sequence, a largest element.

Guarantees: containers are run through in canonical order wherever the order can be seen, and as sets where it cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ratified.language import ir
from ratified.language.ir import Expr
from ratified.language.types import (
    BagType,
    EnumType,
    IntType,
    MapType,
    RecordType,
    SeqType,
    SetType,
    SortType,
)
from ratified.tla.formulas import (
    ONE,
    Bound,
    Quantified,
    all_of,
    braces,
    filtered,
    function,
    if_else,
    number,
    set_of,
    string,
    tuple_of,
)
from ratified.tla.known import Known
from ratified.tla.linear import constant, plus
from ratified.tla.names import mentions
from ratified.tla.scope import Frame
from ratified.tla.syntax import (
    Apply,
    Atom,
    Definition,
    Dot,
    If,
    Index,
    Infix,
    Let,
    Prefix,
    Tla,
    Wrapped,
)


class Comprehensions(Known):
    """Translates comprehensions, and containers as what is run through."""

    # --- containers as sets and as sequences ---

    def _keys(self, node: Expr, f: Frame) -> Tla:
        assert isinstance(node.type, MapType)
        keys = self.type_set(node.type.key)
        return keys if keys is not None else Prefix("DOMAIN", self.expr(node, f))

    def as_set(self, node: Expr, f: Frame) -> Tla:
        """The elements of a container (the keys of a map)."""
        match node:
            case ir.IntRange(_, _, low, high):
                self.need("Integers")
                return Infix("..", self.expr(low, f), self.summed(plus(self.sum(high, f), constant(-1))))
            case ir.MakeSeq(_, _, items):
                return braces(*(self.expr(item, f) for item in items))
            case ir.Convert(_, _, "distinct" | "reversed" | "sorted" | "sorted-reversed", operand):
                return self.as_set(operand, f)
            case ir.Convert(_, _, "keys", operand):
                return self._keys(operand, f)
            case ir.Convert(_, _, "values", operand):
                k = Atom(f.names.inner().give("k"))
                return set_of(Index(self.expr(operand, f), (k,)), ((k.text,), self._keys(operand, f)))
            case ir.Convert(_, _, "items", operand):
                k = Atom(f.names.inner().give("k"))
                pair = tuple_of(k, Index(self.expr(operand, f), (k,)))
                return set_of(pair, ((k.text,), self._keys(operand, f)))
            case ir.Collect(_, _, "seq" | "bag", _, _):
                return self._set_collect(node, f)
            case ir.Concat(_, SeqType(), left, right):
                return Infix("\\union", self.as_set(left, f), self.as_set(right, f))
        match node.type:
            case SetType():
                return self.expr(node, f)
            case BagType():
                self.need("Bags")
                return Apply("BagToSet", (self.expr(node, f),))
            case MapType():
                return self._keys(node, f)
        return self.use("Range", self.expr(node, f))

    def as_seq(self, node: Expr, f: Frame) -> Tla:
        """The elements of a container in the order in which it is run through."""
        match node.type:
            case SeqType():
                return self.expr(node, f)
            case BagType(item):
                return self.use("SortedBag", self.expr(node, f), Atom(self.key_operator(item)))
            case SetType(item):
                if isinstance(node, ir.Universe) and isinstance(item, SortType) and not item.ordered:
                    return Atom(self.sequence_of(item.sort))
                if isinstance(node, ir.Universe) and isinstance(item, EnumType):
                    return tuple_of(*(string(self.form.member(m)) for m in item.enum))
                return self.sorted(self.as_set(node, f), item)
            case MapType(key, _):
                return self.sorted(self._keys(node, f), key)
        raise AssertionError(node)

    def _by_position(self, sequence: Tla, f: Frame, element: Callable[[Tla, Tla], Tla]) -> Tla:
        """The sequence of what is made of each position."""
        self.need("Sequences", "Integers")
        names = f.names.inner()
        if not isinstance(sequence, Atom):
            name = names.give_apart("seq")
            inner = self._by_position(Atom(name), replace(f, names=names), element)
            return Let((Definition(name, sequence),), inner)
        position = names.give("k")
        whole = Infix("..", ONE, Apply("Len", (sequence,)))
        return function(element(sequence, Atom(position)), ((position,), whole))

    def _chosen(self, clause: ir.Clause, f: Frame) -> Tla | None:
        """What a clause runs through, as a set that has one element for each."""
        if not isinstance(clause.domain.type, SetType | MapType):
            return None
        inner, bound = self.bind(clause, f)
        conditions = self.conditions(clause.conditions, inner)
        names, domain = bound
        return domain if not conditions else filtered(names[0], domain, all_of(conditions))

    # --- comprehensions ---

    def bind(self, clause: ir.Clause, f: Frame) -> tuple[Frame, Bound]:
        """A frame in which a clause's names run through its domain, and the bound that says so."""
        domain = self.as_set(clause.domain, f)
        names = f.names.inner()
        given = {name: names.give(name) for name in clause.names}
        inner = replace(f.inside({name: Atom(text) for name, text in given.items()}), names=names)
        for name in given:
            inner.sums.pop(name, None)
        if len(given) == 1:
            (text,) = given.values()
            if isinstance(clause.domain, ir.IntRange):
                term = self.term(Atom(text), natural=False)
                inner = inner.knowing(*self._range_facts({term: 1}, clause.domain, f))
            return inner, ((text,), domain)
        return inner, ((f"<<{', '.join(given.values())}>>",), domain)

    def conditions(self, tests: Iterable[Expr], f: Frame) -> list[Tla]:
        """Conditions, each in the knowledge of those before it."""
        made = []
        for test in tests:
            made.append(self.expr(test, f))
            f = self.learned(test, True, f)
        return made

    def knowing_all(self, tests: Iterable[Expr], f: Frame) -> Frame:
        """A frame in which all of these are true."""
        for test in tests:
            f = self.learned(test, True, f)
        return f

    def _collect(self, node: ir.Collect, f: Frame) -> Tla:
        match node.kind:
            case "all" | "any":
                return self.quantified(
                    node.kind, node.clauses, lambda inner: self.expr(node.element, inner), f
                )
            case "set":
                return self._set_collect(node, f)
            case "seq":
                return self._seq_collect(node.clauses, lambda inner: self.expr(node.element, inner), f)
            case "bag":
                return self.use(
                    "BagOf", self._seq_collect(node.clauses, lambda i: self.expr(node.element, i), f)
                )
            case "map":
                return self._map_collect(node, f)
            case "sum":
                return self._sum(node, f)
        return self._extreme(node, f)

    def quantified(
        self, kind: str, clauses: Sequence[ir.Clause], body: Callable[[Frame], Tla], f: Frame
    ) -> Tla:
        r"""`\A` or `\E`, bounds that do not depend on each other together."""
        bounds: list[Bound] = []
        conditions: list[Tla] = []
        bound_names: set[str] = set()
        rest = list(clauses)
        while rest:
            inner, (names, domain) = self.bind(rest[0], f)
            text = str(domain)
            if bounds and (any(mentions(text, n) for n in bound_names) or self._guarded(rest[0], conditions)):
                break
            f = inner
            bound_names |= {n for name in names for n in _bound_names(name)}
            if bounds and str(bounds[-1][1]) == text and not names[0].startswith("<<"):
                bounds[-1] = ((*bounds[-1][0], *names), domain)
            else:
                bounds.append((names, domain))
            conditions += self.conditions(rest[0].conditions, f)
            f = self.knowing_all(rest[0].conditions, f)
            rest.pop(0)
        inner_part = self.quantified(kind, rest, body, f) if rest else body(f)
        if kind == "any":
            return Quantified("\\E", tuple(bounds), all_of([*conditions, inner_part]))
        if conditions:
            inner_part = Infix("=>", all_of(conditions), inner_part)
        return Quantified("\\A", tuple(bounds), inner_part)

    @staticmethod
    def _guarded(clause: ir.Clause, conditions: Sequence[Tla]) -> bool:
        """Whether a domain may have no value unless the conditions before it hold."""
        plain = ir.Universe | ir.Variable | ir.Parameter | ir.Local
        return bool(conditions) and not isinstance(clause.domain, plain)

    def _set_collect(self, node: ir.Collect, f: Frame) -> Tla:
        chosen = self._of_a_record(node, f)
        if chosen is not None:
            return chosen
        return self._gathered(node.clauses, lambda inner: self.expr(node.element, inner), f)

    def _of_a_record(self, node: ir.Collect, f: Frame) -> Tla | None:
        r"""`{x \in Vote : P(x.ballot, x.value)}`, where each record of a class is made once; None elsewhere.

        TLC computes the set Vote once and for all, and makes no record to ask P of it.
        """
        made = node.element
        while isinstance(made, ir.Fit | ir.Widen):
            made = made.operand
        if not isinstance(made, ir.MakeRecord) or not isinstance(made.type, RecordType) or not made.fields:
            return None
        given = [field.name if isinstance(field, ir.Local) else "" for field in made.fields]
        wanted = dict(zip(given, made.type.fields.values(), strict=True))
        ranges = {
            ", ".join(clause.names): clause.domain.type.item
            for clause in node.clauses
            if isinstance(clause.domain, ir.Universe) and isinstance(clause.domain.type, SetType)
        }
        once = len(node.clauses) == len(ranges) == len(given)
        records = self.type_set(made.type)
        if not once or ranges != wanted or records is None:
            return None
        names = f.names.inner()
        one = Atom(names.give(made.type.record.__name__.lower()))
        fields: dict[str, Tla] = {
            name: Dot(one, self.form.field(made.type.record, field))
            for name, field in zip(given, made.type.fields, strict=True)
        }
        inner = replace(f.inside(fields), names=names)
        for name in fields:
            inner.sums.pop(name, None)
        tests: list[Tla] = []
        for clause in node.clauses:
            tests += self.conditions(clause.conditions, inner)
            inner = self.knowing_all(clause.conditions, inner)
        return filtered(one.text, records, all_of(tests)) if tests else records

    def _gathered(self, clauses: Sequence[ir.Clause], element: Callable[[Frame], Tla], f: Frame) -> Tla:
        """The set of what is made of each choice of a comprehension."""
        bounds: list[Bound] = []
        tests: list[Tla] = []
        inner = f
        for clause in clauses:
            names = {n for found, _ in bounds for name in found for n in _bound_names(name)}
            further, (bound, domain) = self.bind(clause, inner)
            if any(mentions(str(domain), n) for n in names) or self._guarded(clause, tests):
                break
            tests += self.conditions(clause.conditions, further)
            inner = self.knowing_all(clause.conditions, further)
            bounds.append((bound, domain))
        else:
            # Names of pairs cannot stand inside names of pairs.
            if len(bounds) == 1 or not tests or not any(names[0].startswith("<<") for names, _ in bounds):
                return self._set_of(element(inner), bounds, tests)
        first, rest = clauses[0], clauses[1:]
        inner, (bound, domain) = self.bind(first, f)
        tests = self.conditions(first.conditions, inner)
        domain = filtered(bound[0], domain, all_of(tests)) if tests else domain
        each = self._gathered(rest, element, self.knowing_all(first.conditions, inner))
        return Prefix("UNION", set_of(each, (bound, domain)))

    @staticmethod
    def _set_of(made: Tla, bounds: Sequence[Bound], tests: Sequence[Tla]) -> Tla:
        """`{made : bounds}` where the tests hold."""
        if not tests:
            same = len(bounds) == 1 and str(made) == bounds[0][0][0]
            return bounds[0][1] if same else set_of(made, *bounds)
        if len(bounds) == 1:
            (names, domain) = bounds[0]
            chosen = filtered(names[0], domain, all_of(tests))
            return chosen if str(made) == names[0] else set_of(made, (names, chosen))
        pattern = f"<<{', '.join(names[0] for names, _ in bounds)}>>"
        domains = [Wrapped(domain) if isinstance(domain, Infix) else domain for _, domain in bounds]
        product = domains[0]
        for domain in domains[1:]:
            product = Infix("\\X", product, domain)
        chosen = filtered(pattern, product, all_of(tests))
        return chosen if str(made) == pattern else set_of(made, ((pattern,), chosen))

    def _seq_collect(self, clauses: Sequence[ir.Clause], element: Callable[[Frame], Tla], f: Frame) -> Tla:
        """The sequence of what is made of each choice of a comprehension, in order."""
        first, rest = clauses[0], clauses[1:]

        def of(s: Tla, k: Tla) -> Tla:
            item = Index(s, (k,))
            env = self.unpacked(first.names, item)
            inner = replace(f.inside(env), names=f.names.inner())
            inner.names.give(str(k))
            for name in first.names:
                inner.sums.pop(name, None)
            tests = self.conditions(first.conditions, inner)
            inner = self.knowing_all(first.conditions, inner)
            each = self._seq_collect(rest, element, inner) if rest else element(inner)
            if tests:
                return if_else(all_of(tests), each if rest else tuple_of(each), tuple_of())
            return each

        made = self._by_position(self.as_seq(first.domain, f), f, of)
        return self.use("Flattened", made) if rest or first.conditions else made

    @staticmethod
    def unpacked(names: Sequence[str], item: Tla) -> dict[str, Tla]:
        """Names for a value, or for the parts of a tuple."""
        if len(names) == 1:
            return {names[0]: item}
        return {name: Index(item, (number(i + 1),)) for i, name in enumerate(names)}

    def _map_collect(self, node: ir.Collect, f: Frame) -> Tla:
        clause = node.clauses[0]
        pair = node.element
        if len(node.clauses) == 1 and not clause.conditions and isinstance(pair, ir.MakeTuple):
            key, value = pair.items
            if isinstance(key, ir.Local) and clause.names == (key.name,):
                inner, bound = self.bind(clause, f)
                return function(self.expr(value, inner), bound)
        return self.use("MapOf", self._seq_collect(node.clauses, lambda inner: self.expr(pair, inner), f))

    def _sum(self, node: ir.Collect, f: Frame) -> Tla:
        first = node.clauses[0]
        of_ones = isinstance(node.element, ir.Literal) and node.element.value == 1 and len(node.clauses) == 1
        if of_ones and (chosen := self._chosen(first, f)) is not None:
            self.need("FiniteSets")
            return Apply("Cardinality", (chosen,))
        return self.use(
            "Sum", self._seq_collect(node.clauses, lambda inner: self.expr(node.element, inner), f)
        )

    def _extreme(self, node: ir.Collect, f: Frame) -> Tla:
        t = node.element.operand.type if isinstance(node.element, ir.Widen) else node.element.type
        if node.key is None and isinstance(t, IntType | SortType):
            return self._largest(node, f)
        ranked = node.key or node.element

        def pair(inner: Frame) -> Tla:
            return tuple_of(self.key(ranked.type, self.expr(ranked, inner)), self.expr(node.element, inner))

        made = self._seq_collect(node.clauses, pair, f)
        best = "Best" if node.kind == "max" else "Worst"
        if node.default is None:
            return self.use(best, made)
        name = f.names.inner().give_apart("found")
        empty = Infix("=", Atom(name), Atom("<< >>"))
        choice = If(empty, self.expr(node.default, f), self.use(best, Atom(name)))
        return Let((Definition(name, made),), choice)

    def _largest(self, node: ir.Collect, f: Frame) -> Tla:
        """`Max(S)`, `Min(S)`: of numbers it does not matter which of equals is taken."""
        operator = "Max" if node.kind == "max" else "Min"
        low = node.default
        above: list[bool] = []

        def element(inner: Frame) -> Tla:
            made = self.expr(node.element, inner)
            if low is not None and isinstance(low.type, IntType | SortType):
                way = plus(self.sum(node.element, inner), self.sum(low, inner), -1)
                above.append(self.natural(way if node.kind == "max" else plus({}, way, -1), inner))
            return made

        found = self._gathered(node.clauses, element, f)
        if low is None:
            return self.use(operator, found)
        default = self.expr(low, f)
        if above and all(above):
            return self.use(operator, Infix("\\union", braces(default), found))
        name = f.names.inner().give_apart("found")
        choice = If(Infix("=", Atom(name), Atom("{}")), default, self.use(operator, Atom(name)))
        return Let((Definition(name, found),), choice)


def less_one(k: Tla) -> Tla:
    """A position, counted from 0."""
    return Infix("-", k, ONE)


def _bound_names(pattern: str) -> list[str]:
    """The names in `x` or `<<x, y>>`."""
    return pattern.strip("<>").split(", ")
