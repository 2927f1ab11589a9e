"""Expressions of the intermediate form as shapes: what a model computes, in first-order logic, for every size.

Guarantees: on the structure that a size and a state are, where all demands are met that an expression tells its context, its
formula is true exactly if CPython says True. What cannot be said is refused with its place in the source.
"""

from __future__ import annotations

from ratified.language import ir
from ratified.language.rules import NoRuleError, Rules
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.collecting import comprehensions
from ratified.smt.first_order.constants import constants
from ratified.smt.first_order.containers import changing, making, reading
from ratified.smt.first_order.context import Logic, LogicContext
from ratified.smt.first_order.logic import connectives, leaves, numbers, types
from ratified.smt.first_order.shapes import Shape
from ratified.smt.first_order.statements import value_of
from ratified.smt.first_order.theory import Theory

EXPRESSIONS: Rules[LogicContext, Shape] = Rules.joined(
    "expressions in first-order logic",
    leaves,
    constants,
    connectives,
    numbers,
    types,
    making,
    reading,
    changing,
    comprehensions,
)


def meaning(node: ir.Node, context: LogicContext) -> Shape:
    """An expression as a shape. Raises Refused where there is no rule."""
    try:
        return EXPRESSIONS(node, context)
    except NoRuleError:
        what = f"{type(node).__name__}, for which first-order logic has no rule,"
        raise sh.refuse(node.span, what, "say it with all(...), any(...) or a comprehension") from None


def logic_of(module: ir.Module, theory: Theory) -> Logic:
    """What the expressions of a module share."""
    return Logic(module, theory, meaning, value_of)
