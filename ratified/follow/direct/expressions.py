"""Python of leaves, logic, numbers, types and calls."""

from __future__ import annotations

import ast
from typing import Final

from ratified.follow.direct.python import Py, call, constant, logical, py
from ratified.follow.direct.writer import PythonBody
from ratified.language import api, ir
from ratified.language.ir import Expr, Which
from ratified.language.rules import NoRuleError, Rules
from ratified.language.scope import running
from ratified.language.sorts import members
from ratified.language.types import IntType, SeqType, SortType, fit_of, resolved
from ratified.language.uses import nodes

rules: Rules[PythonBody, Py] = Rules("Python of expressions")


@rules.rule(ir.Literal)
def _literal(node: ir.Literal, here: PythonBody) -> Py:
    return here.library.value(node.value)


@rules.rule(ir.Local)
def _local(node: ir.Local, here: PythonBody) -> Py:
    return here.locals[node.name]


@rules.rule(ir.Variable)
def _variable(node: ir.Variable, here: PythonBody) -> Py:
    return py("name", name=here.variables[node.which, node.name])


@rules.rule(ir.Parameter)
def _parameter(node: ir.Parameter, here: PythonBody) -> Py:
    return here.library.value(here.library.scope.parameters[node.name])


@rules.rule(ir.Subsets)
def _subsets(node: ir.Subsets, here: PythonBody) -> Py:
    if not node.majorities:
        raise NoRuleError(rules.what, node)
    with running(here.library.scope):
        return here.library.value(api.majorities(node.sort.sort))


@rules.rule(ir.Endpoint)
def _endpoint(node: ir.Endpoint, here: PythonBody) -> Py:
    assert isinstance(node.type, SortType)
    with running(here.library.scope):
        return here.library.value(members(node.type.sort)[-1 if node.last else 0])


@rules.rule(ir.Not)
def _not(node: ir.Not, here: PythonBody) -> Py:
    return py("not operand", operand=here.expr(node.operand))


@rules.rule(ir.And, ir.Or)
def _several(node: ir.And | ir.Or, here: PythonBody) -> Py:
    return logical(ast.And if isinstance(node, ir.And) else ast.Or, list(map(here.expr, node.operands)))


@rules.rule(ir.Compare)
def _compare(node: ir.Compare, here: PythonBody) -> Py:
    left, right = node.left, node.right
    if node.op == "==" and (alike := _begin_alike(left, right, here)):
        return alike
    if type(left.type) is not type(right.type) or not here.is_container(left):
        return py(f"left {node.op} right", left=here.expr(left), right=here.expr(right))
    # What is one and the same need not be looked into.
    return py(
        _OF_CONTAINERS.get(node.op, f"left {node.op} right"),
        a=here.library.fresh("w"),
        b=here.library.fresh("w"),
        left=here.raw(left),
        right=here.raw(right),
    )


_OF_CONTAINERS: Final = {
    "==": "(a := left) is (b := right) or a == b",
    "!=": "(a := left) is not (b := right) and a != b",
}


def _begin_alike(left: Expr, right: Expr, here: PythonBody) -> Py | None:
    """Whether sequences are equal of which one or both are cut after so many."""
    match left, right:
        case ir.Slice(_, _, one, None, Expr() as end), ir.Slice(_, _, other, None, Expr() as to):
            if ir.alike(end, to):
                return call(here.library.starting("same"), [here.raw(one), here.raw(other), here.expr(end)])
    for cut, whole in ((left, right), (right, left)):
        match cut:
            case ir.Slice(_, _, one, None, Expr() as end) if isinstance(whole.type, SeqType):
                return call(here.library.starting("begins"), [here.raw(one), here.expr(end), here.raw(whole)])
    return None


@rules.rule(ir.In)
def _in(node: ir.In, here: PythonBody) -> Py:
    container = here.raw(node.container) if here.is_container(node.container) else here.expr(node.container)
    return py("item in container", item=here.expr(node.item), container=container)


