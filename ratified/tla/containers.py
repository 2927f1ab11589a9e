"""Sets, bags, sequences and maps: what is made of them, and what is asked of them.

Guarantees: see expressions.py.
"""

from __future__ import annotations

from dataclasses import replace

from ratified.language import ir
from ratified.language.ir import Expr, Which
from ratified.language.rules import Rules
from ratified.language.types import (
    BagType,
    BoolType,
    IntType,
    MapType,
    RecordType,
    SeqType,
    SetType,
    TupleType,
    Type,
)
from ratified.tla.comprehensions import as_seq, as_set, by_position, chosen, keys_of, less_one
from ratified.tla.context import TlaContext
from ratified.tla.formulas import ONE, ZERO, Except, braces, function, number, tuple_of
from ratified.tla.known import natural, sum_of
from ratified.tla.linear import constant, plus
from ratified.tla.orders import in_order, key_operator
from ratified.tla.syntax import Apply, Index, Infix, Leaf, Tla

CONTAINERS: Rules[TlaContext, Tla] = Rules("TLA+ of containers")


@CONTAINERS.rule(ir.MakeSet)
def _make_set(node: ir.MakeSet, f: TlaContext) -> Tla:
    return braces(*(f.expr(item) for item in node.items))


@CONTAINERS.rule(ir.MakeSeq)
def _make_seq(node: ir.MakeSeq, f: TlaContext) -> Tla:
    return tuple_of(*(f.expr(item) for item in node.items))


@CONTAINERS.rule(ir.MakeMap)
def _make_map(node: ir.MakeMap, f: TlaContext) -> Tla:
    pairs = [tuple_of(f.expr(k), f.expr(v)) for k, v in node.pairs]
    return f.words.use("MapOf", tuple_of(*pairs))


@CONTAINERS.rule(ir.At)
def _at(node: ir.At, f: TlaContext) -> Tla:
    if f.place and _stands(node, f) == (f.place.variable, f.place.path):
        return Leaf("@")
    container = f.expr(node.container)
    if isinstance(node.container.type, MapType):
        return Index(container, (f.expr(node.key),))
    key = sum_of(node.key, f)
    if natural(key, f):
        return Index(container, (f.words.terms.written(plus(key, constant(1))),))
    if set(key) <= {""} and key.get("", 0) < 0:
        return Index(container, (_from_end(container, key[""] + 1, f),))
    return f.words.use("Nth", container, f.expr(node.key))


def _stands(node: Expr, f: TlaContext) -> tuple[str, tuple[str, ...]] | None:
    """The variable and keys of a place that is read."""
    keys: list[str] = []
    plain = replace(f, place=None)
    while isinstance(node, ir.At) and isinstance(node.container.type, MapType):
        keys.insert(0, str(plain.expr(node.key)))
        node = node.container
    return (node.name, tuple(keys)) if isinstance(node, ir.Variable) and node.which is not Which.OLD else None


def _from_end(sequence: Tla, by: int, f: TlaContext) -> Tla:
    f.words.need("Sequences", "Integers")
    length = Apply("Len", (sequence,))
    return length if not by else Infix("-", length, number(-by))


@CONTAINERS.rule(ir.Slice)
def _slice(node: ir.Slice, f: TlaContext) -> Tla:
    whole = as_seq(node.operand, f)
    low = constant(0) if node.low is None else sum_of(node.low, f)
    high = None if node.high is None else sum_of(node.high, f)
    at_first = not any(low.values())
    if high is not None and set(high) <= {""} and high.get("", 0) < 0:  # s[:-1]
        end: Tla = _from_end(whole, high[""], f)
        if at_first:
            f.words.need("Sequences")
            return Apply("SubSeq", (whole, ONE, end))
        return f.words.use("Slice*", whole, _position(node.low, f), _position(node.high, f))
    star = "" if natural(low, f) and (high is None or natural(high, f)) else "*"
    if high is None:
        return whole if at_first else f.words.use(f"Suffix{star}", whole, _position(node.low, f))
    if at_first:
        return f.words.use(f"Prefix{star}", whole, _position(node.high, f))
    return f.words.use(f"Slice{star}", whole, _position(node.low, f), _position(node.high, f))


