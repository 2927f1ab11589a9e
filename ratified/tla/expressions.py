"""Expressions of the intermediate form in TLA+.

Guarantees: an expression that has a value in the model has the same value in TLA+; where it has none (an index out of range, the
least of nothing), TLC stops with an error. Positions, which the language counts from 0 and TLA+ from 1, are moved where it can be
seen that they are not negative, and by an operator that asks where it cannot.
"""

from __future__ import annotations

from collections.abc import Sequence

from ratified.language import ir
from ratified.language.ir import Expr
from ratified.language.rules import Rules
from ratified.language.types import (
    BagType,
    BoolType,
    IntType,
    MapType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    records_of,
)
from ratified.tla.comprehensions import as_seq, as_set
from ratified.tla.context import TlaContext
from ratified.tla.formulas import ONE, ZERO, all_of, any_of, if_else, negated, number, string, tuple_of
from ratified.tla.known import learned, natural, sum_of
from ratified.tla.linear import constant, plus
from ratified.tla.literals import is_one_of, record_value, value_of
from ratified.tla.orders import key
from ratified.tla.syntax import Apply, Dot, If, Index, Infix, Leaf, Prefix, Tla
from ratified.tla.typesets import type_set
from ratified.tla.vocabulary import Vocabulary

EXPRESSIONS: Rules[TlaContext, Tla] = Rules("TLA+ of expressions")

# --- leaves ---


@EXPRESSIONS.rule(ir.Literal)
def _literal(node: ir.Literal, f: TlaContext) -> Tla:
    return value_of(node.value, node.type, f.words, f.names)


@EXPRESSIONS.rule(ir.Local)
def _local(node: ir.Local, f: TlaContext) -> Tla:
    return f.env[node.name]


@EXPRESSIONS.rule(ir.Variable)
def _variable(node: ir.Variable, f: TlaContext) -> Tla:
    text = f.words.variables[node.name]
    return f.variable(node.name, node.which, text)


@EXPRESSIONS.rule(ir.Parameter)
def _parameter(node: ir.Parameter, f: TlaContext) -> Tla:
    return Leaf(f.words.constants[node.name])


@EXPRESSIONS.rule(ir.Universe)
def _universe(node: ir.Universe, f: TlaContext) -> Tla:
    assert isinstance(node.type, SetType)
    made = type_set(node.type.item, f.words)
    assert made is not None
    return made


@EXPRESSIONS.rule(ir.Subsets)
def _subsets(node: ir.Subsets, f: TlaContext) -> Tla:
    sort = Leaf(f.words.sorts[node.sort.sort])
    if node.majorities:
        return f.words.use("Majorities", sort)
    if node.size is None:
        return Prefix("SUBSET", sort)
    return f.words.use("SubsetsOfSize", sort, f.expr(node.size))


@EXPRESSIONS.rule(ir.Endpoint)
def _endpoint(node: ir.Endpoint, f: TlaContext) -> Tla:
    assert isinstance(node.type, SortType)
    return Leaf(f.words.last_of(node.type.sort)) if node.last else ZERO


# --- logic ---


@EXPRESSIONS.rule(ir.Not)
def _not(node: ir.Not, f: TlaContext) -> Tla:
    return negated(f.expr(node.operand))


@EXPRESSIONS.rule(ir.And)
def _and(node: ir.And, f: TlaContext) -> Tla:
    parts = []
    for operand in node.operands:
        parts.append(f.expr(operand))
        f = learned(operand, True, f)
    return all_of(parts)


@EXPRESSIONS.rule(ir.Or)
def _or(node: ir.Or, f: TlaContext) -> Tla:
    parts = []
    for operand in node.operands:
        parts.append(f.expr(operand))
        f = learned(operand, False, f)
    return _either(parts, [partial(operand, f.words) for operand in node.operands])


def _either(parts: Sequence[Tla], partial: Sequence[bool]) -> Tla:
    """A disjunction; what may have no value where what is before it is true stands behind an implication.

    In an action TLC takes the sides of a disjunction for two possible steps, and computes both.
    """
    for place in range(1, len(parts)):
        if partial[place]:
            before = all_of(negated(part) for part in parts[:place])
            return Infix("=>", before, _either(parts[place:], partial[place:]))
    return any_of(parts)


