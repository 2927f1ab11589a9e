"""Expressions of the intermediate form in TLA+.

Guarantees: an expression that has a value in the model has the same value in TLA+; where it has none (an index out of range, the
least of nothing), TLC stops with an error. Positions, which the language counts from 0 and TLA+ from 1, are moved where it can be
seen that they are not negative, and by an operator that asks where it cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from enum import Enum
from typing import Any

from ratified.models.language import ir
from ratified.models.language.errors import ModelError
from ratified.models.language.ir import Expr, Function, Which
from ratified.models.language.sorts import Sort
from ratified.models.language.types import (
    BagType,
    BoolType,
    EnumType,
    IntType,
    MapType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    UnionType,
    records_of,
)
from ratified.models.language.values import Bag, Map, Seq, Set
from ratified.proofs.tla import linear
from ratified.proofs.tla.linear import Sum, constant, plus
from ratified.proofs.tla.scope import Frame
from ratified.proofs.tla.syntax import (
    FALSE,
    TRUE,
    ZERO,
    Apply,
    Atom,
    Bound,
    Definition,
    Dot,
    Except,
    If,
    Index,
    Infix,
    Let,
    Prefix,
    Primed,
    Quantified,
    Tla,
    Wrapped,
    all_of,
    any_of,
    braces,
    filtered,
    function,
    if_else,
    negated,
    number,
    record_of,
    set_of,
    string,
    tuple_of,
)
from ratified.proofs.tla.vocabulary import Vocabulary

ONE = Atom("1")


class Cannot(ModelError):
    """Something that a model says and TLA+ cannot, as we write it."""


class Expressions(Vocabulary):
    """Translates expressions of one module."""

    def expr(self, node: Expr, f: Frame) -> Tla:
        """An expression in TLA+."""
        method: Callable[[Any, Frame], Tla] = getattr(self, "_" + _snake(type(node).__name__))
        return method(node, f)

    # --- leaves -------------------------------------------------------------------------------------------------------

    def _literal(self, node: ir.Literal, f: Frame) -> Tla:
        return self.value(node.value, node.type)

    def value(self, value: Any, t: Type) -> Tla:
        """A value of a type, written out."""
        match t:
            case OptionalType(item):
                return self.none() if value is None else self.value(value, item)
            case BoolType():
                return TRUE if value else FALSE
            case EnumType():
                return string(self.form.member(value))
            case SortType(sort):
                return number(int(value)) if t.ordered else self.named(sort, int(value))
            case IntType():
                return number(int(value))
            case RecordType(record):
                return self.record(
                    t, [self.value(getattr(value, n), ft) for n, ft in t.fields.items()], record
                )
            case UnionType():
                return self.value(value, RecordType(type(value)))
            case TupleType(items):
                return tuple_of(*(self.value(v, i) for v, i in zip(value, items, strict=True)))
            case SetType(item):
                return braces(*(self.value(v, item) for v in Set(value)))
            case SeqType(item):
                return tuple_of(*(self.value(v, item) for v in value))
            case BagType(item):
                if not value:
                    self.need("Bags")
                    return Atom("EmptyBag")
                return self._pairs([(self.value(v, item), number(value.count(v))) for v in value.distinct()])
            case MapType(key, item):
                return self._map_value(value, key, item)
        if value is None:
            return self.none()
        return self.value(value, self._type_of_value(value))

    def _type_of_value(self, value: Any) -> Type:
        if isinstance(value, bool):
            return BoolType()
        if isinstance(value, Enum):
            return EnumType(type(value))
        if isinstance(value, Sort):
            return SortType(type(value))
        return IntType() if isinstance(value, int) else RecordType(type(value))

    def _map_value(self, value: Map[Any, Any], key: Type, item: Type) -> Tla:
        values = list(value.values())
        if all(v == values[0] for v in values) and (keys := self.type_set(key)) is not None:
            name = self.short(key)
            return function(self.value(values[0], item), ((name,), keys))
        return self._pairs([(self.value(k, key), self.value(v, item)) for k, v in value.items()])

    def _pairs(self, pairs: Sequence[tuple[Tla, Tla]]) -> Tla:
        """`k :> v @@ l :> w`."""
        self.need("TLC")
        parts = [Infix(":>", k, v) for k, v in pairs]
        made: Tla = parts[0]
        for part in parts[1:]:
            made = Infix("@@", Wrapped(made) if isinstance(made, Infix) and made.op == "@@" else made, part)
        return Wrapped(made)

    def _local(self, node: ir.Local, f: Frame) -> Tla:
        return f.env[node.name]

    def _variable(self, node: ir.Variable, f: Frame) -> Tla:
        text = self.variables[node.name]
        return f.variable(node.name, node.which, text)

    def _parameter(self, node: ir.Parameter, f: Frame) -> Tla:
        return Atom(self.constants[node.name])

    def _universe(self, node: ir.Universe, f: Frame) -> Tla:
        assert isinstance(node.type, SetType)
        made = self.type_set(node.type.item)
        assert made is not None
        return made

    def _subsets(self, node: ir.Subsets, f: Frame) -> Tla:
        sort = Atom(self.sorts[node.sort.sort])
        if node.majorities:
            return self.use("Majorities", sort)
        if node.size is None:
            return Prefix("SUBSET", sort)
        return self.use("SubsetsOfSize", sort, self.expr(node.size, f))

    def _endpoint(self, node: ir.Endpoint, f: Frame) -> Tla:
        assert isinstance(node.type, SortType)
        return Atom(self.last_of(node.type.sort)) if node.last else ZERO

    # --- logic --------------------------------------------------------------------------------------------------------

    def _not(self, node: ir.Not, f: Frame) -> Tla:
        return negated(self.expr(node.operand, f))

    def _and(self, node: ir.And, f: Frame) -> Tla:
        parts = []
        for operand in node.operands:
            parts.append(self.expr(operand, f))
            f = self.learned(operand, True, f)
        return all_of(parts)

    def _or(self, node: ir.Or, f: Frame) -> Tla:
        parts = []
        for operand in node.operands:
            parts.append(self.expr(operand, f))
            f = self.learned(operand, False, f)
        return self._either(parts, [self.partial(operand) for operand in node.operands])

    def _either(self, parts: Sequence[Tla], partial: Sequence[bool]) -> Tla:
        """A disjunction; what may have no value where what is before it is true stands behind an implication.

        In an action TLC takes the sides of a disjunction for two possible steps, and computes both.
        """
        for place in range(1, len(parts)):
            if partial[place]:
                before = all_of(negated(part) for part in parts[:place])
                return Infix("=>", before, self._either(parts[place:], partial[place:]))
        return any_of(parts)

    def partial(self, node: Expr) -> bool:
        """Whether an expression may have no value."""
        for inner in ir.walk(node):
            match inner:
                case ir.Narrow() | ir.IndexOf() | ir.Pop() | ir.Shift() | ir.Numbered():
                    return True
                case ir.Arithmetic(_, _, op, _, _) if op not in "+-*":
                    return True
                case ir.At(_, _, container, _) | ir.With(_, _, container, _, _):
                    if isinstance(container.type, SeqType) or isinstance(
                        getattr(container.type, "key", None), IntType
                    ):
                        return True
                case ir.Remove(_, _, _, _, True):
                    return True
                case ir.Collect(_, _, "min" | "max", _, _, _, None):
                    return True
                case ir.Call(_, _, key, _, _):
                    called = self.module.functions[key]
                    if any(
                        self.partial(n) for s in called.body for n in ir.children(s) if isinstance(n, Expr)
                    ):
                        return True
                    if any(isinstance(n, ir.Narrow | ir.Assert) for s in called.body for n in ir.walk(s)):
                        return True
        return False

    def _if_else(self, node: ir.IfElse, f: Frame) -> Tla:
        return if_else(
            self.expr(node.test, f),
            self.expr(node.then, self.learned(node.test, True, f)),
            self.expr(node.orelse, self.learned(node.test, False, f)),
            truth=isinstance(node.type, BoolType),
        )

    def _compare(self, node: ir.Compare, f: Frame) -> Tla:
        t = node.left.type
        if (empty := self._emptiness(node, f)) is not None:
            return empty
        if node.op in ("==", "!="):
            return Infix("=" if node.op == "==" else "#", self.expr(node.left, f), self.expr(node.right, f))
        if isinstance(t, SetType | MapType) or isinstance(node.right.type, SetType):
            return self._inclusion(node, f)
        if isinstance(t, TupleType):
            left, right = (self.key(side.type, self.expr(side, f)) for side in (node.left, node.right))
            if node.op in (">", "<="):
                left, right = right, left
            lower = self.use("Lower", left, right)
            return lower if node.op in ("<", ">") else negated(lower)
        return Infix(node.op, self._ranked(node.left, f), self._ranked(node.right, f))

    def _emptiness(self, node: ir.Compare, f: Frame) -> Tla | None:
        """`len(s) > 0` as people say it in TLA+: `s # {}`."""
        nothing = isinstance(node.right, ir.Literal) and node.right.value == 0
        if not nothing or node.op not in (">", "==", "!=") or not isinstance(node.left, ir.Length):
            return None
        match node.left.operand.type:
            case SetType():
                made, empty = self.as_set(node.left.operand, f), "{}"
            case BagType():
                self.need("Bags")
                made, empty = self.expr(node.left.operand, f), "EmptyBag"
            case SeqType():
                made, empty = self.as_seq(node.left.operand, f), "<< >>"
            case _:
                return None
        return Infix("=" if node.op == "==" else "#", made, Atom(empty))

    def _ranked(self, node: Expr, f: Frame) -> Tla:
        """A value that stands for its place in an order."""
        made = self.expr(node, f)
        if isinstance(node.type, BoolType):
            return if_else(made, ONE, ZERO) if not isinstance(made, Atom) else If(made, ONE, ZERO)
        if isinstance(node.type, SortType) and not node.type.ordered:
            return self.sort_number(node.type.sort, made)
        return made

    def _inclusion(self, node: ir.Compare, f: Frame) -> Tla:
        left, right = self.as_set(node.left, f), self.as_set(node.right, f)
        if node.op in (">", ">="):
            left, right = right, left
        inclusion = Infix("\\subseteq", left, right)
        return all_of((inclusion, Infix("#", left, right))) if node.op in ("<", ">") else inclusion

    def _in(self, node: ir.In, f: Frame) -> Tla:
        item = self.expr(node.item, f)
        if isinstance(node.container.type, BagType):
            self.need("Bags")
            return Apply("BagIn", (item, self.expr(node.container, f)))
        return Infix("\\in", item, self.as_set(node.container, f))

    def _is_none(self, node: ir.IsNone, f: Frame) -> Tla:
        return Infix("=", self.expr(node.operand, f), self.none())

    def _is_record(self, node: ir.IsRecord, f: Frame) -> Tla:
        operand = self.expr(node.operand, f)
        optional = isinstance(node.operand.type, OptionalType)
        return self.is_one_of(operand, records_of(node.operand.type), node.records, optional)

    def is_one_of(
        self, value: Tla, possible: Sequence[RecordType], wanted: Sequence[RecordType], optional: bool
    ) -> Tla:
        """That a value, which is one of some records or perhaps None, is one of these."""
        here = [r for r in possible if r in wanted]
        tests = [Infix("#", value, self.none())] if optional else []
        if not here:
            return FALSE
        if len(here) < len(possible):
            names = [string(r.record.__name__) for r in here]
            field = Dot(value, self.form.kind)
            tests.append(
                Infix("=", field, names[0]) if len(names) == 1 else Infix("\\in", field, braces(*names))
            )
        return all_of(tests)

    # --- numbers ------------------------------------------------------------------------------------------------------

    def _arithmetic(self, node: ir.Arithmetic, f: Frame) -> Tla:
        self.need("Integers")
        if node.op in ("+", "-"):
            folded = self.summed(self.sum(node, f))
            whole = Infix(node.op, self.expr(node.left, f), self.expr(node.right, f))
            literals = sum(isinstance(n, ir.Literal) for n in ir.walk(node))
            return folded if literals > 1 and len(str(folded)) < len(str(whole)) else whole
        left, right = self.expr(node.left, f), self.expr(node.right, f)
        if node.op == "%":
            positive = (
                isinstance(node.right, ir.Literal)
                and isinstance(node.right.value, int)
                and node.right.value > 0
            )
            return Infix("%", left, right) if positive else self.use("Modulo", left, right)
        return Infix("\\div" if node.op == "//" else "*", left, right)

    def _negative(self, node: ir.Negative, f: Frame) -> Tla:
        return Prefix("-", self.expr(node.operand, f))

    def _absolute(self, node: ir.Absolute, f: Frame) -> Tla:
        return self.use("Abs", self.expr(node.operand, f))

    def _shift(self, node: ir.Shift, f: Frame) -> Tla:
        """Steps past the last are cut where the step is taken (see `within`); one before the first is an error."""
        made = self.sum(node, f)
        if self.natural(made, f):
            return self.summed(made)
        return self.use(
            "Down", self.expr(node.operand, f), self.summed(plus({}, self.sum(node.steps, f), -1))
        )

    def _numbered(self, node: ir.Numbered, f: Frame) -> Tla:
        assert isinstance(node.type, SortType)
        sort = node.type.sort
        if not node.type.ordered:
            return Index(
                Atom(self.sequence_of(sort)), (self.summed(plus(self.sum(node.index, f), constant(1))),)
            )
        made = self.sum(node.index, f)
        if self.natural(made, f):
            return self.summed(made)
        return self.use("Down", self.expr(node.index, f), ZERO)

    def _is_last(self, node: ir.IsLast, f: Frame) -> Tla:
        assert isinstance(node.operand.type, SortType)
        return Infix("=", self.expr(node.operand, f), Atom(self.last_of(node.operand.type.sort)))

    def _number(self, node: ir.Number, f: Frame) -> Tla:
        if isinstance(node.operand.type, BoolType):
            return If(self.expr(node.operand, f), ONE, ZERO)
        return self._ranked(node.operand, f)

    # --- sums and what is known ---------------------------------------------------------------------------------------

    def sum(self, node: Expr, f: Frame) -> Sum:
        """A number (or ordered value) as a sum of terms."""
        match node:
            case ir.Literal(_, IntType(), value) if isinstance(value, int):
                return constant(int(value))
            case ir.Literal(_, SortType(), value) if isinstance(value, int):
                return constant(int(value))
            case ir.Arithmetic(_, _, "+", left, right):
                return plus(self.sum(left, f), self.sum(right, f))
            case ir.Arithmetic(_, _, "-", left, right):
                return plus(self.sum(left, f), self.sum(right, f), -1)
            case ir.Shift(_, _, operand, steps):
                return plus(self.sum(operand, f), self.sum(steps, f))
            case ir.Fit(_, _, operand, _) | ir.Narrow(_, _, operand) | ir.Widen(_, _, operand):
                return self.sum(operand, f)
            case ir.Negative(_, _, operand):
                return plus({}, self.sum(operand, f), -1)
            case ir.Endpoint(_, _, False):
                return constant(0)
            case ir.Number(_, _, operand) if isinstance(operand.type, SortType) and operand.type.ordered:
                return self.sum(operand, f)
            case ir.Local(_, _, name) if name in f.sums:
                return f.sums[name]
        return self._term(node, self.expr(node, f))

    def _term(self, node: Expr, made: Tla) -> Sum:
        t = node.type
        if isinstance(t, OptionalType):
            t = t.item
        low = self.resolved(t).low if isinstance(t, IntType) else None
        counted = ir.Length | ir.Number | ir.Count | ir.IndexOf | ir.Absolute
        natural = isinstance(node, counted) or isinstance(t, SortType) or (isinstance(low, int) and low >= 0)
        return {self.term(made, natural=natural): 1}

    def term(self, made: Tla, *, natural: bool) -> str:
        """The term of a sum that an expression is. Whether it may be negative is a part of it: a name may mean many things."""
        key = str(made) if natural else f"{made}\0"
        self.terms.setdefault(key, made)
        if natural:
            self.naturals.add(key)
        return key

    def natural(self, form: Sum, f: Frame) -> bool:
        """Whether a sum is certainly not negative."""
        return linear.follows(form, f.facts, self.naturals)

    def summed(self, form: Sum) -> Tla:
        """A sum, written out."""
        made: Tla | None = None
        for term, count in sorted(form.items(), key=lambda pair: (pair[1] < 0, not pair[0])):
            if not count:
                continue
            size = abs(count)
            part: Tla = number(size) if not term else self.terms[term]
            if term and size > 1:
                part = Infix("*", number(size), part)
            first = part if count > 0 else Prefix("-", part)
            made = first if made is None else Infix("+" if count > 0 else "-", made, part)
        return made or ZERO

    def learned(self, test: Expr, truth: bool, f: Frame) -> Frame:
        """A frame in which a test is known to be true, or to be false."""
        match test:
            case ir.Not(_, _, operand):
                return self.learned(operand, not truth, f)
            case ir.And(_, _, operands) if truth:
                for operand in operands:
                    f = self.learned(operand, True, f)
                return f
            case ir.Or(_, _, operands) if not truth:
                for operand in operands:
                    f = self.learned(operand, False, f)
                return f
            case ir.Compare(_, _, op, left, right) if isinstance(left.type, IntType | SortType):
                return f.knowing(*self._order(op if truth else _OPPOSITE[op], left, right, f))
            case ir.IsLast(_, _, operand) if not truth:
                return f.knowing(plus(plus(self._last(operand), self.sum(operand, f), -1), constant(-1)))
            case ir.In(_, _, item, container) if truth:
                f = f.knowing(*self._within_range(item, container, f))
                return replace(f, present=f.present | {str(self.expr(test, f))})
        return f

    def _last(self, operand: Expr) -> Sum:
        assert isinstance(operand.type, SortType)
        return {self.term(Atom(self.last_of(operand.type.sort)), natural=True): 1}

    def _order(self, op: str, left: Expr, right: Expr, f: Frame) -> list[Sum]:
        """What a comparison says, as sums that are not negative."""
        if any(isinstance(s.type, SortType) and not s.type.ordered for s in (left, right)):
            return []
        difference = plus(self.sum(right, f), self.sum(left, f), -1)
        back = plus({}, difference, -1)
        less = constant(-1)
        match op:
            case "<":
                return [plus(difference, less)]
            case "<=":
                return [difference]
            case ">":
                return [plus(back, less)]
            case ">=":
                return [back]
            case "==":
                return [difference, back]
        return [plus(way, less) for way in (difference, back) if self.natural(way, f)]

    def _within_range(self, item: Expr, container: Expr, f: Frame) -> list[Sum]:
        if not isinstance(container, ir.IntRange) or not isinstance(item.type, IntType):
            return []
        return self._range_facts(self.sum(item, f), container, f)

    def _range_facts(self, item: Sum, container: ir.IntRange, f: Frame) -> list[Sum]:
        low, high = self.sum(container.low, f), self.sum(container.high, f)
        return [plus(item, low, -1), plus(plus(high, item, -1), constant(-1))]

    # --- types --------------------------------------------------------------------------------------------------------

    def _narrow(self, node: ir.Narrow, f: Frame) -> Tla:
        return self.expr(node.operand, f)

    _widen = _narrow

    def _fit(self, node: ir.Fit, f: Frame) -> Tla:
        return self.expr(node.operand, f)

    # --- records, tuples ----------------------------------------------------------------------------------------------

    def _make_record(self, node: ir.MakeRecord, f: Frame) -> Tla:
        assert isinstance(node.type, RecordType)
        return self.record(node.type, [self.expr(field, f) for field in node.fields], node.type.record)

    def record(self, t: RecordType, values: Iterable[Tla], record: type) -> Tla:
        """A record."""
        fields = [(self.form.field(record, name), v) for name, v in zip(t.fields, values, strict=True)]
        tag = [(self.form.kind, string(record.__name__))] if self.form.tagged(record) else []
        return record_of([*tag, *fields])

    def _field(self, node: ir.Field, f: Frame) -> Tla:
        records = records_of(node.operand.type)
        operand = self.expr(node.operand, f)
        names = {r.record: self.form.field(r.record, node.name) for r in records}
        made: Tla = Dot(operand, next(iter(reversed(names.values()))))
        for record, name in list(reversed(names.items()))[1:]:
            if Dot(operand, name).flat != made.flat:
                test = Infix("=", Dot(operand, self.form.kind), string(record.__name__))
                made = If(test, Dot(operand, name), made)
        return made

    def _make_tuple(self, node: ir.MakeTuple, f: Frame) -> Tla:
        return tuple_of(*(self.expr(item, f) for item in node.items))

    def _item(self, node: ir.Item, f: Frame) -> Tla:
        return Index(self.expr(node.operand, f), (number(node.index + 1),))

    # --- sets, bags, sequences, maps ----------------------------------------------------------------------------------

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

    def _chosen(self, clause: ir.Clause, f: Frame) -> Tla | None:
        """What a clause runs through, as a set that has one element for each."""
        if not isinstance(clause.domain.type, SetType | MapType):
            return None
        inner, bound = self.bind(clause, f)
        conditions = self.conditions(clause.conditions, inner)
        names, domain = bound
        return domain if not conditions else filtered(names[0], domain, all_of(conditions))

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
                    self.as_seq(operand, f), f, lambda s, k: tuple_of(_less_one(k), Index(s, (k,)))
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

    # --- containers as sets and as sequences --------------------------------------------------------------------------

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

    # --- comprehensions -----------------------------------------------------------------------------------------------

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
            if bounds and (
                any(_mentions(text, n) for n in bound_names) or self._guarded(rest[0], conditions)
            ):
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
        return self._gathered(node.clauses, lambda inner: self.expr(node.element, inner), f)

    def _gathered(self, clauses: Sequence[ir.Clause], element: Callable[[Frame], Tla], f: Frame) -> Tla:
        """The set of what is made of each choice of a comprehension."""
        bounds: list[Bound] = []
        tests: list[Tla] = []
        inner = f
        for clause in clauses:
            names = {n for found, _ in bounds for name in found for n in _bound_names(name)}
            further, (bound, domain) = self.bind(clause, inner)
            if any(_mentions(str(domain), n) for n in names) or self._guarded(clause, tests):
                break
            tests += self.conditions(clause.conditions, further)
            inner = self.knowing_all(clause.conditions, further)
            bounds.append((bound, domain))
        else:
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

    # --- calls --------------------------------------------------------------------------------------------------------

    def _call(self, node: ir.Call, f: Frame) -> Tla:
        called = self.module.functions[node.function]
        reads = self.reads(called)
        if not reads:
            return Apply(self.operator(node.function), tuple(self.expr(a, f) for a in node.arguments))
        if f.step and node.which is Which.NOW:
            if any(
                isinstance(n, ir.Variable | ir.Call) and n.which is Which.OLD
                for a in node.arguments
                for n in ir.walk(a)
            ):
                return self.inlined(called, node.arguments, f)
            plain = replace(f, step=False)
            return Primed(
                Apply(self.operator(node.function), tuple(self.expr(a, plain) for a in node.arguments))
            )
        if not f.step and reads & f.now.keys():
            return self.inlined(called, node.arguments, f)
        return Apply(self.operator(node.function), tuple(self.expr(a, f) for a in node.arguments))

    def inlined(self, called: Function, arguments: Sequence[Expr], f: Frame) -> Tla:
        """A call, written out where it stands."""
        definitions: list[Definition] = []
        names = f.names.inner()
        env: dict[str, Tla] = {}
        for argument, given in zip(called.arguments, arguments, strict=True):
            made = self.expr(given, f)
            if not isinstance(made, Atom):
                definitions.append(Definition(names.give(argument.name), made))
                made = Atom(definitions[-1].name)
            env[argument.name] = made
        inner = replace(f, env=env, sums={}, names=names, place=None, now=dict(f.now))
        body = self.body_value(called, inner)
        return Let(tuple(definitions), body) if definitions else body

    def body_value(self, called: Function, f: Frame) -> Tla:
        """What a function returns, as one expression."""
        raise NotImplementedError


def _less_one(k: Tla) -> Tla:
    return Infix("-", k, ONE)


_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def _mentions(text: str, name: str) -> bool:
    """Whether a name stands in a text."""
    import re

    return re.search(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])", text) is not None


def _bound_names(pattern: str) -> list[str]:
    """The names in `x` or `<<x, y>>`."""
    return pattern.strip("<>").split(", ")


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


__all__ = ["Bag", "Cannot", "Expressions", "Seq"]
