"""Statements: all their rules in one table, calls of procedures among them, and what is said of those that there are not."""

from __future__ import annotations

import ast
import typing

from ratified.language import api, ir
from ratified.language.compile import assignments, branches, patterns
from ratified.language.compile.arguments import SEE, in_order_of, positional
from ratified.language.compile.context import MISSING, Context, Made
from ratified.language.compile.places import mutation
from ratified.language.ir import Node, Which
from ratified.language.rules import Rules
from ratified.language.types import BOOL, NONE, fits

rules: Rules[Context, Made] = Rules("statements")

_INSTEAD: dict[type[ast.stmt], tuple[str, str]] = {
    ast.While: (
        "while",
        "write `for i in range(n):` with `break` where the loop ends, or split the loop into actions",
    ),
    ast.Try: ("try", "test before reading: an operation without a result is an error in the model"),
    ast.With: ("with", "leave it out: models do no I/O"),
    ast.Global: ("global", "keep the state in variables of the model"),
    ast.Nonlocal: ("nonlocal", "keep the state in variables of the model"),
    ast.Import: ("import", "import at the top of the file"),
    ast.ImportFrom: ("import", "import at the top of the file"),
    ast.FunctionDef: ("a nested function", "write a helper method"),
    ast.ClassDef: ("a nested class", "define it at the top of the file"),
}


@rules.rule(ast.Pass)
def _pass(node: ast.Pass, c: Context) -> Made:
    return [], False


@rules.rule(ast.Expr)
def _expression(node: ast.Expr, c: Context) -> Made:
    match node.value:
        case ast.Constant(str()):
            return [], False
        case ast.Constant(value) if value is Ellipsis:
            c.fail(node, "... is an empty body", "write `pass` where nothing happens")
        case ast.Call() as call:
            return _call_statement(c, call)
    c.fail(
        node.value, "the value of this expression is unused", "did you mean require(...), or an assignment?"
    )


@rules.rule(ast.Return)
def _return(node: ast.Return, c: Context) -> Made:
    return [_returned(c, node)], True


@rules.rule(ast.Assert)
def _assert(node: ast.Assert, c: Context) -> Made:
    condition, true, _ = c.test(node.test)
    c.env.facts.update(true)
    return [ir.Assert(c.span(node), condition)], isinstance(
        condition, ir.Literal
    ) and condition.value is False


@rules.rule(ast.Raise)
def _raise(node: ast.Raise, c: Context) -> Made:
    """`raise AssertionError`, with a text or without, is `assert False`."""
    if not c.says_unreachable(node):
        c.fail(
            node,
            "raise is not part of the modelling language",
            "guards are written require(...), claims assert; what never happens, `assert False`",
        )
    return [ir.Assert(c.span(node), ir.Literal(c.span(node), BOOL, False))], True


def _call_statement(c: Context, call: ast.Call) -> tuple[list[Node], bool]:
    span = c.span(call)
    if c.static(call.func) is api.require:
        remedy = "leave the text out: a comment says why" if len(call.args) == 2 else SEE
        (argument,) = positional(c, call, 1, 1, remedy=remedy)
        if c.pure:
            c.fail(
                call,
                "require belongs in actions and procedures",
                "return a bool here, and require it in the action",
            )
        condition, true, _ = c.test(argument)
        c.env.facts.update(true)
        never = isinstance(condition, ir.Literal) and condition.value is False
        return [ir.Require(span, condition)], never
    if c.static(call.func) is typing.assert_never:
        positional(c, call, 1, 1)
        return [ir.Assert(span, ir.Literal(span, BOOL, False))], True
    if c.static(call.func) is not MISSING:
        c.expr(call)  # refused in its own words, if it is not a function of the language
        c.fail(call, "the value of this call is unused", "assign it, return it, or require it")
    match call.func:
        case ast.Attribute(ast.Name(name), method) if name in c.receivers:
            if c.receivers[name] is not Which.NOW:
                c.fail(call, f"`{name}` cannot be changed", "call a procedure of self")
            return [_procedure(c, call, c.module.method(c, call, method))], False
        case ast.Attribute(ast.Call(ast.Name("super"), []), method):
            return [_procedure(c, call, c.module.super_function(c, call, method))], False
        case ast.Attribute(target, method):
            return mutation(c, call, target, method), False
    c.fail(call, "the value of this call is unused", "assign it, return it, or require it")


def _procedure(c: Context, call: ast.Call, key: str) -> Node:
    signature = c.module.signatures[key]
    if signature.returns is not None:
        c.fail(call, f"the value of `{signature.name}` is unused", "assign it, return it, or require it")
    if c.pure:
        c.fail(
            call,
            f"`{signature.name}` may change variables, and a function with a value may not",
            "call it from an action",
        )
    parameters, defaults = signature.parameters, signature.defaults
    made = in_order_of(c, call, signature.name, parameters, defaults, named=signature.named)
    c.forget(set(c.receivers))
    return ir.Do(c.span(call), key, tuple(made))


def _returned(c: Context, node: ast.Return) -> Node:
    span, value = c.span(node), node.value
    if c.returns is None:
        if value is not None and not (isinstance(value, ast.Constant) and value.value is None):
            c.fail(
                value,
                "this function is annotated to return None",
                "annotate what it returns, or return nothing",
            )
        return ir.Return(span, None)
    if value is None:
        if fits(NONE, c.returns):
            return ir.Return(span, ir.Widen(span, c.returns, ir.Literal(span, NONE, None)))
        c.fail(node, f"a value of type {c.returns} must be returned", "return a value")
    if c.returns == BOOL:
        return ir.Return(span, c.test(value)[0] if _is_condition(value) else c.value(value, BOOL))
    if isinstance(value, ast.Name) and not c.python_kind(value):
        return ir.Return(span, c.coerce(c.expr(value, c.returns), c.returns, value))
    return ir.Return(span, c.value(value, c.returns))


def _is_condition(node: ast.expr) -> bool:
    return isinstance(node, ast.BoolOp | ast.Compare) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )


_TABLE: Rules[Context, Made] = Rules.joined(
    "statements", rules, assignments.rules, branches.rules, patterns.rules
)


def statement(node: ast.stmt, c: Context) -> Made:
    """One statement, and whether control never goes past it."""
    if type(node) not in _TABLE:
        what, remedy = _INSTEAD.get(type(node), (type(node).__name__.lower(), "see docs/language.md"))
        c.fail(node, f"{what} is not part of the modelling language", remedy)
    return _TABLE(node, c)