def partial(node: Expr, words: Vocabulary) -> bool:
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
                called = words.module.functions[key]
                if any(partial(n, words) for s in called.body for n in ir.children(s) if isinstance(n, Expr)):
                    return True
                if any(isinstance(n, ir.Narrow | ir.Assert) for s in called.body for n in ir.walk(s)):
                    return True
    return False


@EXPRESSIONS.rule(ir.IfElse)
def _if_else(node: ir.IfElse, f: TlaContext) -> Tla:
    return if_else(
        f.expr(node.test),
        learned(node.test, True, f).expr(node.then),
        learned(node.test, False, f).expr(node.orelse),
        truth=isinstance(node.type, BoolType),
    )


@EXPRESSIONS.rule(ir.Compare)
def _compare(node: ir.Compare, f: TlaContext) -> Tla:
    t = node.left.type
    if (empty := _emptiness(node, f)) is not None:
        return empty
    if node.op in ("==", "!="):
        return Infix("=" if node.op == "==" else "#", f.expr(node.left), f.expr(node.right))
    if isinstance(t, SetType | MapType) or isinstance(node.right.type, SetType):
        return _inclusion(node, f)
    if isinstance(t, TupleType):
        left, right = (key(side.type, f.expr(side), f.words) for side in (node.left, node.right))
        if node.op in (">", "<="):
            left, right = right, left
        lower = f.words.use("Lower", left, right)
        return lower if node.op in ("<", ">") else negated(lower)
    return Infix(node.op, _ranked(node.left, f), _ranked(node.right, f))


def _emptiness(node: ir.Compare, f: TlaContext) -> Tla | None:
    """`len(s) > 0` as people say it in TLA+: `s # {}`."""
    nothing = isinstance(node.right, ir.Literal) and node.right.value == 0
    if not nothing or node.op not in (">", "==", "!=") or not isinstance(node.left, ir.Length):
        return None
    match node.left.operand.type:
        case SetType():
            made, empty = as_set(node.left.operand, f), "{}"
        case BagType():
            f.words.need("Bags")
            made, empty = f.expr(node.left.operand), "EmptyBag"
        case SeqType():
            made, empty = as_seq(node.left.operand, f), "<< >>"
        case _:
            return None
    return Infix("=" if node.op == "==" else "#", made, Leaf(empty))


def _ranked(node: Expr, f: TlaContext) -> Tla:
    """A value that stands for its place in an order."""
    made = f.expr(node)
    if isinstance(node.type, BoolType):
        return if_else(made, ONE, ZERO) if not isinstance(made, Leaf) else If(made, ONE, ZERO)
    if isinstance(node.type, SortType) and not node.type.ordered:
        return f.words.sort_number(node.type.sort, made)
    return made


def _inclusion(node: ir.Compare, f: TlaContext) -> Tla:
    left, right = as_set(node.left, f), as_set(node.right, f)
    if node.op in (">", ">="):
        left, right = right, left
    inclusion = Infix("\\subseteq", left, right)
    return all_of((inclusion, Infix("#", left, right))) if node.op in ("<", ">") else inclusion


@EXPRESSIONS.rule(ir.In)
def _in(node: ir.In, f: TlaContext) -> Tla:
    item = f.expr(node.item)
    if isinstance(node.container.type, BagType):
        f.words.need("Bags")
        return Apply("BagIn", (item, f.expr(node.container)))
    return Infix("\\in", item, as_set(node.container, f))


@EXPRESSIONS.rule(ir.IsNone)
def _is_none(node: ir.IsNone, f: TlaContext) -> Tla:
    return Infix("=", f.expr(node.operand), f.words.none())


@EXPRESSIONS.rule(ir.IsRecord)
def _is_record(node: ir.IsRecord, f: TlaContext) -> Tla:
    operand = f.expr(node.operand)
    optional = isinstance(node.operand.type, OptionalType)
    return is_one_of(operand, records_of(node.operand.type), node.records, f.words, optional=optional)


# --- numbers ---


