"""Names, attributes and constants: local names, variables, parameters, sorts as sets, fields of records.

Guarantees: a name means what it means to CPython; what has no value of the language is refused by name.
"""

from __future__ import annotations

import ast
import inspect
from enum import Enum
from types import FunctionType

from ratified.language import ir
from ratified.language.compile.context import MISSING, Context
from ratified.language.compile.wording import has_ints, value_of
from ratified.language.deferred import Deferred
from ratified.language.ir import Expr, Which
from ratified.language.rules import Rules
from ratified.language.sorts import Sort
from ratified.language.types import BOOL, INT, EnumType, OptionalType, SetType, SortType, records_of

constants: Rules[Context, Expr] = Rules("constants")
rules: Rules[Context, Expr] = Rules("names")


@constants.rule(ast.Constant)
def _constant(node: ast.Constant, c: Context) -> Expr:
    return c.constant(node.value, node, c.expected if isinstance(node.value, str) else None)


@rules.rule(ast.Name)
def _name(node: ast.Name, c: Context) -> Expr:
    name = node.id
    if name in c.env.aliases:
        return c.env.aliases[name]
    if name in c.env.types:
        if name not in c.env.assigned:
            c.fail(node, f"`{name}` may be unassigned here", "assign it on every path that leads here")
        return ir.Local(c.span(node), c.env.types[name], name)
    if name in c.receivers:
        c.fail(node, f"`{name}` is the whole state, not a value", f"name one of its variables: {name}.x")
    value = c.static_name(name)
    if value is MISSING:
        c.fail(node, f"unknown name `{name}`", "define or import it above the model, or assign it first")
    if isinstance(value, type) and (universe := _universe_of(c, node, value)):
        return universe
    if callable(value) and not hasattr(type(value), "__record_types__"):
        c.fail(node, f"`{name}` is a function or class, not a value", f"call it: {name}(...)")
    return c.constant(value, node, c.expected)


def _universe_of(c: Context, node: ast.expr, value: type) -> Expr | None:
    """A sort or Enum class as the set of its values."""
    if "__record_types__" in vars(value) or not issubclass(value, Sort | Enum):
        return None
    return ir.Universe(c.span(node), SetType(c.typed(value, node)))


@rules.rule(ast.Attribute)
def _attribute(node: ast.Attribute, c: Context) -> Expr:
    value, attribute = node.value, node.attr
    if isinstance(value, ast.Name) and value.id in c.receivers:
        return _member(c, node, c.receivers[value.id], attribute)
    if c.owner and ast.unparse(value) == "super()":
        key = c.module.super_function(c, node, attribute, read=True)
        return ir.Call(c.span(node), c.module.signatures[key].returns or BOOL, key, (), Which.NOW)
    static = c.static(node)
    if static is not MISSING:
        if isinstance(static, type) and (universe := _universe_of(c, node, static)):
            return universe
        return c.constant(static, node, c.expected)
    operand = c.expr(value)
    if isinstance(operand.type, EnumType) and attribute in ("value", "name"):
        return _of_member(c, node, operand, operand.type)
    records = records_of(operand.type)
    if isinstance(operand.type, OptionalType):
        c.fail(
            value,
            f"this may be None, and None has no `{attribute}`",
            "test it for None first (give it a local name)",
        )
    if not records:
        named = c.static(value)
        if isinstance(named, type):
            remedy = "look at its definition"
            if issubclass(named, Sort):
                remedy = (
                    f"a parameter of the action ranges over its values: def act(self, x: {named.__name__})"
                )
            c.fail(node, f"{ast.unparse(value)} has no `{attribute}`", remedy)
        number = f"only records have fields; its number is int({ast.unparse(value)})"
        remedy = number if isinstance(operand.type, SortType) else "only records have fields"
        c.fail(node, f"{operand.type} has no field `{attribute}`", remedy)
    if len(records) == 1 and isinstance(found := vars(records[0].record).get(attribute), property):
        assert isinstance(found.fget, FunctionType)
        key = c.module.plain_function(c, node, found.fget, records[0])
        return ir.Call(c.span(node), c.module.signatures[key].returns or BOOL, key, (operand,), Which.NOW)
    without = [r for r in records if attribute not in r.fields]
    if len(without) == len(records):
        has = "; ".join(f"{r} has {', '.join(r.fields) or 'none'}" for r in records)
        c.fail(node, f"{operand.type} has no field `{attribute}`", f"the fields: {has}")
    if without:
        remedy = f"tell the records apart first: isinstance(x, {without[0]})"
        c.fail(node, f"{without[0]} has no field `{attribute}`", remedy)
    return ir.Field(c.span(node), c.join(node, *(r.fields[attribute] for r in records)), operand, attribute)


def _of_member(c: Context, node: ast.Attribute, operand: Expr, t: EnumType) -> Expr:
    """`color.value`, where the values of the Enum are ints."""
    if node.attr == "name" or not has_ints(t):
        remedy = f"compare members: {ast.unparse(node.value)} == {t}.{t.first.name}"
        c.fail(node, f"`{node.attr}` of {t} is no int, and models have no strings", remedy)
    return ir.Call(c.span(node), INT, c.module.made(value_of(t, c.span(node))), (operand,), Which.NOW)


def _member(c: Context, node: ast.Attribute, which: Which, name: str) -> Expr:
    module = c.module
    if which is Which.ABSTRACT:
        c.fail(
            node,
            "the abstract model's variables can only be assigned here",
            "compute from the variables of self",
        )
    if name in module.variables:
        if c.kind is ir.Kind.ASSUMPTION:
            c.fail(
                node,
                f"an assumption is about sizes and parameters, not the variable `{name}`",
                "write an invariant",
            )
        return ir.Variable(c.span(node), module.variables[name].type, name, which)
    if name in module.parameters:
        return ir.Parameter(c.span(node), module.parameters[name].type, name)
    if name in module.methods and is_property(module.cls, name):
        key = module.method(c, node, name)
        return ir.Call(c.span(node), module.signatures[key].returns or BOOL, key, (), which)
    if name in module.methods:
        c.fail(node, f"`{name}` is a method", f"call it: {ast.unparse(node)}(...)")
    if which is Which.NOW and (constant := class_constant(module.cls, name)) is not MISSING:
        return c.constant(constant, node, c.expected)
    known = ", ".join([*module.variables, *module.parameters]) or "none yet"
    c.fail(node, f"the model has no variable `{name}`", f"its variables: {known}")


def class_constant(cls: type, name: str) -> object:
    """What a class gives to a name that is no variable: `MOST = 3`, `MOST: ClassVar[int] = 3`; MISSING if nothing."""
    for klass in cls.__mro__:
        if name in vars(klass) and not klass.__dict__.get("_ratified_root") and klass is not object:
            value = vars(klass)[name]
            return MISSING if callable(value) or isinstance(value, property | Deferred) else value
    return MISSING


def is_property(cls: type, name: str) -> bool:
    """Whether a class reads a method like a variable."""
    return isinstance(inspect.getattr_static(cls, name, None), property)
