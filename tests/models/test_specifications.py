"""The TLA+ community's specifications, written anew in `examples/specifications`, have the numbers of states that TLC counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ratified import Verdict, check
from tests.models.test_published import example

LONG = pytest.mark.long(suite="states")


def row(
    file: str, model: str, sizes: dict[str, Any], states: int, depth: int, engine: str = "reference"
) -> Any:
    """A row of a table; what generated code explores in seconds is left to `python3 dev.py long states`."""
    marks = [LONG] if engine == "native" else []
    return pytest.param(file, model, sizes, states, depth, engine, marks=marks, id=f"{model}-{states}")


PUBLISHED = [
    row("algorithms", "SpanningTree", {"Node": 4}, 3_984, 4, "native"),
    row("algorithms", "Majority", {"Candidate": 3}, 2_733, 6, "native"),
    row("algorithms", "Quicksort", {"Item": 3}, 4_548, 9, "native"),
    row("algorithms", "ParallelReachable", {"Node": 4, "Marker": 2}, 393, 18),
    row("algorithms", "ReliableBroadcast", {"Process": 4}, 14_424, 7, "native"),
    row("algorithms", "Meetings", {"Chameneo": 4}, 34_534, 13, "native"),
    row("commit", "TransactionCommit", {"Manager": 3}, 34, 7),
    row("commit", "PaxosCommit", {"Manager": 2, "Acceptor": 3, "Ballot": 2}, 1_321_761, 28, "native"),
    row("commit", "NonBlockingCommit", {"Process": 2}, 3_016, 7, "native"),
    row("locks", "Lock", {"Process": 2}, 12, 5),
    row("locks", "Peterson", {"Process": 2}, 42, 11),
    row("locks", "TimeStamps", {"Process": 3}, 724_274, 61, "native"),
    row("locks", "Philosophers", {"Philosopher": 5}, 67, 29),
    row("locks", "ReadersWriters", {"Actor": 3}, 21_527, 13, "native"),
    row("locks", "Bridge", {"Car": 4}, 3_605, 29, "native"),
    row("locks", "Barrier", {"Process": 6}, 64, 7),
    row("puzzles", "CoffeeCan", {"beans": 100}, 5_150, 1),
    row("puzzles", "Smokers", {"Ingredient": 3}, 6, 2),
    row("puzzles", "Prisoners", {"Prisoner": 4}, 214, 14),
    row("puzzles", "Queens", {}, 785, 16),
    row("puzzles", "Cat", {}, 48, 1),
    row("puzzles", "Cat", {"boxes": 5}, 30, 1),
    row("puzzles", "Life", {}, 65_536, 1, "native"),
    row("rings", "SynchronousTermination", {"Node": 7}, 129, 1),
    row("rings", "TokenRing", {"Node": 3}, 302, 9),
    row("rings", "Safra", {"Node": 3}, 1_520_618, 59, "native"),
    row("rings", "ChangRoberts", {"Node": 3}, 137, 10),
    row("rings", "Stabilizing", {"Machine": 6, "Counter": 6}, 46_656, 1, "native"),
    row("stores", "SnapshotStore", {"Key": 2, "Transaction": 3}, 187_219, 13, "native"),
    row("stores", "Allocator", {"Client": 3, "Resource": 2}, 400, 6),
    row("stores", "SchedulingAllocator", {"Client": 3, "Resource": 2}, 1_690, 7, "native"),
    row("stores", "Fifo", {"Message": 3}, 3_864, 11),
    row("stores", "Memory", {"Processor": 2, "Address": 3, "Content": 2}, 4_408, 10, "native"),
    row("stores", "WriteThroughCache", {"Processor": 2, "Address": 1, "Content": 2}, 5_196, 18, "native"),
]
"""As published, or counted by TLC; the depth of token passing is ours, since several workers of TLC may count one more."""

SMALLER = [
    row("algorithms", "SpanningTree", {"Node": 3}, 96, 3),
    row("algorithms", "Majority", {"Candidate": 2, "most": 3}, 64, 4),
    row("algorithms", "Quicksort", {"Item": 2, "longest": 3}, 154, 7),
    row("algorithms", "Meetings", {"Chameneo": 2, "most": 2}, 46, 7),
    row("commit", "PaxosCommit", {"Manager": 1, "Acceptor": 1, "Ballot": 2}, 45, 9),
    row("commit", "NonBlockingCommit", {"Process": 1}, 32, 4),
    row("locks", "TimeStamps", {"Process": 2, "latest": 3}, 191, 22),
    row("locks", "ReadersWriters", {"Actor": 2}, 390, 9),
    row("locks", "Bridge", {"Car": 2}, 61, 15),
    row("puzzles", "Life", {"side": 2}, 16, 1),
    row("rings", "Safra", {"Node": 1}, 6, 2),
    row("rings", "Stabilizing", {"Machine": 3, "Counter": 3}, 27, 1),
    row("stores", "SnapshotStore", {"Key": 1, "Transaction": 2}, 34, 9),
    row("stores", "SchedulingAllocator", {"Client": 2, "Resource": 1}, 16, 5),
    row("stores", "Memory", {"Processor": 1, "Address": 1, "Content": 2}, 14, 4),
    row("stores", "WriteThroughCache", {"Processor": 1, "Address": 1, "Content": 2}, 88, 8),
]
"""The same at sizes that take no time, in which all claims hold too."""


@pytest.mark.parametrize(("file", "model", "sizes", "states", "depth", "engine"), [*PUBLISHED, *SMALLER])
def test_a_specification_has_its_number_of_states(
    file: str, model: str, sizes: dict[str, Any], states: int, depth: int, engine: str, checkout: Path
) -> None:
    found = check(example(checkout, f"specifications/{file}.py", model)(**sizes), engine=engine)
    assert (found.verdict, found.distinct, found.depth) == (Verdict.HOLDS, states, depth)


PUZZLES = [
    pytest.param("Jugs", {"Jug": 2, "capacity": {"j1": 3, "j2": 5}}, 6, 14, id="Jugs"),
    pytest.param("River", {"Missionary": 3, "Cannibal": 3}, 11, 61, id="River"),
    pytest.param("Hanoi", {"Disk": 5}, 31, 243, id="Hanoi"),
    pytest.param("Klotski", {}, 116, 24_048, id="Klotski", marks=LONG),
]
"""The shortest solution, and the states up to the end of its level: all of the tower; 23,983 before the last one of Klotski."""


@pytest.mark.parametrize(("model", "sizes", "steps", "states"), PUZZLES)
def test_a_puzzle_is_solved_in_its_least_number_of_steps(
    model: str, sizes: dict[str, Any], steps: int, states: int, checkout: Path
) -> None:
    cls: Any = example(checkout, "specifications/puzzles.py", model)
    found = check(cls(**sizes))
    assert found.verdict is Verdict.VIOLATED
    assert found.violation is not None
    assert (len(found.violation.trace.steps), found.distinct) == (steps, states)


@LONG
def test_what_is_symmetric_is_counted_as_published(checkout: Path) -> None:
    model = example(checkout, "specifications/algorithms.py", "FastPaxos")
    found = check(model(Replica=4, Value=3), symmetry=True)
    assert (found.verdict, found.distinct, found.depth) == (Verdict.HOLDS, 25_617, 22)
