"""Values of the language written into the tables of a finite structure, along the shapes of the translation.

This, and `reading.py`, which reads them back, is all that validation knows of the translation's inside: the shapes
(`first_order/shapes.py`), the order, endpoints, numbered values and quorum systems of its theory. No symbol is named here.

Guarantees: a symbol is given one meaning, or `Unlike` is raised: two values that the symbols cannot tell apart are found out
before a formula is asked. What the value does not determine (the value of an optional that is None, a place beyond a
sequence's end) is left to the table, which gives it something.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ratified.language.scope import Scope
from ratified.language.types import (
    BagType,
    IntType,
    MapType,
    SeqType,
    SetType,
    SortType,
    Type,
    cardinality,
    parts,
    resolved,
    values_of,
)
from ratified.language.values import Set
from ratified.smt.first_order import shapes as sh
from ratified.smt.first_order.names import majority_name, members_name, size_name, sort_name
from ratified.smt.first_order.shapes import Listing, Members, Nothing, Shape
from ratified.smt.first_order.theory import Theory
from ratified.smt.terms import (
    BOOL,
    FALSE,
    INT,
    TRUE,
    And,
    Apply,
    Bound,
    Choice,
    Equal,
    Not,
    Number,
    Or,
    Symbol,
    Term,
    free,
    fresh,
    rebuilt,
    walk,
)
from ratified.smt.validation.constants import constant, element, element_index, is_element
from ratified.smt.validation.evaluation import Evaluate, Evaluation, Interpretation, Key, TooMuch, WorkLeft
from ratified.smt.validation.writing import (
    STANDS_FOR_NONE,
    WRITING,
    ShapePlace,
    Unlike,
    representatives,
)

CONTAINERS_MOST = 300
"""Containers that are elements of a sort of their own (in sets, as keys, as arguments): so many at most."""

WINDOW = range(-3, 6)
WINDOW_MOST = 48
"""Integers that quantifiers range over: these, and all within the bounds of the model's types, if these are so few."""

_Entries = dict[Interpretation, dict[Key, int]]
"""What is written into which table."""