def _position(node: Expr | None, f: TlaContext) -> Tla:
    return ZERO if node is None else f.expr(node)


@CONTAINERS.rule(ir.Length)
def _length(node: ir.Length, f: TlaContext) -> Tla:
    operand = node.operand
    match operand.type:
        case SetType() | MapType():
            f.words.need("FiniteSets")
            return Apply("Cardinality", (as_set(operand, f),))
        case BagType():
            f.words.need("Bags")
            return Apply("BagCardinality", (f.expr(operand),))
    if isinstance(operand, ir.Collect) and len(operand.clauses) == 1:
        elements = chosen(operand.clauses[0], f)
        if elements is not None:
            f.words.need("FiniteSets")
            return Apply("Cardinality", (elements,))
    f.words.need("Sequences")
    return Apply("Len", (as_seq(operand, f),))


@CONTAINERS.rule(ir.Count)
def _count(node: ir.Count, f: TlaContext) -> Tla:
    container, item = f.expr(node.container), f.expr(node.item)
    if isinstance(node.container.type, BagType):
        f.words.need("Bags")
        return Apply("CopiesIn", (item, container))
    return f.words.use("Occurrences", as_seq(node.container, f), item)


@CONTAINERS.rule(ir.IndexOf)
def _index_of(node: ir.IndexOf, f: TlaContext) -> Tla:
    return f.words.use("FirstIn", as_seq(node.container, f), f.expr(node.item))


@CONTAINERS.rule(ir.SetOp)
def _set_op(node: ir.SetOp, f: TlaContext) -> Tla:
    left, right = as_set(node.left, f), as_set(node.right, f)
    if node.op == "^":
        return Infix("\\union", Infix("\\", left, right), Infix("\\", right, left))
    return Infix({"|": "\\union", "&": "\\intersect", "-": "\\"}[node.op], left, right)


@CONTAINERS.rule(ir.Disjoint)
def _disjoint(node: ir.Disjoint, f: TlaContext) -> Tla:
    return Infix("=", Infix("\\intersect", as_set(node.left, f), as_set(node.right, f)), Leaf("{}"))


@CONTAINERS.rule(ir.Concat)
def _concat(node: ir.Concat, f: TlaContext) -> Tla:
    if isinstance(node.type, BagType):
        f.words.need("Bags")
        return Infix("(+)", f.expr(node.left), f.expr(node.right))
    f.words.need("Sequences")
    return Infix("\\o", as_seq(node.left, f), as_seq(node.right, f))


@CONTAINERS.rule(ir.Insert)
def _insert(node: ir.Insert, f: TlaContext) -> Tla:
    container, item = f.expr(node.container), f.expr(node.item)
    match node.container.type:
        case SetType():
            return Infix("\\union", container, braces(item))
        case BagType():
            f.words.need("Bags")
            return Infix("(+)", container, Apply("SetToBag", (braces(item),)))
    f.words.need("Sequences")
    return Apply("Append", (container, item))


@CONTAINERS.rule(ir.Remove)
def _remove(node: ir.Remove, f: TlaContext) -> Tla:
    container, item = f.expr(node.container), f.expr(node.item)
    bag = isinstance(node.container.type, BagType)
    f.words.need(*(["Bags"] if bag else []))
    test = Apply("BagIn", (item, container)) if bag else Infix("\\in", item, container)
    if node.strict and not _certainly_in(node, f, str(test)):
        return f.words.use("BagWithout" if bag else "SetWithout", container, item)
    return (
        Infix("(-)", container, Apply("SetToBag", (braces(item),)))
        if bag
        else Infix("\\", container, braces(item))
    )


