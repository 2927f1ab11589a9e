"""Formulas in the shape that solvers like best: negations at the atoms, few and small quantifiers.

Guarantees: the result is equivalent to what it was made from. Quantifiers of the same kind are merged, spread over what they
can be spread over, and go away where an equation fixes their variable (`for all x, x != t or P(x)` is `P(t)`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ratified.smt.terms import (
    BOOL,
    FALSE,
    TRUE,
    And,
    Apply,
    Bound,
    Choice,
    Equal,
    Not,
    Or,
    Quantified,
    Term,
    conj,
    disj,
    free,
    fresh,
    neg,
    parts,
    rebuilt,
    sort_of,
    substituted,
)


def normal(term: Term) -> Term:
    """A formula in normal form."""
    return _normal(term, True, {})


def _normal(term: Term, positive: bool, values: Mapping[Bound, Term]) -> Term:
    match term:
        case Not(operand):
            return _normal(operand, not positive, values)
        case And(operands) | Or(operands):
            each = (_normal(o, positive, values) for o in operands)
            return conj(*each) if isinstance(term, And) is positive else disj(*each)
        case Quantified(universal, variables, body):
            # New names, for a formula that stands in two places must not share its variables.
            named = {v: fresh(v.name.partition("!")[0], v.sort) for v in variables}
            inner = _normal(body, positive, {**values, **named})
            return _quantified(universal is positive, list(named.values()), inner)
        case Equal(left, right) if sort_of(left) == BOOL:
            a, b = _normal(left, True, values), _normal(right, True, values)
            not_a, not_b = _normal(left, False, values), _normal(right, False, values)
            if positive:
                return conj(disj(not_a, b), disj(a, not_b))
            return conj(disj(a, b), disj(not_a, not_b))
        case Choice(test, then, orelse) if sort_of(then) == BOOL:
            yes, no = _normal(test, True, values), _normal(test, False, values)
            return conj(
                disj(no, _normal(then, positive, values)), disj(yes, _normal(orelse, positive, values))
            )
    atom = _lifted(substituted(term, values))
    if isinstance(atom, Apply | Equal) or not _is_formula(atom):
        return atom if positive else neg(atom)
    return _normal(atom, positive, {})


def _is_formula(term: Term) -> bool:
    return isinstance(term, And | Or | Not | Quantified | Choice)


def _lifted(atom: Term) -> Term:
    """An atom without a choice inside: the choice is made outside of it."""
    for part in _below(atom):
        if isinstance(part, Choice):
            then = _replaced(atom, part, part.then)
            orelse = _replaced(atom, part, part.orelse)
            return conj(disj(neg(part.test), then), disj(part.test, orelse))
    return atom


def _below(term: Term) -> Iterable[Term]:
    for part in parts(term):
        yield part
        if not isinstance(part, Quantified):
            yield from _below(part)


def _replaced(term: Term, old: Term, new: Term) -> Term:
    if term == old:
        return new
    return rebuilt(term, lambda inner: _replaced(inner, old, new))


def _quantified(universal: bool, variables: list[Bound], body: Term) -> Term:
    """A quantifier over a formula in normal form."""
    used = free(body)
    variables = [v for v in variables if v in used]
    if not variables:
        return body
    spread, joined = (conj, disj) if universal else (disj, conj)
    if isinstance(body, And if universal else Or):
        return spread(*(_quantified(universal, variables, part) for part in body.operands))
    if isinstance(body, Quantified) and body.universal is universal:
        return _quantified(universal, [*variables, *body.variables], body.body)
    if isinstance(body, Or if universal else And):
        inner = [p for p in body.operands if isinstance(p, Quantified) and p.universal is universal]
        if inner:
            rest = [p for p in body.operands if p not in inner]
            merged = [v for p in inner for v in p.variables]
            return _quantified(universal, [*variables, *merged], joined(*rest, *(p.body for p in inner)))
        fixed = _fixed(universal, variables, body.operands)
        if fixed is not None:
            variable, value = fixed
            left = [v for v in variables if v != variable]
            again = _normal(substituted(body, {variable: value}), True, {})
            return _quantified(universal, left, again)
        outside = [p for p in body.operands if not free(p) & set(variables)]
        if outside:
            within = joined(*(p for p in body.operands if p not in outside))
            return joined(*outside, _quantified(universal, variables, within))
    elif (fixed := _fixed(universal, variables, [body])) is not None:
        return FALSE if universal else TRUE  # for all x, x != t; for some x, x = t
    return Quantified(universal, tuple(variables), body)


def _fixed(universal: bool, variables: list[Bound], among: Iterable[Term]) -> tuple[Bound, Term] | None:
    """A variable that an equation among the parts fixes, and its value."""
    for each in among:
        part = each
        if universal:
            if not isinstance(part, Not):
                continue
            part = part.operand
        if not isinstance(part, Equal):
            continue
        for variable, value in ((part.left, part.right), (part.right, part.left)):
            if isinstance(variable, Bound) and variable in variables and variable not in free(value):
                return variable, value
    return None
