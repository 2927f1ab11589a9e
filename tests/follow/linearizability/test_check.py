"""The search agrees with trying all orders; what it answers can be checked; and it is quick where it has to be."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratified.follow.linearizability import (
    UNKNOWN,
    CounterObject,
    HistoryError,
    HistoryRecorder,
    KeyValue,
    ListObject,
    Lock,
    Operation,
    Queue,
    Register,
    SequentialModel,
    SetObject,
    check,
    check_history,
)
from ratified.results.result import Verdict
from tests.generate.profile import examples


def brute(operations: Sequence[Operation], model: SequentialModel) -> bool:
    """Whether some choice of what is pending, in some order that respects real time, is a run of the model."""
    done = [o for o in operations if o.end is not None]
    pending = [o for o in operations if o.end is None]
    for count in range(len(pending) + 1):
        for some in itertools.combinations(pending, count):
            for order in itertools.permutations([*done, *some]):
                if explains(order, model):
                    return True
    return False


def explains(order: Sequence[Operation], model: SequentialModel) -> bool:
    """Whether an order respects real time and is a run of the model."""
    for i, a in enumerate(order):
        if any(b.end is not None and b.end < a.call for b in order[i + 1 :]):
            return False
    states: set[Any] = {model.initial()}
    for operation in order:
        states = {after for state in states for after in model.step(state, operation)}
    return bool(states)


def op(process: int, function: str, argument: Any, result: Any, call: int, end: int | None) -> Operation:
    return Operation(process, function, argument, result, call, end)


class Together:
    """Keys that are decided together, as where an operation may be about several."""

    functions = ("get", "put")
    anonymous = True

    def part(self, operation: Operation) -> None:
        return None

    def initial(self) -> tuple[tuple[Any, Any], ...]:
        return ()

    def step(self, state: tuple[tuple[Any, Any], ...], operation: Operation) -> tuple[Any, ...]:
        now = dict(state)
        if operation.function == "put":
            return (tuple(sorted({**now, operation.key: operation.argument}.items())),)
        return (state,) if operation.result in (UNKNOWN, now.get(operation.key)) else ()


@st.composite
def histories(draw: st.DrawFn, functions: Sequence[str], keys: Sequence[Any]) -> list[Operation]:
    """Up to six operations of three processes; the results are any, so that many histories have no order."""
    recorder = HistoryRecorder()
    small = st.integers(0, 2)
    calls = 0
    for process in draw(st.lists(st.integers(0, 2), max_size=14)):
        now = recorder.open(process)
        if now is None:
            if calls == 6:
                continue
            calls += 1
            function = draw(st.sampled_from(functions))
            argument: Any = [draw(small), draw(small)] if function == "cas" else draw(small)
            recorder.call(process, function, argument, draw(st.sampled_from(keys)))
        elif draw(st.integers(0, 3)) == 0:
            recorder.lose(process)
        elif now.function == "cas":
            recorder.end(process, draw(st.booleans()))
        else:
            recorder.end(process, draw(st.one_of(small, st.none())))
    return list(recorder.history().operations)


MODELS = [
    (Register(0), ["read", "write", "cas"], [None]),
    (KeyValue(), ["get", "put", "cas", "delete"], ["x", "y"]),
    (Queue(), ["enqueue", "dequeue"], [None]),
    (Lock(), ["acquire", "release"], [None]),
    (Together(), ["get", "put"], ["x", "y"]),
]


@pytest.mark.parametrize(("model", "functions", "keys"), MODELS)
@examples(60, 2_000)
@given(st.data())
def test_it_agrees_with_trying_all_orders(
    model: SequentialModel, functions: list[str], keys: list[Any], data: st.DataObject
) -> None:
    operations = data.draw(histories(functions, keys))
    if data.draw(st.booleans()):
        outcome = check_history(operations, model)
    else:  # as if the search were long: what needs none is looked at first
        with mock.patch.object(check, "FIRST_TURN", 1), mock.patch.object(check, "HARD", 0):
            outcome = check_history(operations, model)
    by_key: dict[Any, list[Operation]] = {}
    for o in operations:
        by_key.setdefault(model.part(o), []).append(o)
    assert (outcome.verdict is Verdict.HOLDS) == all(brute(part, model) for part in by_key.values())
    for part, order in outcome.order:
        assert {o for o in by_key[part] if o.end is not None} <= set(order) <= set(by_key[part])
        assert explains(order, model)
    if outcome.failure:
        # The prefix named is the shortest: up to that return there is no order, and before it there is one.
        failure = outcome.failure
        mine = by_key[failure.part]
        assert failure.exact
        assert not brute(cut(mine, failure.position), model)
        assert brute(cut(mine, failure.position - 1), model)
        assert explains(failure.order, model)
        before = {o for o in mine if o.end is not None and o.end < failure.position}
        assert before <= set(failure.order)
        assert all(not model.step(state, failure.operation) for state in failure.states)


def cut(operations: Sequence[Operation], position: int) -> list[Operation]:
    """Return a history up to a position: what has not returned by then is pending."""
    return [
        o
        if o.end is None or o.end <= position
        else Operation(o.process, o.function, o.argument, UNKNOWN, o.call, None, o.key)
        for o in operations
        if o.call <= position
    ]


def busy(seed: int, count: int, clients: int, keys: int, lost: float = 0.0) -> list[Operation]:
    """Clients of a store that is linearizable: each operation takes effect at some moment between its call and its return."""
    chance = random.Random(seed)
    store: dict[int, Any] = {}
    recorder = HistoryRecorder()
    stage: dict[int, tuple[Any, ...]] = {}
    names = itertools.count()
    calls = 0
    while calls < count or stage:
        c = chance.randrange(clients)
        if c not in stage:
            if calls == count:
                continue
            calls += 1
            key = chance.randrange(keys)
            function = chance.choice(["get", "get", "put", "cas"])
            argument: Any = {"get": None, "put": next(names), "cas": [store.get(key), next(names)]}[function]
            name = (f"{c}'{calls}") if lost else c
            recorder.call(name, function, argument, key)
            stage[c] = (name, function, argument, key)
        elif len(stage[c]) == 4:
            name, function, argument, key = stage[c]
            result = None
            if function == "get":
                result = store.get(key)
            elif function == "put":
                store[key] = argument
            else:
                result = store.get(key) == argument[0]
                if result:
                    store[key] = argument[1]
            stage[c] = (name, result)
        elif chance.random() < lost:
            recorder.lose(stage.pop(c)[0])
        else:
            name, result = stage.pop(c)
            recorder.end(name, result)
    return list(recorder.history().operations)


@pytest.mark.parametrize("seed", range(3))
def test_long_histories_are_decided(seed: int) -> None:
    operations = busy(seed, 10_000, clients=10, keys=3)
    outcome = check_history(operations, KeyValue())
    assert (outcome.verdict, outcome.operations, outcome.parts) == (Verdict.HOLDS, 10_000, 3)
    # Hardly more is looked at than there are operations: no search that explodes.
    assert outcome.configurations < 40_000


@pytest.mark.parametrize("seed", range(5))
def test_one_stale_read_among_thousands_is_found(seed: int) -> None:
    operations = busy(seed, 10_000, clients=10, keys=1)
    reads = [
        i for i, o in enumerate(operations) if o.function == "get" and o.result is not None and i > 1_000
    ]
    at = random.Random(seed).choice(reads)
    stale = next(
        o.argument
        for o in reversed(operations[: at - 60])
        if o.function == "put" and o.argument != operations[at].result
    )
    o = operations[at]
    operations[at] = Operation(o.process, o.function, o.argument, stale, o.call, o.end, o.key)
    outcome = check_history(operations, KeyValue())
    assert outcome.verdict is Verdict.VIOLATED
    assert outcome.failure is not None
    assert (outcome.failure.operation, outcome.failure.exact) == (operations[at], True)
    assert stale not in outcome.failure.states


def test_operations_that_never_returned_do_not_blow_the_search_up() -> None:
    operations = busy(3, 3_000, clients=10, keys=2, lost=0.02)
    pending = sum(o.pending for o in operations)
    outcome = check_history(operations, KeyValue())
    assert outcome.verdict is Verdict.HOLDS
    assert pending > 40
    assert outcome.configurations < 100_000


@pytest.mark.parametrize("lost", [16, 40])
def test_writes_that_never_returned_are_used_only_where_they_are_seen(lost: int) -> None:
    """Half of them are read, one after the other; any order of the other half would do as well as none."""
    writes = [op(n, "write", n, UNKNOWN, n, None) for n in range(lost)]
    seen = random.Random(0).sample(range(lost), lost // 2)
    reads = [op(lost, "read", None, n, lost + 2 * i, lost + 2 * i + 1) for i, n in enumerate(seen)]
    outcome = check_history([*writes, *reads], Register())
    assert outcome.verdict is Verdict.HOLDS
    assert outcome.configurations < lost * lost
    again = op(lost, "read", None, seen[0], 2 * lost + 2, 2 * lost + 3)
    outcome = check_history([*writes, *reads, again], Register())
    assert outcome.failure is not None
    assert outcome.failure.operation == again
    assert seen[0] not in outcome.failure.states
    assert seen[-1] in outcome.failure.states


def crowded(last: Operation) -> list[Operation]:
    """Writes and swaps that all overlap, of which any number may come in any order; and something after them."""
    swaps = [op(n, "cas", (n - 10, n), n % 3 == 0, n, 100 - n) for n in range(10, 20)]
    return [*(op(n, "write", n, None, n, 100 - n) for n in range(10)), *swaps, last]


UNWRITTEN = op(0, "read", None, 99, 50, 200)
OVERWRITTEN = [op(0, "write", 3, None, 202, 203), op(1, "read", None, 4, 204, 205)]


@pytest.mark.parametrize(
    ("operations", "wrong", "states"),
    [
        ([*crowded(op(9, "read", None, 3, 300, 301)), UNWRITTEN], UNWRITTEN, tuple(range(8))),
        ([*crowded(op(9, "read", None, 3, 200, 201)), *OVERWRITTEN], OVERWRITTEN[1], (3,)),
    ],
    ids=["nobody wrote it", "it was overwritten"],
)
def test_a_value_that_cannot_be_read_is_told_without_a_search(
    operations: list[Operation], wrong: Operation, states: tuple[int, ...]
) -> None:
    """A search would try the orders of twenty operations."""
    outcome = check_history(operations, Register(0))
    assert outcome.configurations < 20_000
    assert outcome.failure is not None
    failure = outcome.failure
    assert (failure.operation, failure.exact, failure.states) == (wrong, True, states)
    assert explains(failure.order, Register(0))


def passed_through(count: int) -> list[Operation]:
    """Values put into a queue all at once, and taken one after the other in another order."""
    order = random.Random(4).sample(range(count), count)
    puts = [op(n, "enqueue", n, None, n, 2 * count - n) for n in range(count)]
    return [
        *puts,
        *(op(99, "dequeue", None, n, 3 * count + 2 * i, 3 * count + 2 * i + 1) for i, n in enumerate(order)),
    ]


def test_what_comes_out_of_a_queue_says_in_which_order_it_went_in() -> None:
    operations = passed_through(20)
    outcome = check_history(operations, Queue())
    assert (outcome.verdict, outcome.configurations) == (Verdict.HOLDS, 40)
    again = op(99, "dequeue", None, 7, 400, 401)
    outcome = check_history([*operations, again], Queue())
    assert outcome.failure is not None
    assert (outcome.failure.operation, outcome.failure.exact) == (again, True)


CROWD = 24
SHUFFLED = random.Random(1).sample(range(CROWD), CROWD)
SQUARES = [n * n * 977 + 1 for n in range(1, CROWD)]
SUMS = [sum(SQUARES[:7]), sum(SQUARES[:15])]
TAKEN = [value for n, value in enumerate(SHUFFLED[:9]) if n % 3]


def crowd(function: str, values: Sequence[int], read: str, results: Sequence[int]) -> list[Operation]:
    """Changes that all overlap, and while they are under way one after the other what tells of them."""
    changes = [op(n, function, v, None, n, 200 - n) for n, v in enumerate(values)]
    lost = [op(70 + n, "dequeue", None, UNKNOWN, 40 + n, None) for n in range(5)] if read == "dequeue" else []
    return [*changes, *lost, *(op(99, read, None, r, 50 + 2 * n, 51 + 2 * n) for n, r in enumerate(results))]


@pytest.mark.parametrize(
    ("model", "operations", "verdict"),
    [
        (Register(), crowd("write", range(CROWD), "read", SHUFFLED[:9]), Verdict.HOLDS),
        (Register(), crowd("write", range(CROWD), "read", [5, 6, 5]), Verdict.VIOLATED),
        (CounterObject(), crowd("add", SQUARES, "read", SUMS), Verdict.HOLDS),
        (CounterObject(), crowd("add", SQUARES[:9], "read", [7 * 977]), Verdict.VIOLATED),
        (Queue(), crowd("enqueue", range(CROWD), "dequeue", TAKEN), Verdict.HOLDS),
        (Queue(), crowd("enqueue", range(CROWD), "dequeue", [*TAKEN, TAKEN[0]]), Verdict.VIOLATED),
    ],
    ids=["register", "written once", "counter", "no sum", "queue", "taken twice"],
)
def test_a_crowd_is_decided_by_what_its_results_tell(
    model: SequentialModel, operations: list[Operation], verdict: Verdict
) -> None:
    """A search alone would try the orders of two dozen."""
    outcome = check_history(operations, model, configurations=5_000)
    assert outcome.verdict is verdict
    if outcome.failure:
        assert outcome.failure.operation == operations[-1]


def hard(key: str, at: int, count: int = 24) -> list[Operation]:
    """Concurrent appends, of which what was read is a last one: every order of the others leads to another state."""
    calls = [Operation(n, "append", str(n), None, at + n, at + 2 * count - n, key) for n in range(count)]
    return [*calls, Operation(count, "get", None, "?", at + 2 * count + 1, at + 2 * count + 2, key)]


class Texts:
    """Texts that are appended to, one for each key."""

    functions = ("append", "get")

    def initial(self) -> str:
        return ""

    def part(self, operation: Operation) -> str:
        return str(operation.key)

    def step(self, state: str, operation: Operation) -> tuple[str, ...]:
        if operation.function == "append":
            return (state + operation.argument,)
        return (state,) if operation.result == state else ()


def test_a_hard_part_hides_no_easy_one() -> None:
    """The first two would take more than a life each; the last is plainly not linearizable."""
    wrong = Operation(0, "get", None, "no", 200, 201, "z")
    outcome = check_history([*hard("x", 0), *hard("y", 100), wrong], Texts())
    assert outcome.failure is not None
    assert (outcome.failure.part, outcome.failure.operation, outcome.failure.exact) == ("z", wrong, True)
    undecided = check_history([*hard("x", 0), *hard("y", 100)], Texts(), configurations=20_000)
    assert (undecided.verdict, undecided.configurations) == (Verdict.UNDECIDED, 20_001)


def test_every_part_that_is_still_open_has_its_turn_again() -> None:
    """The second needs more than its first turn, while the first one needs more than there is."""
    outcome = check_history([*hard("x", 0, 12), *hard("z", 100, 6)], Texts(), configurations=50_000)
    assert outcome.failure is not None
    assert (outcome.failure.part, outcome.failure.operation.function) == ("z", "get")


def test_where_memory_runs_out_nothing_is_claimed() -> None:
    outcome = check_history(hard("x", 0), Texts(), memory=1 << 20)
    assert (outcome.verdict, outcome.stopped) == (
        Verdict.UNDECIDED,
        "out of memory: the limit is 1,048,576 bytes",
    )


def test_where_time_runs_out_nothing_is_claimed() -> None:
    operations = busy(0, 2_000, clients=10, keys=1)
    ticks = itertools.count()
    outcome = check_history(operations, KeyValue(), seconds=3, clock=lambda: float(next(ticks)))
    assert (outcome.verdict, outcome.stopped) == (Verdict.UNDECIDED, "out of time")
    outcome = check_history(operations, KeyValue(), configurations=100)
    assert (outcome.verdict, outcome.stopped) == (
        Verdict.UNDECIDED,
        "stopped after 100 configurations",
    )


def test_a_write_that_never_returned_explains_a_read_or_not() -> None:
    lost = op(0, "write", 1, UNKNOWN, 0, None)
    before, after = op(1, "read", None, 0, 1, 2), op(1, "read", None, 1, 3, 4)
    assert check_history([lost, before], Register(0)).verdict is Verdict.HOLDS
    assert check_history([lost, before, after], Register(0)).verdict is Verdict.HOLDS
    back = op(1, "read", None, 0, 5, 6)
    outcome = check_history([lost, before, after, back], Register(0))
    assert outcome.failure is not None
    assert (outcome.failure.operation, outcome.failure.states) == (back, (1,))
    # It cannot take effect before it was called.
    late = op(0, "write", 1, UNKNOWN, 9, None)
    assert check_history([op(1, "read", None, 1, 3, 4), late], Register(0)).verdict is Verdict.VIOLATED


def test_numbers_and_truth_are_told_apart() -> None:
    wrote = op(0, "write", 1, None, 0, 1)
    assert check_history([wrote, op(1, "read", None, 1, 2, 3)], Register()).verdict is Verdict.HOLDS
    assert check_history([wrote, op(1, "read", None, True, 2, 3)], Register()).verdict is Verdict.VIOLATED


class Counter:
    """A model of one's own, whose reads may lag behind: several states are possible after an operation."""

    functions = ("add", "lose", "read")

    def initial(self) -> int:
        return 0

    def part(self, operation: Operation) -> None:
        return None

    def step(self, state: int, operation: Operation) -> tuple[int, ...]:
        if operation.function == "add":
            return (state + operation.argument,)
        if operation.function == "lose":
            return (state, state - 1)
        return (state,) if operation.result in (UNKNOWN, state) else ()


