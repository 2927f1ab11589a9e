"""Functions of Python's own for what the language says in other words: `divmod`, `pow`, `bool`, `pairwise`, `product`, `chain`.

Guarantees: each is made of nodes that every engine knows.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import itertools
import math
from collections.abc import Callable

from ratified.language import ir
from ratified.language.compile.arguments import keyword_argument, positional
from ratified.language.compile.context import Context
from ratified.language.compile.displays import item_of, iterable
from ratified.language.compile.operators import numeric, power
from ratified.language.ir import Clause, Expr
from ratified.language.types import BOOL, INT, IntType, SeqType, TupleType, unbounded

Handler = Callable[[Context, ast.Call], Expr]

_ITEM, _TURN = "item_", "turn_"


def as_row(c: Context, node: ast.expr) -> Expr:
    """What is run through, as a sequence in the order in which it is run through."""
    source = iterable(c, node)
    if isinstance(source.type, SeqType):
        return source
    item = item_of(c, source, node)
    each = ir.Local(source.span, item, _ITEM)
    return ir.Collect(source.span, SeqType(unbounded(item)), "seq", each, (Clause((_ITEM,), source, ()),))


def _divmod(c: Context, node: ast.Call) -> Expr:
    span = c.span(node)
    a, b = (numeric(c, each) for each in positional(c, node, 2, 2))
    parts = (ir.Arithmetic(span, INT, "//", a, b), ir.Arithmetic(span, INT, "%", a, b))
    return ir.MakeTuple(span, TupleType((INT, INT)), parts)


def _pow(c: Context, node: ast.Call) -> Expr:
    base, exponent = positional(c, node, 2, 2)
    return power(c, node, numeric(c, base), exponent)


def _bool(c: Context, node: ast.Call) -> Expr:
    (argument,) = positional(c, node, 1, 1)
    found = c.expr(argument)
    if isinstance(found.type, IntType):
        return ir.Compare(c.span(node), BOOL, "!=", found, ir.Literal(found.span, INT, 0))
    return c.test(argument)[0]


def _pairwise(c: Context, node: ast.Call) -> Expr:
    (argument,) = positional(c, node, 1, 1)
    row = as_row(c, argument)
    span, item = c.span(node), item_of(c, row, argument)
    rest = ir.Slice(span, unbounded(row.type), row, ir.Literal(span, INT, 1), None)
    return ir.Zip(span, SeqType(TupleType((item, item))), row, rest)


def _product(c: Context, node: ast.Call) -> Expr:
    """Of so many containers, each run through for each element of those before it."""
    arguments = positional(c, node, 1, 9, ("repeat",))
    match keyword_argument(c, node, "repeat"):
        case ast.Constant(int(times)) if times > 0:
            arguments = arguments * times
        case None:
            pass
        case other:
            c.fail(other, "repeat= must be a number", "write product(A, A)")
    span = c.span(node)
    domains = [iterable(c, each) for each in arguments]
    names = [f"{_ITEM}{i}" for i in range(len(domains))]
    items = tuple(
        ir.Local(span, item_of(c, d, n), name) for d, n, name in zip(domains, arguments, names, strict=True)
    )
    made = ir.MakeTuple(span, TupleType(tuple(unbounded(i.type) for i in items)), items)
    clauses = tuple(Clause((name,), d, ()) for name, d in zip(names, domains, strict=True))
    return ir.Collect(span, SeqType(made.type), "seq", made, clauses)


def _chain(c: Context, node: ast.Call) -> Expr:
    arguments = positional(c, node, 1, 9)
    made = as_row(c, arguments[0])
    for each in arguments[1:]:
        more = as_row(c, each)
        t = unbounded(c.join(node, made.type, more.type))
        made = ir.Concat(c.span(node), t, c.coerce(made, t, node), c.coerce(more, t, each))
    return made


def stepped(c: Context, node: ast.Call, low: Expr, high: Expr, step: int) -> Expr:
    """`range(low, high, step)`: low, and so many steps from there."""
    span = c.span(node)
    most, least = (low, high) if step < 0 else (high, low)
    way = ir.Arithmetic(span, INT, "-", most, least)
    last = ir.Arithmetic(span, INT, "+", way, ir.Literal(span, INT, abs(step) - 1))
    turns = ir.Arithmetic(span, INT, "//", last, ir.Literal(span, INT, abs(step)))
    far = ir.Arithmetic(span, INT, "*", ir.Local(span, INT, _TURN), ir.Literal(span, INT, step))
    each = ir.Arithmetic(span, INT, "+", low, far)
    zero = ir.Literal(span, INT, 0)
    domain = ir.IntRange(span, SeqType(INT), zero, turns)
    return ir.Collect(span, SeqType(INT), "seq", each, (Clause((_TURN,), domain, ()),))


def counted_from(c: Context, node: ast.Call, numbered: Expr, start: ast.expr) -> Expr:
    """`enumerate(s, start)`."""
    span, first = c.span(node), numeric(c, start)
    assert isinstance(numbered.type, SeqType)
    assert isinstance(numbered.type.item, TupleType)
    i = ir.Local(span, INT, _TURN)
    x = ir.Local(span, numbered.type.item.items[1], _ITEM)
    made = ir.MakeTuple(span, numbered.type.item, (ir.Arithmetic(span, INT, "+", i, first), x))
    return ir.Collect(span, numbered.type, "seq", made, (Clause((_TURN, _ITEM), numbered, ()),))


HANDLERS: dict[object, Handler] = {
    divmod: _divmod,
    pow: _pow,
    bool: _bool,
    itertools.pairwise: _pairwise,
    itertools.product: _product,
    itertools.chain: _chain,
}
"""Functions that are made of others."""

INSTEAD: dict[object, str] = {
    functools.reduce: "write sum(...), max(...), or a `for` loop with a local name",
    itertools.combinations: "write subsets(s, k), whose members are sets",
    type: "write isinstance(x, Ask) of a record; a value of another type has one type",
    dict: "write Map({key: value for key in K}), or PartialMap(...) with some of the keys",
    tuple: "write Seq(...), or (a, b) for a pair",
    str: "use an Enum: models have no strings",
    float: "use ints: divide with //",
    round: "models have no numbers but ints: divide with //",
    math.floor: "models have no numbers but ints: divide with //",
    math.ceil: "models have no numbers but ints: -(-a // b) rounds up",
    hasattr: "tell records apart with isinstance(x, Ask)",
    getattr: "write the name out: self.x",
    setattr: "write the name out: self.x = ...",
    super: "write super().method(...)",
    dataclasses.field: "a container is empty at first: leave the default out",
    **dict.fromkeys((print, open, input), "models do no I/O: leave it out"),
    iter: "choose an element with a parameter of the action, with choose(s), or next(iter(s))",
}
"""What to write in place of functions that people reach for."""

OF_COLLECTIONS = {
    "Counter": "write s.count(x) of a Seq or Bag; a Bag counts its elements",
    "defaultdict": "write a Map, which has a value for every key: Map.fromkeys(K, 0)",
    "OrderedDict": "write Map({key: value for key in K}), or PartialMap(...) with some of the keys",
    "deque": "write Seq(...): s.append(x), s.pop(0)",
    "chain": "write Seq(x for s in several for x in s)",
}
"""Likewise, by name."""
