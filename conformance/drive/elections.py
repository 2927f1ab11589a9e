"""Elections of Raft as messages, and etcd's raft library driven along every step of them: `etcdraft/` beside this file.

    (cd conformance/drive/etcdraft && go build -o etcdraft .)
    ratified drive conformance/drive/elections.py:Library Node=3 -- conformance/drive/etcdraft/etcdraft 3

The library answers when it is asked, and sends nothing by itself. What was sent may be delivered any number of times, or never.
Entries are not sent; that a leader begins its term with one is seen in who may vote for whom.
(Ongaro & Ousterhout, 2014, sections 5.2 and 5.4.1.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from ratified.conform.driving.process import ProcessDriver
from ratified.language import (
    Map,
    Model,
    Param,
    Range,
    Set,
    Sort,
    action,
    constraint,
    invariant,
    record,
    require,
)

Term: TypeAlias = Annotated[int, Range(0, "most + 1")]


class Node(Sort):
    """Votes, and stands for election."""


@record
class Ask:
    """A candidate to all others: it wants their votes, and its last entry is of this term."""

    source: Node
    term: Term
    last: Term


@record
class Answer:
    """A voter to a candidate."""

    source: Node
    to: Node
    term: Term
    granted: bool


class Elections(Model):
    """Nodes that vote; terms up to `most`."""

    most: Param[int] = 1
    term: Map[Node, Term]
    vote: Map[Node, Node | None]
    role: Map[Node, Literal["follower", "candidate", "leader"]]
    last: Map[Node, Term]  # of the last entry
    granted: Map[Node, Set[Node]]  # to whom a candidate's votes were granted by
    denied: Map[Node, Set[Node]]
    asks: Set[Ask]
    answers: Set[Answer]

    sizes: ClassVar = {"standard": {"Node": 3}, "terms": {"Node": 2, "most": 2}}

    @action
    def campaign(self, n: Node) -> None:
        """A node stands for election in a new term, and votes for itself."""
        require(self.role[n] != "leader")
        self.term[n] += 1
        self.vote[n] = n
        self.role[n] = "candidate"
        self.granted[n] = Set({n})
        self.denied[n] = Set()
        self.asks.add(Ask(n, self.term[n], self.last[n]))

    @action
    def asked(self, n: Node, m: Ask) -> None:
        """A node answers, unless it knows of a newer term."""
        require(m in self.asks)
        require(m.source != n)
        require(m.term >= self.term[n])
        self.learn(n, m.term)
        free = self.vote[n] == m.source or (self.vote[n] is None)
        yes = free and m.last >= self.last[n]
        if yes:
            self.vote[n] = m.source
        self.answers.add(Answer(n, m.source, m.term, yes))

    @action
    def answered(self, m: Answer) -> None:
        """A candidate counts votes of its term, each once: a majority makes it leader, and it gives up without hope of one."""
        require(m in self.answers)
        n = m.to
        require(self.role[n] == "candidate")
        require(m.term == self.term[n])
        require(m.source not in self.granted[n])
        require(m.source not in self.denied[n])
        if m.granted:
            self.granted[n].add(m.source)
        else:
            self.denied[n].add(m.source)
        if self.is_majority(self.granted[n]):
            self.role[n] = "leader"
            self.last[n] = self.term[n]
            self.forget(n)
        elif not self.is_majority(Set(m for m in Node if m not in self.denied[n])):
            self.role[n] = "follower"
            self.forget(n)

    @action
    def restart(self, n: Node) -> None:
        """Term, vote and entries are on its disk."""
        self.role[n] = "follower"
        self.forget(n)

    def learn(self, n: Node, t: int) -> None:
        """A newer term has no vote yet, and makes a follower."""
        if t > self.term[n]:
            self.term[n] = t
            self.vote[n] = None
            self.role[n] = "follower"
            self.forget(n)

    def forget(self, n: Node) -> None:
        """No election is under way."""
        self.granted[n] = Set()
        self.denied[n] = Set()

    def is_majority(self, nodes: Set[Node]) -> bool:
        """More than half."""
        return 2 * len(nodes) > len(Node)

    @constraint
    def so_many_terms(self) -> bool:
        """Of those after them nothing is asked."""
        return all(self.term[n] <= self.most for n in Node)

    @invariant
    def one_leader_a_term(self) -> bool:
        """Election Safety (Figure 3)."""
        return all(
            n == m or self.term[n] != self.term[m]
            for n in Node
            if self.role[n] == "leader"
            for m in Node
            if self.role[m] == "leader"
        )


class Library(ProcessDriver):
    """Nodes are numbers from 1, and so are terms: the library begins in term 1."""

    model = Elections
    cannot_ask: Mapping[str, str] = {
        "asked": "only what was sent can be delivered",
        "answered": "only what was sent can be delivered",
    }

    def told(self, action: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002 - see the base
        """Messages by their fields."""
        told: dict[str, Any] = {}
        for name, value in arguments.items():
            if isinstance(value, dict):
                told |= {"source": number(value["source"]), "term": value["term"] + 1}
                told |= {"to": number(value["to"])} if "to" in value else {}
            elif name == "n":
                told["to"] = number(value)
        return told

    def seen(self, observed: Mapping[str, Any]) -> Mapping[Any, Any]:
        """Of each node what it shows, by name."""
        nodes = {f"n{n}": node for n, node in enumerate(observed["nodes"], 1)}
        return {
            "term": {n: node["term"] - 1 for n, node in nodes.items()},
            "vote": {n: f"n{node['vote']}" if node["vote"] else None for n, node in nodes.items()},
            "role": {n: node["role"] for n, node in nodes.items()},
            "last": {n: node["last"] - 1 for n, node in nodes.items()},
        }


def number(name: str) -> int:
    """Of a node, as the library has it."""
    return int(name.removeprefix("n"))
