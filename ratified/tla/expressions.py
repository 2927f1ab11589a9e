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

from ratified.language import ir
from ratified.language.errors import ModelError
from ratified.language.ir import Expr, Function, Which
from ratified.language.sorts import Sort
from ratified.language.types import (
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
from ratified.language.values import Map, Set
from ratified.tla.containers import Containers
from ratified.tla.formulas import (
    FALSE,
    ONE,
    TRUE,
    ZERO,
    all_of,
    any_of,
    braces,
    function,
    if_else,
    negated,
    number,
    record_of,
    string,
    tuple_of,
)
from ratified.tla.linear import constant, plus
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
    Primed,
    Tla,
    Wrapped,
)


class Cannot(ModelError):
    """Something that a model says and TLA+ cannot, as we write it."""


class Expressions(Containers):
    """Translates expressions of one module."""

    def expr(self, node: Expr, f: Frame) -> Tla:
        """An expression in TLA+."""
        method: Callable[[Any, Frame], Tla] = getattr(self, "_" + _snake(type(node).__name__))
        return method(node, f)

    # --- leaves ---

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

    # --- logic ---

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

    # --- numbers ---

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

    # --- types, records, tuples ---

    def _narrow(self, node: ir.Narrow, f: Frame) -> Tla:
        return self.expr(node.operand, f)

    _widen = _narrow

    def _fit(self, node: ir.Fit, f: Frame) -> Tla:
        return self.expr(node.operand, f)

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

    # --- calls ---

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


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