def _certainly_in(node: ir.Remove, f: TlaContext, text: str) -> bool:
    plain = replace(f, place=None)
    where = ir.In(node.span, BoolType(), node.item, node.container)
    return text in f.present or str(plain.expr(where)) in f.present


@CONTAINERS.rule(ir.Pop)
def _pop(node: ir.Pop, f: TlaContext) -> Tla:
    container = f.expr(node.container)
    index = sum_of(node.index, f)
    if dict(index) == {"": -1}:
        return f.words.use("Front", container)
    return f.words.use("Without", container, f.words.use("Position", container, f.expr(node.index)))


@CONTAINERS.rule(ir.With)
def _with(node: ir.With, f: TlaContext) -> Tla:
    return _with_value(
        node.container.type, f.expr(node.container), node.key, replace(f, place=None).expr(node.value), f
    )


def _with_value(t: Type, container: Tla, key: Expr, value: Tla, f: TlaContext) -> Tla:
    """A map or sequence with another value at a key or position, which must be there."""
    if isinstance(t, MapType):
        made = f.expr(key)
        if isinstance(t.key, IntType | TupleType | RecordType):
            return f.words.use("Replaced", container, made, value)
        return Except(container, (((made,), value),))
    return f.words.use("Replaced", container, f.words.use("Position", container, f.expr(key)), value)


@CONTAINERS.rule(ir.Convert)
def _convert(node: ir.Convert, f: TlaContext) -> Tla:
    if isinstance(node.type, SetType):
        return as_set(node, f)
    operand = node.operand
    match node.what:
        case "reversed":
            return f.words.use("Reversed", as_seq(operand, f))
        case "enumerate":
            return by_position(as_seq(operand, f), f, lambda _, s, k: tuple_of(less_one(k), Index(s, (k,))))
        case "values" | "items":
            assert isinstance(operand.type, MapType)
            keys = in_order(keys_of(operand, f), operand.type.key, f.words)

            def entry(inner: TlaContext, s: Tla, k: Tla) -> Tla:
                value = Index(inner.expr(operand), (Index(s, (k,)),))
                return value if node.what == "values" else tuple_of(Index(s, (k,)), value)

            return by_position(keys, f, entry)
    made = _sorted(operand, f)
    return f.words.use("Reversed", made) if node.what == "sorted-reversed" else made


def _sorted(operand: Expr, f: TlaContext) -> Tla:
    match operand.type:
        case SeqType(item):
            return f.words.use("SortedSeq", as_seq(operand, f), Leaf(key_operator(item, f.words)))
        case _:
            return as_seq(operand, f)


@CONTAINERS.rule(ir.Zip)
def _zip(node: ir.Zip, f: TlaContext) -> Tla:
    f.words.need("Sequences", "Integers")
    inner, k = f.binding("k")
    left, right = as_seq(node.left, inner), as_seq(node.right, inner)
    shorter = f.words.use("Min", braces(Apply("Len", (left,)), Apply("Len", (right,))))
    pair = tuple_of(Index(left, (k,)), Index(right, (k,)))
    return function(pair, ((k.text,), Infix("..", ONE, shorter)))


@CONTAINERS.rule(ir.IntRange)
def _int_range(node: ir.IntRange, f: TlaContext) -> Tla:
    f.words.need("Integers")
    inner, k = f.binding("k")
    low, high = sum_of(node.low, inner), sum_of(node.high, inner)
    if not natural(plus(high, low, -1), f):  # TLC takes no function over 1..-1 for a sequence
        return f.words.use("Numbers", f.expr(node.low), f.expr(node.high))
    terms = f.words.terms
    element = terms.written(plus(plus(low, {terms.of(k, natural=True): 1}), constant(-1)))
    return function(element, ((k.text,), Infix("..", ONE, terms.written(plus(high, low, -1)))))
