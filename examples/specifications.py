"""Specifications that the TLA+ community publishes, written anew from their prose; a test holds their numbers of states.

Each is a page there and a few lines here: they show idioms beside one another (docs/coming-from.md).
"""

from __future__ import annotations

from typing import Annotated, Literal

from ratified import Map, Model, Param, Range, Sort, action, invariant, require, step_invariant


class Manager(Sort):
    """A resource manager."""


class TransactionCommit(Model):
    """What a commit protocol is to achieve (Gray and Lamport, *Consensus on transaction commit*, 2006)."""

    state: Map[Manager, Literal["working", "prepared", "committed", "aborted"]]

    @action
    def prepare(self, r: Manager) -> None:
        require(self.state[r] == "working")
        self.state[r] = "prepared"

    @action
    def commit(self, r: Manager) -> None:
        require(self.state[r] == "prepared")
        require(all(self.state[s] in ("prepared", "committed") for s in Manager))
        self.state[r] = "committed"

    @action
    def abort(self, r: Manager) -> None:
        require(self.state[r] in ("working", "prepared"))
        require(all(self.state[s] != "committed" for s in Manager))
        self.state[r] = "aborted"

    @invariant
    def consistent(self) -> bool:
        return not any(
            self.state[r] == "aborted" and self.state[s] == "committed" for r in Manager for s in Manager
        )


class CoffeeCan(Model):
    """Two beans are taken out and one is put in, until one is left (Gries, *The science of programming*, 1981)."""

    beans: Param[int] = 100
    black: Annotated[int, Range(0, "beans")]
    white: Annotated[int, Range(0, "beans")]

    def init(
        self, black: Annotated[int, Range(0, "beans")], white: Annotated[int, Range(0, "beans")]
    ) -> None:
        require(1 <= black + white <= self.beans)
        self.black, self.white = black, white

    @action
    def two_black(self) -> None:
        require(self.black >= 2)
        self.black -= 1

    @action
    def two_white(self) -> None:
        require(self.white >= 2)
        self.white -= 2
        self.black += 1

    @action
    def one_of_each(self) -> None:
        require(self.black >= 1 and self.white >= 1)
        self.black -= 1

    @step_invariant
    def white_ones_keep_their_parity(self, old: CoffeeCan) -> bool:
        return self.white % 2 == old.white % 2

    @invariant
    def never_empty(self) -> bool:
        return self.black + self.white >= 1


class Node(Sort):
    """A node, in a ring or not."""


class SynchronousTermination(Model):
    """What the detection of termination is to achieve, with messages that take no time."""

    active: Map[Node, bool]
    detected: bool

    def init(self, active: Map[Node, bool], detected: bool) -> None:
        self.active = active
        require(not detected or self.terminated())
        self.detected = detected

    def terminated(self) -> bool:
        return not any(self.active[n] for n in Node)

    @action
    def terminate(self, n: Node, detect: bool) -> None:
        require(self.active[n])
        self.active[n] = False
        if detect and self.terminated():
            self.detected = True

    @action
    def wake_up(self, n: Node, m: Node) -> None:
        require(self.active[n])
        self.active[m] = True

    @action
    def detect(self) -> None:
        require(self.terminated())
        self.detected = True

    @invariant
    def rightly(self) -> bool:
        return not self.detected or self.terminated()


Color = Literal["white", "black"]


class TokenRing(Model):
    """Dijkstra's detection of termination on a ring (EWD 840)."""

    active: Map[Node, bool]
    color: Map[Node, Color]
    token: Annotated[int, Range(0, "len(Node) - 1")]
    token_color: Color = "black"

    def init(self, active: Map[Node, bool], color: Map[Node, Color], at: Node) -> None:
        self.active, self.color, self.token = active, color, int(at)

    @action
    def initiate(self) -> None:
        require(self.token == 0)
        require(self.token_color == "black" or self.color[Node(0)] == "black")
        self.token = len(Node) - 1
        self.token_color = "white"
        self.color[Node(0)] = "white"

    @action
    def pass_on(self, n: Node) -> None:
        require(int(n) > 0 and self.token == int(n))
        require(not self.active[n] or self.color[n] == "black" or self.token_color == "black")
        self.token -= 1
        if self.color[n] == "black":
            self.token_color = "black"
        self.color[n] = "white"

    @action
    def send(self, n: Node, m: Node) -> None:
        require(self.active[n] and n != m)
        self.active[m] = True
        if int(m) > int(n):
            self.color[n] = "black"

    @action
    def deactivate(self, n: Node) -> None:
        require(self.active[n])
        self.active[n] = False

    @invariant
    def detected_rightly(self) -> bool:
        detected = (
            self.token == 0
            and self.token_color == self.color[Node(0)] == "white"
            and not self.active[Node(0)]
        )
        return not detected or not any(self.active[n] for n in Node)