@rules.rule(ir.IsNone)
def _is_none(node: ir.IsNone, here: PythonBody) -> Py:
    return py("operand is None", operand=here.expr(node.operand))


@rules.rule(ir.IsRecord)
def _is_record(node: ir.IsRecord, here: PythonBody) -> Py:
    records = here.library.value(tuple(r.record for r in node.records))
    return call("isinstance", [here.expr(node.operand), records])


@rules.rule(ir.IfElse)
def _if_else(node: ir.IfElse, here: PythonBody) -> Py:
    return ast.IfExp(here.expr(node.test), here.expr(node.then), here.expr(node.orelse))


@rules.rule(ir.Arithmetic)
def _arithmetic(node: ir.Arithmetic, here: PythonBody) -> Py:
    return py(f"left {node.op} right", left=here.expr(node.left), right=here.expr(node.right))


@rules.rule(ir.Shift)
def _shift(node: ir.Shift, here: PythonBody) -> Py:
    return py("operand + steps", operand=here.expr(node.operand), steps=here.expr(node.steps))


@rules.rule(ir.Numbered)
def _numbered(node: ir.Numbered, here: PythonBody) -> Py:
    assert isinstance(node.type, SortType)
    return call(here.library.value(node.type.sort), [here.expr(node.index)])


@rules.rule(ir.Negative)
def _negative(node: ir.Negative, here: PythonBody) -> Py:
    return py("-operand", operand=here.expr(node.operand))


@rules.rule(ir.Absolute)
def _absolute(node: ir.Absolute, here: PythonBody) -> Py:
    return call("abs", [here.expr(node.operand)])


@rules.rule(ir.IsLast)
def _is_last(node: ir.IsLast, here: PythonBody) -> Py:
    return py("operand.is_last()", operand=here.expr(node.operand))


@rules.rule(ir.Number)
def _number(node: ir.Number, here: PythonBody) -> Py:
    return call("int", [here.expr(node.operand)])


@rules.rule(ir.Narrow, ir.Widen)
def _same(node: ir.Narrow | ir.Widen, here: PythonBody) -> Py:
    return here.expr(node.operand)


@rules.rule(ir.Fit)
def _fit(node: ir.Fit, here: PythonBody) -> Py:
    t = resolved(node.type, here.library.scope)
    check, value = fit_of(t, node.name), here.expr(node.operand)
    if check is None:
        return value
    if isinstance(t, IntType):
        return py(
            "name if low <= (name := value) <= high else odd()",
            name=here.library.fresh("w"),
            low=constant(t.low),
            value=value,
            high=constant(t.high),
        )
    return call("fitted", [here.library.value(check), value])


@rules.rule(ir.Call)
def _call(node: ir.Call, here: PythonBody) -> Py:
    arguments = list(map(here.expr, node.arguments))
    return _in_place(node, arguments, here) or here.called(node.function, arguments, node.which)


def _in_place(node: ir.Call, arguments: list[Py], here: PythonBody) -> Py | None:
    """What a function of one line comes to, written where it is called, if arguments have values and are read once at most."""
    function = here.library.module.functions[node.function]
    match function.body:
        case (ir.Return(_, Expr() as value),) if node.which is Which.NOW:
            pass
        case _:
            return None
    read = [n.name for n in nodes(value) if isinstance(n, ir.Local)]
    if any(isinstance(n, ir.Collect | ir.Call) for n in nodes(value)):
        return None
    for argument, given, value_of in zip(function.arguments, node.arguments, arguments, strict=True):
        if isinstance(value_of, ast.Name | ast.Constant):
            continue
        if (
            read.count(argument.name) > 1
            or here.library.uses.may_fail(given)
            or here.library.uses.may_leave(given)
        ):
            return None
    outer = here.locals
    here.locals = dict(zip((a.name for a in function.arguments), arguments, strict=True))
    try:
        return here.expr(value)
    finally:
        here.locals = outer
