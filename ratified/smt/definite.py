"""Definite descriptions (the next ballot, the largest of a set) out of formulas, so that plain first-order logic is left.

One that depends on no bound variable becomes a constant, beside a fact that says what it is; any other is quantified over where
it stands: P(the x with S(x)) is `for all x, S(x) implies P(x)`, around the atom that it stands in.

Guarantees: the result is equivalent to what it was made from, in every structure where the facts are true; each fact can be made
true in every structure by a value for its constant, for it says nothing where its value need not exist.
"""

from __future__ import annotations

from collections.abc import Iterator

from ratified.smt.first_order.names import is_size
from ratified.smt.law import Law
from ratified.smt.smtlib import text
from ratified.smt.terms import (
    BOOL,
    TRUE,
    And,
    Apply,
    Bound,
    Choice,
    Equal,
    Not,
    Or,
    Quantified,
    Symbol,
    Term,
    The,
    choice,
    constant,
    every,
    free,
    fresh,
    implies,
    parts,
    rebuilt,
    sort_of,
    substituted,
    walk,
)

_FORMULAS = (And, Or, Not, Quantified)


class Definitions:
    """The constants that descriptions have become so far: equal descriptions are the same constant."""

    def __init__(self, laws: dict[str, list[Law]]) -> None:
        self._laws = laws  # by which validation works out functions
        self.facts: dict[str, Term] = {}
        """What each constant is, by its name."""
        self.described: dict[str, The] = {}
        """The description that each constant stands for."""
        self._names: dict[str, str] = {}

    def plain(self, term: Term) -> Term:
        """A formula without descriptions."""
        if not any(True for _ in _within(term)):
            return term
        return self._formula(term)

    def _formula(self, term: Term) -> Term:
        match term:
            case And() | Or() | Not() | Quantified():
                return rebuilt(term, self._formula)
            case Equal(left, _) if sort_of(left) == BOOL:
                return rebuilt(term, self._formula)
            case Choice(_, then, _) if sort_of(then) == BOOL:
                return rebuilt(term, self._formula)
        return self._atom(self._tests(term))

    def _tests(self, term: Term) -> Term:
        """An atom with the conditions of the choices in it, which are formulas of their own, made plain."""
        if isinstance(term, Choice):
            return choice(self._formula(term.test), self._tests(term.then), self._tests(term.orelse))
        if isinstance(term, The) or not parts(term):
            return term
        return rebuilt(term, self._tests)

    def _atom(self, atom: Term) -> Term:
        found = next(_here(atom), None)
        if found is None:
            return atom
        exists, says = self._formula(found.exists), self._formula(found.says)
        if free(found) and exists == TRUE and _is_sized(atom, found):
            return self._atom(_replaced(atom, found, self._function(found, says)))
        if free(found):
            # A name of its own: the same description may stand in another place inside of this one's scope.
            new = fresh(found.variable.name.partition("!")[0], found.variable.sort)
            known = substituted(implies(exists, says), {found.variable: new})
            return every([new], implies(known, self._atom(_replaced(atom, found, new))))
        return self._atom(_replaced(atom, found, self._constant(found, exists, says)))

    def _function(self, found: The, says: Term) -> Apply:
        variable = found.variable
        given = [b for b in dict.fromkeys(walk(says)) if isinstance(b, Bound) and b in free(found)]
        key = f"{variable.sort} {text(every([*given, variable], says))}"
        name = self._names.setdefault(key, f"the/set/{len(self._names)}")
        made = Apply(Symbol(name, tuple(b.sort for b in given), variable.sort), tuple(given))
        if name not in self.facts:
            self.facts[name] = every(given, substituted(says, {variable: made}))
            self._laws[name] = [Law(made, says, variable, (variable,))]
        return made

    def _constant(self, found: The, exists: Term, says: Term) -> Apply:
        variable = found.variable
        fact = implies(exists, says)
        key = f"{variable.sort} {text(every([variable], fact))}"
        hint = variable.name.partition("!")[0]
        name = self._names.setdefault(key, f"the/{hint}/{len(self._names)}")
        known = constant(name, variable.sort)
        if name not in self.facts:
            self.facts[name] = substituted(fact, {variable: known})
            self.described[name] = found
        return known


def _within(term: Term) -> Iterator[The]:
    if isinstance(term, The):
        yield term
        return
    for part in parts(term):
        yield from _within(part)


def _here(atom: Term) -> Iterator[The]:
    """The descriptions in an atom that are outside of formulas inside of it."""
    if isinstance(atom, The):
        yield atom
    elif isinstance(atom, Choice):
        yield from _here(atom.then)
        yield from _here(atom.orelse)
    elif not isinstance(atom, _FORMULAS):
        for part in parts(atom):
            yield from _here(part)


def _is_sized(atom: Term, found: The) -> bool:
    """Whether the size of a set that is described is asked for somewhere in an atom."""
    return any(is_size(t.symbol) and found in t.arguments for t in walk(atom) if isinstance(t, Apply))


def _replaced(term: Term, old: The, new: Term) -> Term:
    if term == old:
        return new
    if isinstance(term, (Bound, The, *_FORMULAS)):
        return term
    if isinstance(term, Choice):
        return choice(term.test, _replaced(term.then, old, new), _replaced(term.orelse, old, new))
    return rebuilt(term, lambda inner: _replaced(inner, old, new))
