"""Conditions and comparisons, and what is known where they are true and where they are false: narrowing.

Guarantees: what is narrowed is a name, attribute or subscript, for as long as nothing that it mentions is assigned.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from enum import Enum

from ratified.language import ir
from ratified.language.compile import partial
from ratified.language.compile.context import MISSING, UNREACHABLE, Condition, Context, NarrowedTypes
from ratified.language.compile.displays import choices, constant_tuple
from ratified.language.compile.operators import same
from ratified.language.compile.plain import check_compared, check_sought, check_truth
from ratified.language.ir import Expr
from ratified.language.rules import Rules
from ratified.language.types import (
    BOOL,
    INT,
    NONE,
    BoolType,
    EnumType,
    IntType,
    MapType,
    NoneType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    Type,
    comparable,
    element_type,
    fits,
    records_of,
    unbounded,
)

rules: Rules[Context, Expr] = Rules("conditions")

_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}


def condition(node: ast.expr, c: Context) -> Condition:
    """A condition, with what it tells."""
    match node:
        case ast.Compare(left, [ast.Eq() | ast.NotEq() | ast.Is() | ast.IsNot() as op], [right]) if (
            member := c.member(right, left)
        ):
            return _is_member(c, node, left, isinstance(op, ast.Eq | ast.Is), (member,))
        case ast.Compare(left, [ast.In() | ast.NotIn() as op], [ast.Tuple(among)]) if among and all(
            c.member(m, left) for m in among
        ):
            members = [one for m in among if (one := c.member(m, left))]
            return _is_member(c, node, left, isinstance(op, ast.In), members)
        case ast.BoolOp(op, values):
            return _logic(c, node, isinstance(op, ast.And), values)
        case ast.UnaryOp(ast.Not(), operand):
            inner, true, false = c.test(operand)
            return ir.Not(c.span(node), BOOL, inner), false, true
        case ast.Compare(left, [ast.Is() | ast.IsNot() as op], [ast.Constant(None)]):
            return _is_none(c, node, left, isinstance(op, ast.Is))
        case ast.Compare(left, [ast.Eq() | ast.NotEq() as op], [ast.Constant(None)]):
            return _is_none(c, node, left, isinstance(op, ast.Eq))
        case ast.Call(ast.Name("isinstance"), [subject, classes]):
            return _is_instance(c, node, subject, classes)
        case ast.Compare(
            left, [ast.In() | ast.NotIn() as op], [ast.Name() | ast.Attribute() | ast.Subscript() as m]
        ):
            test = c.expr(node)
            t = c.expr(m).type if c.static(m) is MISSING else NONE
            known = partial.fact_of(c, m, left, t) if partial.is_partial(t) else {}
            return (test, known, {}) if isinstance(op, ast.In) else (test, {}, known)
    found = c.expr(node)
    if isinstance(found.type, BoolType):
        return found, {}, {}
    check_truth(c, node, found.type)
    return _truth(node, found, c), {}, {}


def _truth(node: ast.expr, found: Expr, c: Context) -> Expr:
    """What is not a bool as a condition: whether a container has elements."""
    if element_type(found.type) is not None and not isinstance(found.type, MapType):
        zero = ir.Literal(found.span, INT, 0)
        return ir.Compare(found.span, BOOL, ">", ir.Length(found.span, INT, found), zero)
    remedy = "compare it with something"
    if isinstance(found.type, OptionalType | NoneType):
        remedy = "write `is not None`; for a default, x if x is not None else y"
    elif isinstance(found.type, IntType):
        remedy = f"write {ast.unparse(node)} != 0" if len(ast.unparse(node)) < 40 else "write ... != 0"
    c.fail(node, f"a condition must be a bool, and this is {found.type}", remedy)


def _is_member(
    c: Context, node: ast.expr, left: ast.expr, positive: bool, members: Sequence[Enum]
) -> Condition:
    """`left == Color.RED` tells where it is true that it is no other member, and where it is false that it is not this one."""
    test = c.expr(node)
    not_these = without(c, left, members)
    not_others = without(c, left, [m for m in type(members[0]) if m not in members])
    return (test, not_others, not_these) if positive else (test, not_these, not_others)


def without(c: Context, subject: ast.expr, members: Sequence[Enum]) -> NarrowedTypes:
    """What is known where a value of an Enum is none of these members.

    Together with what is known already that may be that nothing is left, so that control does not come here.
    """
    key = c.fact_key(subject)
    t = c.expr(subject).type if key else NONE
    if key is None or not isinstance(t, EnumType) or not all(isinstance(m, t.enum) for m in members):
        return {}
    facts: NarrowedTypes = {_excluding(key, m): BOOL for m in members}
    if all(_excluding(key, m) in facts or _excluding(key, m) in c.env.facts for m in t.enum):
        facts[UNREACHABLE] = BOOL
    return facts


def _excluding(key: str, member: Enum) -> str:
    """The fact that a value is not a member, as text that is forgotten with the value's name."""
    return f"{key} != {type(member).__name__}[{member.name!r}]"


