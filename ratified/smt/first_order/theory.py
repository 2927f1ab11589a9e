"""What is known in every structure: orders, quorum systems, parameters, numbered values, and how large sorts are.

Guarantees: every axiom is true in the structure that any size is (sorts with at least one value each), so that what follows from
them holds at all sizes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from ratified.language import ir
from ratified.language.sorts import Ordered
from ratified.language.types import MapType, SeqType, SetType, SortType, Type
from ratified.smt.facts import Fact, Role
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.equality import Equality
from ratified.smt.first_order.names import (
    majority_name,
    members_name,
    parameter_name,
    size_name,
    sort_name,
    unknown_name,
)
from ratified.smt.first_order.shapes import Atom, Members, Shape, Signature
from ratified.smt.first_order.sizes import Sized, laws
from ratified.smt.first_order.symbols import ShapeMaker, constant_shape, with_origin
from ratified.smt.law import Law
from ratified.smt.terms import (
    BOOL,
    INT,
    TRUE,
    Apply,
    Arithmetic,
    Bound,
    Number,
    Term,
    The,
    at_most,
    choice,
    conj,
    disj,
    equal,
    every,
    fresh,
    implies,
    minus,
    neg,
    plus,
    some,
)

OrderTerm = Callable[[Term, Term], Term]
"""`order(a, b)`: a is at most b."""

COUNTED = 4
"""Up to how many elements of a set or sort are counted."""

RARE = 3
"""From how many on few proofs need that."""


@dataclass(frozen=True, slots=True)
class Axiom:
    """A formula that is true in every structure.

    It matters only where the symbol, or sort, that it is `about` is mentioned, and the one `beside` it, if there is one. What is
    `rare` is needed by few proofs and costs solvers much.
    """

    says: str
    about: str
    formula: Term
    of_sort: bool = False
    beside: str | None = None
    role: Role = Role.GIVEN
    rare: bool = False

    @property
    def fact(self) -> Fact:
        """What it is among the facts of an obligation."""
        return Fact(self.says, self.formula, self.role, self.about, self.rare)


@dataclass(frozen=True, slots=True)
class Sum:
    """What a term adds up to over all values of a variable."""

    over: Bound
    term: Term
    total: Term


class Theory:
    """The symbols and axioms that a model's formulas need, noted as they come up."""

    def __init__(self, module: ir.Module) -> None:
        self.module = module
        self.signature = Signature()
        self.parameters: dict[str, Shape] = {}
        self.shapes = ShapeMaker(self.signature, self._bound, self._no_larger)
        self.axioms: list[Axiom] = []
        self.sums: list[Sum] = []
        self.changes: dict[Term, Term] = {}
        self.chosen: dict[str, str] = {}
        """The names of what is chosen (`defining.py`), by what it says."""
        self.laws: dict[str, list[Law]] = {}
        """By symbol: what is worked out place after place (`recursion.py`)."""
        self.loops: dict[str, str] = {}
        self.trials = 0
        self._orders: dict[str, OrderTerm] = {}
        self._majorities: dict[str, Members] = {}
        self._numbered: dict[str, dict[int, Term]] = {}
        self._counted: set[str] = set()
        self._settled: set[str] = set()
        self._unknown = 0
        for declaration in module.parameters:
            self._named(declaration.name)

    # --- sorts ---

    def order(self, t: SortType) -> OrderTerm:
        """The total order of a sort: of one that is not `Ordered`, the order of its values' numbers."""
        name = sort_name(t)
        if name not in self._orders:
            symbol = self.signature.symbol(f"{name}/le", (name, name), BOOL)
            le: OrderTerm = lambda a, b: TRUE if a == b else Apply(symbol, (a, b))  # noqa: E731
            x, y, z = (fresh(n, name) for n in "xyz")
            laws = (
                ("antisymmetric", every([x, y], implies(conj(le(x, y), le(y, x)), equal(x, y)))),
                ("transitive", every([x, y, z], implies(conj(le(x, y), le(y, z)), le(x, z)))),
                ("total", every([x, y], disj(le(x, y), le(y, x)))),
                ("reflexive", every([x], Apply(symbol, (x, x)))),
            )
            self.axioms += [Axiom(f"the order of {t} is {law}", symbol.name, f) for law, f in laws]
            self._orders[name] = le
            for index in self._numbered.get(name, {}):
                self._placed(t, index)
        return self._orders[name]

    def _placed(self, t: SortType, index: int) -> None:
        """Where a numbered value of a sort that is not ordered stands among others, in the order of numbers."""
        name = sort_name(t)
        le, known, x = self._orders[name], self._numbered[name], fresh("x", name)
        facts = [every([x], le(known[0], x))] if index == 0 else []
        for number, other in known.items():
            if number != index:
                low, high = (other, known[index]) if number < index else (known[index], other)
                facts.append(implies(self.at_least(t, max(number, index) + 1), le(low, high)))
        says = f"{t.sort.__name__}({index}) has its place in the order of numbers"
        self.axioms.append(Axiom(says, f"{name}/le", conj(*facts)))

    def endpoint(self, t: SortType, *, last: bool) -> Term:
        """The first value of an ordered sort, or the last."""
        which = "last" if last else "first"
        name = f"{sort_name(t)}/{which}"
        if name not in self.signature.symbols:
            le, x = self.order(t), fresh("x", sort_name(t))
            found = self.signature.apply(name, (), sort_name(t))
            fact = every([x], le(x, found) if last else le(found, x))
            self.axioms.append(Axiom(f"{name} is the {which}", name, fact))
        return self.signature.apply(name, (), sort_name(t))

    def beyond(self, t: SortType, x: Term, *, up: bool) -> Term:
        """Whether there is a value after another (or before it)."""
        order, other = self.order(t), fresh("x", sort_name(t))
        return some([other], neg(order(other, x)) if up else neg(order(x, other)))

    def neighbour(self, t: SortType, x: Term, *, up: bool) -> Term:
        """The value just after another (or just before it), where there is one."""
        order, sort = self.order(t), sort_name(t)
        y, z = fresh("next" if up else "previous", sort), fresh("z", sort)
        low, high = (x, y) if up else (y, x)
        between = conj(neg(order(z, low)), neg(order(high, z)))
        says = conj(neg(order(high, low)), every([z], neg(between)))
        return The(y, self.beyond(t, x, up=up), says)

    def numbered(self, t: SortType, index: int) -> tuple[Term, Term]:
        """A value by its number, and that there is such a value."""
        if issubclass(t.sort, Ordered):
            found, there = self.endpoint(t, last=False), TRUE
            for _ in range(index):
                there = conj(there, self.beyond(t, found, up=True))
                found = self.neighbour(t, found, up=True)
            return found, there
        name, known = sort_name(t), self._numbered.setdefault(sort_name(t), {})
        if index not in known:
            made = known[index] = self.signature.apply(f"{name}/{index}", (), name)
            for number, other in known.items():
                if number != index:
                    enough = self.at_least(t, max(number, index) + 1)
                    says = f"{t.sort.__name__}({index}) and ({number}) are two, if there are so many"
                    fact = implies(enough, neg(equal(made, other)))
                    self.axioms.append(Axiom(says, f"{name}/{index}", fact))
            if name in self._orders:
                self._placed(t, index)
        return known[index], self.at_least(t, index + 1)

    def at_least(self, t: SortType, number: int) -> Term:
        """That a sort has so many values."""
        if number <= 1:
            return TRUE
        names = [fresh("x", sort_name(t)) for _ in range(number)]
        return some(names, conj(*(neg(equal(a, b)) for i, a in enumerate(names) for b in names[:i])))

    def size(self, t: SortType) -> Term:
        """How many values a sort has, as an int."""
        name = size_name(sort_name(t))
        self.counts(t)
        if name not in self.signature.symbols:
            size = self.signature.apply(name, (), INT)
            for n in range(1, COUNTED + 1):
                enough = equal(at_most(Number(n), size), self.at_least(t, n))
                self.axioms.append(Axiom(f"{t} has {n} values or more", name, enough, rare=n >= RARE))
        return self.signature.apply(name, (), INT)

    def cardinality(self, t: SetType, members: Members) -> Term:
        """How many elements a set has, as an int: a function of its content, of which is known what small numbers say."""
        sort = self.shapes.signature.reify(t)
        name, s = size_name(sort), fresh("s", sort)
        if name not in self.signature.symbols:
            size, content = self.signature.apply(name, [(s, sort)], INT), self.shapes.of_reified(t, s)
            assert isinstance(content, Members)
            fact = every([s], at_most(Number(0), size))
            self.axioms.append(Axiom(f"no {t} has less than 0 elements", name, fact))
            for n in range(1, COUNTED + 1):
                enough = equal(at_most(Number(n), size), self.with_distinct(content, n))
                says, many = f"{t} of {n} elements or more", every([s], enough)
                self.axioms.append(Axiom(says, name, many, rare=n >= RARE))
            if isinstance(t.item, SortType):
                whole = self.size(t.item)
                full = equal(equal(size, whole), self.universal(content, t.item))
                fact = every([s], conj(at_most(size, whole), full))
                self.axioms.append(Axiom(f"only the whole of {t.item} has as many elements", name, fact))
            self.axioms += [
                Axiom(law.says, name, law.formula, role=Role.SIZES, rare=law.rare)
                for law in laws(self._sets(t, name))
            ]
        return self.signature.apply(name, [(self.shapes.term_of(t, members), sort)], INT)

    def _sets(self, t: SetType, name: str) -> Sized:
        """The sets of a type, as those who know their sizes ask for them."""
        sort = self.shapes.signature.reify(t)

        def content(s: Term) -> Members:
            found = self.shapes.of_reified(t, s)
            assert isinstance(found, Members)
            return found

        def size(s: Term) -> Term:
            return self.signature.apply(name, [(s, sort)], INT)

        whole = None
        if isinstance(t.item, SortType):
            whole = self.shapes.universe(t.item), self.size(t.item)
        return Sized(sort, content, size, whole, Equality(self.shapes))

    def universal(self, members: Members, t: SortType) -> Term:
        """That a set has all values of a sort."""
        return self.shapes.universe(t).every(members.has)

    def with_distinct(self, members: Members, n: int) -> Term:
        """That a set has so many elements."""
        same = Equality(self.shapes)
        if isinstance(members.item, SortType):
            self.counts(members.item)

        def more(found: list[Shape]) -> Term:
            if len(found) == n:
                return TRUE
            return members.some(lambda x: conj(*(neg(same(x, y)) for y in found), more([*found, x])))

        return more([])

    def settle(self) -> None:
        """Add that no two containers have the same content: sets and sequences, and maps where two have been compared."""
        known = self.signature
        while unknown := [s for s in known.reified if s not in self._settled and self._told_apart(s)]:
            for sort in unknown:
                self._settled.add(sort)
                t = known.reified[sort]
                assert isinstance(t, MapType | SetType | SeqType)
                c, d = fresh("c", sort), fresh("d", sort)
                alike = Equality(self.shapes).content(
                    self.shapes.of_reified(t, c), self.shapes.of_reified(t, d)
                )
                fact = every([c, d], implies(alike, equal(c, d)))
                self.axioms.append(
                    Axiom(f"no two values of {sort} have the same content", sort, fact, of_sort=True)
                )

    def _told_apart(self, sort: str) -> bool:
        return not isinstance(self.signature.reified[sort], MapType) or sort in self.signature.compared

    def _no_larger(self, members: Members, most: int | str) -> Term:
        """That a set has so many elements at most."""
        if isinstance(most, int) and most < COUNTED:
            return neg(self.with_distinct(members, most + 1))
        return at_most(self.cardinality(SetType(members.item), members), self._bound(most))

    def unknown(self, t: Type) -> Shape:
        """Some value of a type, of which nothing is known: what stands where no answer is asked for."""
        self._unknown += 1
        return constant_shape(self.shapes, unknown_name(self._unknown), t)[0]

    # --- quorums ---

    def majorities(self, t: SortType) -> Members:
        """The smallest majorities of a sort: any two have a member in common. How large they are is known if sets are counted."""
        name = sort_name(t)
        if name not in self._majorities:
            system = self._quorums(majority_name(name), SetType(t), TRUE)
            says, about = f"any two majorities of {t} meet", members_name(majority_name(name))
            self.axioms.append(Axiom(says, about, meet(system)))
            self._majorities[name] = system
            if name in self._counted:
                self._sized(t)
        return self._majorities[name]

    def counts(self, t: SortType) -> None:
        """Note that it is said how many elements sets of a sort have, be it that there is one at most."""
        name = sort_name(t)
        if name not in self._counted:
            self._counted.add(name)
            if name in self._majorities:
                self._sized(t)

    def _sized(self, t: SortType) -> None:
        """How many members smallest majorities have: k + 1 or more where there are 2 k or more; and all of them have as many."""
        system, about = self._majorities[sort_name(t)], members_name(majority_name(sort_name(t)))

        def large(k: int) -> Callable[[Shape], Term]:
            def one(q: Shape) -> Term:
                assert isinstance(q, Members)
                return equal(self.at_least(t, 2 * k), self.with_distinct(q, k + 1))

            return one

        def inside(p: Shape, q: Shape) -> Term:
            assert isinstance(p, Members)
            assert isinstance(q, Members)
            return p.every(q.has)

        for k in range(1, COUNTED // 2 + 1):
            says = f"majorities of {t} have {k + 1} members or more, if there are {2 * k}"
            self.axioms.append(Axiom(says, about, system.every(large(k))))
        alike = system.every(lambda p: system.every(lambda q: implies(inside(p, q), inside(q, p))))
        self.axioms.append(Axiom(f"no majority of {t} is a part of another", about, alike))

    def _quorums(self, sort: str, item: SetType, there: Term) -> Members:
        """A sort of sets, each value of which is a member of the system, if it has any."""

        def member(term: Term) -> Members:
            made = self.shapes.from_symbols(members_name(sort), item, [(term, sort)])
            assert isinstance(made, Members)
            found = with_origin(made, term)
            assert isinstance(found, Members)
            return found

        def has(x: Shape) -> Term:
            q = fresh("q", sort)
            same = Equality(self.shapes)
            return conj(there, some([q], same(x, member(q))))

        def all_(f: Callable[[Shape], Term]) -> Term:
            q = fresh("q", sort)
            return implies(there, every([q], f(member(q))))

        def some_(f: Callable[[Shape], Term]) -> Term:
            q = fresh("q", sort)
            return conj(there, some([q], f(member(q))))

        return Members(item, has, all_, some_)

    def _parameter(self, declaration: ir.Declaration) -> Shape:
        name, t = parameter_name(declaration.name), declaration.type
        if isinstance(t, SetType) and isinstance(t.item, SetType):
            return self._quorums(name, t.item, self.signature.apply(f"{name}?", (), BOOL))
        made, known = constant_shape(self.shapes, name, t)
        if known != TRUE:
            says = f"the parameter {declaration.name} is within its bounds"
            self.axioms.append(Axiom(says, name, known))
        return made

    # --- bounds that are text ---

    def _bound(self, bound: int | str) -> Term:
        if isinstance(bound, int):
            return Number(bound)
        return self._read(ast.parse(bound.strip(), mode="eval").body, bound)

    def _named(self, name: str) -> Shape | None:
        for declaration in self.module.parameters:
            if declaration.name == name and name not in self.parameters:
                self.parameters[name] = self._parameter(declaration)
        return self.parameters.get(name)

    def _read(self, node: ast.expr, bound: str) -> Term:
        match node:
            case ast.Constant(int(value)):
                return Number(value)
            case ast.Name(name) if isinstance(found := self._named(name), Atom):
                return found.term
            case ast.Call(ast.Name("len"), [ast.Name(name)]):
                for t in self.module.sorts:
                    if t.sort.__name__ == name:
                        return self.size(t)
            case ast.Call(ast.Name("min" | "max" as name), [first, *more]):
                best = self._read(first, bound)
                for each in more:
                    other = self._read(each, bound)
                    pair = (best, other) if name == "min" else (other, best)
                    best = choice(at_most(*pair), best, other)
                return best
            case ast.UnaryOp(ast.USub(), operand):
                return minus(Number(0), self._read(operand, bound))
            case ast.BinOp(left, operator, right):
                a, b = self._read(left, bound), self._read(right, bound)
                match operator:
                    case ast.Add():
                        return plus(a, b)
                    case ast.Sub():
                        return minus(a, b)
                    case ast.Mult():
                        return Arithmetic("*", (a, b))
                    case ast.FloorDiv() if isinstance(b, Number) and b.value > 0:
                        return Arithmetic("div", (a, b))
        raise sh.refuse(None, f"the bound {bound!r}", "write it with parameters, len(Sort), + - and *")


def meet(system: Members) -> Term:
    """Any two of the sets have an element in common."""

    def two(p: Shape) -> Term:
        assert isinstance(p, Members)

        def common(q: Shape) -> Term:
            assert isinstance(q, Members)
            return p.some(q.has)

        return system.every(common)

    return system.every(two)
