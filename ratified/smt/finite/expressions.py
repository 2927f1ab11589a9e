"""Leaves, logic, numbers and types as circuits.

Guarantees: for any values of the unknowns, what a rule gives is what the evaluator says on these values, where no run has ended.
"""

from __future__ import annotations

from typing import Any

from ratified.language import ir
from ratified.language.errors import ModelError
from ratified.language.evaluate import BoundLeftAt
from ratified.language.ir import Expr, Node, Which
from ratified.language.rules import Rules
from ratified.language.types import SetType, Type
from ratified.smt.finite.circuit import FALSE, TRUE
from ratified.smt.finite.context import SymbolicContext, items
from ratified.smt.finite.conversion import fitted, narrowed, widened
from ratified.smt.finite.symbolic import Cases, CircuitTooLarge, Symbolic, SymbolicChoice

rules: Rules[SymbolicContext, Symbolic] = Rules("circuits of expressions")

# --- those that take a line ---

rules.rule(ir.Local)(lambda node, context: context.env[node.name])
rules.rule(ir.Not)(lambda node, context: -context.truth(node.operand))
rules.rule(ir.Narrow)(lambda node, context: narrowed(context.expr(node.operand), node.type))
rules.rule(ir.Widen)(
    lambda node, context: widened(context.algebra, context.expr(node.operand), node.operand.type, node.type)
)
rules.rule(ir.Fit)(
    lambda node, context: fitting(node, context.expr(node.operand), node.type, node.name, context)
)


# --- leaves, and whatever is computed for every value that it may be made of ---


@rules.rule(ir.Literal, ir.Parameter, ir.Universe, ir.Endpoint)
def _constant(node: Expr, context: SymbolicContext) -> Symbolic:
    constants = context.shared.constants
    if id(node) not in constants:
        constants[id(node)] = node, one_by_one(node, context)
    return constants[id(node)][1]


def one_by_one(node: Expr, context: SymbolicContext) -> Symbolic:
    """Return what the evaluator makes of every value that the operands may have. Its `running(scope)` is in force."""
    operands = [child for child in ir.children(node) if isinstance(child, Expr)]
    ways: list[tuple[Any, int]] = []
    for known, literal in context.algebra.combinations([context.expr(operand) for operand in operands]):
        given = map(_given, operands, known)
        try:
            value = context.shared.evaluator.expr(ir.rebuild(node, lambda _, g=given: next(g)), {})  # type: ignore[misc]
            ways.append((value, literal))
        except BoundLeftAt as left:
            context.left(literal, node, left.what)
        except ModelError as problem:
            context.problem(literal, node, problem.message)
    return context.algebra.known(ways, node.type)


def _given(operand: Expr, value: object) -> ir.Literal:
    return ir.Literal(operand.span, operand.type, value)


rules.rule(ir.Arithmetic, ir.Shift, ir.Numbered, ir.Number, ir.Subsets, ir.IntRange)(one_by_one)


@rules.rule(ir.Variable)
def _variable(node: ir.Variable, context: SymbolicContext) -> Symbolic:
    variables = context.now if node.which is Which.NOW else context.old
    if node.name not in variables:
        context.problem(TRUE, node, f"`{node.name}` has no value yet")
        return context.algebra.anything(node.type)
    return variables[node.name]


# --- logic ---


@rules.rule(ir.And)
def _and(node: ir.And, context: SymbolicContext) -> int:
    result = TRUE
    for operand in node.operands:
        result = context.circuit.both(result, context.under(result).truth(operand))
        if result == FALSE:
            break
    return result


@rules.rule(ir.Or)
def _or(node: ir.Or, context: SymbolicContext) -> int:
    result = FALSE
    for operand in node.operands:
        result = context.circuit.either(result, context.under(-result).truth(operand))
        if result == TRUE:
            break
    return result


@rules.rule(ir.IfElse)
def _if_else(node: ir.IfElse, context: SymbolicContext) -> Symbolic:
    test = context.truth(node.test)
    if test in (TRUE, FALSE):
        return context.expr(node.then if test == TRUE else node.orelse)
    then, orelse = context.under(test).expr(node.then), context.under(-test).expr(node.orelse)
    return context.algebra.choose(test, then, orelse)


@rules.rule(ir.Compare)
def _compare(node: ir.Compare, context: SymbolicContext) -> int:
    left, right = context.expr(node.left), context.expr(node.right)
    if node.op in ("==", "!="):
        same = context.algebra.equal(left, right)
        return same if node.op == "==" else -same
    if node.op in (">", ">="):
        left, right = right, left
    if isinstance(node.left.type, SetType):
        outside = [
            context.circuit.both(there, -context.algebra.contains(right, x))
            for there, x in context.algebra.elements(left, node.left.type.item)
        ]
        equal = FALSE if node.op in ("<=", ">=") else context.algebra.equal(left, right)
        return -context.circuit.some([*outside, equal])
    return less(left, right, context) if node.op in ("<", ">") else -less(right, left, context)


def less(left: Symbolic, right: Symbolic, context: SymbolicContext) -> int:
    """Return whether a number, an ordered value or a tuple of these comes before another."""
    both, either = context.circuit.both, context.circuit.either
    match left, right:
        case SymbolicChoice(xs), SymbolicChoice(ys):
            return context.circuit.some([both(a, b) for x, a in xs.items() for y, b in ys.items() if x < y])
        case Cases(), Cases():
            found = FALSE
            for x, y in reversed([*zip(items(left), items(right), strict=True)]):
                found = either(less(x, y, context), both(context.algebra.equal(x, y), found))
            return found
        case int(), int():
            return both(-left, right)
    raise CircuitTooLarge("these values are not compared in a circuit")


@rules.rule(ir.In)
def _in(node: ir.In, context: SymbolicContext) -> int:
    item, container = context.expr(node.item), context.expr(node.container)
    return context.algebra.contains(container, item)


@rules.rule(ir.IsNone)
def _is_none(node: ir.IsNone, context: SymbolicContext) -> int:
    match context.expr(node.operand):
        case SymbolicChoice(options):
            return options.get(None, FALSE)
        case Cases(cases) if None in cases:
            return cases[None][0]
    return FALSE


@rules.rule(ir.IsRecord)
def _is_record(node: ir.IsRecord, context: SymbolicContext) -> int:
    match context.expr(node.operand):
        case Cases(cases):
            return context.circuit.some([cases[r.record][0] for r in node.records if r.record in cases])
    return FALSE  # None, whatever the type


# --- types ---


def fitting(node: Node, value: Symbolic, t: Type, name: str, context: SymbolicContext) -> Symbolic:
    """Return a value held to the bounds of a type."""
    fine, value = fitted(context.algebra, value, context.shared.resolved(t))
    context.left(-fine, node, f"the bound of {name}")
    return value
