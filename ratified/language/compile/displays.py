"""Displays and comprehensions: elements written out, and elements computed for each element of something.

Guarantees: all elements are of one type; a comprehension has its names for itself.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable
from typing import TypeVar

from ratified.language import ir
from ratified.language.compile import partial
from ratified.language.compile.context import MISSING, Context, NarrowedTypes
from ratified.language.ir import Clause, Expr
from ratified.language.rules import Rules
from ratified.language.types import (
    BOOL,
    INT,
    BagType,
    BoolType,
    IntType,
    SeqType,
    SetType,
    TupleType,
    Type,
    element_type,
    fits,
    unbounded,
)

T = TypeVar("T")

rules: Rules[Context, Expr] = Rules("displays")


@rules.rule(ast.Tuple)
def _tuple(node: ast.Tuple, c: Context) -> Expr:
    items = node.elts
    if not items:
        c.fail(node, "an empty tuple is not part of the modelling language", "use None")
    typed = isinstance(c.expected, TupleType) and len(c.expected.items) == len(items)
    wanted = c.expected.items if typed else None  # type: ignore[union-attr]  # a tuple type
    parts = [c.kept(e, wanted[i] if wanted else None) for i, e in enumerate(items)]
    if wanted and all(fits(p.type, w) for p, w in zip(parts, wanted, strict=True)):
        parts = [c.coerce(p, w, e) for p, w, e in zip(parts, wanted, items, strict=True)]
    return ir.MakeTuple(c.span(node), TupleType(tuple(p.type for p in parts)), tuple(parts))


def _with_stars(
    c: Context, node: ast.Set | ast.List | ast.Tuple, make: Callable[[list[ast.expr], Type | None], Expr]
) -> Expr | None:
    """A display with `*s` in it: its parts put together."""
    if not any(isinstance(e, ast.Starred) for e in node.elts):
        return None
    parts: list[tuple[Expr, ast.expr]] = []
    for starred, group in itertools.groupby(node.elts, lambda e: isinstance(e, ast.Starred)):
        items = list(group)
        if not starred:
            parts.append((make(items, c.expected), items[0]))
            continue
        for star in items:
            assert isinstance(star, ast.Starred)
            source = iterable(c, star.value)
            kind = "set" if isinstance(node, ast.Set) else "seq"
            item = item_of(c, source, star.value)
            if kind == "seq":
                in_order(c, [star.value])
            t: Type = SetType(unbounded(item)) if kind == "set" else SeqType(unbounded(item))
            if type(t) is not type(source.type):
                each = ir.Local(source.span, item, "item_")
                source = ir.Collect(source.span, t, kind, each, (Clause(("item_",), source, ()),))
            parts.append((source, star.value))
    t = unbounded(c.join(node, *(part.type for part, _ in parts)))
    made, *rest = [c.coerce(part, t, at) for part, at in parts]
    span, union = c.span(node), isinstance(node, ast.Set)
    for more in rest:
        made = ir.SetOp(span, t, "|", made, more) if union else ir.Concat(span, t, made, more)
    return made


@rules.rule(ast.Set)
def _set(node: ast.Set, c: Context) -> Expr:
    def make(items: list[ast.expr], expected: Type | None) -> Expr:
        item, made = elements(c, node, items, expected)
        return ir.MakeSet(c.span(node), SetType(item), made)

    if (whole := _with_stars(c, node, make)) is not None:
        return whole
    item, made = elements(c, node, node.elts, c.expected)
    return ir.MakeSet(c.span(node), SetType(item), made)


@rules.rule(ast.List)
def _list(node: ast.List, c: Context) -> Expr:
    if (whole := _with_stars(c, node, lambda items, t: _row(c, node, items, t))) is not None:
        return whole
    item, made = elements(c, node, node.elts, c.expected)
    return ir.MakeSeq(c.span(node), SeqType(item), made)


@rules.rule(ast.SetComp)
def _set_comprehension(node: ast.SetComp, c: Context) -> Expr:
    return collect(c, node, "set", node.elt, node.generators, c.expected)


@rules.rule(ast.ListComp)
def _list_comprehension(node: ast.ListComp, c: Context) -> Expr:
    return collect(c, node, "seq", node.elt, node.generators, c.expected)


def _row(c: Context, node: ast.expr, items: list[ast.expr], expected: Type | None) -> Expr:
    item, made = elements(c, node, items, expected)
    return ir.MakeSeq(c.span(node), SeqType(item), made)


def choices(c: Context, node: ast.expr, expected: Type | None = None) -> Expr | None:
    """`(A, B)` after `in`, or the name of such a constant: as a sequence of choices."""
    if isinstance(node, ast.Tuple) and any(isinstance(e, ast.Starred) for e in node.elts):
        return _with_stars(c, node, lambda items, t: _row(c, node, items, t))
    if isinstance(node, ast.Tuple) and node.elts:
        item, made = elements(c, node, node.elts, expected)
        return ir.MakeSeq(c.span(node), SeqType(item), made)
    if given := constant_tuple(c, node):
        wanted = element_type(expected) if expected is not None else None
        found = [c.constant(value, node, wanted) for value in given]
        t = c.join(node, *(f.type for f in found))
        return ir.MakeSeq(c.span(node), SeqType(t), tuple(c.coerce(f, t, node) for f in found))
    return None


def constant_tuple(c: Context, node: ast.expr) -> tuple[object, ...]:
    """The elements of a tuple that a name of the module stands for; none if it stands for something else."""
    found = c.static(node)
    return tuple(found) if isinstance(found, tuple | list) and type(found) in (tuple, list) else ()


def elements(
    c: Context, node: ast.expr, items: list[ast.expr], expected: Type | None
) -> tuple[Type, tuple[Expr, ...]]:
    """The elements of a display, of one type: the expected one if they fit it."""
    wanted = element_type(expected) if expected is not None else None
    if not items:
        if wanted is None:
            kind = "Seq" if isinstance(node, ast.List) else "Set" if isinstance(node, ast.Set) else None
            if isinstance(node, ast.Call):
                kind = {"list": "Seq", "set": "Set"}.get(ast.unparse(node.func), ast.unparse(node.func))
            c.fail(
                node,
                "the element type of this empty container is unknown",
                f"annotate the name: x: {kind}[T] = {kind}()" if kind else "annotate the name",
            )
        return unbounded(wanted), ()
    made = [c.kept(item, wanted) for item in items]
    if wanted is not None and all(fits(m.type, wanted) for m in made):
        t = unbounded(wanted)
    else:
        t = unbounded(c.join(node, *(m.type for m in made)))
    return t, tuple(c.coerce(m, t, n) for m, n in zip(made, items, strict=True))


def collect(
    c: Context,
    node: ast.expr,
    kind: str,
    element: ast.expr,
    generators: list[ast.comprehension],
    expected: Type | None,
) -> Expr:
    """A comprehension that makes a set, sequence or bag, or computes all, any or a sum."""

    def finish() -> tuple[Expr, Type]:
        if kind in ("all", "any"):
            return c.test(element)[0], BOOL
        if kind == "sum":
            return _summand(c, element), INT
        wanted = element_type(expected) if expected is not None else None
        made = c.kept(element, wanted)
        item = unbounded(wanted if wanted is not None and fits(made.type, wanted) else made.type)
        made = c.coerce(made, item, element)
        return made, {"set": SetType, "seq": SeqType, "bag": BagType}[kind](item)

    if kind == "seq":
        in_order(c, [g.iter for g in generators])
    clauses, (made, t) = comprehended(c, generators, finish)
    return ir.Collect(c.span(node), t, kind, made, clauses)


def in_order(c: Context, domains: list[ast.expr]) -> None:
    """Refuse a plain set where the order of its elements can be seen."""
    for domain in domains:
        if _is_unordered(c, domain):
            c.fail(
                domain,
                "the elements of a Python set have no order",
                "write Set(...): its elements come in canonical order",
            )


def _is_unordered(c: Context, domain: ast.expr) -> bool:
    """Whether what is run through comes in the order of a plain set."""
    kind = c.python_kind(domain)
    if isinstance(domain, ast.IfExp):
        return _is_unordered(c, domain.body) or _is_unordered(c, domain.orelse)
    if kind == "iterator" and isinstance(domain, ast.Call):
        return any(_is_unordered(c, argument) for argument in domain.args)
    return kind == "set"


def _summand(c: Context, node: ast.expr) -> Expr:
    """An element of a sum: an int, or a bool that counts as 0 or 1."""
    found = c.expr(node)
    if isinstance(found.type, BoolType):
        return ir.Number(found.span, INT, found)
    if not isinstance(found.type, IntType):
        c.fail(node, f"sum needs ints, and this is {found.type}", "sum(1 for ...) counts")
    return found


def comprehended(
    c: Context, generators: list[ast.comprehension], finish: Callable[[], T]
) -> tuple[tuple[Clause, ...], T]:
    """The `for ... if ...` parts of a comprehension; `finish` compiles its element where their names are known."""
    with c.scoped() as env:
        made: list[Clause] = []
        for generator in generators:
            if generator.is_async:
                c.fail(generator.target, "async is not part of the modelling language", "leave it out")
            domain = iterable(c, generator.iter)
            names = bind(c, generator.target, item_of(c, domain, generator.iter))
            env.facts.update(has_keys(c, generator.target, generator.iter))
            note_tuples(c, names, generator.iter)
            conditions: list[Expr] = []
            for condition in generator.ifs:
                test, true, _ = c.test(condition)
                conditions.append(test)
                env.facts.update(true)
            made.append(Clause(names, domain, tuple(conditions)))
        return tuple(made), finish()


def iterable(c: Context, node: ast.expr) -> Expr:
    """What a loop or comprehension runs over."""
    if isinstance(node, ast.GeneratorExp):
        return collect(c, node, "seq", node.elt, node.generators, None)
    found = choices(c, node) or c.expr(node)
    item_of(c, found, node)
    return partial.keys_of(found, c.span(node)) if partial.is_partial(found.type) else found


def item_of(c: Context, container: Expr, node: ast.expr) -> Type:
    """The type of the elements of a container, or a refusal."""
    item = element_type(container.type)
    if item is None:
        c.fail(node, f"{container.type} cannot be iterated over", "use a sort, range(...), or a container")
    return item


def has_keys(c: Context, target: ast.expr, source: ast.expr) -> NarrowedTypes:
    """What is known where a name runs through the keys of a partial map."""
    match source:
        case ast.Call(ast.Attribute(value, "keys"), [], []):
            source = value
        case ast.Name() | ast.Attribute() | ast.Subscript():
            pass
        case _:
            return {}
    if c.static(source) is not MISSING or not isinstance(target, ast.Name):
        return {}
    t = c.expr(source).type
    return partial.fact_of(c, source, target, t) if partial.is_partial(t) else {}


def note_tuples(c: Context, names: tuple[str, ...], source: ast.expr) -> None:
    """Note that what CPython binds to a loop's name is a tuple of its own, where it is."""
    if isinstance(source, ast.Call) and c.static(source.func) is itertools.permutations:
        c.env.plain.update(dict.fromkeys(names, "tuple"))


def bind(c: Context, target: ast.expr, item: Type) -> tuple[str, ...]:
    """Give a loop's names their types, in the environment in force."""
    match target:
        case ast.Name(name):
            names, types = [name], [item]
        case ast.Tuple(targets) if all(isinstance(t, ast.Name) for t in targets):
            names = [t.id for t in targets if isinstance(t, ast.Name)]
            if not isinstance(item, TupleType) or len(item.items) != len(names):
                c.fail(
                    target,
                    f"{item} does not unpack into {len(names)} names",
                    "use as many names as the tuple has parts",
                )
            types = list(item.items)
        case _:
            c.fail(
                target,
                "a loop's target is a name or a tuple of names",
                "unpack nested tuples inside the loop",
            )
    for name, t in zip(names, types, strict=True):
        c.env.plain.pop(name, None)
        if name in c.receivers:
            c.fail(target, f"`{name}` is the model itself", "choose another name")
        c.forget({name})
        c.env.aliases.pop(name, None)
        c.env.types[name] = t
        c.env.assigned.add(name)
    return tuple(names)