def test_a_model_of_ones_own_may_choose() -> None:
    start = [op(0, "add", 2, None, 0, 1), op(0, "lose", None, None, 2, 3)]
    for answer, verdict in [(1, Verdict.HOLDS), (2, Verdict.HOLDS), (0, Verdict.VIOLATED)]:
        assert check_history([*start, op(0, "read", None, answer, 4, 5)], Counter()).verdict is verdict


@pytest.mark.parametrize("pending", [False, True])
def test_the_same_of_two_keys_is_not_the_same(pending: bool) -> None:
    """Where they are decided together: what was put under the second key is seen before what was put under the first."""
    puts = [
        Operation(n, "put", 1, UNKNOWN if pending else None, n, None if pending else 6 + n, key)
        for n, key in enumerate("xy")
    ]
    gets = [
        Operation(2, "get", None, 1 if key == "y" else None, 2 + 2 * n, 3 + 2 * n, key)
        for n, key in enumerate("yx")
    ]
    assert check_history([*puts, *gets], Together()).verdict is Verdict.HOLDS


def test_a_model_that_fails_is_told_from_a_history_that_does() -> None:
    with pytest.raises(HistoryError, match=r"^Counter fails at add\(\"x\"\) -> null: TypeError: ") as raised:
        check_history([op(0, "add", "x", None, 0, 1)], Counter())
    assert "`step` gives the possible states" in str(raised.value)
    with pytest.raises(HistoryError, match=r"^Counter has no operation 'sub'\n  it has add, lose, read$"):
        check_history([op(0, "sub", 1, None, 0, 1)], Counter())
    with pytest.raises(HistoryError, match=r"^the value of a cas is \[old, new\], not 3$"):
        check_history([op(0, "cas", 3, None, 0, 1)], Register())


