"""What a number adds up to over a sort, as a symbol of its own, and how sums compare with their parts and with each other.

A sum is taken apart first (`linear.py`); what is left is worked out place after place (`adding.py`).

Guarantees: what is said is exact for every size. Each law is true of all finite sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from ratified.language.errors import Span
from ratified.language.types import SortType
from ratified.smt.facts import Role
from ratified.smt.first_order.adding import added_up
from ratified.smt.first_order.context import LogicContext
from ratified.smt.first_order.counting import size_of
from ratified.smt.first_order.defining import defined
from ratified.smt.first_order.linear import Sums, only_if, times
from ratified.smt.first_order.logic import where
from ratified.smt.first_order.names import in_all_name, size_name, sort_name, worked_out_name
from ratified.smt.first_order.ordering import LoopRange
from ratified.smt.first_order.shapes import Atom, Shape
from ratified.smt.first_order.theory import Axiom, Sum, Theory
from ratified.smt.terms import (
    TRUE,
    Apply,
    Bound,
    Choice,
    Number,
    Term,
    at_most,
    conj,
    every,
    free,
    fresh,
    implies,
    some,
    substituted,
    walk,
)


def summed(run: LoopRange, number: Callable[[Shape], Term], context: LogicContext, span: Span) -> Term:
    """What a number at each place of a run adds up to. Raises Refused."""
    index = run.index
    if run.copies or not isinstance(index, SortType):
        return added_up(run, number, context, span)[1]
    (variant,) = context.shapes.variants(index)
    whole, place = context.shapes.universe(index), fresh("place", variant.sorts[0])
    here = variant.build([place])
    inside = run.places.has(here)
    every_place = replace(run, places=whole, ends=None, length=None)

    def at(term: Term) -> Callable[[Shape], Term]:
        def found(shape: Shape) -> Term:
            assert isinstance(shape, Atom)
            return substituted(term, {place: shape.term})

        return found

    def worked_out(term: Term) -> Term:
        return _named(place, term, added_up(every_place, at(term), context, span)[1], index, context.theory)

    def counted(test: Term) -> Term:
        return context.theory.size(index) if test == TRUE else size_of(where(whole, at(test)), context)

    term = only_if(inside, number(here))
    sums = Sums(place, counted, worked_out, lambda change: _with_a_name(change, context.theory))
    total = sums.total(term)
    if next(sums.singled_out(term), None) is None:
        _compare_with_parts(place, term, total, index, context.theory)
    return total


def _named(place: Bound, term: Term, value: Term, sort: SortType, theory: Theory) -> Term:
    """A symbol for a sum that was worked out, and how it compares with others."""
    if theory.trials:
        return value
    last = _worked_out_in(value, theory)[0]
    given = [b for b in last.arguments[1:] if isinstance(b, Bound)]  # in the order that its laws have them in
    assert free(value) == set(given), (value, given)
    name = in_all_name(last.symbol.name)
    known = name in theory.laws
    says = "what a sum comes to in the end"
    total = defined(name, given, value, says, theory, role=Role.ADDED, rare=True)
    if known:
        return total
    _compare_with_parts(place, term, total, sort, theory)
    made = Sum(place, term, total)
    for other in [*theory.sums, *([made] if given else [])]:
        if other.over.sort == place.sort:
            # What is bound there may be the place here.
            apart = {b: fresh("other", b.sort) for b in _in_order(free(other.total))}
            another = substituted(other.term, {**apart, other.over: place})
            theirs = substituted(other.total, apart)
            less = implies(every([place], at_most(term, another)), at_most(total, theirs))
            more = implies(every([place], at_most(another, term)), at_most(theirs, total))
            beside = _worked_out_in(theirs, theory)[0].symbol.name
            says = f"sums compare as all their parts do ({name}, {beside})"
            theory.axioms.append(Axiom(says, name, _closed(conj(less, more)), beside=beside))
    theory.sums.append(made)
    return total


def _worked_out_in(term: Term, theory: Theory) -> list[Apply]:
    """The sums, and what else is worked out, in a term, in order of appearance."""
    return [t for t in walk(term) if isinstance(t, Apply) and t.symbol.name in theory.laws]


def _with_a_name(change: Term, theory: Theory) -> Term:
    """A symbol for a change that depends on conditions: in a sum of several, each combination would be a case.

    What depends on a variable that is bound around the sum has none, so that a sum over that one sees what it singles out.
    """
    if theory.trials or free(change) or not any(isinstance(part, Choice) for part in walk(change)):
        return change
    if change not in theory.changes:
        name = worked_out_name(f"change/{len(theory.changes)}")
        theory.changes[change] = defined(name, (), change, "a change of a sum", theory)
    return theory.changes[change]


def _compare_with_parts(place: Bound, term: Term, total: Term, sort: SortType, theory: Theory) -> None:
    """How a sum compares with its parts: by induction from the laws of sums, and so by no solver."""
    sums = [t.symbol.name for t in _worked_out_in(total, theory)]
    if theory.trials or not sums:
        return
    other = fresh("other", place.sort)
    theirs, size = substituted(term, {place: other}), theory.size(sort)

    def with_parts(low: Callable[[Term, Term], Term]) -> tuple[Term, Term]:
        """If no part is beyond 0, no part is beyond the sum; and one comes first, and that times their number is not."""
        zero = every([place], low(Number(0), term))
        sign = implies(zero, conj(low(Number(0), total), every([place], low(term, total))))
        first = every([place], low(theirs, term))
        mean = every([other], implies(first, low(times(theirs, size), total)))
        return sign, conj(some([other], first), mean)

    (natural, least), (negative, greatest) = with_parts(at_most), with_parts(lambda a, b: at_most(b, a))
    of, known = " ".join(dict.fromkeys(sums)), {axiom.says for axiom in theory.axioms}
    sized = size_name(sort_name(sort))
    for says, about, law, beside in (
        ("of numbers of one sign none is beyond the sum", sums[0], conj(natural, negative), None),
        ("a sum is no less than as many of the least", sized, conj(least, greatest), sums[0]),
    ):
        if f"{says} ({of})" not in known:
            theory.axioms.append(Axiom(f"{says} ({of})", about, _closed(law), beside=beside, rare=True))


def _closed(law: Term) -> Term:
    return every(_in_order(free(law)), law)


def _in_order(variables: Iterable[Bound]) -> list[Bound]:
    """Variables in the order in which they were made, so that a text does not depend on what was translated before it."""
    return sorted(variables, key=lambda b: int(b.name.rpartition("!")[2]))