def _logic(c: Context, node: ast.BoolOp, conjunction: bool, values: list[ast.expr]) -> Condition:
    operands: list[Expr] = []
    trues: list[NarrowedTypes] = []
    falses: list[NarrowedTypes] = []
    collected: NarrowedTypes = {}
    for value in values:
        with c.scoped(collected):
            operand, true, false = c.test(value)
        operands.append(operand)
        trues.append(true)
        falses.append(false)
        collected.update(true if conjunction else false)
    if conjunction:
        return ir.And(c.span(node), BOOL, tuple(operands)), collected, _either(c, node, falses)
    return ir.Or(c.span(node), BOOL, tuple(operands)), _either(c, node, trues), collected


def _either(c: Context, node: ast.expr, several: list[NarrowedTypes]) -> NarrowedTypes:
    """What is known when one of several is: only what all of them speak of."""
    common = set(several[0]).intersection(*several[1:])
    return {key: c.join(node, *(facts[key] for facts in several)) for key in sorted(common)}


def _is_none(c: Context, node: ast.expr, left: ast.expr, positive: bool) -> Condition:
    operand = c.expr(left)
    test: Expr
    if isinstance(operand.type, OptionalType):
        test = ir.IsNone(c.span(node), BOOL, operand)
    else:  # decided by the types: the author may still ask
        test = ir.Literal(c.span(node), BOOL, isinstance(operand.type, NoneType))
    key = c.fact_key(left)
    none: NarrowedTypes = {key: NONE} if key and isinstance(operand.type, OptionalType) else {}
    some: NarrowedTypes = {key: operand.type.item} if key and isinstance(operand.type, OptionalType) else {}
    if positive:
        return test, none, some
    return ir.Not(c.span(node), BOOL, test), some, none


def _is_instance(c: Context, node: ast.expr, subject: ast.expr, classes: ast.expr) -> Condition:
    operand = c.expr(subject)
    wanted = record_classes(c, classes)
    possible = records_of(operand.type)
    if not possible:
        c.fail(
            subject,
            f"isinstance needs a record, and this is {operand.type}",
            "compare it with ==",
        )
    for record in wanted:
        if record not in possible:
            c.fail(
                classes, f"this is never a {record}: it is {operand.type}", "test for one of those records"
            )
    test = ir.IsRecord(c.span(node), BOOL, operand, wanted)
    key = c.fact_key(subject)
    if key is None:
        return test, {}, {}
    rest: list[Type] = [r for r in possible if r not in wanted]
    if isinstance(operand.type, OptionalType):
        rest.append(NONE)
    true: NarrowedTypes = {key: c.join(node, *wanted)}
    return test, true, {key: c.join(node, *rest)} if rest else {UNREACHABLE: BOOL}


def record_classes(c: Context, node: ast.expr) -> tuple[RecordType, ...]:
    """The record classes that the second argument of isinstance names."""
    match node:
        case ast.Tuple(items):
            return tuple(r for item in items for r in record_classes(c, item))
        case ast.BinOp(left, ast.BitOr(), right):
            return record_classes(c, left) + record_classes(c, right)
    found = c.static(node)
    if hasattr(found, "__record_types__") and isinstance(found, type):
        return (RecordType(found),)
    known = c.typed(found, node) if found is not MISSING else NONE
    if not (several := records_of(known)):
        c.fail(node, f"{ast.unparse(node)} is not a record class", "isinstance is for records")
    return several