class Encoding:
    """One size: the structure that stands for it, in which states can be written. Raises TooMuch."""

    def __init__(
        self, theory: Theory, scope: Scope, junk: Callable[[str, Key], int], effort: WorkLeft
    ) -> None:
        self.theory = theory
        self.scope = scope
        self._junk = junk
        self._sizes: dict[str, int] = {}
        self._containers: dict[str, list[object]] = {}
        self._inside: dict[tuple[int, object], tuple[object, Any]] = {}
        self._entries: dict[tuple[str, object], _Entries] = {}
        self._held: dict[str, _Entries] = {}
        self._log: _Entries = {}
        self.noted: set[str] = set()
        """Constants that the terms asked for mention."""
        self.evaluation = Evaluation(self._sizes, window(theory, scope), self._other, effort)
        for declaration in theory.module.sorts:
            self._sort(SortType(declaration.sort))
        for declaration_ in theory.module.parameters:
            value = scope.parameters[declaration_.name]
            self._parameter(declaration_.type, theory.parameters[declaration_.name], value)
        self._keep(self._log)

    def _other(self, name: str, result: str) -> Interpretation:
        """The table of a symbol that is first met in a formula."""
        if (laws := self.theory.laws.get(name)) is not None:
            return Interpretation(name, self.evaluation.following(laws))
        made = Interpretation(name, lambda key: self._anything(name, result, key))
        if is_element(name):
            made[()] = element_index(name)
        return made

    def _anything(self, name: str, result: str, key: Key) -> int:
        count = 2 if result == BOOL else len(WINDOW) if result == INT else self._sizes.get(result, 1)
        return self._junk(name, key) % max(count, 1) + (WINDOW[0] if result == INT else 0)

    # --- what is the same in every state ------------------------------------------------------------------------------

    def _sort(self, t: SortType) -> None:
        name, size = sort_name(t), self.scope.sizes[t.sort]
        if name in self._sizes:
            raise Unlike(f"two sorts are called {name}")
        self._sizes[name] = size
        symbols = self.theory.signature.symbols
        if size_name(name) in symbols:
            self.give(self.theory.size(t), size)
        if t.ordered or f"{name}/le" in symbols:  # of others, the order in which they are run through
            some, other = fresh("x", name), fresh("x", name)
            order = self.theory.order(t)(some, other)
            assert isinstance(order, Apply)
            for a, b in itertools.product(range(size), repeat=2):
                self.decide(Apply(order.symbol, (element(name, a), element(name, b))), a <= b)
            for last in (False, True):
                if f"{name}/{'last' if last else 'first'}" in symbols:
                    self.give(self.theory.endpoint(t, last=last), size - 1 if last else 0)
        if not t.ordered:
            self._numbered(t, name, size)
        if members_name(majority_name(name)) in symbols:
            values = [
                Set(t.sort(i) for i in chosen)
                for chosen in itertools.combinations(range(size), size // 2 + 1)
            ]
            self._system(self.theory.majorities(t), SetType(t), values)

    def _numbered(self, t: SortType, name: str, size: int) -> None:
        for index in range(64):
            if f"{name}/{index}" in self.theory.signature.symbols and index < size:
                self.give(self.theory.numbered(t, index)[0], index)

    def _system(self, system: Members, item: SetType, values: Sequence[object]) -> None:
        """A set of sets whose members are the elements of a sort."""
        found: list[Shape] = []

        def see(member: Shape) -> Term:
            found.append(member)
            return TRUE

        there = system.some(see)
        if there != TRUE:
            self.decide(there, bool(values))
        member = found[0]
        assert isinstance(member, Members)
        assert isinstance(member.origin, Bound)
        sort = member.origin.sort
        self._sizes[sort] = max(1, len(values))  # without a member, there is one that nobody asks for
        for index, value in enumerate(values):
            for x in values_of(item.item, self.scope):
                has = substituted(
                    member.has(self.constant(item.item, x)), member.origin, element(sort, index)
                )
                self.decide(has, x in value)  # type: ignore[operator]  # a set

    def _parameter(self, t: Type, shape: Shape, value: object) -> None:
        if isinstance(t, SetType) and isinstance(t.item, SetType):
            assert isinstance(shape, Members)
            assert isinstance(value, Set)
            self._system(shape, t.item, list(value))
        else:
            self.write(t, shape, value)

    # --- containers that are elements of a sort -----------------------------------------------------------------------

    def elements(self, t: Type) -> tuple[str, list[object]]:
        """The sort of a container type, and the values that its elements are: all there are."""
        sort = self.theory.signature.reify(t)
        if sort not in self._containers:
            wide = resolved(t, self.scope)
            if isinstance(wide, SetType):
                wide = replace(
                    wide, size=None
                )  # a formula may speak of one that is too large to be among the keys
            if cardinality(wide, self.scope) > CONTAINERS_MOST:
                raise TooMuch(f"all values of {t}")
            values = list(values_of(wide, self.scope))
            self._containers[sort], self._sizes[sort] = values, len(values)
            outer, self._log = self._log, {}
            for index, value in enumerate(values):
                assert isinstance(t, MapType | SetType | SeqType)
                shape = self.theory.shapes.of_reified(t, element(sort, index))
                WRITING(t, ShapePlace(self, shape, value))
                if isinstance(t, SetType) and size_name(sort) in self.theory.signature.symbols:
                    assert isinstance(shape, Members)
                    assert isinstance(value, Set)
                    self.give(self.theory.cardinality(t, shape), len(value))
            self._keep(self._log)
            self._log = outer
        return sort, self._containers[sort]

    def prepare(self, t: Type) -> None:
        """Give the sorts of the containers inside a type their elements."""
        for part in parts(t):
            inner = getattr(part, "item", None) or getattr(part, "key", None)
            if isinstance(part, SetType | BagType | MapType) and isinstance(
                inner, MapType | SetType | SeqType
            ):
                self.elements(inner)

    def prepare_reified(self) -> None:
        """Give the other sorts of containers their elements: a formula may speak of one that no variable holds."""
        for t in list(self.theory.signature.reified.values()):
            with contextlib.suppress(TooMuch):
                self.elements(t)

    # --- writing --------------------------------------------------------------------------------------------------------

    def put(self, name: str, t: Type, shape: Shape, value: object) -> None:
        """Make a shape that was made from symbols mean a value, in place of what was put under this name before."""
        for table, keys in self._held.pop(name, {}).items():
            for key in keys:
                table.pop(key, None)
        found = self._entries.get((name, value))
        if found is None:
            self._log = {}
            self.write(t, shape, value)
            found = self._entries[name, value] = self._log
        self._held[name] = found
        self._keep(found)

    def _keep(self, entries: _Entries) -> None:
        for table, items in entries.items():
            for key, value in items.items():
                if table.get(key, value) != value:
                    raise Unlike(f"the symbol {table.name} stands for two things")
            table.update(items)
        self._log = {}

    def write(self, t: Type, shape: Shape, value: Any) -> None:
        """Make a shape that was made from symbols mean a value."""
        if isinstance(shape, sh.FunctionShape | Members | Listing) and shape.origin is not None:
            _, values = self.elements(t)
            if value not in values:
                raise TooMuch("a container beyond its bounds")
            self.give(shape.origin, values.index(value))
            return
        if isinstance(shape, Nothing):
            if value is not None:
                raise Unlike(STANDS_FOR_NONE)
            return
        WRITING(t, ShapePlace(self, shape, value))

    def place(self, item: Type, shape: Members, x: Any) -> Term:
        """The term that says whether a value is in a set, or how many copies of it there are in a bag."""
        return self._reduced(self.content(item, shape, x))

    def once(self, shape: Shape, at: Any, make: Callable[[Any], Any]) -> Any:
        """What is inside a shape at a place: made once, for the shape lives as long."""
        key = (id(shape), at)
        if key not in self._inside:
            self._inside[key] = (shape, make(at))
        return self._inside[key][1]

    def only(self, item: Type, shape: Members) -> None:
        """Let the relations of a set be false of all that is not written."""
        for x in representatives(item, self.scope):
            for part in walk(self.place(item, shape, x)):
                if isinstance(part, Apply) and not is_element(part.symbol.name):
                    self._table(part.symbol).other = None

    def constant(self, t: Type, value: Any) -> Shape:
        """A value as a shape of constants."""
        return constant(t, value, self._element)

    def _element(self, t: Type, value: object) -> Shape:
        """A container as the element that it is of its sort."""
        sort, values = self.elements(t)
        if value not in values:
            raise TooMuch("a container beyond its bounds")
        assert isinstance(t, MapType | SetType | SeqType)
        return self.theory.shapes.of_reified(t, element(sort, values.index(value)))

    def give(self, term: Term, value: int) -> None:
        """Make a term of an uninterpreted sort, or an integer, mean a value."""
        match self._reduced(term):
            case Apply(symbol, arguments) if not is_element(symbol.name):
                self._note(symbol, arguments, value)
            case found if self._constant(found) == value:
                pass
            case found:
                raise Unlike(f"{found} stands for a value that changes")

    def decide(self, term: Term, wanted: bool) -> None:
        """Make a formula true, or false."""
        match self._reduced(term):
            case Apply(symbol, arguments):
                self._note(symbol, arguments, int(wanted))
            case Not(operand):
                self.decide(operand, not wanted)
            case And(operands) if wanted:
                for operand in operands:
                    self.decide(operand, True)
            case Or(operands) if not wanted:
                for operand in operands:
                    self.decide(operand, False)
            case And((operand,)) | Or((operand,)):
                self.decide(operand, wanted)
            case And() | Or() as found:
                if found.operands:
                    raise Unlike("a value that two symbols stand for")
                if isinstance(found, And) != wanted:
                    raise Unlike("a value that is fixed")
            case found:
                raise Unlike(f"{found} cannot be given a value")

    def _note(self, symbol: Symbol, arguments: Sequence[Term], value: int) -> None:
        key = tuple(map(self._fixed, arguments))
        entries = self._log.setdefault(self._table(symbol), {})
        if entries.setdefault(key, value) != value:
            raise Unlike(f"the symbol {symbol.name} stands for two things")

    def _table(self, symbol: Symbol) -> Interpretation:
        return self.evaluation.table(symbol.name, symbol.result)

    def _reduced(self, term: Term) -> Term:
        """A term with comparisons of constants decided."""
        if isinstance(term, Apply):
            return (
                term if not term.arguments else Apply(term.symbol, tuple(map(self._reduced, term.arguments)))
            )
        made = rebuilt(term, self._reduced)
        match made:
            case Equal(left, right):
                a, b = self._constant(left), self._constant(right)
                if a is not None and b is not None:
                    return TRUE if a == b else FALSE
            case Choice(test, then, orelse) if test in (TRUE, FALSE):
                return then if test == TRUE else orelse
        return made

    @staticmethod
    def _constant(term: Term) -> int | None:
        match term:
            case Number(value):
                return value
            case Apply(symbol, ()) if is_element(symbol.name):
                return element_index(symbol.name)
            case And(()) | Or(()):
                return int(term == TRUE)
        return None

    def _fixed(self, term: Term) -> int:
        found = self._constant(term)
        if found is None:
            raise Unlike(f"{term} is no constant")
        return found

    def content(self, item: Type, shape: Members, x: Any) -> Term:
        """Whether a value is in a set, or how many copies of it a bag has."""
        value = self.constant(item, x)
        return shape.has(value) if shape.count is None else shape.count(value)

    # --- asking ---------------------------------------------------------------------------------------------------------

    def ask(self, term: Term) -> Evaluate:
        """A term, ready to be asked. Raises Unlike if it mentions a variable that nothing binds."""
        if loose := free(term):
            raise Unlike(f"{min(v.name for v in loose)} is bound by nothing")
        for part in walk(term):
            if isinstance(part, Apply) and not part.arguments:
                self.noted.add(part.symbol.name)
        return self.evaluation.compiled(term)


def substituted(term: Term, variable: Bound, value: Term) -> Term:
    """A term with a constant in place of a variable."""
    return value if term == variable else rebuilt(term, lambda inner: substituted(inner, variable, value))


def window(theory: Theory, scope: Scope) -> range | None:
    """The integers that quantifiers range over: some more than the bounds of the model's types allow; None if these are many."""
    low, high = WINDOW[0], WINDOW[-1]
    module = theory.module
    types = [d.type for d in (*module.variables, *module.parameters)]
    types += [a.type for f in module.functions.values() for a in f.arguments]
    for part in (p for t in types for p in parts(t)):
        found = resolved(part, scope)
        if isinstance(found, IntType) and isinstance(found.low, int) and isinstance(found.high, int):
            low, high = min(low, found.low - 2), max(high, found.high + 3)
        elif isinstance(found, SeqType | BagType) and isinstance(found.size, int):
            high = max(high, found.size + 3)
    for value in scope.parameters.values():
        if type(value) is int:
            low, high = min(low, value - 2), max(high, value + 3)
    return range(low, high + 1) if high - low < WINDOW_MOST else None


__all__ = ["Encoding", "TooMuch", "Unlike"]
