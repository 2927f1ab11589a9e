"""Every kind of node and type has its circuit, or is refused where it stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

import pytest

from ratified.explore import check
from ratified.language import AtMost, Map, Model, Range, Seq, Set, action, invariant, ir, record, require
from ratified.language.scope import Scope, running
from ratified.language.types import BOOL, OptionalType, TupleType, Type
from ratified.results.errors import EvaluationError
from ratified.results.result import Verdict
from ratified.smt.finite.algebra import Algebra
from ratified.smt.finite.bounded import bounded
from ratified.smt.finite.circuit import Circuit
from ratified.smt.finite.solver import SOLVERS
from ratified.smt.finite.steps import EXPRESSIONS, STATEMENTS
from ratified.smt.finite.symbolic import CircuitTooLarge

RARE = {ir.Absolute, ir.Disjoint, ir.IndexOf, ir.IsLast, ir.Negative, ir.Zip}
"""What is said with other nodes first."""

Small = Annotated[int, Range(0, 3)]


class Counter(Model):
    """Goes up, and has a map with numbers for keys."""

    n: Small
    held: Map[Small, bool]

    @action
    def rise(self) -> None:
        require(self.n < 3)
        self.n += 1

    @invariant
    def small(self) -> bool:
        return self.n <= 3


def with_body(key: str, *body: ir.Node) -> Counter:
    """The model with another body of a function."""
    model = Counter()
    function = replace(model.module.functions[key], body=body)
    other = model.twin()
    changed = replace(model.module, functions={**model.module.functions, key: function})
    object.__setattr__(other, "module", changed)
    return other


@dataclass(frozen=True, slots=True)
class StrangeExpression(ir.Expr):
    """Of a kind that is new."""


@dataclass(frozen=True, slots=True)
class StrangeStatement(ir.Node):
    """Of a kind that is new."""


@dataclass(frozen=True, slots=True)
class StrangeType(Type):
    """Of a kind that is new."""

    def __str__(self) -> str:
        return "Strange"


def test_what_has_no_rule_is_what_lowering_takes_away() -> None:
    assert EXPRESSIONS.lacking(ir.EXPRESSIONS) == RARE
    nodes = {kind for kind in vars(ir).values() if isinstance(kind, type) and issubclass(kind, ir.Node)}
    statements = {kind for kind in nodes if not issubclass(kind, ir.Expr)} - {ir.Node}
    assert len(statements) == 8
    assert STATEMENTS.lacking(statements) == set()


def test_a_new_kind_of_expression_is_refused_where_it_stands() -> None:
    span = Counter.module.functions["small"].body[0].span
    model = with_body("small", ir.Return(span, StrangeExpression(span, BOOL)))
    with pytest.raises(CircuitTooLarge, match="there are no circuits of StrangeExpression") as refused:
        bounded(model, 1)
    assert refused.value.span == span


def test_a_new_kind_of_statement_is_refused_where_it_stands() -> None:
    span = Counter.module.functions["rise"].body[0].span
    with pytest.raises(CircuitTooLarge, match="there are no circuits of StrangeStatement") as refused:
        bounded(with_body("rise", StrangeStatement(span)), 1)
    assert refused.value.span == span


@pytest.mark.parametrize("t", [StrangeType(), OptionalType(StrangeType()), TupleType((BOOL, StrangeType()))])
def test_a_new_type_is_refused(t: Type) -> None:
    algebra = Algebra(Circuit(), Scope({}))
    value = (True, object()) if isinstance(t, TupleType) else object()
    with running(algebra.types.scope):
        makes: list[Callable[[], object]] = [
            lambda: algebra.unknown(t, []),
            lambda: algebra.lift(value, t),
            lambda: algebra.anything(t),
        ]
        for make in makes:
            with pytest.raises(CircuitTooLarge, match="there are no circuits of values of type Strange"):
                make()


@record
class Pair:
    """One of 3,600 values."""

    first: Annotated[int, Range(0, 59)]
    second: Annotated[int, Range(0, 59)]


class Pairs(Model):
    """A set of few among very many values, whose order is not kept."""

    pairs: Annotated[Set[Pair], AtMost(2)]

    @action
    def add(self, n: Small) -> None:
        require(len(self.pairs) < 2)
        self.pairs.add(Pair(n, 1))

    @invariant
    def few(self) -> bool:
        return all(p.first < 4 for p in self.pairs)

    @invariant
    def divided(self) -> bool:
        return any(6 // p.first == 6 for p in self.pairs) or len(self.pairs) < 9


def test_what_depends_on_an_order_that_is_not_kept_is_refused() -> None:
    """Whether the division by zero is come to depends on what comes before it."""
    assert bounded(Pairs(), 2, claims=["few"]).steps == 2
    with pytest.raises(
        CircuitTooLarge, match="the order of these elements matters, and is not kept"
    ) as refused:
        bounded(Pairs(), 2, claims=["divided"])
    assert refused.value.span is not None
    assert "self.pairs" in refused.value.span.excerpt()


class Partial(Counter):
    """Forgets a key."""

    @action
    def forget(self) -> None:
        self.held = Map({k: True for k in range(3)})


class Rows(Model):
    """Two sequences, of which one is empty for ever; which is looked at changes."""

    at: Small
    rows: Map[Small, Annotated[Seq[Small], AtMost(2)]]

    @action
    def look(self) -> None:
        require(self.at < 3)
        self.at += 1

    @action
    def grow(self) -> None:
        require(self.at > 0)
        require(len(self.rows[self.at]) < 2)
        self.rows[self.at].append(0)

    @action
    def write(self) -> None:
        require(len(self.rows[self.at]) > 0)
        self.rows[self.at][0] = 1

    @invariant
    def never_written(self) -> bool:
        return all(not any(x == 1 for x in row) for row in self.rows.values())


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_place_that_is_not_meant_may_lack_what_is_written(solver: str) -> None:
    found, searched = bounded(Rows(), 4, solver=solver), check(Rows(), engine="reference")
    assert found.violation is not None
    assert searched.violation is not None
    assert len(found.violation.trace) == len(searched.violation.trace) == 4


def test_a_map_that_lacks_a_key_is_an_error_as_in_the_search() -> None:
    for engine in (partial(check, engine="reference"), partial(bounded, length=2)):
        with pytest.raises(EvaluationError, match="the map for held has no value for 3"):
            engine(Partial())
    assert bounded(Counter(), 5).verdict is Verdict.HOLDS
