"""Symbols that are defined by an equation, once for all terms that say the same; and names for what chooses too often.

A choice inside of an atom is made outside of it, so that each one more doubles what is said. What is made of many gets a name.

Guarantees: at each size, and whatever else is so, there is a value of the symbol of which the equation is true.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count, islice

from ratified.smt.facts import Role
from ratified.smt.first_order.names import is_unknown
from ratified.smt.first_order.shapes import Atom, Maybe, ProductShape, Shape
from ratified.smt.first_order.theory import Axiom, Theory
from ratified.smt.law import Law
from ratified.smt.terms import (
    BOOL,
    TRUE,
    Apply,
    Arithmetic,
    Bound,
    Number,
    Quantified,
    Symbol,
    Term,
    The,
    choices,
    parts,
    sort_of,
    walk,
)

MANY = 4
"""How many choices are written out wherever what they choose is spoken of."""

LONG = 50
"""How many terms what is stored may be written with."""


def defined(
    name: str,
    given: Sequence[Bound],
    value: Term,
    says: str,
    theory: Theory,
    *,
    role: Role = Role.GIVEN,
    rare: bool = False,
) -> Term:
    """A symbol that is a value, which depends on what is given; it is defined once."""
    made = theory.signature.apply(name, [(b, b.sort) for b in given], sort_of(value))
    assert isinstance(made, Apply)
    if name not in theory.laws:
        law = Law(made, TRUE, value)
        theory.laws[name] = [law]
        theory.axioms.append(Axiom(f"{says} ({name})", name, law.formula, role=role, rare=rare))
    return made


def light(term: Term, theory: Theory) -> Term:
    """A term that can stand in many places: its name, if it chooses often."""
    return term if choices(term) <= MANY or sort_of(term) == BOOL else _named(term, theory)


def is_long(term: Term) -> bool:
    """Whether it takes long to say something that speaks of nothing else than what is at hand."""
    said = list(islice(walk(term), LONG + 1))
    return len(said) > LONG and not any(isinstance(part, Quantified | The) for part in said)


def brief(term: Term, theory: Theory) -> Term:
    """A term, or its name if it is long."""
    return _named(term, theory) if is_long(term) else term


def _named(term: Term, theory: Theory) -> Term:
    name = theory.chosen.setdefault(canonical([term]), f"choice/{len(theory.chosen)}")
    return defined(name, list(variables_of([term])), term, "what is chosen", theory)


def lightened(shape: Shape, theory: Theory) -> Shape:
    """The same of the terms that a shape is made of."""
    match shape:
        case Atom(term):
            made = light(term, theory)
            return shape if made is term else Atom(made)
        case Maybe(some, value):
            inner = lightened(value, theory)
            return shape if inner is value else Maybe(some, inner)
        case ProductShape(_, fields):
            found = tuple(lightened(f, theory) for f in fields)
            return (
                shape
                if all(a is b for a, b in zip(found, fields, strict=True))
                else replace(shape, fields=found)
            )
    return shape


# --- whether terms say the same -----------------------------------------------------------------------------------------


def variables_of(terms: Iterable[Term]) -> Iterator[Bound]:
    """The variables that terms mention and do not bind, in order of appearance."""
    seen = dict[Bound, None]()

    def walk(term: Term, inside: frozenset[Bound]) -> None:
        match term:
            case Bound():
                if term not in inside:
                    seen[term] = None
            case Quantified(_, variables, body):
                walk(body, inside | set(variables))
            case The(variable, exists, says):
                walk(exists, inside | {variable})
                walk(says, inside | {variable})
            case _:
                for part in parts(term):
                    walk(part, inside)

    for term in terms:
        walk(term, frozenset())
    yield from seen


def canonical(terms: Iterable[Term]) -> str:
    """Text that is the same for terms that differ in the names of variables, and of values of which nothing is known."""
    names, binders = dict[object, str](), count()
    said = list[str]()

    def called(thing: object) -> str:
        return names.setdefault(thing, f"!{len(names)}")

    def say(term: Term, bound: Mapping[Bound, int]) -> None:
        inside = bound
        match term:
            case Bound(_, sort):
                # By what it is bound, too: "for all x, p(x) or q(y)" is not "for all y, p(x) or q(y)".
                binder = bound.get(term)
                said.append(f"{called((binder, term))}@{binder}:{sort}")
                return
            case Apply(Symbol(name=name, result=sort)):
                said.append(f"{called(name) if is_unknown(name) else name}:{sort}")
            case Number(value):
                said.append(str(value))
            case Arithmetic(op, _):
                said.append(op)
            case Quantified(universal, variables, _):
                inside = {**bound, **dict.fromkeys(variables, next(binders))}
                said.append(f"{'all' if universal else 'some'} {len(variables)}")
            case The(variable, _, _):
                inside = {**bound, variable: next(binders)}
                said.append(f"the {called((inside[variable], variable))}:{variable.sort}")
            case _:
                said.append(type(term).__name__)
        said.append("(")
        for part in parts(term):
            say(part, inside)
        said.append(")")

    for term in terms:
        say(term, {})
    return " ".join(said)
