"""The state graph as arrays, and random walks."""

from __future__ import annotations

import pytest

from ratified.explore.native.driver import FindingKind, FlatGraph, NativeExploration, RunOptions, simulate
from ratified.explore.native.library import NativeError
from tests.explore.native import maze as oracle
from tests.explore.native.maze import Maze
from tests.explore.native.programs import maze_program, program


def graph_of(maze: Maze, words: int, threads: int) -> tuple[FlatGraph, list[int]]:
    with NativeExploration(maze_program(maze, words), RunOptions(threads=threads)) as exploration:
        outcome = exploration.run()
        graph = exploration.graph()
        states = [exploration.state(i) for i in range(outcome.distinct)]
        with pytest.raises(NativeError, match="no state number"):
            exploration.state(outcome.distinct)
    assert [maze.packed(state[0], words) for state in states] == states
    return graph, [state[0] for state in states]


@pytest.mark.parametrize(("words", "outside"), [(1, 0), (3, 9)])
def test_every_edge(words: int, outside: int) -> None:
    maze = Maze(seed=21, nodes=4000, span=50, starts=3, outside0=outside, bound_modulus=20)
    expected = oracle.explore(maze, words)
    nodes = [node for level in expected.levels for node in level]
    number = {node: i for i, node in enumerate(nodes)}
    for threads in (1, 2):
        graph, found = graph_of(maze, words, threads)
        assert found == nodes
        assert graph.levels == tuple(sum(map(len, expected.levels[:k])) for k in range(expected.depth + 1))
        for i, node in enumerate(nodes):
            edges = [(a, number[t]) for a, t in maze.steps(node)[0] if t in number]
            span = slice(graph.offsets[i], graph.offsets[i + 1])
            assert list(zip(graph.instances[span], graph.targets[span], strict=True)) == edges


def test_paxos_graph() -> None:
    with NativeExploration(program("paxos", BALLOTS=3), RunOptions(threads=2)) as exploration:
        outcome = exploration.run()
        graph = exploration.graph()
        assert exploration.state(0) == (0, 0)
    assert len(graph.targets) == outcome.generated - 1 == graph.offsets[outcome.distinct]
    assert max(graph.targets) == outcome.distinct - 1


def test_walks_are_the_same_for_a_seed() -> None:
    loaded = program("paxos", BALLOTS=4)
    one, two = (
        simulate(loaded, seed=7, walks=200, depth=60, options=RunOptions(threads=threads))
        for threads in (1, 2)
    )
    assert (one.walks, one.states, one.fired, one.finding) == (two.walks, two.states, two.fired, two.finding)
    assert one.walks == 200
    assert one.states == 200 * 60
    assert one.finding is None
    assert simulate(loaded, seed=8, walks=200, depth=60).fired != one.fired


def test_a_walk_that_finds_something() -> None:
    loaded = program("paxos", BALLOTS=4, BROKEN=1)
    found = [
        simulate(loaded, seed=3, walks=5000, depth=80, options=RunOptions(threads=threads))
        for threads in (1, 2, 2)
    ]
    first = found[0]
    assert first.finding is not None
    assert first.found is not None
    assert first.finding.kind is FindingKind.INVARIANT
    assert [(walks.found, walks.finding) for walks in found] == [(first.found, first.finding)] * 3
    again = simulate(loaded, seed=3, walks=first.found + 1, depth=80)
    assert again.finding == first.finding
    assert simulate(loaded, seed=3, walks=first.found, depth=80).finding is None


@pytest.mark.parametrize("field", ["bad1", "bad_step0", "fault_step", "fault_state", "fault_after"])
def test_a_walk_is_a_run(field: str) -> None:
    healthy = oracle.explore(Maze(seed=22, nodes=300, span=20))
    values = {"seed": 22, "nodes": 300, "span": 20, field: healthy.levels[5][0]}
    maze = Maze(**values)
    finding = simulate(maze_program(maze), seed=1, walks=1000, depth=100).finding
    assert finding is not None
    nodes = [state[0] for state in finding.states]
    assert nodes[0] in maze.initial()
    for old, new, instance in zip(nodes, nodes[1:], finding.instances, strict=False):
        assert (instance, new) in maze.steps(old)[0]
    if field.startswith("bad_step"):
        assert nodes[-2] == values[field]
    else:
        assert nodes[-1] == values[field]


def test_a_walk_into_a_deadlock() -> None:
    maze = Maze(seed=23, nodes=300, span=20, dead_modulus=10)
    walks = simulate(maze_program(maze), seed=1, walks=100, depth=100, options=RunOptions(deadlock=True))
    assert walks.finding is not None
    assert walks.finding.kind is FindingKind.DEADLOCK
    assert maze.steps(walks.finding.states[-1][0])[0] == []
    assert simulate(maze_program(maze), seed=1, walks=100, depth=100).finding is None
