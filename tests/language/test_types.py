"""Types as values: going through them, and what is computed of them, held to the values that they have."""

from __future__ import annotations

import math
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratified.language import Range, record
from ratified.language.scope import Scope, running
from ratified.language.sorts import BoundLeft
from ratified.language.types import (
    BOOL,
    NONE,
    BagType,
    EnumType,
    IntType,
    MapType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    UnionType,
    cardinality,
    children,
    fit_of,
    fits,
    fold,
    has_bounds,
    parts,
    rebuild,
    resolved,
    surely_within,
    unbounded,
    values_of,
)
from tests.generate.profile import examples
from tests.shared.sorts import Client, Light, Turn


@record
class Ask:
    """A message with a number in it."""

    client: Client
    number: Annotated[int, Range(0, 1)]


@record
class Grant:
    """Another message."""

    turn: Turn


SCOPE = Scope({Client: 2, Turn: 2}, {"most": 1})
RECORDS = (RecordType(Ask), RecordType(Grant))
NUMBERS = (IntType(0, 1), IntType(0, "most"), IntType(-1, 2))
SORTS = (EnumType(Light), SortType(Client), SortType(Turn))
SMALL = st.sampled_from([BOOL, NONE, *SORTS, *RECORDS, UnionType(RECORDS), *NUMBERS])
SIZE = st.sampled_from([None, 0, 1, 2, "most"])
KEYS = st.sampled_from([BOOL, SortType(Client), IntType(0, 1)])


def _larger(inside: st.SearchStrategy[Type]) -> st.SearchStrategy[Type]:
    optional = inside.filter(lambda t: not isinstance(t, OptionalType) and t != NONE).map(OptionalType)
    return st.one_of(
        optional,
        st.tuples(KEYS, inside).map(lambda pair: MapType(*pair)),
        st.tuples(inside, SIZE).map(lambda pair: SetType(*pair)),
        st.tuples(inside, st.sampled_from([0, 1, 2])).map(lambda pair: SeqType(*pair)),
        st.tuples(inside, st.sampled_from([0, 1, 2]), st.sampled_from([None, 1])).map(lambda t: BagType(*t)),
        st.lists(inside, min_size=1, max_size=2).map(lambda several: TupleType(tuple(several))),
    )


TYPES = st.recursive(SMALL, _larger, max_leaves=3)


def _nothing_more(t: Type) -> bool:
    """A bag whose two bounds hold together may have fewer values than are counted."""
    return not any(isinstance(p, BagType) and p.copies is not None for p in parts(t))


@examples(300, 20_000)
@given(t=TYPES)
def test_a_type_has_as_many_values_as_it_says(t: Type) -> None:
    counted = cardinality(t, SCOPE)
    if counted > 2_000:
        return
    with running(SCOPE):
        values = list(values_of(t, SCOPE))
    assert len(set(values)) == len(values)
    assert len(values) <= counted
    if _nothing_more(t):
        assert len(values) == counted


@examples(300, 20_000)
@given(t=TYPES, into=TYPES)
def test_what_is_surely_within_bounds_is_never_refused(t: Type, into: Type) -> None:
    t, into = resolved(t, SCOPE), resolved(into, SCOPE)
    if not fits(t, into) or not surely_within(t, into) or cardinality(t, SCOPE) > 500:
        return
    check = fit_of(into, "here")
    with running(SCOPE):
        for value in values_of(t, SCOPE):
            if check:
                check(value)


def test_what_is_not_surely_within_bounds_may_be_refused() -> None:
    wide, narrow = SetType(IntType(0, 3), 2), SetType(IntType(0, 2), 2)
    assert surely_within(narrow, wide)
    assert not surely_within(wide, narrow)
    assert surely_within(IntType(0, "most"), IntType(0, "most"))
    assert not surely_within(IntType(0, "most"), IntType(0, 9))
    check = fit_of(narrow, "here")
    assert check is not None
    with running(SCOPE), pytest.raises(BoundLeft):
        check(list(values_of(wide, SCOPE))[-1])


@examples(200, 5_000)
@given(t=TYPES)
def test_going_through_a_type(t: Type) -> None:
    assert rebuild(t, lambda child: child) is t
    assert fold(t, lambda _, inside: 1 + sum(inside)) == len(list(parts(t)))
    assert [p for child in children(t) for p in parts(child)] == list(parts(t))[1:]
    assert not has_bounds(unbounded(t))
    assert unbounded(unbounded(t)) == unbounded(t)
    assert fits(t, t)
    assert fits(t, unbounded(t))


def test_a_type_is_rebuilt_where_something_changes() -> None:
    t = MapType(SortType(Client), TupleType((BOOL, OptionalType(RecordType(Ask)))))

    def change(child: Type) -> Type:
        return IntType(0, 1) if child == BOOL else rebuild(child, change)

    assert rebuild(t, change) == MapType(
        SortType(Client), TupleType((IntType(0, 1), OptionalType(RecordType(Ask))))
    )


def test_without_a_bound_there_is_no_end_of_values() -> None:
    assert cardinality(TupleType((BOOL, SeqType(BOOL))), SCOPE) == math.inf
