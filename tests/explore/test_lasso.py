"""Fair lassos in small graphs: held to a search through everything, and the shape of some that one can draw."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

import pytest

from ratified.explore import lasso as module
from ratified.explore.graph import Graph, components
from ratified.explore.lasso import FairnessDemand, Goal, Lasso, LassoSearch, ListedParts

Edge = tuple[int, int, int]  # from, instance, to


def graph(
    size: int,
    edges: Sequence[Edge],
    *,
    initial: Sequence[int] = (0,),
    expanded: int | None = None,
    cut: dict[int, Collection[int]] | None = None,
) -> Graph:
    """Return a graph from its edges, those of one state in the order given."""
    ordered = sorted(edges, key=lambda edge: edge[0])
    offsets = [sum(source < state for source, _, _ in ordered) for state in range(size + 1)]
    return Graph(
        offsets,
        [target for _, _, target in ordered],
        [instance for _, instance, _ in ordered],
        initial,
        size if expanded is None else expanded,
        cut or {},
    )


def weak(*instances: int) -> FairnessDemand:
    return FairnessDemand(False, frozenset(instances))


def strong(*instances: int) -> FairnessDemand:
    return FairnessDemand(True, frozenset(instances))


# --- by looking at everything ---


def moves(g: Graph, state: int) -> Iterator[tuple[int, int]]:
    """Yield the instances that are possible in an expanded state and followed, with the states after them."""
    for edge in g.edges(state):
        yield g.instances[edge], g.targets[edge]


def possible(g: Graph, demand: FairnessDemand, state: int) -> bool:
    return any(i in demand.instances and t != state for i, t in moves(g, state)) or any(
        i in demand.instances for i in g.cut.get(state, ())
    )


def fair(
    g: Graph, demands: Sequence[FairnessDemand], states: Collection[int], taken: Collection[int]
) -> bool:
    """Whether going through these states and taking these instances for ever is fair: the definition, word by word."""
    for demand in demands:
        impossible = [not possible(g, demand, state) for state in states]
        if not demand.instances.isdisjoint(taken):
            continue
        if not (all(impossible) if demand.strong else any(impossible)):
            return False
    return True


def shortest(g: Graph, demands: Sequence[FairnessDemand], goal: Goal) -> int | None:
    """Return the length of a shortest fair lasso that never reaches the goal once it is wanted."""

    def pending(state: int, before: bool) -> bool:
        wanted = goal.wanted is not None and bool(goal.wanted[state])
        return (before or wanted) and not goal.reached[state]

    begins = [(s, pending(s, goal.wanted is None)) for s in g.initial]
    distance = dict.fromkeys(begins, 0)
    queue = list(distance)
    for place in queue:
        for _, target in moves(g, place[0]):
            after = target, pending(target, place[1])
            if after not in distance:
                distance[after] = distance[place] + 1
                queue.append(after)
    lengths = []
    for (state, is_pending), before in distance.items():
        if not goal.reached[state] and state < g.expanded:
            around = shortest_loop(g, demands, goal, state, is_pending)
            if around is not None:
                lengths.append(before + around)
    return min(lengths, default=None)


def shortest_loop(
    g: Graph, demands: Sequence[FairnessDemand], goal: Goal, start: int, is_pending: bool
) -> int | None:
    """Breadth first over the state, the states gone through and the instances taken."""

    def wanted(states: Collection[int]) -> bool:
        return is_pending or (goal.wanted is not None and any(goal.wanted[s] for s in states))

    if fair(g, demands, {start}, ()) and wanted({start}):
        return 0
    first = start, frozenset([start]), frozenset[int]()
    distance = {first: 0}
    queue = [first]
    for place in queue:
        state, states, taken = place
        for instance, target in moves(g, state):
            if target == state or goal.reached[target] or target >= g.expanded:
                continue
            after = target, states | {target}, taken | {instance}
            if target == start and fair(g, demands, after[1], after[2]) and wanted(after[1]):
                return distance[place] + 1
            if after not in distance:
                distance[after] = distance[place] + 1
                queue.append(after)
    return None


def hold_to_its_word(g: Graph, demands: Sequence[FairnessDemand], goal: Goal, found: Lasso) -> None:
    """Assert that a lasso is a fair run of the graph that begins where it may and never reaches the goal once it is wanted."""
    assert found.states[0] in g.initial
    for (source, target), edge in zip(pairwise(found.states), found.edges, strict=True):
        assert edge in g.edges(source)
        assert g.targets[edge] == target
    assert found.states[found.loop] == found.states[-1]
    around = found.states[found.loop :]
    assert max(around) < g.expanded
    assert fair(g, demands, around, [g.instances[e] for e in found.edges[found.loop :]])
    last = max((i for i, s in enumerate(found.states) if goal.reached[s]), default=-1)
    assert last < found.loop
    if goal.wanted is None:
        assert last == -1
    else:
        assert any(goal.wanted[s] for s in found.states[last + 1 :])


def any_graph(rng: random.Random) -> tuple[Graph, list[FairnessDemand], Goal]:
    size, instances = rng.randint(1, 5), rng.randint(1, 4)
    edges = [
        (rng.randrange(size), rng.randrange(instances), rng.randrange(size))
        for _ in range(rng.randint(0, 2 * size + 1))
    ]
    expanded = size if rng.random() < 0.8 else rng.randint(1, size)
    edges = [edge for edge in edges if edge[0] < expanded]
    cut: dict[int, Collection[int]] = {}
    if rng.random() < 0.3:
        cut[rng.randrange(expanded)] = {rng.randrange(instances)}
    initial = sorted(rng.sample(range(size), rng.randint(1, min(2, size))))
    demands = []
    for _ in range(rng.randint(0, 3)):
        served = frozenset(rng.sample(range(instances), rng.randint(1, min(2, instances))))
        demands.append(FairnessDemand(rng.random() < 0.5, served))
    reached = [rng.random() < 0.25 for _ in range(size)]
    wanted = [rng.random() < 0.4 for _ in range(size)] if rng.random() < 0.6 else None
    return graph(size, edges, initial=initial, expanded=expanded, cut=cut), demands, Goal(reached, wanted)


@pytest.mark.parametrize("seed", range(20))
def test_a_shortest_fair_lasso_is_found_if_there_is_one(seed: int) -> None:
    rng = random.Random(seed)  # a test that can be repeated
    there = 0
    for _ in range(100):
        g, demands, goal = any_graph(rng)
        found = LassoSearch(ListedParts(g, demands), len(demands)).find(goal)
        assert (None if found is None else len(found)) == shortest(g, demands, goal)
        if found is not None:
            there += 1
            hold_to_its_word(g, demands, goal, found)
    assert 20 < there < 90, "one answer alone would be no test"


@pytest.mark.parametrize("seed", range(20))
def test_with_nothing_to_spend_a_lasso_is_found_all_the_same(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_LOOKED_AT", -1)
    rng = random.Random(seed)  # a test that can be repeated
    for _ in range(100):
        g, demands, goal = any_graph(rng)
        found = LassoSearch(ListedParts(g, demands), len(demands)).find(goal)
        assert (found is None) == (shortest(g, demands, goal) is None)
        if found is not None:
            hold_to_its_word(g, demands, goal, found)


@pytest.mark.parametrize("seed", range(5))
def test_a_component_is_what_reaches_itself(seed: int) -> None:
    rng = random.Random(seed)  # a test that can be repeated
    for _ in range(50):
        size = rng.randint(1, 9)
        g = graph(size, [(rng.randrange(size), 0, rng.randrange(size)) for _ in range(rng.randint(0, 16))])
        region = {state for state in range(size) if rng.random() < 0.8}
        reach = {s: {s} for s in region}
        for _ in range(size):
            for s in region:
                for t in list(reach[s]):
                    reach[s] |= {after for _, after in moves(g, t) if after in region}
        expected = {tuple(t for t in sorted(region) if t in reach[s] and s in reach[t]) for s in region}
        found = [tuple(c) for c in components(g, region)]
        assert len(found) == len(set(found))
        assert set(found) == expected


def test_a_long_cycle_is_no_recursion() -> None:
    size = 50_000
    g = graph_of_ring(size)
    assert [len(c) for c in components(g, range(size))] == [size]


def graph_of_ring(size: int) -> Graph:
    return Graph(range(size + 1), [(state + 1) % size for state in range(size)], [0] * size, [0], size)


# --- by drawing it ---

NEVER = [False] * 9


def lasso(
    g: Graph, demands: Sequence[FairnessDemand], goal: Goal | None = None
) -> tuple[tuple[int, ...], int] | None:
    """Return the states of the lasso that is found, and where it goes round."""
    found = LassoSearch(ListedParts(g, demands), len(demands)).find(goal or Goal(NEVER))
    return None if found is None else (found.states, found.loop)


STEP = graph(2, [(0, 0, 1)])


def test_without_fairness_a_run_may_stop_at_once() -> None:
    assert lasso(STEP, []) == ((0,), 0)


def test_with_it_a_run_stops_where_nothing_fair_is_possible() -> None:
    assert lasso(STEP, [weak(0)]) == ((0, 1), 1)
    assert lasso(STEP, [weak(0)], Goal([False, True])) is None


BACK_AND_FORTH = graph(3, [(0, 0, 1), (1, 1, 0), (1, 2, 2)])
"""0 <-> 1 -> 2, where 2 is possible only now and then."""


def test_weak_fairness_does_not_help_what_is_possible_now_and_then() -> None:
    reached = Goal([False, False, True])
    assert lasso(BACK_AND_FORTH, [weak(0), weak(1), weak(2)], reached) == ((0, 1, 0), 0)
    assert lasso(BACK_AND_FORTH, [weak(0), weak(1), strong(2)], reached) is None


def test_strong_fairness_leaves_the_part_where_it_demands_nothing() -> None:
    # 0 <-> 1, and 1 -> 2 <-> 3; the fair way out of 1 leads to 4. Round 2 and 3 it is not possible.
    g = graph(5, [(0, 0, 1), (1, 1, 0), (1, 2, 4), (1, 3, 2), (2, 0, 3), (3, 1, 2)])
    demands = [weak(0, 1), strong(2)]
    assert lasso(g, demands, Goal([False] * 4 + [True])) == ((0, 1, 2, 3, 2), 2)


def test_a_step_that_changes_nothing_is_no_step() -> None:
    g = graph(2, [(0, 0, 0), (0, 0, 1)])
    assert lasso(g, [weak(0)], Goal([False, True])) is None  # it would have to be taken
    assert lasso(graph(1, [(0, 0, 0)]), [weak(0)]) == ((0,), 0)  # it cannot be


def test_every_demand_is_attended_to_on_the_way_round() -> None:
    # A flower: 0 is in the middle, and each petal is a demand.
    g = graph(4, [(0, 0, 1), (1, 3, 0), (0, 1, 2), (2, 3, 0), (0, 2, 3), (3, 3, 0)])
    demands = [strong(0), strong(1), strong(2), weak(3)]
    assert lasso(g, demands) == ((0, 1, 0, 2, 0, 3, 0), 0)


def test_a_step_that_was_cut_off_is_possible() -> None:
    g = graph(2, [(0, 0, 1)], cut={1: [1]})
    assert lasso(g, [weak(0), weak(1)]) is None
    assert lasso(g, [weak(0)]) == ((0, 1), 1)


def test_nothing_is_said_of_a_state_that_was_not_expanded() -> None:
    assert lasso(graph(2, [(0, 0, 1)], expanded=1), [weak(0)]) is None


def test_the_goal_may_be_wanted_for_the_first_time_on_the_way_round() -> None:
    g = graph_of_ring(3)
    assert lasso(g, [weak(0)], Goal(NEVER, [False, False, True])) == ((0, 1, 2, 0), 0)


def test_a_goal_that_was_reached_before_it_was_wanted_does_not_count() -> None:
    g = graph(3, [(0, 0, 1), (1, 0, 2)])
    assert lasso(g, [weak(0)], Goal([True, False, False], [True, False, True])) == ((0, 1, 2), 2)
    assert lasso(g, [weak(0)], Goal([False, False, True], [True, False, False])) is None


def test_ticks_may_end_a_search() -> None:
    class Enough(Exception):
        pass

    def tick() -> None:
        raise Enough

    search = LassoSearch(ListedParts(STEP, [], tick), 0, tick)
    with pytest.raises(Enough):
        search.find(Goal(NEVER))
