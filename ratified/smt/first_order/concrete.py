"""From a finite structure back to what a person reads: the state as values of the language, and which part of a claim is false.

Guarantees: values are those of the language (`a1`, `b0`, records, maps), ordered sorts in the structure's order.
"""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ratified.language import ir
from ratified.language.deferred import Deferred
from ratified.language.errors import ModelError, RatifiedError, Span
from ratified.language.evaluate import Evaluator, Frame
from ratified.language.ir import Expr, Function, Module, Node, Which
from ratified.language.scope import Scope, running
from ratified.language.sorts import BoundLeft, Sort
from ratified.language.types import (
    BoolType,
    IntType,
    OptionalType,
    RecordType,
    SetType,
    SortType,
    Type,
    children,
    values_of,
)
from ratified.language.values import Bag, Seq, Set, show
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.names import is_of, parameter_name, sort_name
from ratified.smt.first_order.shapes import (
    Atom,
    Case,
    Listing,
    Maybe,
    Members,
    Nothing,
    OneOf,
    ProductShape,
    Shape,
)
from ratified.smt.first_order.theory import Theory
from ratified.smt.structure import Structure
from ratified.smt.terms import INT, Number, Term, constant


class Concrete:
    """Reads values out of one structure."""

    def __init__(self, theory: Theory, structure: Structure) -> None:
        self.theory = theory
        self.structure = structure
        self.sizes = {t.sort: structure.sizes.get(sort_name(t), 1) for t in theory.module.sorts}
        self._ranks: dict[str, list[int]] = {}

    def _atom(self, t: Type, found: int) -> Any:
        if isinstance(t, SortType):
            return self.member(t, found)
        return found if isinstance(t, IntType) else bool(found)

    def value(self, t: Type, shape: Shape) -> Any:
        """A shape as a value of the language."""
        structure = self.structure
        if isinstance(t, OptionalType) and not isinstance(shape, Nothing | Maybe):
            t = t.item
        match shape:
            case Nothing():
                return None
            case Atom(term):
                return self._atom(t, structure.evaluate(term, {}))
            case Case(enum, tests):
                members = list(enum)
                return next(
                    (m for m, test in zip(members, tests, strict=True) if structure.holds(test)), members[-1]
                )
            case Maybe(there, value):
                return self.value(getattr(t, "item", t), value) if structure.holds(there) else None
            case ProductShape(kind, fields):
                inside = (self.value(ft, f) for ft, f in zip(children(kind), fields, strict=True))
                return kind.record(*inside) if isinstance(kind, RecordType) else tuple(inside)
            case OneOf(cases):
                for record, test, row in cases:
                    if structure.holds(test):
                        return self.value(record, row)
                return self.value(cases[0][0], cases[0][2])
            case sh.FunctionShape(map_type, at):
                return map_type.of(
                    {
                        self.value(map_type.key, k): self.value(map_type.value, at(k))
                        for k in self.all(map_type.key)
                    }
                )
            case Members(item):
                held = [x for x in self.all(item) if structure.holds(shape.has(x))]
                if (count := shape.count) is None:
                    return Set(self.value(item, x) for x in held)
                return Bag(self.value(item, x) for x in held for _ in range(structure.evaluate(count(x), {})))
            case Listing(item, length, at_):
                n = max(0, min(structure.evaluate(length, {}), len(structure.integers)))
                return Seq([self.value(item, at_(Number(i))) for i in range(n)])
        raise AssertionError(shape)

    def all(self, t: Type) -> Iterator[Shape]:
        """Every value of a type in the structure, as a shape of constants."""
        for variant in self.theory.shapes.variants(t):
            for columns in itertools.product(*(self.structure.elements(s) for s in variant.sorts)):
                terms = [_element(s, c) for s, c in zip(variant.sorts, columns, strict=True)]
                if self.structure.holds(variant.within(terms)):
                    yield variant.build(terms)

    def member(self, t: SortType, index: int) -> Sort:
        """The value of a sort that an element is."""
        name = sort_name(t)
        if name not in self._ranks:
            self._ranks[name] = self._ranked(t, name)
        made: Sort = t.sort(self._ranks[name][index])
        return made

    def _ranked(self, t: SortType, name: str) -> list[int]:
        """The number of each element: by the order, if there is one, and so that `Node(1)` is number 1."""
        tables, elements = self.structure.tables, list(self.structure.elements(name))
        if t.ordered or f"{name}/le" in tables:
            order = tables.get(f"{name}/le", {})
            below = [sum(order.get((b, a), 0) for b in elements if b != a) for a in elements]
            return below if sorted(below) == elements else elements
        numbered = {i: tables[f"{name}/{i}"].get((), 0) for i in elements if f"{name}/{i}" in tables}
        if len(set(numbered.values())) < len(numbered):
            return elements
        places = [i for i in elements if i not in numbered]
        rest = iter([e for e in elements if e not in numbered.values()])
        where = {**{e: i for i, e in numbered.items()}, **dict(zip(rest, places, strict=True))}
        return [where[e] for e in elements]

    def scope(self) -> Scope:
        """The sizes and parameters of the structure."""
        scope = Scope(self.sizes, {})
        parameters: dict[str, object] = {}
        with running(scope):
            for declaration in self.theory.module.parameters:
                parameters[declaration.name] = self._parameter(declaration)
        return Scope(self.sizes, parameters)

    def unspoken(self) -> list[str]:
        """The numbers among the parameters that the structure does not fix: they have their defaults, and could be any."""
        return [
            d.name
            for d in self.theory.module.parameters
            if isinstance(d.type, IntType) and not self._spoken_of(d) and d.default is not None
        ]

    def _spoken_of(self, declaration: ir.Declaration) -> bool:
        name = parameter_name(declaration.name)
        return any(is_of(symbol, name) for symbol in (*self.structure.tables, *self.structure.sizes))

    def _parameter(self, declaration: ir.Declaration) -> object:
        t, shape = declaration.type, self.theory.parameters[declaration.name]
        if isinstance(t, SetType) and isinstance(t.item, SetType) and isinstance(shape, Members):
            default = declaration.default.value if declaration.default else None
            name = parameter_name(declaration.name)
            if not self._spoken_of(declaration) and isinstance(default, Deferred):
                return default.compute()  # the obligation does not speak of them
            if not self.structure.tables.get(f"{name}?", {(): 1}).get((), 0):
                return Set()
            sets = self.theory.shapes
            return Set(
                self.value(t.item, sets.from_symbols(f"{name}/has", t.item, [(_element(name, q), name)]))
                for q in range(self.structure.sizes.get(name, 1))
            )
        known = self._spoken_of(declaration) or declaration.default is None
        default_ = None if declaration.default is None else declaration.default.value
        if not known and isinstance(t, IntType | BoolType) and not isinstance(default_, Deferred):
            return default_  # likewise
        return self.value(t, shape)


