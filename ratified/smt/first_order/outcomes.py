"""What a turn of a loop makes of what it finds, as terms: on what it depends, and which condition follows from which.

Guarantees: what is said to follow does so whatever the atoms are; nothing is said of more than `ATOMS_MOST`.
"""

from __future__ import annotations

from collections.abc import Mapping

from ratified.smt.first_order.shapes import (
    Atom,
    Case,
    Dependent,
    Maybe,
    Nothing,
    OneOf,
    ProductShape,
    Shape,
    known,
)
from ratified.smt.smtlib import text
from ratified.smt.terms import (
    BOOL,
    TRUE,
    And,
    Arithmetic,
    Bound,
    Choice,
    Equal,
    Not,
    Number,
    Or,
    Term,
    The,
    choice,
    disj,
    neg,
    plus,
    sort_of,
    walk,
)
from ratified.smt.terms import (
    free as free_in,
)


def as_term(shape: Shape) -> Term:
    """The term that a value of one column is."""
    shape = known(shape)
    if isinstance(shape, Maybe):
        shape = shape.value
    if not isinstance(shape, Atom):
        raise Dependent
    return shape.term


def added_to(term: Term, was: Bound) -> Term:
    """What has been added to a number."""
    match term:
        case Bound() if term == was:
            return Number(0)
        case Choice(test, then, orelse):
            return choice(test, added_to(then, was), added_to(orelse, was))
        case Arithmetic("+", (left, right)):
            if was in free_in(left):
                return plus(added_to(left, was), right)
            return plus(left, added_to(right, was))
        case Arithmetic("-", (left, Number(value))):
            return plus(added_to(left, was), Number(-value))
    raise Dependent


def depends_not(shape: Shape, place: Shape) -> bool:
    """Whether it is plain that a value is the same at each place, of which this is any."""
    columns = {b for term in terms_of(place) or () for b in free_in(term)}
    terms = terms_of(shape)
    return terms is not None and not any(columns & free_in(term) for term in terms)


def terms_of(shape: Shape) -> list[Term] | None:
    """The terms that a shape is made of; None of one whose content is not at hand."""
    match shape:
        case Atom(term):
            return [term]
        case Nothing():
            return []
        case Case(_, tests):
            return list(tests)
        case Maybe(some, value):
            inner = terms_of(value)
            return None if inner is None else [some, *inner]
        case ProductShape(_, fields):
            parts = [terms_of(f) for f in fields]
            return None if None in parts else [t for part in parts for t in part or ()]
        case OneOf(cases):
            rows = [terms_of(s) for _, _, s in cases]
            return None if None in rows else [*(t for _, t, _ in cases), *(t for r in rows for t in r or ())]
    origin = getattr(shape, "origin", None)
    return None if origin is None else [origin]


ATOMS_MOST = 8


def follows(premise: Term, conclusion: Term) -> bool:
    """Whether one formula follows from another by the connectives alone."""
    whole = disj(neg(premise), conclusion)
    if whole == TRUE:
        return True
    atoms = {atom: _written(atom) for atom in _atoms(whole)}
    numbers = {said: i for i, said in enumerate(dict.fromkeys(atoms.values()))}
    if len(numbers) > ATOMS_MOST:
        return False
    for row in range(1 << len(numbers)):
        values = {atom: bool(row >> numbers[said] & 1) for atom, said in atoms.items()}
        if not _holds(whole, values):
            return False
    return True


def _written(atom: Term) -> str:
    """An atom as text, in which bound variables have no names, so that more atoms are one; not of those with descriptions."""
    return repr(atom) if any(isinstance(part, The) for part in walk(atom)) else text(atom)


def _connective(term: Term) -> bool:
    match term:
        case And() | Or() | Not():
            return True
        case Choice(_, then, _):
            return sort_of(then) == BOOL
        case Equal(left, _):
            return sort_of(left) == BOOL
    return False


def _atoms(term: Term) -> list[Term]:
    if not _connective(term):
        return [term]
    match term:
        case And(parts) | Or(parts):
            return [a for p in parts for a in _atoms(p)]
        case Not(part):
            return _atoms(part)
        case Choice(a, b, c):
            return [*_atoms(a), *_atoms(b), *_atoms(c)]
        case Equal(a, b):
            return [*_atoms(a), *_atoms(b)]
    return [term]


def _holds(term: Term, values: Mapping[Term, bool]) -> bool:
    if not _connective(term):
        return values[term]
    match term:
        case And(parts):
            return all(_holds(p, values) for p in parts)
        case Or(parts):
            return any(_holds(p, values) for p in parts)
        case Not(part):
            return not _holds(part, values)
        case Choice(a, b, c):
            return _holds(b if _holds(a, values) else c, values)
        case Equal(a, b):
            return _holds(a, values) == _holds(b, values)
    raise AssertionError(term)
