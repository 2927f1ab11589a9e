"""How expressions are read: in which states, under which quantifiers; and what every translation of one needs.

Guarantees: an unknown that an expression introduces (the next ballot, the largest of a set) is defined wherever its formula is
used, under the quantifiers that it depends on.
"""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ratified.language import ir
from ratified.language.ir import Expr, Function, Node
from ratified.language.types import (
    MapType,
    Type,
)
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.shapes import Atom, Listing, Maybe, Members, Refused, Row, Shape, either
from ratified.smt.first_order.theory import Theory
from ratified.smt.first_order.variants import Equality, Shapes
from ratified.smt.terms import (
    FALSE,
    INT,
    TRUE,
    Bound,
    Number,
    Term,
    at_most,
    conj,
    constant,
    disj,
    equal,
    every,
    free,
    fresh,
    implies,
    less,
    minus,
    plus,
    some,
)

Env = dict[str, Shape]


@dataclass(slots=True)
class Definition:
    """An unknown that an expression introduces: its name, and what makes it the value that is meant."""

    variable: Bound
    says: Term


@dataclass(slots=True)
class Reader:
    """Where an expression is read: the variables' values now and before the step, and the unknowns introduced so far.

    `depth` counts the quantifiers and conditions around; `step` says that this is part of a step, whose bounds are guards; a
    step that is over is `sealed`.
    """

    now: Mapping[str, Shape]
    old: Mapping[str, Shape] = field(default_factory=dict)
    definitions: list[Definition] = field(default_factory=list)
    guards: list[Term] = field(default_factory=list)
    exists: list[Term] = field(default_factory=list)
    depth: int = 0
    step: bool = False
    sealed: bool = False

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Within a quantifier or a condition."""
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1


class Reading:
    """Reads the expressions of one module; what each kind of node means is said by the classes derived from this."""

    def __init__(self, module: ir.Module, theory: Theory) -> None:
        self.module = module
        self.theory = theory
        self.shapes: Shapes = theory.shapes
        self.same = Equality(theory.shapes)
        self.facts: dict[str, Term] = {}
        """What defines the constants that expressions have introduced, by their names."""

    # --- ways in ---

    def formula(self, node: Expr, env: Env, reader: Reader) -> Term:
        """A condition as a formula."""
        before, there = len(reader.definitions), len(reader.exists)
        found = self.expr(node, env, reader)
        assert isinstance(found, Atom), node
        # Where a value does not exist (the next after the last) there is no answer, and the step is not taken: false will do.
        term = conj(*reader.exists[there:], found.term)
        del reader.exists[there:]
        return self._closed(term, before, reader)

    def closed(self, term: Term, reader: Reader) -> Term:
        """A formula with all unknowns bound that have been introduced in reading it."""
        return self._closed(term, 0, reader)

    def _closed(self, term: Term, before: int, reader: Reader) -> Term:
        """A formula with the unknowns introduced in it bound."""
        while len(reader.definitions) > before:
            definition = reader.definitions.pop()
            term = every([definition.variable], implies(definition.says, term))
        return term

    def call(self, function: Function, arguments: Sequence[Shape], reader: Reader) -> Shape:
        """The value of a pure function."""
        env = {a.name: v for a, v in zip(function.arguments, arguments, strict=True)}
        return self._value(function.body, env, reader)

    def _value(self, body: Sequence[Node], env: Env, reader: Reader) -> Shape:
        for i, statement in enumerate(body):
            match statement:
                case ir.Let():
                    self.let(statement, env, reader)
                case ir.Return(_, value) if value is not None:
                    return self.expr(value, env, reader)
                case ir.If(_, test, then, orelse):
                    holds, rest = self.formula(test, env, reader), body[i + 1 :]
                    if holds == TRUE:
                        return self._value((*then, *rest), env, reader)
                    if holds == FALSE:
                        return self._value((*orelse, *rest), env, reader)
                    with reader.inside():
                        first = self._value((*then, *rest), dict(env), reader)
                        return either(holds, first, self._value((*orelse, *rest), dict(env), reader))
                case ir.Assert():
                    continue
                case ir.For():
                    raise sh.refuse(
                        statement.span, "this loop", "write a comprehension, all(...) or any(...)"
                    )
                case _:
                    raise sh.refuse(statement.span, "this statement", "use it in an action only")
        raise AssertionError(body)

    def let(self, node: ir.Let, env: Env, reader: Reader) -> None:
        """Give names their values."""
        self.bind(node.names, self.expr(node.value, env, reader), env)

    @staticmethod
    def bind(names: Sequence[str], value: Shape, env: Env) -> None:
        """Names for a value, or for the items of a tuple."""
        if len(names) == 1:
            env[names[0]] = value
        else:
            assert isinstance(value, Row)
            env.update(zip(names, value.fields, strict=True))

    def expr(self, node: Expr, env: Env, reader: Reader) -> Shape:
        """An expression as a shape."""
        try:
            meaning = _METHODS.get(type(node))
            if meaning is None:
                raise sh.refuse(node.span, "this", _instead(node))
            found: Shape = getattr(self, meaning)(node, env, reader)
            return found
        except Refused as problem:
            if problem.span is None:
                problem.span = node.span
            raise

    def _term(self, node: Expr, env: Env, reader: Reader) -> Term:
        found = self.expr(node, env, reader)
        if isinstance(found, Maybe):
            found = found.value
        assert isinstance(found, Atom), node
        return found.term

    def _define(self, name: str, sort: str, reader: Reader, says: Callable[[Term], Term]) -> Term:
        """An unknown of which something is known that makes it unique; `says` must be true of some value in any case.

        One that depends on no bound variable is a constant.
        """
        variable = fresh(name, sort)
        definition = says(variable)
        if free(definition) <= {variable}:
            known = constant(f"{name}!{len(self.facts)}", sort)
            self.facts[f"{name}!{len(self.facts)}"] = says(known)
            return known
        if reader.sealed:
            raise sh.refuse(None, "a value computed for every key", "compute it where it is used")
        reader.definitions.append(Definition(variable, definition))
        return variable

    @staticmethod
    def _guard(within: Term, reader: Reader) -> None:
        """Leaving a bound is no step. Under a quantifier the bound is left out, which allows more steps than there are."""
        if reader.step and reader.depth == 0 and not reader.sealed and within != TRUE:
            reader.guards.append(within)

    # --- containers of what is known ---

    def iterated(self, shape: Shape, node: Node) -> Members:
        """What a container is run through as: a set of its elements."""
        match shape:
            case Members():
                return shape
            case Listing(item, length, at):

                def over(universal: bool) -> Callable[[Callable[[Shape], Term]], Term]:
                    def quantify(f: Callable[[Shape], Term]) -> Term:
                        if isinstance(length, Number) and length.value <= 8:
                            each = [f(at(Number(i))) for i in range(length.value)]
                            return conj(*each) if universal else disj(*each)
                        i = fresh("i", INT)
                        inside = conj(at_most(Number(0), i), less(i, length))
                        if universal:
                            return every([i], implies(inside, f(at(i))))
                        return some([i], conj(inside, f(at(i))))

                    return quantify

                all_, some_ = over(True), over(False)
                return Members(item, lambda x: some_(lambda y: self.same(x, y)), all_, some_)
            case sh.Function(t, _):
                return self.shapes.members(t.key, lambda _v, _c: TRUE)
        raise sh.refuse(node.span, "running through this", "run through a set or a sort")

    def listed(self, item: Type, items: Sequence[Shape]) -> Members:
        """The set of these."""
        return Members(
            item,
            lambda x: disj(*(self.same(x, y) for y in items)),
            lambda f: conj(*map(f, items)),
            lambda f: disj(*map(f, items)),
        )

    def sequence(self, item: Type, items: Sequence[Shape]) -> Listing:
        """The sequence of these."""

        def at(index: Term) -> Shape:
            found = items[-1] if items else self.theory.unknown(item)
            for position, value in reversed(list(enumerate(items[:-1]))):
                found = either(equal(index, Number(position)), value, found)
            return found

        return Listing(item, Number(len(items)), at)

    def mapping(self, t: MapType, pairs: Sequence[tuple[Shape, Shape]]) -> sh.Function:
        """The map of these, every key among them."""

        def at(key: Shape) -> Shape:
            found = pairs[0][1]
            for k, v in pairs[1:]:
                found = either(self.same(key, k), v, found)
            return found

        return sh.Function(t, at)


def position(listing: Listing, key: Shape) -> Term:
    """The index that a key means: negative constants count from the end."""
    assert isinstance(key, Atom)
    term = key.term
    if isinstance(term, Number) and term.value < 0:
        return minus(listing.length, Number(-term.value))
    return term


def union(left: Members, right: Members) -> Members:
    """What is in either."""
    return Members(
        left.item,
        lambda x: disj(left.has(x), right.has(x)),
        lambda f: conj(left.every(f), right.every(f)),
        lambda f: disj(left.some(f), right.some(f)),
        loose=left.loose or right.loose,
    )


def where(members: Members, test: Callable[[Shape], Term]) -> Members:
    """What is in it and passes a test."""
    return Members(
        members.item,
        lambda x: conj(members.has(x), test(x)),
        lambda f: members.every(lambda x: implies(test(x), f(x))),
        lambda f: members.some(lambda x: conj(test(x), f(x))),
        loose=members.loose,
    )


def bound_of(text: str, parameters: Mapping[str, Shape]) -> Term | None:
    """A bound that is written as text, over int parameters; None if it depends on sizes."""

    def read(node: ast.expr) -> Term | None:
        match node:
            case ast.Constant(int(value)):
                return Number(value)
            case ast.Name(name) if isinstance(found := parameters.get(name), Atom):
                return found.term
            case ast.BinOp(left, (ast.Add() | ast.Sub()) as op, right):
                a, b = read(left), read(right)
                if a is None or b is None:
                    return None
                return plus(a, b) if isinstance(op, ast.Add) else minus(a, b)
        return None

    return read(ast.parse(text.strip(), mode="eval").body)


def _instead(node: Expr) -> str:
    names = {
        ir.Count: "how many copies there are is not kept: ask `in`",
        ir.IndexOf: "quantify over positions",
        ir.Zip: "quantify over positions",
    }
    return names.get(type(node), "say it with all(...), any(...) or a comprehension")


_METHODS: dict[type[Expr], str] = {
    kind: "_" + "".join(f"_{c.lower()}" if c.isupper() else c for c in kind.__name__).lstrip("_")
    for kind in (
        ir.Literal,
        ir.Local,
        ir.Variable,
        ir.Parameter,
        ir.Universe,
        ir.Subsets,
        ir.Endpoint,
        ir.Not,
        ir.And,
        ir.Or,
        ir.Compare,
        ir.In,
        ir.IsNone,
        ir.IsRecord,
        ir.IfElse,
        ir.Arithmetic,
        ir.Negative,
        ir.Absolute,
        ir.Shift,
        ir.IsLast,
        ir.Number,
        ir.Numbered,
        ir.Narrow,
        ir.Widen,
        ir.Fit,
        ir.MakeRecord,
        ir.MakeTuple,
        ir.MakeSet,
        ir.MakeSeq,
        ir.MakeMap,
        ir.Field,
        ir.Item,
        ir.At,
        ir.Slice,
        ir.Length,
        ir.SetOp,
        ir.Disjoint,
        ir.Concat,
        ir.Insert,
        ir.Remove,
        ir.Pop,
        ir.With,
        ir.Convert,
        ir.IntRange,
        ir.Collect,
        ir.Call,
    )
}
"""The method that says what a kind of node means."""
