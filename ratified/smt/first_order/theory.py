"""What is known in every structure: orders, quorum systems, parameters, and the bounds of the state's types.

Guarantees: every axiom is true in the structure that any size is (sorts with at least one value each; quorum systems with at
least one quorum), so that what follows from them holds at all sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ratified.language import ir
from ratified.language.api import Deferred
from ratified.language.errors import Span
from ratified.language.sorts import Ordered, Sort
from ratified.language.types import SetType, SortType, Type
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order import variants as vs
from ratified.smt.first_order.shapes import Members, Shape, Signature, sort_name
from ratified.smt.first_order.variants import Shapes, constant_shape
from ratified.smt.terms import (
    BOOL,
    TRUE,
    Apply,
    Number,
    Term,
    conj,
    disj,
    equal,
    every,
    fresh,
    implies,
    neg,
    some,
    sort_of,
)

Order = Callable[[Term, Term], Term]
"""`order(a, b)`: a is at most b."""


@dataclass(frozen=True, slots=True)
class Axiom:
    """A formula that is true in every structure. It matters only where the symbol that it is `about` is mentioned."""

    says: str
    about: str
    formula: Term


class Theory:
    """The symbols and axioms that a model's formulas need, noted as they come up."""

    def __init__(self, module: ir.Module) -> None:
        self.module = module
        self.signature = Signature()
        self.parameters: dict[str, Shape] = {}
        self.shapes = Shapes(self.signature, self._bound)
        self.axioms: list[Axiom] = []
        self._orders: dict[str, Order] = {}
        self._majorities: dict[str, Members] = {}
        self._numbered: dict[str, dict[int, Term]] = {}
        for declaration in module.parameters:
            self.parameters[declaration.name] = self._parameter(declaration)

    # --- sorts ---

    def order(self, t: SortType) -> Order:
        """The total order of a sort."""
        name = sort_name(t)
        if name not in self._orders:
            symbol = self.signature.symbol(f"{name}.le", (name, name), BOOL)
            le: Order = lambda a, b: TRUE if a == b else Apply(symbol, (a, b))  # noqa: E731
            x, y, z = (fresh(n, name) for n in "xyz")
            laws = (
                ("antisymmetric", every([x, y], implies(conj(le(x, y), le(y, x)), equal(x, y)))),
                ("transitive", every([x, y, z], implies(conj(le(x, y), le(y, z)), le(x, z)))),
                ("total", every([x, y], disj(le(x, y), le(y, x)))),
                ("reflexive", every([x], Apply(symbol, (x, x)))),
            )
            self.axioms += [Axiom(f"the order of {name} is {law}", symbol.name, f) for law, f in laws]
            self._orders[name] = le
        return self._orders[name]

    def endpoint(self, t: SortType, *, last: bool) -> Term:
        """The first value of an ordered sort, or the last."""
        name = f"{sort_name(t)}.{'last' if last else 'first'}"
        if name not in self.signature.symbols:
            le, x = self.order(t), fresh("x", sort_name(t))
            found = self.signature.apply(name, (), sort_name(t))
            fact = every([x], le(x, found) if last else le(found, x))
            self.axioms.append(Axiom(f"{name} is the {'last' if last else 'first'}", name, fact))
        return self.signature.apply(name, (), sort_name(t))

    def numbered(self, sort: type[Sort], index: int, span: Span | None) -> Term:
        """A value by its number."""
        t = SortType(sort)
        if issubclass(sort, Ordered):
            if index == 0:
                return self.endpoint(t, last=False)
            raise sh.refuse(span, f"{sort.__name__}({index})", f"write first({sort.__name__}) + {index}")
        known = self._numbered.setdefault(sort_name(t), {})
        if index not in known:
            name = f"{sort_name(t)}.{index}"
            found = known[index] = self.signature.apply(name, (), sort_name(t))
            for number, other in known.items():
                if number != index:
                    says = f"{name} and {sort_name(t)}.{number} are two"
                    self.axioms.append(Axiom(says, name, neg(equal(found, other))))
        return known[index]

    def unknown(self, t: Type) -> Shape:
        """Some value of a type, of which nothing is known: what an operation without an answer stands for."""
        return constant_shape(self.shapes, fresh("unknown", BOOL).name, t)[0]

    # --- quorums ---

    def majorities(self, t: SortType) -> Members:
        """The majorities of a sort. Of majorities it is used that any two have a member in common."""
        name = sort_name(t)
        if name not in self._majorities:
            system = self._quorums(f"Majority.{name}", SetType(t))
            self.axioms.append(
                Axiom(f"any two majorities of {name} meet", f"Majority.{name}.has", meet(system))
            )
            self._majorities[name] = system
        return self._majorities[name]

    def _quorums(self, sort: str, item: SetType) -> Members:
        """A sort of sets, each value of which is a member of the system."""

        def member(term: Term) -> Members:
            made = self.shapes.from_symbols(f"{sort}.has", item, [(term, sort)])
            assert isinstance(made, Members)
            found = vs.with_origin(made, term)
            assert isinstance(found, Members)
            return found

        def has(x: Shape) -> Term:
            assert isinstance(x, Members)
            if x.origin is not None and sort == sort_of(x.origin):
                return TRUE
            q = fresh("q", sort)
            return some([q], vs.Equality(self.shapes)(x, member(q)))

        def all_(f: Callable[[Shape], Term]) -> Term:
            q = fresh("q", sort)
            return every([q], f(member(q)))

        def some_(f: Callable[[Shape], Term]) -> Term:
            q = fresh("q", sort)
            return some([q], f(member(q)))

        return Members(item, has, all_, some_)

    def _parameter(self, declaration: ir.Declaration) -> Shape:
        name, t = declaration.name, declaration.type
        if not (isinstance(t, SetType) and isinstance(t.item, SetType)):
            made, known = constant_shape(self.shapes, name, t)
            if known != TRUE:
                self.axioms.append(Axiom(f"the parameter {name} is within its bounds", name, known))
            return made
        system = self._quorums(name, t.item)
        default = declaration.default.value if declaration.default else None
        if isinstance(default, Deferred) and default.majorities:
            about = f"{name}.has"
            self.axioms.append(Axiom(f"any two of {name} meet, as majorities do", about, meet(system)))
        return system

    def _bound(self, bound: int | str | None) -> Term | None:
        from ratified.smt.first_order.reading import bound_of

        if bound is None or isinstance(bound, int):
            return None if bound is None else Number(bound)
        return bound_of(bound, self.parameters)


def meet(system: Members) -> Term:
    """Any two of the sets have an element in common."""

    def two(p: Shape) -> Term:
        assert isinstance(p, Members)

        def common(q: Shape) -> Term:
            assert isinstance(q, Members)
            return p.some(q.has)

        return system.every(common)

    return system.every(two)
