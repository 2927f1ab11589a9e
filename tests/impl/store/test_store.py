"""The store's data model, operation by operation: what etcd's documentation says of revisions, ranges, transactions, leases."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratified.impl.store.store import Store
from ratified.impl.store.values import (
    Answer,
    Command,
    Compact,
    Compare,
    Delete,
    Expire,
    Found,
    Grant,
    Happened,
    HasChosen,
    HasDeleted,
    HasPut,
    Lead,
    LeaseIs,
    LookAtLease,
    Once,
    Problem,
    Put,
    Range,
    Refused,
    Relation,
    Revoke,
    Target,
    Txn,
    Version,
    answers,
    commands,
    encode,
)

ALL = b"\0"


def after(*ops: Command) -> tuple[Store, list[Answer]]:
    """A store after operations, and what they came to."""
    store = Store()
    return store, [store.execute(op) for op in ops]


def keys(store: Store, **how: object) -> list[bytes]:
    """The keys that a range over all gives."""
    answer = store.ask(Range(ALL, ALL, **how))  # type: ignore[arg-type]  # each test gives what Range takes
    assert isinstance(answer, Found)
    return [each.key for each in answer.versions]


def test_a_revision_counts_what_has_changed_and_is_one_at_first() -> None:
    store, results = after(Put(b"a", b"1"), Range(b"a"), Delete(b"none"), Put(b"a", b"2"), Delete(b"a"))
    assert [each.revision for each in results] == [2, 2, 2, 3, 4]
    assert store.revision == 4


def test_a_key_has_the_revisions_of_its_creation_and_change_and_a_version() -> None:
    store, _ = after(Put(b"a", b"1"), Put(b"b", b""), Put(b"a", b"2"), Delete(b"b"), Put(b"b", b"3"))
    assert store.ask(Range(ALL, ALL)) == Found(
        6, (Version(b"a", b"2", 2, 4, 2), Version(b"b", b"3", 6, 6, 1)), 2
    )


@pytest.mark.parametrize(
    ("key", "end", "found"),
    [
        (b"b", b"", [b"b"]),
        (b"bb", b"", []),
        (b"b", b"c", [b"b", b"b1"]),
        (b"b", ALL, [b"b", b"b1", b"c"]),
        (ALL, ALL, [b"a", b"b", b"b1", b"c"]),
        (b"c", b"a", []),
    ],
)
def test_a_range_is_from_its_key_to_before_its_end(key: bytes, end: bytes, found: list[bytes]) -> None:
    store, _ = after(*(Put(each, b"") for each in (b"c", b"a", b"b1", b"b")))
    answer = store.ask(Range(key, end))
    assert isinstance(answer, Found)
    assert [each.key for each in answer.versions] == found
    assert answer.count == len(found)
    assert store.ask(Range(key, end, count_only=True)) == Found(5, (), len(found))


def test_a_limit_says_how_many_there_are_in_all_and_that_there_are_more() -> None:
    store, _ = after(*(Put(each, b"") for each in (b"a", b"b", b"c")))
    answer = store.ask(Range(ALL, ALL, limit=2, keys_only=True))
    assert isinstance(answer, Found)
    assert (len(answer.versions), answer.count, answer.more) == (2, 3, True)
    answer = store.ask(Range(ALL, ALL, limit=3))
    assert isinstance(answer, Found)
    assert (len(answer.versions), answer.count, answer.more) == (3, 3, False)


def test_results_are_sorted_by_what_is_asked_for() -> None:
    store, _ = after(Put(b"a", b"2"), Put(b"b", b"3"), Put(b"c", b"1"), Put(b"a", b"2"))
    assert keys(store, sort=Target.VALUE) == [b"c", b"a", b"b"]
    assert keys(store, sort=Target.MODIFIED, descending=True) == [b"a", b"c", b"b"]
    assert keys(store, sort=Target.CREATED, descending=True, limit=1) == [b"c"]
    assert keys(store, sort=Target.VERSION) == [b"b", b"c", b"a"]
    assert keys(store, sort=Target.KEY, descending=True) == [b"c", b"b", b"a"]
    assert keys(store, least_modified=4) == [b"a", b"c"]
    assert keys(store, most_created=3) == [b"a", b"b"]


def test_each_revision_since_the_compaction_can_be_read() -> None:
    store, _ = after(Put(b"a", b"1"), Put(b"a", b"2"), Delete(b"a"), Put(b"a", b"3"), Put(b"b", b"1"))
    history = [keys(store, revision=revision) for revision in range(1, 7)]
    assert history == [[], [b"a"], [b"a"], [], [b"a"], [b"a", b"b"]]
    assert store.ask(Range(b"a", revision=7)) == Refused(6, Problem.FUTURE)
    assert store.execute(Compact(4)) == Happened(6)
    assert store.ask(Range(b"a", revision=3)) == Refused(6, Problem.COMPACTED)
    assert [keys(store, revision=revision) for revision in (4, 5, 6)] == history[3:]
    assert store.execute(Compact(4)) == Refused(6, Problem.COMPACTED)
    assert store.execute(Compact(7)) == Refused(6, Problem.FUTURE)


def test_a_deletion_at_the_revision_of_a_compaction_is_still_an_event() -> None:
    store, _ = after(Put(b"a", b"1"), Delete(b"a"), Compact(3))
    assert list(store.events(3, 3)) == [(3, (Version(b"a", b"", 0, 3, 0),))]
    assert [store.execute(op).revision for op in (Put(b"b", b""), Compact(4))] == [4, 4]
    assert store.versions.size == 1  # of `a` nothing is left


def test_a_put_may_keep_the_value_or_the_lease_of_a_key_that_is_there() -> None:
    store, results = after(
        Put(b"a", b"", keep_value=True),
        Grant(7, 10),
        Put(b"a", b"1", lease=7),
        Put(b"a", b"2", keep_lease=True),
        Put(b"a", b"", lease=0, keep_value=True, previous=True),
        Put(b"a", b"x", keep_value=True),
        Put(b"a", b"x", lease=7, keep_lease=True),
        Put(b"", b"x"),
        Put(b"a", b"x", lease=8),
    )
    assert results[0] == Refused(1, Problem.KEY_NOT_FOUND)
    assert results[4] == HasPut(4, Version(b"a", b"2", 2, 3, 2, 7))
    problems = [each.problem for each in results[5:] if isinstance(each, Refused)]
    assert problems == [
        Problem.VALUE_GIVEN,
        Problem.LEASE_GIVEN,
        Problem.KEY_MISSING,
        Problem.LEASE_NOT_FOUND,
    ]
    assert store.ask(Range(b"a")) == Found(4, (Version(b"a", b"2", 2, 4, 3),), 1)


def test_a_transaction_is_one_revision_and_sees_what_it_has_done() -> None:
    store, _ = after(Put(b"a", b"1"))
    result = store.execute(
        Txn(
            (Compare(b"a", Target.VALUE, Relation.EQUAL, b"1"),),
            (Put(b"b", b"2", previous=True), Range(b"b"), Delete(b"a", previous=True)),
            (Put(b"c", b""),),
        )
    )
    assert result == HasChosen(
        3,
        True,
        (
            HasPut(3),
            Found(3, (Version(b"b", b"2", 3, 3, 1),), 1),
            HasDeleted(3, 1, (Version(b"a", b"1", 2, 2, 1),)),
        ),
    )
    assert list(store.events(3, 3)) == [(3, (Version(b"b", b"2", 3, 3, 1), Version(b"a", b"", 0, 3, 0)))]


@pytest.mark.parametrize(
    ("compare", "holds"),
    [
        (Compare(b"a", Target.VERSION, Relation.EQUAL, 2), True),
        (Compare(b"a", Target.VERSION, Relation.GREATER, 2), False),
        (Compare(b"a", Target.CREATED, Relation.LESS, 3), True),
        (Compare(b"a", Target.MODIFIED, Relation.NOT_EQUAL, 3), False),
        (Compare(b"a", Target.VALUE, Relation.GREATER, b"1"), True),
        (Compare(b"a", Target.LEASE, Relation.EQUAL, 0), True),
        (Compare(b"none", Target.VERSION, Relation.EQUAL, 0), True),
        (Compare(b"none", Target.VALUE, Relation.EQUAL, b""), False),
        (Compare(b"none", Target.VALUE, Relation.NOT_EQUAL, b"x"), False),
        (Compare(b"a", Target.VERSION, Relation.GREATER, 0, ALL), True),
        (Compare(b"a", Target.VERSION, Relation.EQUAL, 2, ALL), False),
        (Compare(b"a", Target.VALUE, Relation.EQUAL, 2), False),
    ],
)
def test_comparisons_are_about_all_keys_of_a_range(compare: Compare, holds: bool) -> None:
    store, _ = after(Put(b"a", b"1"), Put(b"a", b"2"), Put(b"b", b"3"))
    assert store.execute(Txn((compare,))) == HasChosen(4, holds, ())


def test_all_comparisons_of_nested_transactions_come_first() -> None:
    inner = Txn(
        (Compare(b"a", Target.VERSION, Relation.EQUAL, 0),), (Put(b"b", b"new"),), (Put(b"b", b"old"),)
    )
    store, results = after(Txn((), (Put(b"a", b"1"), inner)))
    assert results == [HasChosen(2, True, (HasPut(2), HasChosen(2, True, (HasPut(2),))))]
    assert keys(store) == [b"a", b"b"]


@pytest.mark.parametrize(
    ("branch", "problem"),
    [
        ((Put(b"a", b""), Put(b"a", b"")), Problem.KEY_TWICE),
        ((Put(b"b", b""), Delete(b"a", b"c")), Problem.KEY_TWICE),
        ((Delete(b"a", ALL), Put(b"b", b"")), Problem.KEY_TWICE),
        ((Put(b"b", b""), Txn((), (Put(b"a", b""),), (Put(b"b", b""),))), Problem.KEY_TWICE),
        ((Put(b"b", b""), Put(b"c", b"", lease=5)), Problem.LEASE_NOT_FOUND),
        ((Put(b"b", b""), Put(b"c", b"", keep_value=True)), Problem.KEY_NOT_FOUND),
        ((Put(b"b", b""), Range(b"a", revision=9)), Problem.FUTURE),
        ((Put(b"b", b""), Delete(b"")), Problem.KEY_MISSING),
    ],
)
def test_a_transaction_that_is_refused_has_changed_nothing(
    branch: tuple[Put | Delete | Range | Txn, ...], problem: Problem
) -> None:
    store, results = after(Txn((), branch))
    assert results == [Refused(1, problem)]
    assert store.snapshot() == Store().snapshot()


def test_the_two_branches_may_change_the_same_key() -> None:
    inner = Txn((), (Put(b"a", b"1"),), (Put(b"a", b"2"),))
    _, results = after(Txn((), (inner,)))
    assert results == [HasChosen(2, True, (HasChosen(2, True, (HasPut(2),)),))]


def test_a_lease_takes_its_keys_with_it_in_one_revision() -> None:
    store, results = after(
        Grant(5, 10),
        Put(b"b", b"", lease=5),
        Put(b"a", b"", lease=5),
        Put(b"c", b"", lease=5),
        Put(b"c", b""),
    )
    assert store.ask(LookAtLease(5, keys=True)) == LeaseIs(5, 5, 10, (b"a", b"b"), 0)
    assert store.execute(Revoke(5)) == Happened(6, 5)
    assert [each.key for _, change in store.events(6, 6) for each in change] == [b"a", b"b"]
    assert keys(store) == [b"c"]
    assert store.execute(Revoke(5)) == Refused(6, Problem.LEASE_NOT_FOUND)
    assert results[0] == Happened(1, 5)


def test_a_lease_is_granted_once_for_some_time() -> None:
    _, results = after(Grant(5, 10), Grant(5, 10), Grant(0, 10), Grant(6, 0), Grant(7, 10**10), Grant(-5, 10))
    assert results[1:] == [
        Refused(1, Problem.LEASE_EXISTS),
        Refused(1, Problem.LEASE_EXISTS),
        Refused(1, Problem.TTL_TOO_LARGE),
        Refused(1, Problem.TTL_TOO_LARGE),
        Happened(1, -5),
    ]


def test_leases_expire_by_the_word_of_the_last_tenure_alone() -> None:
    store, results = after(Grant(5, 10), Lead("n1"), Lead("n2"), Expire((5,), 1))
    assert results[1:] == [Happened(1, 1), Happened(1, 2), Refused(1, Problem.NOT_THE_LESSOR)]
    assert store.execute(Expire((5, 6), 2)) == Happened(1, 1)
    assert not store.leases


def test_what_a_session_does_is_done_once() -> None:
    put = Put(b"a", b"1", previous=True)
    store, results = after(Once(9, 1, 0, put), Grant(9, 10), Once(9, 1, 0, put), Once(9, 1, 0, put))
    assert results[0] == Refused(1, Problem.SESSION_OVER)
    assert results[2] == results[3] == HasPut(2)
    assert store.execute(Once(9, 2, 1, put)) == HasPut(3, Version(b"a", b"1", 2, 2, 1))
    assert store.execute(Once(9, 1, 0, put)) == Refused(3, Problem.ALREADY_ACKNOWLEDGED)
    again = Store()
    again.restore(store.snapshot())
    assert again.execute(Once(9, 2, 1, put)) == HasPut(
        3, Version(b"a", b"1", 2, 2, 1)
    )  # sessions are in snapshots


def test_a_session_that_acknowledges_nothing_is_refused_before_it_fills_the_store() -> None:
    store, _ = after(Grant(9, 10))
    for serial in range(1, 1025):
        store.execute(Once(9, serial, 0, Put(b"a", b"")))
    assert store.execute(Once(9, 1025, 0, Put(b"a", b""))) == Refused(1025, Problem.SESSION_FULL)
    assert store.execute(Once(9, 1025, 1024, Put(b"a", b""))) == HasPut(1026)


@pytest.mark.parametrize(
    "payload", [b"", b"\xff", b"\x91\x92\xa3put\xa1a", encode((Compact(1),))[:-1], b"\x91" * 5000]
)
def test_what_makes_no_sense_has_a_result_that_says_so(payload: bytes) -> None:
    store = Store()
    assert answers(store.apply(payload)) == (Refused(1, Problem.UNKNOWN),)
    assert answers(store.query(payload)) == (Refused(1, Problem.UNKNOWN),)
    with pytest.raises(ValueError, match="no snapshot of a store"):
        store.restore(payload)


some_key = st.sampled_from([b"a", b"b", b"c", b"d"])
some_end = st.sampled_from([b"", b"c", ALL])
some_put = st.builds(Put, some_key, st.binary(max_size=2), st.sampled_from([0, 0, 1, 2]))
some_delete = st.builds(Delete, some_key, some_end)
some_txn = st.builds(
    Txn,
    st.tuples(
        st.builds(Compare, some_key, st.just(Target.VERSION), st.sampled_from(Relation), st.integers(0, 2))
    ),
    st.lists(some_put | some_delete, max_size=3).map(tuple),
    st.lists(some_put | some_delete, max_size=3).map(tuple),
)
some_op = st.one_of(
    some_put,
    some_delete,
    some_txn,
    st.builds(Compact, st.integers(1, 12)),
    st.builds(Grant, st.integers(1, 2), st.just(10)),
    st.builds(Revoke, st.integers(1, 2)),
    st.builds(Once, st.integers(1, 2), st.integers(1, 4), st.integers(0, 2), some_put),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(some_op, max_size=25))
def test_a_store_is_what_its_history_makes_it(ops: list[Command]) -> None:
    """Against a store that keeps everything, each revision as a dictionary: nothing is lost, before or after a compaction."""
    store = Store()
    all_that_was: dict[int, dict[bytes, bytes]] = {1: {}}
    for op in ops:
        before = store.revision
        assert commands(encode((op,))) == (op,)
        result = answers(store.apply(encode((op,))))[0]
        assert result.revision <= store.revision <= before + 1
        if store.revision > before:
            values = dict(all_that_was[before])
            for _, change in store.events(store.revision, store.revision):
                assert len({each.key for each in change}) == len(change)
                for version in change:
                    values.pop(version.key, None)
                    if version.version:
                        values[version.key] = version.value
            all_that_was[store.revision] = values
        for revision in range(max(1, store.versions.compacted), store.revision + 1):
            answer = store.ask(Range(ALL, ALL, revision=revision))
            assert isinstance(answer, Found)
            assert {each.key: each.value for each in answer.versions} == all_that_was[revision]
        attached = {(v.lease, k) for k, v in store.versions.current.items() if v.lease}
        assert attached == {(number, key) for number, lease in store.leases.items() for key in lease.keys}
        copy = Store()
        copy.restore(store.snapshot())
        assert copy.snapshot() == store.snapshot()
        assert (copy.revision, copy.versions.size) == (store.revision, store.versions.size)