def _element(sort: str, index: int) -> Term:
    return Number(index) if sort == INT else constant(f"{sort}!{index}", sort)


@dataclass(frozen=True, slots=True)
class FalsePart:
    """The innermost part of a claim that is false, its place, and the names it is false for.

    Or the operation that has no value, and `why`.
    """

    text: str
    span: Span
    names: Mapping[str, str]
    why: str = ""


def false_part(
    module: Module, claim: Function, scope: Scope, now: Mapping[str, object], old: Mapping[str, object] | None
) -> FalsePart | None:
    """What makes a claim false in a state (or of a step): found by looking for the first values and operands that do."""
    evaluator = Evaluator(module, scope)
    evaluator.now = dict(now)
    evaluator.old = dict(old or {})
    try:
        with running(scope):
            return _Finder(evaluator).claim(claim)
    except (RatifiedError, BoundLeft, AssertionError, KeyError, ValueError, IndexError, RecursionError):
        return None  # the marking is a help, and must not stand in the way of the report


class _Finder:
    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator

    def claim(self, function: Function) -> FalsePart | None:
        spaces = [list(values_of(a.type, self._evaluator.scope)) for a in function.arguments]
        for values in itertools.product(*spaces):
            names = {a.name: v for a, v in zip(function.arguments, values, strict=True)}
            try:
                if not self._evaluator.call(function, values):
                    return self._body(function, dict(names), names)
            except ModelError as problem:
                if problem.span is None:
                    raise
                known = {n: show(v) for n, v in names.items()}
                return FalsePart(_source(problem.span), problem.span, known, problem.message)
        return None

    def _body(self, function: Function, env: dict[str, Any], names: dict[str, Any]) -> FalsePart | None:
        return self._sequence(function.body, env, names)

    def _sequence(self, body: Sequence[Node], env: dict[str, Any], names: dict[str, Any]) -> FalsePart | None:
        for i, statement in enumerate(body):
            match statement:
                case ir.Let():
                    Frame(self._evaluator, env).bind(
                        statement.names, self._evaluator.expr(statement.value, env)
                    )
                case ir.Return(_, value) if value is not None:
                    return self._part(value, env, names)
                case ir.If(_, test, then, orelse):
                    taken = then if self._evaluator.expr(test, env) else orelse
                    return self._sequence([*taken, *body[i + 1 :]], env, names)
        return None

    def _part(self, node: Expr, env: dict[str, Any], names: dict[str, Any]) -> FalsePart:
        match node:
            case ir.And(_, _, operands):
                for operand in operands:
                    if not self._evaluator.expr(operand, env):
                        return self._part(operand, env, names)
            case ir.Or(_, _, operands) if len(operands) > 1:
                # All are false; the last says what should have been true.
                return self._part(operands[-1], env, names)
            case ir.Collect(kind="all", clauses=clauses):
                found = self._witness(node, list(clauses), env, {})
                if found is not None:
                    bound, inner = found
                    return self._part(node.element, inner, {**names, **bound})
            case ir.Call(which=Which.NOW):
                function = self._evaluator.module.functions[node.function]
                given = [self._evaluator.expr(a, env) for a in node.arguments]
                inner = {a.name: v for a, v in zip(function.arguments, given, strict=True)}
                deeper = self._body(function, dict(inner), inner)
                if deeper is not None:
                    return deeper
        return FalsePart(_source(node.span), node.span, {n: show(v) for n, v in names.items()})

    def _witness(
        self, node: ir.Collect, clauses: list[ir.Clause], env: dict[str, Any], bound: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        if not clauses:
            return None if self._evaluator.expr(node.element, env) else (bound, env)
        clause, rest = clauses[0], clauses[1:]
        for item in list(self._evaluator.expr(clause.domain, env)):
            inner = dict(env)
            Frame(self._evaluator, inner).bind(clause.names, item)
            if all(self._evaluator.expr(c, inner) for c in clause.conditions):
                here = {**bound, **{n: inner[n] for n in clause.names}}
                found = self._witness(node, rest, inner, here)
                if found is not None:
                    return found
        return None


def _source(span: Span) -> str:
    lines = [linecache.getline(span.file, n).rstrip("\n") for n in range(span.line, span.end_line + 1)]
    if not lines:
        return ""
    lines[-1] = (
        lines[-1][: span.end_column] if span.end_line > span.line else lines[0][span.column : span.end_column]
    )
    if span.end_line > span.line:
        lines[0] = lines[0][span.column :]
    return " ".join(line.strip() for line in lines)