WHOLE: dict[str, tuple[SequentialModel, Sequence[str]]] = {
    "list": (ListObject(), ("append", "append", "read")),
    "set": (SetObject(), ("add", "add", "read")),
    "set with removals": (SetObject(), ("add", "remove", "read")),
    "counter": (CounterObject(), ("add", "read")),
    "register": (Register(), ("write", "read")),
}


def of_a_whole(random_: random.Random, name: str) -> list[Operation]:
    """Six operations of three processes; reads return some of what was added by then, in some order."""
    recorder, calls = HistoryRecorder(), 0
    while calls < 6 or random_.random() < 0.7:
        process = random_.randrange(3)
        now = recorder.open(process)
        if now is None and calls < 6:
            calls += 1
            function = random_.choice(WHOLE[name][1])
            values = [calls, calls, random_.randrange(3)] + ([True] if name != "counter" else [])
            recorder.call(process, function, None if function == "read" else random_.choice(values))
        elif now is not None and random_.random() < 0.2:
            recorder.lose(process)
        elif now is not None:
            added = [o.argument for o in recorder.history().operations if o.function != "read"]
            some = random_.sample(added, random_.randrange(len(added) + 1))
            whole: Any = {"counter": sum(some), "register": random_.choice([None, *added])}.get(name, some)
            recorder.end(process, whole if now.function == "read" else None)
    return list(recorder.history().operations)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("hard", [0, check.HARD])