@EXPRESSIONS.rule(ir.Arithmetic)
def _arithmetic(node: ir.Arithmetic, f: TlaContext) -> Tla:
    f.words.need("Integers")
    if node.op in ("+", "-"):
        folded = f.words.terms.written(sum_of(node, f))
        whole = Infix(node.op, f.expr(node.left), f.expr(node.right))
        literals = sum(isinstance(n, ir.Literal) for n in ir.walk(node))
        return folded if literals > 1 and len(str(folded)) < len(str(whole)) else whole
    left, right = f.expr(node.left), f.expr(node.right)
    if node.op == "%":
        positive = (
            isinstance(node.right, ir.Literal) and isinstance(node.right.value, int) and node.right.value > 0
        )
        return Infix("%", left, right) if positive else f.words.use("Modulo", left, right)
    return Infix("\\div" if node.op == "//" else "*", left, right)


@EXPRESSIONS.rule(ir.Negative)
def _negative(node: ir.Negative, f: TlaContext) -> Tla:
    return Prefix("-", f.expr(node.operand))


@EXPRESSIONS.rule(ir.Absolute)
def _absolute(node: ir.Absolute, f: TlaContext) -> Tla:
    return f.words.use("Abs", f.expr(node.operand))


@EXPRESSIONS.rule(ir.Shift)
def _shift(node: ir.Shift, f: TlaContext) -> Tla:
    """Steps past the last are cut where the step is taken (see `within`); one before the first is an error."""
    made = sum_of(node, f)
    if natural(made, f):
        return f.words.terms.written(made)
    return f.words.use(
        "Down", f.expr(node.operand), f.words.terms.written(plus({}, sum_of(node.steps, f), -1))
    )


@EXPRESSIONS.rule(ir.Numbered)
def _numbered(node: ir.Numbered, f: TlaContext) -> Tla:
    assert isinstance(node.type, SortType)
    sort = node.type.sort
    if not node.type.ordered:
        return Index(
            Leaf(f.words.sequence_of(sort)),
            (f.words.terms.written(plus(sum_of(node.index, f), constant(1))),),
        )
    made = sum_of(node.index, f)
    if natural(made, f):
        return f.words.terms.written(made)
    return f.words.use("Down", f.expr(node.index), ZERO)


@EXPRESSIONS.rule(ir.IsLast)
def _is_last(node: ir.IsLast, f: TlaContext) -> Tla:
    assert isinstance(node.operand.type, SortType)
    return Infix("=", f.expr(node.operand), Leaf(f.words.last_of(node.operand.type.sort)))


@EXPRESSIONS.rule(ir.Number)
def _number(node: ir.Number, f: TlaContext) -> Tla:
    if isinstance(node.operand.type, BoolType):
        return If(f.expr(node.operand), ONE, ZERO)
    return _ranked(node.operand, f)


# --- types, records, tuples ---


@EXPRESSIONS.rule(ir.Narrow, ir.Widen, ir.Fit)
def _plain(node: Expr, f: TlaContext) -> Tla:
    assert isinstance(node, ir.Narrow | ir.Widen | ir.Fit)
    return f.expr(node.operand)


@EXPRESSIONS.rule(ir.MakeRecord)
def _make_record(node: ir.MakeRecord, f: TlaContext) -> Tla:
    assert isinstance(node.type, RecordType)
    return record_value(node.type, [f.expr(field) for field in node.fields], node.type.record, f.words)


@EXPRESSIONS.rule(ir.Field)
def _field(node: ir.Field, f: TlaContext) -> Tla:
    records = records_of(node.operand.type)
    operand = f.expr(node.operand)
    names = {r.record: f.words.form.field(r.record, node.name) for r in records}
    made: Tla = Dot(operand, next(iter(reversed(names.values()))))
    for record, name in list(reversed(names.items()))[1:]:
        if Dot(operand, name).flat != made.flat:
            test = Infix("=", Dot(operand, f.words.form.kind), string(f.words.form.tag(record)))
            made = If(test, Dot(operand, name), made)
    return made


@EXPRESSIONS.rule(ir.MakeTuple)
def _make_tuple(node: ir.MakeTuple, f: TlaContext) -> Tla:
    return tuple_of(*(f.expr(item) for item in node.items))


@EXPRESSIONS.rule(ir.Item)
def _item(node: ir.Item, f: TlaContext) -> Tla:
    return Index(f.expr(node.operand), (number(node.index + 1),))
