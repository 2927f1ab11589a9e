"""Consistent hashing: a key belongs to the first node at or after it on a ring, so that a change moves only what it must.

Nodes and keys have places on the ring. When a node goes, its keys move to the next one, and nobody else's; when one comes, keys
move to it alone. (Karger et al., "Consistent hashing and random trees", 1997.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from ratified.language import Map, Model, Ordered, Set, action, invariant, require, step_invariant, view


class Place(Ordered):
    """A place on the ring, of a key and of the node that may be there."""


class Ring(Model):
    """Which nodes are there, and whose each key is."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Place": 3},
        "standard": {"Place": 6},
        "large": {"Place": 12},
    }

    nodes: Set[Place]
    owner: Map[Place, Place]

    def init(self) -> None:
        """A node at every place has the key of that place."""
        self.nodes = Set(Place)
        self.owner = Map({k: k for k in Place})

    def home(self, k: Place, n: Place) -> bool:
        """Of the nodes that are there, n is the first at or after k, around the end."""
        return n in self.nodes and all(
            (n <= m if m >= k else True) if n >= k else (m < k and n <= m) for m in self.nodes
        )

    @action
    def go(self, gone: Place, heir: Place) -> None:
        """A node goes; the one after it inherits its keys."""
        require(gone in self.nodes and heir != gone and heir in self.nodes)
        self.nodes.remove(gone)
        require(self.home(gone, heir))
        self.owner = Map({k: heir if self.owner[k] == gone else self.owner[k] for k in Place})

    @action
    def come(self, new: Place, before: Place) -> None:
        """A node comes, and takes from the one after it what is now its own."""
        require(new not in self.nodes and self.home(new, before))
        self.nodes.add(new)
        self.owner = Map(
            {k: new if self.owner[k] == before and self.home(k, new) else self.owner[k] for k in Place}
        )

    @invariant
    def a_key_is_where_it_belongs(self, k: Place) -> bool:
        """Each key is with the first node at or after it, whatever came and went before."""
        return self.home(k, self.owner[k])

    @step_invariant
    def a_change_moves_only_what_it_must(self, old: Self) -> bool:
        """Keys move from a node that went, or to a node that came."""
        return all(
            self.owner[k] == old.owner[k] or old.owner[k] not in self.nodes or self.owner[k] not in old.nodes
            for k in Place
        )

    @view
    def owners(self) -> Map[Place, Place]:
        """Whose each key is."""
        return self.owner


class Modulo(Ring):
    """A key belongs to the node of its number modulo how many there are: nearly all move with each change."""

    @action
    def go(self, gone: Place, heir: Place) -> None:
        """A node goes, and all is dealt anew."""
        require(gone in self.nodes and heir != gone and heir in self.nodes)
        self.nodes.remove(gone)
        self.deal()

    @action
    def come(self, new: Place, before: Place) -> None:
        """A node comes, and all is dealt anew."""
        require(new not in self.nodes and before in self.nodes)
        self.nodes.add(new)
        self.deal()

    def deal(self) -> None:
        """In turns."""
        self.owner = Map({k: sorted(self.nodes)[int(k) % len(self.nodes)] for k in Place})