def test_what_reads_tell_of_the_order_changes_no_verdict(name: str, hard: int) -> None:
    model, found = WHOLE[name][0], []
    with mock.patch.object(check, "HARD", hard), mock.patch.object(check, "FIRST_TURN", max(1, 1_024 * hard)):
        for seed in range(60):
            operations = of_a_whole(random.Random(f"{seed} {name}"), name)
            outcome = check_history(operations, model)
            found.append(outcome.verdict)
            assert (outcome.verdict is Verdict.HOLDS) == brute(operations, model), (seed, operations)
            if outcome.order and outcome.verdict is Verdict.HOLDS:
                assert explains(outcome.order[0][1], model)
    assert min(map(found.count, (Verdict.HOLDS, Verdict.VIOLATED))) > 9


@pytest.mark.parametrize(("last", "verdict"), [((2, 1), Verdict.VIOLATED), ((1, 2), Verdict.HOLDS)])
def test_appends_of_a_list_that_overlap_are_decided_by_its_reads(
    last: tuple[int, int], verdict: Verdict
) -> None:
    """24 at once, half of them without an answer, and two reads that differ in the order of the last two."""
    recorder = HistoryRecorder()
    values = [*range(3, 25), 1, 2]
    for process, value in enumerate(values):
        recorder.call(process, "append", value)
    for result in (values, [*values[:-2], *last]):
        recorder.call(30, "read")
        recorder.end(30, result)
    for process in range(0, 24, 2):
        recorder.end(process, None)
    outcome = check_history(recorder.history(), ListObject(), configurations=1_000)
    assert outcome.verdict is verdict


def test_true_is_no_number() -> None:
    """Python takes them for equal, so that one state would be taken for another."""
    recorder = HistoryRecorder()
    recorder.call(0, "write", True)
    recorder.end(0, None)
    recorder.call(1, "write", 1)
    recorder.call(2, "read")
    recorder.end(2, 1)
    assert check_history(recorder.history(), Register()).verdict is Verdict.HOLDS
    lost = [op(0, "write", True, UNKNOWN, 0, None), op(1, "write", 1, UNKNOWN, 1, None)]
    assert check_history([*lost, op(2, "read", None, 1, 2, 3)], Register()).verdict is Verdict.HOLDS
