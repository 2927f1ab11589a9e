"""Rules for numbers: Python's arithmetic on ints, ordered values moved, and what has no answer or leaves a bound.

Guarantees: generated code computes with 64 bits; what does not fit is an error, never another number.
"""

from __future__ import annotations

from ratified.explore.native.codegen import build
from ratified.explore.native.codegen.nodes import HIGH, LOW
from ratified.explore.native.codegen.numbers import (
    FALSE,
    Num,
    chosen_num,
    clipped,
    compare,
    const,
    either,
    negation,
    num,
    truth,
)
from ratified.explore.native.codegen.shapes import representable
from ratified.explore.native.codegen.terms import HeldValue
from ratified.explore.native.codegen.writer import FunctionWriter, Here
from ratified.language import ir
from ratified.language.ir import Node
from ratified.language.rules import Rules
from ratified.language.scope import running
from ratified.language.sorts import past_last
from ratified.language.types import SortType

numbers: Rules[Here, HeldValue] = Rules("C of numbers")

_APPLY = {
    "+": (int.__add__, build.add, "rt_add_overflows"),
    "-": (int.__sub__, build.subtract, "rt_subtract_overflows"),
    "*": (int.__mul__, build.multiply, "rt_multiply_overflows"),
}


@numbers.rule(ir.Arithmetic)
def _(node: ir.Arithmetic, here: Here) -> HeldValue:
    return arithmetic(here.w, node.op, here.num(node.left), here.num(node.right), node)


def arithmetic(w: FunctionWriter, op: str, a: Num, b: Num, node: Node) -> Num:
    """`+ - * // %` of ints."""
    if op in ("//", "%"):
        return _divide(w, op, a, b, node)
    exact, make, overflows = _APPLY[op]
    ends = [exact(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
    low, high = min(ends), max(ends)
    if a.known and b.known:
        return const(low)
    representable(*(x.c for x in (a, b) if isinstance(x.c, int)))
    if low < LOW or high > HIGH:
        wrong = truth(build.invoke(overflows, a.c, b.c, low=0, high=1))
        w.fault_unless(negation(wrong), "a number is too large for the native explorer", node)
    return num(make(a.c, b.c), low, high)


def _divide(w: FunctionWriter, op: str, a: Num, b: Num, node: Node) -> Num:
    if b.low <= 0 <= b.high:
        w.fault_unless(compare("!=", b, FALSE), "division by zero", node)
    if isinstance(a.c, int) and isinstance(b.c, int):
        return const(a.c // b.c if op == "//" else a.c % b.c)
    representable(*(x.c for x in (a, b) if isinstance(x.c, int)))
    if op == "//":
        if a.low <= LOW and b.low <= -1 <= b.high:
            fits = either(compare("!=", a, const(LOW)), compare("!=", b, const(-1)))
            w.fault_unless(fits, "a number is too large for the native explorer", node)
        most = max(abs(a.low), abs(a.high))
        low, high = (a.low // b.low, a.high // b.low) if b.known and b.low > 0 else (-most, most)
        return num(build.invoke("rt_floor", a.c, b.c), low, high)
    return num(build.invoke("rt_mod", a.c, b.c), min(0, b.low + 1), max(0, b.high - 1))


@numbers.rule(ir.Absolute)
def _(node: ir.Absolute, here: Here) -> HeldValue:
    value = here.num(node.operand)
    if value.low >= 0:
        return value
    # As CPython's abs of the least number does not fit either, only what is negative is turned.
    turned = chosen_num(compare("<", value, FALSE), value, FALSE)
    opposite = arithmetic(here.w, "-", FALSE, turned, node)
    found = chosen_num(compare("<", value, FALSE), opposite, value)
    return clipped(found, 0, max(abs(value.low), abs(value.high)))


@numbers.rule(ir.Shift)
def _(node: ir.Shift, here: Here) -> HeldValue:
    moved = arithmetic(here.w, "+", here.num(node.operand), here.num(node.steps), node)
    assert isinstance(node.type, SortType)
    return _numbered(
        here.w, moved, node.type, node, past=True, before=f"there is no {node.type} before the first"
    )


@numbers.rule(ir.Numbered)
def _(node: ir.Numbered, here: Here) -> HeldValue:
    assert isinstance(node.type, SortType)
    before = f"{node.type} has no value of that number"
    return _numbered(here.w, here.num(node.index), node.type, node, past=node.type.ordered, before=before)


def _numbered(w: FunctionWriter, index: Num, t: SortType, node: Node, *, past: bool, before: str) -> Num:
    size = w.shapes.scope.sizes[t.sort]
    if past:
        with running(w.shapes.scope):
            what = past_last(t.sort)
        w.bound_unless(compare("<", index, const(size)), what, node.span)
    else:
        w.fault_unless(compare("<", index, const(size)), before, node)
    w.fault_unless(compare("<=", FALSE, index), before, node)
    return clipped(index, 0, size - 1)


@numbers.rule(ir.Number)
def _(node: ir.Number, here: Here) -> HeldValue:
    return here.num(node.operand)


@numbers.rule(ir.Endpoint)
def _(node: ir.Endpoint, here: Here) -> HeldValue:
    assert isinstance(node.type, SortType)
    return const(here.w.shapes.scope.sizes[node.type.sort] - 1 if node.last else 0)
