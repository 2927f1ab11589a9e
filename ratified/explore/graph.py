"""An explored state graph as flat arrays, and its strongly connected components.

Guarantees: nothing here knows what a state is; any engine fills the arrays in. Everything comes in an order that the numbers of
states and edges fix, so that what is built on it is the same on every run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class GraphSteps(Protocol):
    """A state graph, however it is kept: what `Graph` says of each of these."""

    @property
    def size(self) -> int:
        """The number of states."""

    @property
    def targets(self) -> Sequence[int]:
        """The state after a step, by its number."""

    @property
    def instances(self) -> Sequence[int]:
        """The action and arguments of a step, by its number."""

    @property
    def initial(self) -> Sequence[int]:
        """The initial states."""

    @property
    def expanded(self) -> int:
        """The first of the states whose steps are not known."""

    def edges(self, state: int) -> range:
        """The numbers of a state's steps."""


@dataclass(frozen=True, slots=True)
class Graph:
    """States by number, and their steps. Whatever can be indexed serves as an array: lists, arrays, memory views.

    The steps of state i are at [offsets[i], offsets[i + 1]) of `targets` and `instances`: the state after the step, and as a
    number which action it is with which arguments. States from `expanded` on have none here, and nothing is known of theirs.
    `cut` has, for some states, the instances that were possible there and not followed, for want of a place to lead to:
    what they lead to is left out of the graph.
    """

    offsets: Sequence[int]
    targets: Sequence[int]
    instances: Sequence[int]
    initial: Sequence[int]
    expanded: int
    cut: Mapping[int, Collection[int]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """The number of states."""
        return len(self.offsets) - 1

    def edges(self, state: int) -> range:
        """The numbers of a state's steps."""
        return range(self.offsets[state], self.offsets[state + 1])


def components(graph: Graph, region: Collection[int]) -> Iterator[list[int]]:
    """Yield the strongly connected components of a part of a graph, each in the order of its states' numbers.

    Tarjan, "Depth-First Search and Linear Graph Algorithms", 1972, without recursion; `region` should answer `in` quickly.
    """
    offsets, targets = graph.offsets, graph.targets
    number: dict[int, int] = {}
    low: dict[int, int] = {}  # of the states on the stack only
    stack: list[int] = []
    for root in sorted(region):
        if root in number:
            continue
        path, positions = [root], [offsets[root]]
        number[root] = low[root] = len(number)
        stack.append(root)
        while path:
            state, position = path[-1], positions[-1]
            if position < offsets[state + 1]:
                positions[-1] += 1
                target = targets[position]
                if target not in region:
                    continue
                if target not in number:
                    number[target] = low[target] = len(number)
                    stack.append(target)
                    path.append(target)
                    positions.append(offsets[target])
                elif target in low and number[target] < low[state]:
                    low[state] = number[target]
                continue
            path.pop()
            positions.pop()
            if path and low[state] < low[path[-1]]:
                low[path[-1]] = low[state]
            if low[state] == number[state]:
                component: list[int] = []
                while not component or component[-1] != state:
                    component.append(stack.pop())
                    del low[component[-1]]
                yield sorted(component)
