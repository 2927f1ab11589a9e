"""Exact counts: published and measured ones, and those of an oracle in plain Python."""

from __future__ import annotations

import random

import pytest

from ratified.explore.native.driver import ExplorationCounts, NativeExploration, RunOptions, Stop
from ratified.explore.native.library import NativeLibrary
from ratified.results.result import Limits
from tests.explore.native import maze as oracle
from tests.explore.native.maze import Expected, Maze
from tests.explore.native.programs import maze_program, program


def run(program: NativeLibrary, options: RunOptions) -> ExplorationCounts:
    with NativeExploration(program, options) as exploration:
        return exploration.run()


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(("ballots", "distinct", "depth"), [(2, 3_921, 17), (3, 185_369, 25)])
def test_paxos(ballots: int, distinct: int, depth: int, threads: int) -> None:
    outcome = run(program("paxos", BALLOTS=ballots), RunOptions(threads=threads))
    assert (outcome.distinct, outcome.depth, outcome.finding, outcome.stopped) == (
        distinct,
        depth,
        None,
        None,
    )
    assert outcome.generated == sum(outcome.fired) + 1
    assert sum(outcome.new) == distinct - 1


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("managers", "distinct", "depth"),
    [(3, 288, 11), (4, 1_568, 14), (5, 8_832, 17), (6, 50_816, 20), (7, 296_448, 23)],
)
def test_two_phase_commit(managers: int, distinct: int, depth: int, threads: int) -> None:
    outcome = run(program("twophase", MANAGERS=managers), RunOptions(threads=threads))
    assert (outcome.distinct, outcome.depth, outcome.finding) == (distinct, depth, None)


def agree(outcome: ExplorationCounts, expected: Expected) -> None:
    assert outcome.finding == expected.finding
    assert (outcome.distinct, outcome.generated, outcome.depth) == (
        expected.distinct,
        expected.generated,
        expected.depth,
    )
    assert outcome.out_degree == expected.out_degree
    assert (outcome.fired, outcome.new) == (expected.fired, expected.new)
    assert (outcome.left, outcome.constrained) == (expected.left, expected.constrained)


def random_maze(seed: int) -> Maze:
    """Any size from a handful of nodes to thousands, now and then with something wrong in it."""
    dice = random.Random(seed)
    nodes = dice.choice([1, 2, 7, 100, 1000, 6000])

    def now_and_then() -> int:
        return dice.randrange(nodes) if dice.random() < 0.2 else oracle.NEVER

    return Maze(
        seed=dice.getrandbits(64),
        nodes=nodes,
        span=dice.choice([2, 5, 60, 900]),
        starts=dice.choice([1, 1, 3]),
        bad0=now_and_then(),
        bad1=now_and_then(),
        bad_step0=now_and_then(),
        bad_step1=now_and_then(),
        fault_step=now_and_then(),
        fault_state=now_and_then(),
        fault_after=now_and_then(),
        dead_modulus=dice.choice([0, 0, 50]),
        bound_modulus=dice.choice([0, 0, 20]),
        outside0=dice.choice([0, 0, 9]),
        outside1=dice.choice([0, 0, 30]),
    )


@pytest.mark.sampled(every=4)
@pytest.mark.parametrize("words", [1, 2, 3, 9])
@pytest.mark.parametrize("seed", range(30))
def test_any_maze(seed: int, words: int) -> None:
    maze = random_maze(seed * 7 + words)
    deadlock = seed % 3 == 0
    expected = oracle.explore(maze, words, deadlock=deadlock)
    for threads in (1, 2):
        agree(run(maze_program(maze, words), RunOptions(threads=threads, deadlock=deadlock)), expected)


def test_many_successors_of_one_state() -> None:
    """A batch of four: every state's successors overflow it."""
    maze = Maze(seed=3, nodes=5000, span=700, starts=3)
    expected = oracle.explore(maze)
    for threads in (1, 2):
        agree(run(maze_program(maze, RX_BATCH=4), RunOptions(threads=threads)), expected)


