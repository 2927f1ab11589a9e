"""How trees are rebuilt.

Guarantees: what is not changed is the same object, so that a pass which finds nothing to do gives back the tree it was given.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from ratified.language import ir
from ratified.language.ir import Clause, Expr, Function, Node

N = TypeVar("N", bound=Node | Clause)
Rewriting = Callable[[Node | Clause], Node | Clause]


def rebuilt(node: N, change: Rewriting) -> N:
    """A node with each node directly inside it changed."""
    changed = {}
    for name in node.__dataclass_fields__:
        old = getattr(node, name)
        new = _changed(old, change)
        if new is not old:
            changed[name] = new
    return replace(node, **changed) if changed else node  # type: ignore[arg-type]  # fields of a node


def _changed(value: object, change: Rewriting) -> object:
    if isinstance(value, Node | Clause):
        return change(value)
    if isinstance(value, tuple):
        found = tuple(_changed(v, change) for v in value)
        return found if any(a is not b for a, b in zip(found, value, strict=True)) else value
    return value


def everywhere(function: Function, change: Callable[[Expr], Expr]) -> Function:
    """A function with every expression changed, in its body and in the domains of its arguments, inner before outer."""

    def inside(node: Node | Clause) -> Node | Clause:
        made = rebuilt(node, inside)
        return change(made) if isinstance(made, Expr) else made

    domains = [None if a.domain is None else _expr(inside(a.domain)) for a in function.arguments]
    if any(d is not a.domain for d, a in zip(domains, function.arguments, strict=True)):
        pairs = zip(function.arguments, domains, strict=True)
        function = replace(function, arguments=tuple(replace(a, domain=d) for a, d in pairs))
    return with_body(function, tuple(_node(inside(s)) for s in function.body))


def with_body(function: Function, body: tuple[Node, ...]) -> Function:
    """A function with another body."""
    same = len(body) == len(function.body) and all(a is b for a, b in zip(body, function.body, strict=True))
    return function if same else replace(function, body=body)


def _expr(node: Node | Clause) -> Expr:
    assert isinstance(node, Expr)
    return node


def _node(node: Node | Clause) -> Node:
    assert isinstance(node, Node)
    return node


def substituted(node: N, values: Mapping[str, Expr]) -> N:
    """An expression with others in the place of local names; what a comprehension in it binds stays what it is."""
    free = frozenset(n.name for v in values.values() for n in ir.walk(v) if isinstance(n, ir.Local))

    def changed(part: Node | Clause, given: Mapping[str, Expr | str]) -> Node | Clause:
        match part:
            case ir.Local(span, t, name) if name in given:
                value = given[name]
                return ir.Local(span, t, value) if isinstance(value, str) else value
            case ir.Collect():
                return comprehended(part, given)
        return rebuilt(part, lambda each: changed(each, given))

    def comprehended(outer: ir.Collect, given: Mapping[str, Expr | str]) -> ir.Collect:
        inner, clauses = dict(given), dict[int, Clause]()
        for clause in outer.clauses:
            domain = changed(clause.domain, inner)
            # Another name for one that would capture what is put in.
            names = tuple(f"{n}!!{len(inner)}" if n in free else n for n in clause.names)
            inner.update(zip(clause.names, names, strict=True))
            new = rebuilt(clause, lambda each: domain if each is clause.domain else changed(each, inner))  # noqa: B023
            clauses[id(clause)] = new if names == clause.names else replace(new, names=names)

        def inside(each: Node | Clause) -> Node | Clause:
            return clauses.get(id(each)) or changed(each, given if each is outer.default else inner)

        return rebuilt(outer, inside)

    found = changed(node, values)
    assert isinstance(found, type(node) | Expr)
    return found  # type: ignore[return-value]  # of the same kind, or an expression for an expression


def names_in(function: Function) -> set[str]:
    """Every local name of a function: arguments, and what is bound or read anywhere in it."""
    found = {a.name for a in function.arguments}
    for statement in function.body:
        for node in ir.walk(statement):
            match node:
                case ir.Local(name=name):
                    found.add(name)
                case ir.Let(names=names) | ir.For(names=names) | Clause(names=names):
                    found.update(names)
    return found


NewName = Callable[[str], str]


def new_names(taken: Collection[str]) -> NewName:
    """What makes names that are not among those taken, and that no identifier is: `x!2` for `x`."""
    used = set(taken)

    def make(name: str) -> str:
        base = name.partition("!")[0]
        found = next(n for n in _numbered(base) if n not in used)
        used.add(found)
        return found

    return make


def _numbered(base: str) -> Iterator[str]:
    return (f"{base}!{i}" for i in itertools.count(2))
