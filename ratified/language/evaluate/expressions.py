"""The values of leaves, logic, numbers and types."""

from __future__ import annotations

from typing import Any

from ratified.language import api, ir
from ratified.language.evaluate.frame import Frame, fail, within
from ratified.language.ir import Which
from ratified.language.rules import Rules
from ratified.language.sorts import members
from ratified.language.types import SetType, SortType, cardinality, fit_of, resolved, values_of
from ratified.language.values import Set

rules: Rules[Frame, Any] = Rules("values of expressions")

# --- leaves ---


@rules.rule(ir.Literal)
def _literal(node: ir.Literal, frame: Frame) -> Any:
    return node.value


@rules.rule(ir.Local)
def _local(node: ir.Local, frame: Frame) -> Any:
    return frame.env[node.name]


@rules.rule(ir.Variable)
def _variable(node: ir.Variable, frame: Frame) -> Any:
    variables = frame.run.now if node.which is Which.NOW else frame.run.old
    if node.name not in variables:
        fail(node, f"`{node.name}` has no value yet", "assign it first in init")
    return variables[node.name]


@rules.rule(ir.Parameter)
def _parameter(node: ir.Parameter, frame: Frame) -> Any:
    return frame.run.scope.parameters[node.name]


@rules.rule(ir.Universe)
def _universe(node: ir.Universe, frame: Frame) -> Any:
    assert isinstance(node.type, SetType)
    item = node.type.item
    if isinstance(item, SortType):
        return Set(members(item.sort))
    if cardinality(item, frame.run.scope) > api.MOST_MAPS:
        fail(node, f"there are too many values of {item}", "choose a value for each key where it is needed")
    return Set(values_of(item, frame.run.scope))


@rules.rule(ir.Subsets)
def _subsets(node: ir.Subsets, frame: Frame) -> Any:
    if node.majorities:
        return api.majorities(node.sort.sort)
    return api.subsets(node.sort.sort, None if node.size is None else frame.expr(node.size))


@rules.rule(ir.Endpoint)
def _endpoint(node: ir.Endpoint, frame: Frame) -> Any:
    assert isinstance(node.type, SortType)
    return members(node.type.sort)[-1 if node.last else 0]


# --- logic and numbers ---


@rules.rule(ir.Not)
def _not(node: ir.Not, frame: Frame) -> bool:
    return not frame.expr(node.operand)


@rules.rule(ir.And)
def _and(node: ir.And, frame: Frame) -> bool:
    return all(frame.expr(operand) for operand in node.operands)


@rules.rule(ir.Or)
def _or(node: ir.Or, frame: Frame) -> bool:
    return any(frame.expr(operand) for operand in node.operands)


@rules.rule(ir.Compare)
def _compare(node: ir.Compare, frame: Frame) -> bool:
    left, right = frame.expr(node.left), frame.expr(node.right)
    match node.op:
        case "==":
            return bool(left == right)
        case "!=":
            return bool(left != right)
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
    return bool(left >= right)


@rules.rule(ir.In)
def _in(node: ir.In, frame: Frame) -> bool:
    return frame.expr(node.item) in frame.expr(node.container)


@rules.rule(ir.IsNone)
def _is_none(node: ir.IsNone, frame: Frame) -> bool:
    return frame.expr(node.operand) is None


@rules.rule(ir.IsRecord)
def _is_record(node: ir.IsRecord, frame: Frame) -> bool:
    return isinstance(frame.expr(node.operand), tuple(r.record for r in node.records))


@rules.rule(ir.IfElse)
def _if_else(node: ir.IfElse, frame: Frame) -> Any:
    return frame.expr(node.then if frame.expr(node.test) else node.orelse)


@rules.rule(ir.Arithmetic)
def _arithmetic(node: ir.Arithmetic, frame: Frame) -> int:
    left, right = frame.expr(node.left), frame.expr(node.right)
    match node.op:
        case "+":
            return int(left + right)
        case "-":
            return int(left - right)
        case "*":
            return int(left * right)
    if right == 0:
        fail(node, "division by zero", "test the divisor first")
    return int(left // right) if node.op == "//" else int(left % right)


@rules.rule(ir.Negative)
def _negative(node: ir.Negative, frame: Frame) -> int:
    return -int(frame.expr(node.operand))


@rules.rule(ir.Absolute)
def _absolute(node: ir.Absolute, frame: Frame) -> int:
    return abs(int(frame.expr(node.operand)))


@rules.rule(ir.Shift)
def _shift(node: ir.Shift, frame: Frame) -> Any:
    operand, steps = frame.expr(node.operand), frame.expr(node.steps)
    return within(node, lambda: operand + steps)


@rules.rule(ir.Numbered)
def _numbered(node: ir.Numbered, frame: Frame) -> Any:
    assert isinstance(node.type, SortType)
    sort, index = node.type.sort, frame.expr(node.index)
    return within(node, lambda: sort(index))


@rules.rule(ir.IsLast)
def _is_last(node: ir.IsLast, frame: Frame) -> bool:
    return bool(frame.expr(node.operand).is_last())


@rules.rule(ir.Number)
def _number(node: ir.Number, frame: Frame) -> int:
    return int(frame.expr(node.operand))


# --- types ---


@rules.rule(ir.Narrow, ir.Widen)
def _same(node: ir.Narrow | ir.Widen, frame: Frame) -> Any:
    return frame.expr(node.operand)


@rules.rule(ir.Fit)
def _fit(node: ir.Fit, frame: Frame) -> Any:
    value = frame.expr(node.operand)
    if id(node) not in frame.run.fits:
        frame.run.fits[id(node)] = node, fit_of(resolved(node.type, frame.run.scope), node.name)
    check = frame.run.fits[id(node)][1]
    if check:
        within(node, lambda: check(value))
    return value
