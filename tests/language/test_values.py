"""Values are immutable, print their names, iterate in canonical order, and are updated only where a model holds them."""

from __future__ import annotations

import copy
import pickle
from enum import Enum

import pytest

from ratified import Bag, Map, ModelError, Seq, Set, SizeError, Sort, Symmetric, record, replace
from ratified.language.values import order_key, show
from tests.shared.sorts import Term


class Server(Symmetric):
    """Interchangeable."""


class Disk(Sort, prefix="disk"):
    """Told apart."""


class Role(Enum):
    FOLLOWER = "f"
    LEADER = "l"


@record
class Vote:
    server: Server
    term: Term
    role: Role | None = None


S1, S2, S3 = Server(0), Server(1), Server(2)
T0, T1 = Term(0), Term(1)


def test_sort_values_are_one_object_each_and_print_their_names() -> None:
    assert Server(0) is Server(0)
    assert [str(S1), repr(S2), f"{T0}", f"{Disk(1):>6}"] == ["s1", "s2", "t0", " disk2"]
    assert T0 < T1 <= Term(1)
    assert pickle.loads(pickle.dumps(S2)) is S2  # noqa: S301  # our own bytes


def test_a_sort_has_no_size_outside_of_a_model() -> None:
    with pytest.raises(SizeError, match="sorts have no size"):
        list(Server)
    with pytest.raises(ModelError, match="no value number -1"):
        Term(-1)


def test_records_are_interned_and_frozen() -> None:
    vote = Vote(S1, T0)
    assert vote is Vote(server=S1, term=T0, role=None)
    assert replace(vote, term=T1) is Vote(S1, T1)
    assert copy.deepcopy(vote) is vote
    assert pickle.loads(pickle.dumps(vote)) is vote  # noqa: S301  # our own bytes
    assert repr(Vote(S1, T0, Role.LEADER)) == "Vote(server=s1, term=t0, role=LEADER)"
    with pytest.raises(AttributeError):
        vote.term = T1
    with pytest.raises(ModelError, match="no field 'colour'"):
        replace(vote, colour=1)


def test_containers_compare_and_hash_by_content() -> None:
    assert Set([S1, S2]) == Set([S2, S1]) == {S1, S2}
    assert hash(Set([S1, S2])) == hash(Set([S2, S1]))
    assert Bag([S1, S2, S1]) == Bag([S1, S1, S2]) != Bag([S1, S2])
    assert Map({S2: T0, S1: T1}) == Map({S1: T1, S2: T0})
    assert Seq([S1, S2]) != Seq([S2, S1])
    assert Seq([S1]) == [S1]


def test_iteration_is_in_canonical_order() -> None:
    votes = Set([Vote(S2, T0), Vote(S1, T1), Vote(S1, T0, Role.LEADER), Vote(S1, T0)])
    assert list(votes) == [Vote(S1, T0), Vote(S1, T0, Role.LEADER), Vote(S1, T1), Vote(S2, T0)]
    assert list(Map({S3: 1, S1: 2})) == [S1, S3]
    assert list(Bag([S2, S1, S2])) == [S1, S2, S2]
    assert sorted([None, T1, T0], key=order_key) == [None, T0, T1]
    assert sorted(Role, key=order_key) == [Role.FOLLOWER, Role.LEADER]


def test_display() -> None:
    assert repr(Set([S2, S1])) == "{s1, s2}"
    assert repr(Map({S1: None, S2: Role.LEADER})) == "{s1: None, s2: LEADER}"
    assert repr(Bag([S1, S1, S2])) == "[2 x s1, s2]"
    assert repr(Seq([T1, T0])) == "[t1, t0]"
    assert show((S1, Role.LEADER)) == "(s1, LEADER)"


def test_algebra() -> None:
    assert Set([S1]) | {S2} == Set([S1, S2])
    assert {S1, S2} - Set([S1]) == Set([S2])
    assert Set([S1, S2]) & Set([S2, S3]) == Set([S2])
    assert Set([S1]) ^ Set([S1, S2]) == Set([S2])
    assert Set([S1]) <= Set([S1, S2]) >= {S2}
    assert isinstance(Set([S1]) | {S2}, Set)
    assert Bag([S1]) + Bag([S1]) == Bag([S1, S1])
    assert Bag([S1, S1]).count(S1) == 2
    assert Bag([S1, S1]).distinct() == Set([S1])
    assert Seq([S1]) + [S2] == [S1] + Seq([S2]) == Seq([S1, S2])  # noqa: RUF005  # the operators are the test
    assert Map({S1: T0, S2: T0}) | {S2: T1} == Map({S1: T0, S2: T1})
    assert Seq([S1, S2, S3])[1:] == Seq([S2, S3])


def test_a_copy_without_a_place_is_changed_itself_and_nothing_else() -> None:
    one = Set([S1])
    two = Set(one)
    assert hash(two) == hash(one)
    two.add(S2)
    assert (one, two, list(two)) == (Set([S1]), Set([S1, S2]), [S1, S2])
    ranks = Map({S1: T0})
    again = Map(ranks)
    assert hash(again) == hash(ranks)
    again[S1] = T1
    assert (ranks[S1], again[S1]) == (T0, T1)
    assert hash(again) == hash(Map({S1: T1}))
    row = Seq([S1])
    row.append(S2)
    row[0] = S2
    assert row == [S2, S2]
    bag = Bag([S1])
    bag.add(S2)
    assert bag == Bag([S2, S1])


def test_partial_operations_say_what_is_wrong() -> None:
    with pytest.raises(ModelError, match="the map has no key s2"):
        Map({S1: T0})[S2]
    with pytest.raises(ModelError, match="length 1, and no index 1"):
        Seq([S1])[1]
    with pytest.raises(ModelError, match="no element s2"):
        Seq([S1]).index(S2)
    with pytest.raises(ModelError, match="the map has no key s2"):
        Map({S1: T0}) | {S2: T0}
