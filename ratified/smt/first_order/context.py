"""Where an expression is read: what its names stand for, in which state, and who hears what its operations demand.

An operation that has no answer everywhere (an index, the next ballot) has a **demand**: the condition under which CPython has an
answer. It is told to the context that the operation stands in, which passes it on under the conditions that CPython evaluates the
operation under: that the operands before it did not decide, that this branch is taken, for each element that is come to.

Guarantees: a context is never changed; what a name stands for is settled where the expression is read, not where it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from ratified.language import ir
from ratified.language.errors import Span
from ratified.language.ir import Expr, Function, Node
from ratified.language.types import IntType, MapType, Type, parts
from ratified.language.uses import Uses
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.defining import lightened
from ratified.smt.first_order.equality import Equality, as_number
from ratified.smt.first_order.shapes import Atom, Inexpressible, Maybe, Members, ProductShape, Shape, either
from ratified.smt.first_order.symbols import ShapeMaker, known_of
from ratified.smt.first_order.theory import Theory
from ratified.smt.terms import (
    FALSE,
    TRUE,
    And,
    Arithmetic,
    Number,
    Term,
    at_most,
    conj,
    disj,
    implies,
    neg,
)

ShapeEnv = Mapping[str, Shape]


class Failing(Enum):
    """What CPython does where a demand is not met."""

    ERROR = "error"  # the model is in error
    LEFT = "left"  # a step leaves the range of an int, and is not taken
    LAST = "last"  # a step passes the last value of an ordered sort, and is not taken at this size


@dataclass(frozen=True, slots=True)
class Demand:
    """The condition under which an operation has an answer, and what happens elsewhere."""

    failing: Failing
    holds: Term
    what: str
    span: Span | None


Hear = Callable[[Demand], None]


def unheard(_: Demand) -> None:
    """Hear nothing: the demands of this expression have been told before, or it is only asked for its value."""


def conjuncts(*terms: Term) -> frozenset[Term]:
    """What these say, one by one."""
    whole = conj(*terms)
    return frozenset(whole.operands if isinstance(whole, And) else (whole,))


def follows_from(known: Collection[Term], wanted: Term) -> bool:
    """Whether a condition is among those that are known, or is that an int is at most another by way of others."""
    if wanted in known:
        return True
    link = _at_most(wanted)
    if link is None or (
        isinstance(wanted, Arithmetic) and wanted.op == "<" and link[1] == wanted.operands[1]
    ):
        return False  # that it is less is not to be had from that it is at most so much
    least, greatest = link
    links = [found for term in known if (found := _at_most(term)) is not None]
    reached, waiting = {least}, [least]
    while waiting:
        here = waiting.pop()
        if here == greatest or (
            _is_number(here) and _is_number(greatest) and at_most(here, greatest) == TRUE
        ):
            return True
        for low, high in links:
            if high not in reached and (low == here or at_most(here, low) == TRUE):
                reached.add(high)
                waiting.append(high)
    return False


def _is_number(term: Term) -> bool:
    return isinstance(term, Number)


def _at_most(term: Term) -> tuple[Term, Term] | None:
    """The two ints of which a comparison says that one is at most the other."""
    match term:
        case Arithmetic("<=", (a, b)):
            return a, b
        case Arithmetic("<", (a, Arithmetic("+", (b, Number(1))))):
            return a, b
        case Arithmetic("<", (a, b)):
            return a, b
    return None


class Logic:
    """What all expressions of a module share: its functions, the theory, equality, and who knows the rules."""

    def __init__(
        self,
        module: ir.Module,
        theory: Theory,
        rules: Callable[[Node, LogicContext], Shape],
        bodies: Callable[[Sequence[Node], LogicContext], Shape],
    ) -> None:
        self.module = module
        self.theory = theory
        self.uses = Uses(module)
        self.shapes: ShapeMaker = theory.shapes
        self.same = Equality(theory.shapes)
        self.rules = rules
        self.bodies = bodies
        self.excused: dict[int, Expr] = {}
        """What was refused before, and stands for some value while the rest is looked at."""
        self._partial: dict[int, tuple[object, bool]] = {}

    def partial(self, node: Node | ir.Clause) -> bool:
        """Whether there may be a demand anywhere in a tree, or in a function that it calls."""
        if id(node) not in self._partial:
            self._partial[id(node)] = node, False  # recursion is refused by the compiler
            found = _demanding(node) or any(self.partial(child) for child in ir.children(node))
            if isinstance(node, ir.Call) and not found:
                found = any(self.partial(s) for s in self.module.functions[node.function].body)
            self._partial[id(node)] = node, found
        return self._partial[id(node)][1]


@dataclass(frozen=True, slots=True)
class LogicContext:
    """The names and variables that an expression is read with. `unset` are variables that `init` has not given a value yet."""

    logic: Logic
    env: ShapeEnv
    now: Mapping[str, Shape]
    old: Mapping[str, Shape]
    hear: Hear = unheard
    unset: frozenset[str] = frozenset()
    known: frozenset[Term] = frozenset()
    """What is true here: what is demanded in these very words is not told."""

    @property
    def theory(self) -> Theory:
        """The symbols and axioms."""
        return self.logic.theory

    @property
    def shapes(self) -> ShapeMaker:
        """What makes shapes."""
        return self.logic.shapes

    @property
    def deaf(self) -> bool:
        """Whether nobody hears of demands."""
        return self.hear is unheard

    # --- other contexts ---

    def bound(self, names: Sequence[str], value: Shape) -> LogicContext:
        """With names for a value, or for the items of a tuple."""
        if len(names) == 1:
            return replace(self, env={**self.env, names[0]: value})
        if isinstance(value, Maybe):
            value = value.value
        assert isinstance(value, ProductShape)
        return replace(self, env={**self.env, **dict(zip(names, value.fields, strict=True))})

    def under(self, test: Term) -> LogicContext:
        """Where a condition is true: what is demanded there is demanded only if it is."""
        if test == TRUE or self.hear is unheard:
            return self
        outer = self.hear
        wrapped: Hear = lambda d: outer(replace(d, holds=implies(test, d.holds)))  # noqa: E731
        return replace(self.knowing(test), hear=wrapped)

    def knowing(self, *terms: Term) -> LogicContext:
        """Where these are known to be true."""
        return replace(self, known=self.known | conjuncts(*terms))

    def silent(self) -> LogicContext:
        """Where nobody hears of demands."""
        return self if self.hear is unheard else replace(self, hear=unheard)

    def hearing(self, hear: Hear) -> LogicContext:
        """Where somebody else does."""
        return replace(self, hear=hear)

    # --- reading ---

    def expr(self, node: Expr) -> Shape:
        """An expression as a shape. Raises Inexpressible, with its place."""
        if id(node) in self.logic.excused:
            return self.theory.unknown(node.type)
        try:
            return lightened(self.logic.rules(node, self), self.theory)
        except Inexpressible as problem:
            if problem.span is None:
                problem.span = node.span
            problem.node = problem.node or node
            raise

    def formula(self, node: Expr) -> Term:
        """A condition as a formula."""
        found = self.expr(node)
        if isinstance(found, Maybe):
            found = found.value
        assert isinstance(found, Atom), node
        return found.term

    def number(self, node: Expr) -> Term:
        """An int (or a bool as one) as a term."""
        return as_number(self.term(node))

    def term(self, node: Expr) -> Term:
        """An int or a sort's value as a term."""
        found = self.expr(node)
        if isinstance(found, Maybe):
            found = found.value
        assert isinstance(found, Atom), node
        return found.term

    def demand(self, failing: Failing, holds: Term, what: str, span: Span | None) -> None:
        """Tell a demand."""
        if self.hear is unheard:
            return
        parts = holds.operands if isinstance(holds, And) else (holds,)
        new = conj(*(part for part in parts if not follows_from(self.known, part)))
        if new != TRUE:
            self.hear(Demand(failing, new, what, span))

    def each(self, domain: Members, within: Callable[[LogicContext, Shape], None]) -> None:
        """Demand what is demanded for each member of a domain. `within` reads what is read of one."""
        if self.hear is unheard:
            return
        kinds: dict[Failing, Demand] = {}

        def about(wanted: Failing | None, part: Members) -> Callable[[Shape], Term]:
            def one(x: Shape) -> Term:
                heard: list[Demand] = []
                inner = self.hearing(heard.append)
                if part.typed:
                    inner = inner.knowing(known_of(self.shapes, domain.item, x))
                elif isinstance(domain.item, IntType):
                    inner = inner.knowing(part.has(x))
                within(inner, x)
                for demand in heard:
                    kinds.setdefault(demand.failing, demand)
                return conj(*(d.holds for d in heard if wanted in (None, d.failing)))

            return one

        def every(wanted: Failing | None) -> Term:
            return conj(*(part.every(about(wanted, part)) for part in domain.parts or (domain,)))

        whole = every(None)
        for failing, first in list(kinds.items()):
            holds = whole if len(kinds) == 1 else every(failing)
            self.hear(replace(first, holds=holds))

    def call(self, function: Function, arguments: Sequence[Shape]) -> Shape:
        """The value of a pure function, read in this state."""
        env = {a.name: v for a, v in zip(function.arguments, arguments, strict=True)}
        return replace(self, env=env)._value(function.body)

    def _value(self, body: Sequence[Node]) -> Shape:
        here = self
        for i, statement in enumerate(body):
            match statement:
                case ir.Let(_, names, value):
                    here = here.bound(names, here.expr(value))
                case ir.Return(_, value) if value is not None:
                    return here.expr(value)
                case ir.Assert(span, test):
                    here.demand(Failing.ERROR, here.formula(test), "an assertion that is false", span)
                case ir.If(_, test, then, orelse):
                    holds, rest = here.formula(test), body[i + 1 :]
                    if holds == TRUE:
                        return here._value((*then, *rest))
                    if holds == FALSE:
                        return here._value((*orelse, *rest))
                    first = here.under(holds)._value((*then, *rest))
                    return either(holds, first, here.under(neg(holds))._value((*orelse, *rest)))
                case ir.For():
                    return here.logic.bodies(body[i:], here)
                case _:
                    raise sh.refuse(statement.span, "this statement", "use it in an action only")
        raise AssertionError(body)

    # --- containers ---

    def listed(self, item: Type, items: Sequence[Shape]) -> Members:
        """The set of these."""
        same = self.logic.same
        return Members(
            item,
            lambda x: disj(*(same(x, y) for y in items)),
            lambda f: conj(*map(f, items)),
            lambda f: disj(*map(f, items)),
        )


_PARTIAL = (
    ir.Shift,
    ir.Numbered,
    ir.Fit,
    ir.IndexOf,
    ir.Pop,
    ir.With,
    ir.Assert,
    ir.Literal,  # a value by its number
)


def _demanding(node: Node | ir.Clause) -> bool:
    match node:
        case ir.Literal(value=value):
            return not isinstance(value, bool | Enum | None) and type(value) is not int
        case ir.At(container=container):
            t, root = container.type, container
            while isinstance(root, ir.At):
                root = root.container
            if not (isinstance(t, MapType) and isinstance(root, ir.Variable | ir.Parameter)):
                return True
            return any(isinstance(p, IntType) for p in parts(t.key))
        case ir.MakeRecord(type=t):
            return any(isinstance(p, IntType) for p in parts(t))
        case ir.Remove(strict=strict):
            return strict
        case ir.Arithmetic(op=op):
            return op in ("//", "%")
        case ir.Collect(kind=kind, default=default):
            return kind in ("min", "max") and default is None
        case ir.Variable():
            return False
    return isinstance(node, _PARTIAL)
