"""Each check of the simulator is shown something broken."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ratified.impl.contract import (
    Answer,
    Applied,
    Command,
    Done,
    Durable,
    Lost,
    Refused,
    Restored,
    Truncate,
    WriteEntries,
    WriteRecord,
    WriteSnapshot,
)
from ratified.impl.machines import KeyValue
from ratified.impl.raft import raft_system
from ratified.impl.sessions import Sessions
from ratified.simulator import BrokenPromise
from ratified.simulator.checks import Checks
from ratified.simulator.disk import Disk

ONE = Command("a", 1, b"put x 1")
TWO = Command("b", 1, b"put x 2")


@pytest.fixture
def checks() -> Checks:
    made = Checks(raft_system())
    for node in ("n1", "n2"):
        made.started(node, 0)
    return made


def violation(do: Callable[[], object]) -> str:
    with pytest.raises(BrokenPromise) as caught:
        do()
    return str(caught.value)


def test_two_nodes_that_apply_different_commands_at_an_index(checks: Checks) -> None:
    checks.applied("n1", Applied(1, ONE, b""))
    assert violation(lambda: checks.applied("n2", Applied(1, TWO, b""))) == (
        "agreement: n2 applies at 1 b's 1 (put x 2) with result ''; another node applied a's 1 (put x 1) with result ''"
    )


def test_a_node_that_leaves_an_index_out(checks: Checks) -> None:
    assert violation(lambda: checks.applied("n1", Applied(2, ONE, b""))) == "order: n1 applies 2 after 0"


def test_a_node_that_applies_something_twice(checks: Checks) -> None:
    checks.applied("n1", Applied(1, ONE, b""))
    assert violation(lambda: checks.applied("n1", Applied(1, ONE, b""))) == "order: n1 applies 1 after 1"


def test_a_snapshot_of_what_nobody_has_applied(checks: Checks) -> None:
    assert (
        violation(lambda: checks.applied("n1", Restored(3)))
        == "order: n1, at 0, takes a snapshot up to 3 of 0"
    )
    assert violation(lambda: checks.started("n1", 2)) == (
        "order: n1 starts with a snapshot up to 2; only 0 are applied"
    )


def test_a_snapshot_that_goes_back(checks: Checks) -> None:
    checks.applied("n1", Applied(1, ONE, b""))
    checks.applied("n1", Applied(2, TWO, b"1"))
    assert (
        violation(lambda: checks.applied("n1", Restored(1)))
        == "order: n1, at 2, takes a snapshot up to 1 of 2"
    )


def test_a_command_that_is_executed_twice(checks: Checks) -> None:
    checks.applied("n1", Applied(1, ONE, b""))
    assert violation(lambda: checks.applied("n1", Applied(2, ONE, b"1"))) == (
        "result: n1 applies at 2 a's 1 (put x 1) with result '1'; executed once, in order, gives b''"
    )


def test_an_answer_to_what_nobody_has_applied(checks: Checks) -> None:
    checks.asked(1, ONE, query=False)
    assert violation(lambda: checks.answered(2, Answer("a", 1, Done(b"")))) == (
        "acknowledged: a is told that 1 is done; nobody has applied it"
    )


def test_an_answer_with_another_result(checks: Checks) -> None:
    checks.asked(1, ONE, query=False)
    checks.applied("n1", Applied(1, ONE, b""))
    assert violation(lambda: checks.answered(2, Answer("a", 1, Done(b"9")))) == (
        "acknowledged: a is told b'9' for 1; its result is b''"
    )


def reading(checks: Checks) -> Command:
    """X is 1, and known to be; then 2, which nobody knows yet; then c asks."""
    for command, serial in ((ONE, 1), (TWO, 2)):
        checks.asked(serial, command, query=False)
        checks.applied("n1", Applied(serial, command, b"" if serial == 1 else b"1"))
    checks.answered(3, Answer("a", 1, Done(b"")))
    query = Command("c", 1, b"get x")
    checks.asked(4, query, query=True)
    return query


@pytest.mark.parametrize("result", [b"1", b"2", b"3"])
def test_a_read_may_show_any_state_since_it_was_asked(checks: Checks, result: bytes) -> None:
    reading(checks)
    checks.applied("n1", Applied(3, Command("d", 1, b"put x 3"), b"2"))
    assert checks.answered(5, Answer("c", 1, Done(result)))


def test_a_read_that_shows_what_was_overwritten_before_it_was_asked(checks: Checks) -> None:
    reading(checks)
    checks.answered(5, Answer("c", 1, Done(b"2")))
    checks.asked(6, Command("c", 2, b"get x"), query=True)
    # The first read has shown 2: nothing that begins later may show 1.
    assert violation(lambda: checks.answered(7, Answer("c", 2, Done(b"1")))) == (
        "linearizability: c is told '1' for its query 2 (get x); since it asked the answer has been '2'"
    )


def test_a_node_that_has_not_applied_everything_in_the_end(checks: Checks) -> None:
    checks.applied("n1", Applied(1, ONE, b""))
    assert violation(lambda: checks.settled("n2", KeyValue())) == (
        "all is applied: n2 has applied 0 of 1 when all is calm"
    )


def test_a_node_with_another_state_in_the_end(checks: Checks) -> None:
    checks.applied("n1", Applied(1, ONE, b""))
    assert violation(lambda: checks.settled("n1", KeyValue())) == (
        "state: n1 has another state than the log gives: b'{}'"
    )


def test_a_history_has_one_call_and_one_return_for_each_operation(checks: Checks) -> None:
    checks.asked(1, ONE, query=False)
    checks.asked(2, ONE, query=False)  # sent again
    checks.answered(3, Answer("a", 1, Lost(None)))  # which ends nothing
    checks.applied("n1", Applied(1, ONE, b""))
    checks.answered(4, Answer("a", 1, Done(b"")))
    checks.answered(5, Answer("a", 1, Done(b"")))
    checks.asked(6, Command("b", 1, b"cas x 1 2"), query=False)
    checks.answered(7, Answer("b", 1, Refused("no")))
    checks.asked(8, Command("c", 1, b"get x"), query=True)
    checks.answered(9, Answer("c", 1, Done(b"1")))
    checks.asked(10, Command("d", 1, b"delete x"), query=False)
    assert checks.history.ndjson().splitlines() == [
        '{"process": "a", "f": "put", "key": "x", "type": "invoke", "value": "1"}',
        '{"process": "a", "f": "put", "key": "x", "type": "ok", "value": "1"}',
        '{"process": "b", "f": "cas", "key": "x", "type": "invoke", "value": ["1", "2"]}',
        '{"process": "b", "f": "cas", "key": "x", "type": "fail", "value": ["1", "2"]}',
        '{"process": "c", "f": "get", "key": "x", "type": "invoke", "value": null}',
        '{"process": "c", "f": "get", "key": "x", "type": "ok", "value": "1"}',
        '{"process": "d", "f": "delete", "key": "x", "type": "invoke", "value": null}',
    ]


# The disk


WRITES = (
    (1, (WriteRecord("r1"), WriteEntries(1, ("a", "b")))),
    (2, (Truncate(2), WriteEntries(2, ("c", "d")))),
    (3, (WriteSnapshot(2, "s"), WriteRecord("r2"))),
)


@pytest.mark.parametrize(
    ("kept", "left"),
    [
        (0, Durable("r0", {})),
        (1, Durable("r1", {})),
        (2, Durable("r1", {1: "a"})),  # torn
        (3, Durable("r1", {1: "a", 2: "b"})),
        (4, Durable("r1", {1: "a"})),
        (5, Durable("r1", {1: "a", 2: "c"})),  # torn
        (6, Durable("r1", {1: "a", 2: "c", 3: "d"})),
        (7, Durable("r1", {3: "d"}, "s")),
        (8, Durable("r2", {3: "d"}, "s")),
        (9, Durable("r2", {3: "d"}, "s")),
    ],
)
def test_a_crash_keeps_what_was_durable_and_the_first_units_of_the_rest(kept: int, left: Durable) -> None:
    disk = Disk(Durable("r0"))
    for token, writes in WRITES:
        disk.write(token, writes)
    assert disk.units() == 8
    disk.crash(kept)
    assert disk.durable == left
    assert (disk.pending, disk.persisted) == (0, 0)


def test_writes_become_durable_in_their_order() -> None:
    disk = Disk(Durable("r0"))
    for token, writes in WRITES:
        disk.write(token, writes)
    assert disk.persist(2)
    assert (disk.persisted, disk.durable) == (2, Durable("r1", {1: "a", 2: "c", 3: "d"}))
    assert not disk.persist(2)
    disk.crash(0)
    assert disk.durable == Durable("r1", {1: "a", 2: "c", 3: "d"})


def test_a_durable_state_changes_as_a_disk_does() -> None:
    disk, durable = Disk(Durable("r0")), Durable("r0")
    for token, writes in WRITES:
        disk.write(token, writes)
        for write in writes:
            durable = durable.after(write)
    disk.persist(3)
    assert disk.durable == durable


# What cores replicate


def test_the_key_value_store() -> None:
    store = KeyValue()
    results = [
        store.apply(command)
        for command in (
            b"put x 1",
            b"put x 2",
            b"cas x 1 3",
            b"cas x 2 3",
            b"delete x",
            b"delete x",
            b"nonsense",
            b"",
        )
    ]
    assert results == [b"", b"1", b"false", b"true", b"3", b"", b"no such command", b"no such command"]
    assert (store.query(b"get x"), store.query(b"put x 1")) == (b"", b"no such query")
    store.apply(b"put \xff 1")
    other = KeyValue()
    other.restore(store.snapshot())
    assert other.snapshot() == store.snapshot()
    assert other.query(b"get \xff") == b"1"


@pytest.mark.parametrize(
    "broken", [b"", b"{", b"[]", b'{"x": 1}', '{"x": "\u20ac"}'.encode(), b"\xff", b"[" * 9_999]
)
def test_a_store_does_not_take_over_what_is_no_snapshot(broken: bytes) -> None:
    store = KeyValue()
    store.apply(b"put x 1")
    with pytest.raises(ValueError, match=r".+"):
        store.restore(broken)
    assert store.query(b"get x") == b"1"


def test_sessions_survive_in_a_snapshot() -> None:
    sessions = Sessions(KeyValue())
    assert sessions.apply(ONE) == b""
    other = Sessions(KeyValue())
    other.restore(sessions.table(), sessions.machine.snapshot())
    assert other.apply(ONE) == b""
    assert other.apply(Command("a", 2, b"put x 2")) == b"1"
    assert other.apply(ONE) is None