def test_wide_slots() -> None:
    """Slots of 64 bits, for more than 2^32 states."""
    maze = Maze(seed=4, nodes=5000, span=700)
    agree(run(maze_program(maze, RX_SLOT_BITS=64), RunOptions(threads=2)), oracle.explore(maze))


def test_an_initial_state_outside() -> None:
    maze = Maze(seed=5, nodes=10, span=2, outside0=1)
    outcome = run(maze_program(maze), RunOptions())
    assert (outcome.distinct, outcome.generated, outcome.depth, outcome.constrained) == (0, 1, 0, (1, 0))


def test_witnesses() -> None:
    maze = Maze(seed=6, nodes=3000, span=50)
    wanted = (1 << 64) - 2
    expected = oracle.unwitnessed(
        [node for level in oracle.explore(maze).levels for node in level], maze, wanted
    )
    assert 0 < expected < wanted
    for threads in (1, 2):
        outcome = run(maze_program(maze), RunOptions(threads=threads, witness=wanted, witness_step=1))
        assert (outcome.unwitnessed, outcome.unwitnessed_step) == (expected, 0)


@pytest.mark.parametrize("depth", [1, 2, 9])
def test_depth_limit(depth: int) -> None:
    maze = Maze(seed=7, nodes=5000, span=60)
    expected = oracle.explore(maze, depth=depth)
    for threads in (1, 2):
        outcome = run(maze_program(maze), RunOptions(threads=threads, limits=Limits(depth=depth)))
        agree(outcome, expected)
        assert outcome.stopped is not None
        assert outcome.stopped.name == "DEPTH"


def test_a_depth_limit_that_is_not_reached() -> None:
    maze = Maze(seed=7, nodes=500, span=60)
    expected = oracle.explore(maze)
    outcome = run(maze_program(maze), RunOptions(limits=Limits(depth=expected.depth + 1)))
    agree(outcome, expected)
    assert outcome.stopped is None


@pytest.mark.parametrize("threads", [1, 2])
def test_a_depth_limit_behind_which_there_is_nothing(threads: int) -> None:
    """All is seen, and nothing was stopped; what a limit one level less leaves unseen is not counted."""
    maze = Maze(seed=7, nodes=500, span=60)
    whole = oracle.explore(maze)
    for depth, stopped in ((whole.depth, None), (whole.depth - 1, Stop.DEPTH)):
        outcome = run(maze_program(maze), RunOptions(threads=threads, limits=Limits(depth=depth)))
        agree(outcome, oracle.explore(maze, depth=depth) if stopped else whole)
        assert outcome.stopped is stopped


def test_state_limit() -> None:
    outcome = run(program("paxos", BALLOTS=3), RunOptions(threads=2, limits=Limits(states=50_000)))
    assert outcome.stopped is not None
    assert outcome.stopped.name == "STATES"
    assert 50_000 <= outcome.distinct < 60_000


def test_time_limit() -> None:
    outcome = run(program("paxos", BALLOTS=4), RunOptions(limits=Limits(seconds=1e-9)))
    assert outcome.stopped is not None
    assert outcome.stopped.name == "SECONDS"
    assert outcome.distinct < 8_220_065


def test_memory_limit() -> None:
    outcome = run(program("paxos", BALLOTS=4), RunOptions(threads=2, limits=Limits(memory=20_000_000)))
    assert outcome.stopped is not None
    assert outcome.stopped.name == "MEMORY"
    assert outcome.memory <= 20_000_000
    assert 185_369 < outcome.distinct < 8_220_065


def test_too_little_memory_to_begin() -> None:
    outcome = run(program("paxos", BALLOTS=3), RunOptions(limits=Limits(memory=1000)))
    assert outcome.stopped is not None
    assert outcome.stopped.name == "MEMORY"
    assert outcome.distinct == 0
