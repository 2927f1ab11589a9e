"""Counterexamples: shortest, real, and the same on every run."""

from __future__ import annotations

import pytest

from ratified.explore.native.driver import FindingKind, NativeExploration, NativeFinding, RunOptions
from tests.explore.native import maze as oracle
from tests.explore.native.maze import Maze
from tests.explore.native.programs import maze_program, program


def find(name: str, threads: int, **macros: int) -> NativeFinding | None:
    with NativeExploration(program(name, **macros), RunOptions(threads=threads)) as exploration:
        return exploration.run().finding


def test_paxos_that_ignores_promises() -> None:
    """The proposer may pick any value: two values are chosen, in 13 states at least."""
    found = [find("paxos", threads, BALLOTS=3, BROKEN=1) for threads in (1, 2, 1, 2, 2, 2, 3)]
    assert found[0] is not None
    assert (found[0].kind, found[0].index, len(found[0].states)) == (FindingKind.INVARIANT, 0, 13)
    assert found == [found[0]] * len(found)


@pytest.mark.parametrize(
    "field", ["bad0", "bad1", "bad_step0", "bad_step1", "fault_step", "fault_state", "fault_after"]
)
def test_each_kind(field: str) -> None:
    healthy = oracle.explore(Maze(seed=11, nodes=3000, span=40), 2)
    values = {"seed": 11, "nodes": 3000, "span": 40, field: healthy.levels[20][5]}
    maze = Maze(**values)
    expected = oracle.explore(maze, 2).finding
    assert expected is not None
    for threads in (1, 2):
        with NativeExploration(maze_program(maze, 2), RunOptions(threads=threads)) as exploration:
            assert exploration.run().finding == expected


def test_deadlock_only_when_asked() -> None:
    maze = Maze(seed=12, nodes=3000, span=40, dead_modulus=400)
    expected = oracle.explore(maze, deadlock=True).finding
    assert expected is not None
    assert expected.kind is FindingKind.DEADLOCK
    with NativeExploration(maze_program(maze), RunOptions(deadlock=True)) as exploration:
        assert exploration.run().finding == expected
    with NativeExploration(maze_program(maze), RunOptions()) as exploration:
        assert exploration.run().finding is None


def test_a_fault_in_an_initial_state() -> None:
    maze = Maze(seed=13, nodes=1, span=1, fault_state=0)
    with NativeExploration(maze_program(maze), RunOptions()) as exploration:
        assert exploration.run().finding == NativeFinding(FindingKind.FAULT, 9, None, ((0,),), ())


def steps(state: int, size: int = 40) -> list[int]:
    """What pair.c says: the successors by instance."""
    a, b = state >> 32, state & 0xFFFFFFFF
    moves = [
        ((a + 3) % size, b, True),
        ((a + 7) % size, b, a % 2 == 0),
        (a, (b + 3) % size, True),
        (a, (b + 7) % size, b % 2 == 0),
    ]
    return [x << 32 | y if possible else -1 for x, y, possible in moves]


def check_run(found: NativeFinding) -> None:
    assert found.states[0] == (5 << 32 | 2,)
    for (old,), (new,), instance in zip(found.states, found.states[1:], found.instances, strict=False):
        assert steps(old)[instance] == new
    assert len(found.instances) == len(found.states) - 1


@pytest.mark.parametrize("threads", [1, 2])
def test_symmetry_halves_the_states_and_keeps_runs_real(threads: int) -> None:
    full, half = (find_all("pair", threads, SYMMETRY=symmetry, BAD=37) for symmetry in (0, 1))
    for found in (full, half):
        assert found.kind is FindingKind.INVARIANT
        assert found.states[-1] == (37 << 32 | 37,)
        check_run(found)
    assert len(full.states) == len(half.states)


def find_all(name: str, threads: int, **macros: int) -> NativeFinding:
    found = find(name, threads, **macros)
    assert found is not None
    return found


@pytest.mark.parametrize("threads", [1, 2])
def test_a_step_invariant_under_symmetry(threads: int) -> None:
    full, half = (find_all("pair", threads, SYMMETRY=symmetry, BAD_STEP=20) for symmetry in (0, 1))
    for found in (full, half):
        assert found.kind is FindingKind.STEP_INVARIANT
        assert found.instance == found.instances[-1]
        check_run(found)
    assert len(full.states) == len(half.states)


def test_symmetric_counts() -> None:
    """Every unordered pair once: n (n + 1) / 2 where n squared is the number without symmetry."""
    with NativeExploration(program("pair", SYMMETRY=0), RunOptions()) as exploration:
        assert exploration.run().distinct == 40 * 40
    with NativeExploration(program("pair", SYMMETRY=1), RunOptions()) as exploration:
        assert exploration.run().distinct == 40 * 41 // 2
