"""Operators: arithmetic, sets, sequences and bags, `x if c else y`, and subscripts.

Guarantees: an operator is accepted for the types for which CPython computes it with the same meaning.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from enum import Enum

from ratified.language import ir
from ratified.language.compile import partial
from ratified.language.compile.context import MISSING, Context
from ratified.language.compile.plain import check_indexed, check_joined
from ratified.language.errors import Span
from ratified.language.ir import Expr
from ratified.language.rules import Rules
from ratified.language.types import (
    BOOL,
    INT,
    AnnotationProblem,
    BagType,
    BoolType,
    EnumType,
    IntType,
    MapType,
    NoneType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    UnionType,
    join,
    unbounded,
)
from ratified.language.values import Map

rules: Rules[Context, Expr] = Rules("operators")

_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.FloorDiv: "//",
    ast.Mod: "%",
}
_SET_OPERATORS: dict[type[ast.operator], str] = {
    ast.BitOr: "|",
    ast.BitAnd: "&",
    ast.Sub: "-",
    ast.BitXor: "^",
}


def numeric(c: Context, node: ast.expr) -> Expr:
    """An expression that must be an int."""
    found = c.expr(node)
    if not isinstance(found.type, IntType):
        remedy = (
            "int(...) makes a number of it" if isinstance(found.type, SortType | BoolType) else "use an int"
        )
        if isinstance(found.type, OptionalType):
            remedy = "test it for None first (give it a local name)"
        c.fail(node, f"a number is needed, and this is {found.type}", remedy)
    return found


def same(
    c: Context, node: ast.AST, first: Expr, second: Expr, left: ast.expr, right: ast.expr
) -> tuple[Expr, Expr, Type]:
    """Two expressions brought to their common type."""
    try:
        t = unbounded(join(first.type, second.type))
    except AnnotationProblem:
        c.fail(node, f"{first.type} and {second.type} are different types", "use two values of one type")
    return c.coerce(first, t, left), c.coerce(second, t, right), t


@rules.rule(ast.UnaryOp)
def _unary(node: ast.UnaryOp, c: Context) -> Expr:
    match node.op:
        case ast.Not():
            return c.test(node)[0]
        case ast.UAdd():
            return numeric(c, node.operand)
        case ast.USub():
            inner = numeric(c, node.operand)
            if isinstance(inner, ir.Literal):
                return ir.Literal(c.span(node), INT, -inner.value)  # type: ignore[operator]  # an int literal
            return ir.Negative(c.span(node), INT, inner)
    c.fail(node, "the operator ~ is not part of the modelling language", "write not, or -")


@dataclass(frozen=True, slots=True)
class _Operation:
    """Two operands with an operator between them, of which the first is known."""

    node: ast.BinOp
    c: Context
    first: Expr

    @property
    def span(self) -> Span:
        """Where it is written."""
        return self.c.span(self.node)

    def same(self) -> tuple[Expr, Expr, Type]:
        """Both operands as values of one type, and that type."""
        c, node = self.c, self.node
        second = c.expr(node.right, c.expected or self.first.type)
        check_joined(c, node.left, self.first.type, node.right)
        check_joined(c, node.right, second.type, node.left)
        return same(c, node, self.first, second, node.left, node.right)


_BINARY: Rules[_Operation, Expr | None] = Rules("operators between two values")
"""By the type of the first; None where it has no such operator."""


@_BINARY.rule(BoolType)
def _(t: BoolType, of: _Operation) -> Expr | None:
    if not isinstance(of.node.op, ast.BitXor):
        return None
    right = of.node.right
    return ir.Compare(of.span, BOOL, "!=", of.first, of.c.coerce(of.c.expr(right), BOOL, right))


@_BINARY.rule(NoneType, EnumType, RecordType, OptionalType, UnionType, TupleType)
def _(t: Type, of: _Operation) -> None:
    return None


@_BINARY.rule(IntType)
def _(t: IntType, of: _Operation) -> Expr | None:
    if isinstance(of.node.op, ast.Pow):
        return power(of.c, of.node, of.first, of.node.right)
    op = _ARITHMETIC.get(type(of.node.op))
    return None if op is None else ir.Arithmetic(of.span, INT, op, of.first, numeric(of.c, of.node.right))


@_BINARY.rule(SortType)
def _(t: SortType, of: _Operation) -> Expr | None:
    if not t.ordered or not isinstance(of.node.op, ast.Add | ast.Sub):
        return None
    steps = numeric(of.c, of.node.right)
    if isinstance(of.node.op, ast.Sub):
        steps = ir.Negative(steps.span, INT, steps)
    return ir.Shift(of.span, t, of.first, steps)


@_BINARY.rule(SetType)
def _(t: SetType, of: _Operation) -> Expr | None:
    op = _SET_OPERATORS.get(type(of.node.op))
    if op is None:
        return None
    first, second, made = of.same()
    if not isinstance(made, SetType):
        what = f"a set is needed, and this is {second.type}"
        of.c.fail(of.node.right, what, "Set(...) makes a set of it")
    return ir.SetOp(of.span, made, op, first, second)


@_BINARY.rule(SeqType, BagType)
def _(t: SeqType | BagType, of: _Operation) -> Expr | None:
    if not isinstance(of.node.op, ast.Add):
        return None
    first, second, made = of.same()
    return ir.Concat(of.span, made, first, second)


@_BINARY.rule(MapType)
def _(t: MapType, of: _Operation) -> Expr | None:
    if not isinstance(of.node.op, ast.BitOr):
        return None
    return _overridden(of.c, of.node, of.first, of.node.right)


@rules.rule(ast.BinOp)
def _binary(node: ast.BinOp, c: Context) -> Expr:
    op = node.op
    first = c.expr(node.left, c.expected)
    made = _BINARY(first.type, _Operation(node, c, first))
    if made is not None:
        return made
    symbol = _ARITHMETIC.get(type(op)) or _SET_OPERATORS.get(type(op)) or type(op).__name__
    remedy = "int: + - * // %; ordered sorts: + and - with an int; sets: | & - ^; Seq and Bag: +"
    if isinstance(first.type, OptionalType):
        remedy = "it may be None: test that first (give it a local name)"
    elif isinstance(first.type, BoolType):
        remedy = "int(...) makes a number of it; bools have and, or, not, ==, !=, ^"
    elif isinstance(op, ast.Div):
        symbol, remedy = "/", "divide with //: models have no numbers but ints"
    elif isinstance(op, ast.LShift | ast.RShift):
        symbol, remedy = ("<<", "multiply: a * 2") if isinstance(op, ast.LShift) else (">>", "divide: a // 2")
    c.fail(node, f"{first.type} has no operator {symbol}", remedy)


MOST_POWER = 16
"""So often may a number be multiplied with itself."""


def power(c: Context, node: ast.AST, base: Expr, exponent: ast.expr) -> Expr:
    """`base ** exponent`, where the exponent is a small number: a product."""
    span, found = c.span(node), numeric(c, exponent)
    if (
        not isinstance(found, ir.Literal)
        or not isinstance(found.value, int)
        or not 0 <= found.value <= MOST_POWER
    ):
        c.fail(
            exponent,
            f"the exponent must be a number from 0 to {MOST_POWER}",
            "write the product out, or as a `for` loop: n = n * 2",
        )
    if isinstance(base, ir.Literal) and isinstance(base.value, int):
        return ir.Literal(span, INT, base.value**found.value)
    made: Expr = ir.Literal(span, INT, 1)
    for turn in range(found.value):
        made = ir.Arithmetic(span, INT, "*", made, base) if turn else base
    return made


def _overridden(c: Context, node: ast.BinOp, base: Expr, right: ast.expr) -> Expr:
    assert isinstance(base.type, MapType)
    inner = partial.value_type(base.type) if partial.is_partial(base.type) else base.type.value
    if isinstance(right, ast.DictComp):
        keys = ast.Tuple([right.key, right.value], ast.Load())
        pairs = ast.ListComp(ast.copy_location(keys, right.key), right.generators)
        whole = c.expr(
            ast.copy_location(pairs, right), SeqType(TupleType((unbounded(base.type.key), unbounded(inner))))
        )
        return partial.filled(c, node, base, whole)
    if not isinstance(right, ast.Dict) or None in right.keys:
        c.fail(
            right,
            "only a dict display or comprehension can override a Map",
            "write m | {key: value, ...}, or m | {k: value for k in ...}",
        )
    for key, value in zip(right.keys, right.values, strict=True):
        assert key is not None
        k, v = c.value(key, base.type.key), c.coerce(c.value(value, inner), base.type.value, value)
        base = ir.With(c.span(node), unbounded(base.type), base, k, v)
    return base


@rules.rule(ast.IfExp)
def _if_else(node: ast.IfExp, c: Context) -> Expr:
    body, orelse, expected = node.body, node.orelse, c.expected
    condition, true, false = c.test(node.test)
    with c.scoped(true):
        then = c.expr(body, expected)
    with c.scoped(false):
        other = c.expr(orelse, expected or then.type)
    then, other, t = same(c, node, then, other, body, orelse)
    return ir.IfElse(c.span(node), t, condition, then, other)


@rules.rule(ast.Subscript)
def _subscript(node: ast.Subscript, c: Context) -> Expr:
    span, value, index = c.span(node), node.value, node.slice
    if isinstance(named := c.static(node), Enum) and named is not MISSING:
        return c.constant(named, node, c.expected)
    if isinstance(c.static(node), type):
        written = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        inside = ", ".join(map(ast.unparse, written))
        c.fail(
            node,
            f"{ast.unparse(node)} is a type, not a value",
            f"write maps({inside}) for all its values"
            if c.static(value) is Map
            else "choose one of its values with a parameter of an action, or quantify over what it is made of",
        )
    container = c.expr(value)
    check_indexed(c, value, container.type)
    match container.type, index:
        case SeqType(), ast.Slice(lower, upper, None):
            low, high = (None if bound is None else numeric(c, bound) for bound in (lower, upper))
            return ir.Slice(span, container.type, container, low, high)
        case SeqType(item), ast.Slice(None, None, ast.UnaryOp(ast.USub(), ast.Constant(1))):
            return ir.Convert(span, SeqType(item), "reversed", container)
        case SeqType(), ast.Slice(_, _, ast.expr() as step):
            c.fail(step, "a slice has no step but s[::-1]", "write Seq(s[i] for i in range(0, len(s), 2))")
        case SeqType(item), _ if not isinstance(index, ast.Slice):
            return ir.At(span, item, container, numeric(c, index))
        case MapType(key, item), _ if not isinstance(index, ast.Slice):
            at = c.value(index, key)
            if partial.is_partial(container.type):
                return partial.read(c, node, container, at)
            return ir.At(span, item, container, at)
        case TupleType(items), ast.Constant(int(number)) if -len(items) <= number < len(items):
            return ir.Item(span, items[number], container, number % len(items))
        case OptionalType(), _:
            c.fail(value, "this may be None", "test it for None first (give it a local name)")
        case TupleType(), _:
            c.fail(index, "the index of a tuple must be a constant", "unpack it: a, b = pair")
    c.fail(
        node,
        f"{container.type} cannot be indexed this way",
        "Map: m[key]; Seq: s[i], s[i:j]; tuple: t[0]",
    )
