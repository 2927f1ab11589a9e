"""Smooth weighted round-robin, seen by groups of nodes: how far behind its share a group can be, and so each node.

A group that is picked from pays a pick's cost, and has gained no more. One that is not has less on average than it has
together with the node that was picked, which had most. So what groups may have follows from what larger ones may have: with W
the sum of the weights, on average W / (k + 1) more for a group of k nodes than for one of k + 1, and nothing for all of them
(docs/services.md has the proof on paper). A single one of n nodes is thus never behind by more than W/2 + W/3 + ... + W/n.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from ratified.language import Map, Param, Range, Set, Sort, at_size, invariant
from ratified.models.services.balancing import Node, SmoothWeighted


class Group(Sort):
    """Some nodes."""


def nodes_of(group: Group) -> list[Node]:
    """By default all groups there are, the first that of the first node."""
    return [n for n in Node if (int(group) + 1) >> int(n) & 1]


def with_one(group: Group, node: Node) -> Group:
    """A group and one node more; if there is no such group, itself."""
    number = (int(group) + 1) | 1 << int(node)
    return Group(number - 1) if number <= len(Group) else group


def on_average(group: Group) -> int:
    """W/(k + 1) + ... + W/n for a group of k, each rounded up, where W is what weights come to by default."""
    return sum(-(-(len(Node) ** 2) // k) for k in range(len(nodes_of(group)) + 1, len(Node) + 1))


class SmoothGroups(SmoothWeighted):
    """Which groups are looked at, and what one of a group may have on average."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Node": 2, "Group": 3},
        "standard": {"Node": 4, "Group": 15, "failures": False},
        "large": {"Node": 3, "Group": 7},
    }

    members: Param[Map[Group, Set[Node]]] = at_size(lambda: Map({g: Set(nodes_of(g)) for g in Group}))
    larger: Param[Map[tuple[Group, Node], Group]] = at_size(
        lambda: Map({(g, n): with_one(g, n) for g in Group for n in Node})
    )  # by one node
    most: Param[Annotated[int, Range(0, 1_000_000)]] = 20  # of a share
    share: Param[Map[tuple[Group, Node], Annotated[int, Range(0, "most")]]] = at_size(
        lambda: Map({(g, n): on_average(g) for g in Group for n in Node})
    )  # the same for each node

    def owed(self, g: Group) -> int:
        """What a group has."""
        return sum(self.credit[n] for n in self.members[g])

    def may_have(self, g: Group, h: Group) -> int:
        """What group h would have if each of its nodes had what one of group g may have."""
        return sum(self.share[g, n] for n in self.members[h])

    def grows(self, g: Group, n: Node) -> bool:
        """With node n, group g is another, which may have less, by a pick: so it is with groups and sums."""
        h = self.larger[g, n]
        weight = sum(self.weights[m] for m in self.members[g])
        return (
            all((m in self.members[h]) == (m in self.members[g] or m == n) for m in Node)
            and sum(self.weights[m] for m in self.members[h]) == weight + self.weights[n]
            and self.may_have(g, h) == self.may_have(g, g) + self.share[g, n]
            and self.may_have(g, h) >= self.may_have(h, h) + self.total()
        )

    def shares_fit(self) -> bool:
        """Each group has all that are larger by one node, and may have on average as much more than they."""
        return all(self.share[g, n] == self.share[g, m] for g in Group for n in Node for m in Node) and all(
            self.grows(g, n) for g in Group for n in Node if n not in self.members[g]
        )

    @invariant
    def no_group_is_far_behind(self) -> bool:
        """While all are up, no group has more than it may, if what it may have fits."""
        return (
            not self.steady
            or not self.shares_fit()
            or all(self.owed(g) <= self.may_have(g, g) for g in Group)
        )
