"""Functions of the intermediate form written out where they are called.

Guarantees: what is written out means the same as the call; names bound inside are fresh, so none is captured.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping
from typing import TypeVar

from ratified.language import ir
from ratified.language.ir import Expr, Function, Module, Node, Which
from ratified.language.types import BOOL, TupleType
from ratified.language.uses import assigned, bound, returns

N = TypeVar("N", bound=Node)

LARGEST = 4_000
"""Nodes in what a function may be written out to; beyond it the call is left alone."""

Substitution = Mapping[str, Expr]


class Inliner:
    """Writes out calls in one module. Fresh names are numbered through the inliner's life."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._numbers = itertools.count(1)

    def call(self, node: ir.Call) -> Expr | None:
        """What a call computes, as one expression; None if the function is not simple enough for that."""
        return self.value(self._module.functions[node.function], node.arguments, old=node.which is Which.OLD)

    def value(self, function: Function, arguments: Iterable[Expr], *, old: bool = False) -> Expr | None:
        """What a function returns for these arguments, as one expression; `old` if it reads the variables before the step."""
        names = {a.name: v for a, v in zip(function.arguments, arguments, strict=True)}
        written = self._returned(function.body, names, old, LARGEST)
        return None if written is None or ir.size(written, LARGEST) > LARGEST else written

    def body(self, function: Function, arguments: Iterable[Expr]) -> tuple[Node, ...]:
        """A procedure's statements for these arguments."""
        names: dict[str, Expr] = {a.name: v for a, v in zip(function.arguments, arguments, strict=True)}
        names.update({n: self._fresh(function, n) for n in sorted(bound(function.body))})
        return tuple(self.rewritten(s, names) for s in function.body)

    def _fresh(self, node: Node | Function, name: str) -> ir.Local:
        return ir.Local(node.span, BOOL, f"{name}_{next(self._numbers)}")

    # --- statements to one expression ---

    def _returned(self, body: tuple[Node, ...], names: Substitution, old: bool, budget: int) -> Expr | None:
        """The value that statements return. A `for` that returns only False is an `all`."""
        if not body or budget < 0:
            return None
        statement, rest = body[0], body[1:]
        match statement:
            case ir.Return(_, value):
                return None if value is None else self.rewritten(value, names, old=old)
            case ir.Assert():
                return self._returned(rest, names, old, budget)
            case ir.Let(span, bound, value):
                given = self.rewritten(value, names, old=old)
                if len(bound) == 1:
                    return self._returned(
                        rest, {**names, bound[0]: given}, old, budget - ir.size(given, budget)
                    )
                if not isinstance(given.type, TupleType):
                    return None
                parts = {
                    n: ir.Item(span, t, given, i)
                    for i, (n, t) in enumerate(zip(bound, given.type.items, strict=True))
                }
                return self._returned(rest, {**names, **parts}, old, budget - ir.size(given, budget))
            case ir.If(span, test, then, orelse):
                first = self._returned(then + rest, names, old, budget // 2)
                second = self._returned(orelse + rest, names, old, budget // 2)
                if first is None or second is None:
                    return None
                return ir.IfElse(span, first.type, self.rewritten(test, names, old=old), first, second)
            case ir.For():
                return self._loop(statement, rest, names, old, budget)
            case _:
                return None

    def _loop(
        self, loop: ir.For, rest: tuple[Node, ...], names: Substitution, old: bool, budget: int
    ) -> Expr | None:
        returned = [node.value for node in returns(loop.body)]
        if assigned(loop.body).keys() & names.keys() or any(
            not isinstance(v, ir.Literal) or v.value is not False for v in returned
        ):
            return None
        inner = {n: self._fresh(loop, n) for n in loop.names}
        going_on = ir.Return(loop.span, ir.Literal(loop.span, BOOL, True))
        element = self._returned((*loop.body, going_on), {**names, **inner}, old, budget // 2)
        after = self._returned(rest, names, old, budget // 2)
        if element is None or after is None:
            return None
        domain = self.rewritten(loop.domain, names, old=old)
        clause = ir.Clause(tuple(n.name for n in inner.values()), domain, ())
        return ir.And(loop.span, BOOL, (ir.Collect(loop.span, BOOL, "all", element, (clause,)), after))

    # --- substitution ---

    def rewritten(self, node: N, names: Substitution, *, old: bool = False) -> N:
        """A node with local names replaced (those that statements bind only by other names), reading `old` variables if so."""
        return self._node(node, names, old)  # type: ignore[return-value]  # a statement stays one, an expression too

    def _node(self, node: Node, names: Substitution, old: bool) -> Node:
        if isinstance(node, ir.Local):
            replacement = names.get(node.name, node)
            # What stands for a binding has no type of its own.
            fresh = isinstance(replacement, ir.Local) and replacement.type is BOOL
            return dataclasses.replace(replacement, type=node.type) if fresh else replacement
        if isinstance(node, ir.Collect):
            return self._collect(node, names, old)
        made = ir.rebuild(node, lambda child: self._node(child, names, old))
        if isinstance(made, ir.Let | ir.For):
            return dataclasses.replace(made, names=tuple(_renamed(n, names) for n in made.names))
        if old and isinstance(made, ir.Variable | ir.Call):
            return dataclasses.replace(made, which=Which.OLD)
        return made

    def _collect(self, node: ir.Collect, names: Substitution, old: bool) -> ir.Collect:
        default = None if node.default is None else self.rewritten(node.default, names, old=old)
        clauses = []
        for clause in node.clauses:
            domain = self.rewritten(clause.domain, names, old=old)
            inner = {n: self._fresh(node, n) for n in clause.names}
            names = {**names, **inner}
            conditions = tuple(self.rewritten(c, names, old=old) for c in clause.conditions)
            clauses.append(ir.Clause(tuple(n.name for n in inner.values()), domain, conditions))
        element = self.rewritten(node.element, names, old=old)
        key = None if node.key is None else self.rewritten(node.key, names, old=old)
        return ir.Collect(node.span, node.type, node.kind, element, tuple(clauses), key, default)


def _renamed(name: str, names: Substitution) -> str:
    replacement = names.get(name)
    return replacement.name if isinstance(replacement, ir.Local) else name
