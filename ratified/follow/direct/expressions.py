"""Text of leaves, logic, numbers, types and calls."""

from __future__ import annotations

from ratified.follow.direct.writer import PythonBody, Starts
from ratified.language import api, ir
from ratified.language.ir import Expr, Which
from ratified.language.rules import NoRuleError, Rules
from ratified.language.scope import running
from ratified.language.sorts import members
from ratified.language.types import IntType, SortType, fit_of, resolved
from ratified.language.uses import nodes

rules: Rules[PythonBody, str] = Rules("Python of expressions")


@rules.rule(ir.Literal)
def _literal(node: ir.Literal, here: PythonBody) -> str:
    return here.library.constant(node.value)


@rules.rule(ir.Local)
def _local(node: ir.Local, here: PythonBody) -> str:
    return here.locals[node.name]


@rules.rule(ir.Variable)
def _variable(node: ir.Variable, here: PythonBody) -> str:
    return here.variables[node.which, node.name]


@rules.rule(ir.Parameter)
def _parameter(node: ir.Parameter, here: PythonBody) -> str:
    return here.library.constant(here.library.scope.parameters[node.name])


@rules.rule(ir.Subsets)
def _subsets(node: ir.Subsets, here: PythonBody) -> str:
    if not node.majorities:
        raise NoRuleError(rules.what, node)
    with running(here.library.scope):
        return here.library.constant(api.majorities(node.sort.sort))


@rules.rule(ir.Endpoint)
def _endpoint(node: ir.Endpoint, here: PythonBody) -> str:
    assert isinstance(node.type, SortType)
    with running(here.library.scope):
        return here.library.constant(members(node.type.sort)[-1 if node.last else 0])


@rules.rule(ir.Not)
def _not(node: ir.Not, here: PythonBody) -> str:
    return f"(not {here.expr(node.operand)})"


@rules.rule(ir.And, ir.Or)
def _several(node: ir.And | ir.Or, here: PythonBody) -> str:
    word = " and " if isinstance(node, ir.And) else " or "
    return f"({word.join(map(here.expr, node.operands))})"


@rules.rule(ir.Compare)
def _compare(node: ir.Compare, here: PythonBody) -> str:
    left, right = node.left, node.right
    match node:
        case ir.Compare(
            _, _, "==", ir.Slice(_, _, one, None, Expr() as end), ir.Slice(_, _, other, None, Expr() as to)
        ):
            if ir.alike(end, to):
                starts = here.library.constant(Starts())
                return f"{starts}.same({here.raw(one)}, {here.raw(other)}, {here.expr(end)})"
    if type(left.type) is type(right.type) and here.is_container(left):
        return f"({here.raw(left)} {node.op} {here.raw(right)})"
    return f"({here.expr(left)} {node.op} {here.expr(right)})"


@rules.rule(ir.In)
def _in(node: ir.In, here: PythonBody) -> str:
    container = here.raw(node.container) if here.is_container(node.container) else here.expr(node.container)
    return f"({here.expr(node.item)} in {container})"


@rules.rule(ir.IsNone)
def _is_none(node: ir.IsNone, here: PythonBody) -> str:
    return f"({here.expr(node.operand)} is None)"


@rules.rule(ir.IsRecord)
def _is_record(node: ir.IsRecord, here: PythonBody) -> str:
    records = here.library.constant(tuple(r.record for r in node.records))
    return f"isinstance({here.expr(node.operand)}, {records})"


@rules.rule(ir.IfElse)
def _if_else(node: ir.IfElse, here: PythonBody) -> str:
    return f"({here.expr(node.then)} if {here.expr(node.test)} else {here.expr(node.orelse)})"


@rules.rule(ir.Arithmetic)
def _arithmetic(node: ir.Arithmetic, here: PythonBody) -> str:
    return f"({here.expr(node.left)} {node.op} {here.expr(node.right)})"


@rules.rule(ir.Shift)
def _shift(node: ir.Shift, here: PythonBody) -> str:
    return f"({here.expr(node.operand)} + {here.expr(node.steps)})"


@rules.rule(ir.Numbered)
def _numbered(node: ir.Numbered, here: PythonBody) -> str:
    assert isinstance(node.type, SortType)
    return f"{here.library.constant(node.type.sort)}({here.expr(node.index)})"


@rules.rule(ir.Negative)
def _negative(node: ir.Negative, here: PythonBody) -> str:
    return f"(-{here.expr(node.operand)})"


@rules.rule(ir.Absolute)
def _absolute(node: ir.Absolute, here: PythonBody) -> str:
    return f"abs({here.expr(node.operand)})"


@rules.rule(ir.IsLast)
def _is_last(node: ir.IsLast, here: PythonBody) -> str:
    return f"{here.expr(node.operand)}.is_last()"


@rules.rule(ir.Number)
def _number(node: ir.Number, here: PythonBody) -> str:
    return f"int({here.expr(node.operand)})"


@rules.rule(ir.Narrow, ir.Widen)
def _same(node: ir.Narrow | ir.Widen, here: PythonBody) -> str:
    return here.expr(node.operand)


@rules.rule(ir.Fit)
def _fit(node: ir.Fit, here: PythonBody) -> str:
    t = resolved(node.type, here.library.scope)
    check, text = fit_of(t, node.name), here.expr(node.operand)
    if check is None:
        return text
    if isinstance(t, IntType):
        name = here.library.fresh("w")
        return f"({name} if {t.low} <= ({name} := {text}) <= {t.high} else odd())"
    return f"fitted({here.library.constant(check)}, {text})"


@rules.rule(ir.Call)
def _call(node: ir.Call, here: PythonBody) -> str:
    arguments = list(map(here.expr, node.arguments))
    return _in_place(node, arguments, here) or here.called(node.function, arguments, node.which)


def _in_place(node: ir.Call, arguments: list[str], here: PythonBody) -> str | None:
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
    for argument, given, text in zip(function.arguments, node.arguments, arguments, strict=True):
        if text.strip("()").replace("_", "").isalnum():  # a name or a number
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
