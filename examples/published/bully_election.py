"""The bully algorithm: news of a leader that has crashed since arrives late, and two nodes take different ones for the leader.

Garcia-Molina: *Elections in a distributed computing system* (IEEE Transactions on Computers, 1982), which assumes that
messages take a bounded time. Textbooks leave that out; Stoller: *Leader election in distributed systems with crash
failures* (1997) tells what goes wrong. `Election`, where each failure is noticed at once, is proved for any number of
nodes:

    ratified prove examples/published/bully_election.py:ElectionSafety
"""

from __future__ import annotations

from typing import ClassVar

from ratified import Goals, Lifelines, Map, Model, Ordered, Set, action, invariant, lemma, record, require


class Node(Ordered):
    """A node. The greatest that is up is to lead."""


class Election(Model):
    """Nodes crash and stay down. Who sees none greater than itself has won, and tells the others."""

    sizes: ClassVar = {"standard": {"Node": 4}}
    lifelines: ClassVar = Lifelines({Node: "node"})

    down: Set[Node]
    won: Set[Node]
    leader: Map[Node, Node | None]

    @action
    def crash(self, n: Node) -> None:
        """A node crashes; whoever took it for the leader notices."""
        require(n not in self.down)
        self.down.add(n)
        self.won.discard(n)
        for m in Node:
            if m == n or self.leader[m] == n:
                self.leader[m] = None

    @action
    def win(self, n: Node) -> None:
        """No greater node is up."""
        require(n not in self.down and all(m <= n or m in self.down for m in Node))
        self.won.add(n)

    @action
    def tell(self, n: Node, m: Node) -> None:
        """Who has won tells another."""
        require(n in self.won and m not in self.down)
        self.leader[m] = n

    @invariant
    def one_leader(self) -> bool:
        """No two nodes take different ones for the leader."""
        return len({n for m in Node for n in Node if self.leader[m] == n}) <= 1


@record
class Won:
    """The sender has won."""

    sender: Node
    receiver: Node


class LateNews(Election):
    """Who has won tells the others by messages, and these take their time."""

    sizes: ClassVar = {"standard": {"Node": 3}}

    messages: Set[Won]

    @action
    def tell(self, n: Node, m: Node) -> None:
        """Who has won sends word to another."""
        require(n in self.won and m != n)
        self.messages.add(Won(n, m))

    @action
    def hear(self, m: Won) -> None:
        """A node hears who has won."""
        require(m in self.messages and m.receiver not in self.down)
        self.messages.remove(m)
        self.leader[m.receiver] = m.sender


class ElectionSafety(Election):
    """Who has won is the greatest that is up, and stays so."""

    goals: ClassVar[Goals] = {"one_leader": None}

    @lemma
    def who_has_won_is_the_greatest(self) -> bool:
        """No greater node is up, and it is up itself."""
        return all(n not in self.down and all(m <= n or m in self.down for m in Node) for n in self.won)

    @lemma
    def leaders_have_won(self) -> bool:
        """And nobody is taken for a leader but those."""
        return all(self.leader[m] != n or n in self.won for m in Node for n in Node)