@rules.rule(ast.BoolOp)
def _bool(node: ast.BoolOp, c: Context) -> Expr:
    return c.test(node)[0]


@rules.rule(ast.Compare)
def _compare(node: ast.Compare, c: Context) -> Expr:
    alone = len(node.ops) == 1 and isinstance(node.ops[0], ast.Is | ast.IsNot | ast.Eq | ast.NotEq)
    if alone and isinstance(node.comparators[0], ast.Constant) and node.comparators[0].value is None:
        return c.test(node)[0]
    pairs = zip([node.left, *node.comparators], node.ops, node.comparators, strict=False)
    tests = [_one_comparison(c, node, a, op, b) for a, op, b in pairs]
    return tests[0] if len(tests) == 1 else ir.And(c.span(node), BOOL, tuple(tests))


_INSTEAD_OF_ORDER: Mapping[type[Type], str] = {
    OptionalType: "it may be None: test that first (give it a local name)",
    EnumType: "compare x.value where the values are ints, or use an Ordered sort",
    SeqType: "compare the first place where they differ: any(s[:i] == t[:i] and s[i] < t[i] for i in range(...))",
}


def _one_comparison(c: Context, node: ast.expr, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Expr:
    span = c.span(node)
    match op:
        case ast.In() | ast.NotIn():
            test = _membership(c, node, left, right)
            return ir.Not(span, BOOL, test) if isinstance(op, ast.NotIn) else test
        case ast.Is() | ast.IsNot():
            t = c.expr(left).type
            if not isinstance(t.item if isinstance(t, OptionalType) else t, EnumType | BoolType):
                c.fail(node, "`is` is for None, bools and enum members", "compare values with ==")
            symbol = "==" if isinstance(op, ast.Is) else "!="
        case _:
            symbol = _COMPARE[type(op)]
    text = isinstance(left, ast.Constant) and isinstance(left.value, str)
    first = c.expr(left, c.expr(right).type if text else None)
    second = c.expr(right, first.type)
    if isinstance(first, ir.Literal) and not isinstance(second, ir.Literal):
        first = c.expr(left, second.type)
    first, second, t = same(c, node, first, second, left, right)
    check_compared(c, left, symbol, right, t)
    if symbol not in ("==", "!=") and not (comparable(t) or isinstance(t, SetType)):
        only = "only ints, ordered sorts, tuples of these, and sets (inclusion) have an order"
        c.fail(node, f"{t} values have no order", _INSTEAD_OF_ORDER.get(type(t), only))
    return ir.Compare(span, BOOL, symbol, first, second)


def _membership(c: Context, node: ast.expr, left: ast.expr, right: ast.expr) -> Expr:
    among = constant_tuple(c, right)
    if isinstance(right, ast.Tuple | ast.Set | ast.List):
        among = tuple(e.value for e in right.elts if isinstance(e, ast.Constant))
    wanted = SetType(c.expr(left).type) if any(isinstance(e, str) for e in among) else None
    container = choices(c, right, wanted) or c.expr(right, wanted)
    item = element_type(container.type)
    if item is None:
        c.fail(right, f"`in` needs a container, and this is {container.type}", "use ==, or a Set")
    found = c.expr(left, item)
    check_sought(c, left, found.type, container.type)
    if partial.is_partial(container.type):
        key = c.coerce(found, unbounded(container.type.key), left)
        return partial.is_there(c.span(node), container, key)
    if isinstance(container.type, MapType) and isinstance(container.type.value, OptionalType):
        absent = isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.NotIn)
        held = f"{ast.unparse(right)}[{ast.unparse(left)}] is {'' if absent else 'not '}None"
        remedy = f"write {held}, or declare a PartialMap"
        c.fail(node, "a Map has every key; its value may be None", remedy)
    if fits(found.type, item):
        return ir.In(c.span(node), BOOL, c.coerce(found, item, left), container)
    wide = c.join(node, found.type, item)  # refused if the two can never be equal
    if isinstance(container.type, MapType):
        c.fail(left, f"the keys of this map are of type {item}, not {found.type}", "use a value of that type")
    kind = type(container.type)
    widened = ir.Widen(container.span, kind(wide), container)  # type: ignore[call-arg]  # all take their item first
    return ir.In(c.span(node), BOOL, c.coerce(found, wide, left), widened)
