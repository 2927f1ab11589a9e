"""Rings: who leads, whether all have ended, whose turn it is, whatever the beginning."""

from __future__ import annotations

from typing import Annotated, Literal

from ratified import (
    Map,
    Model,
    Ordered,
    Range,
    Set,
    Sort,
    action,
    constraint,
    eventually_always,
    first,
    invariant,
    last,
    leads_to,
    require,
    step_invariant,
)


class Node(Sort):
    """A node of a ring."""


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


class Safra(Model):
    """Detection of termination on a ring, with messages on the way (Dijkstra, *Shmuel Safra's version*, EWD 998)."""

    active: Map[Node, bool]
    color: Map[Node, Color]
    counter: Map[Node, Annotated[int, Range("-3 * len(Node)", 4)]]
    pending: Map[Node, Annotated[int, Range(0, 4)]]
    token: Annotated[int, Range(0, "len(Node) - 1")]
    token_color: Color = "black"
    token_count: Annotated[int, Range("-9 * len(Node)", 12)]

    def init(self, active: Map[Node, bool], color: Map[Node, Color], at: Node) -> None:
        self.active, self.color, self.token = active, color, int(at)

    @action
    def initiate(self) -> None:
        n = Node(0)
        require(self.token == 0)
        require("black" in (self.token_color, self.color[n]) or self.counter[n] + self.token_count > 0)
        self.token = len(Node) - 1
        self.token_color = "white"
        self.token_count = 0
        self.color[n] = "white"

    @action
    def pass_on(self, n: Node) -> None:
        require(int(n) > 0 and self.token == int(n) and not self.active[n])
        self.token -= 1
        self.token_count += self.counter[n]
        if self.color[n] == "black":
            self.token_color = "black"
        self.color[n] = "white"

    @action
    def send(self, n: Node, m: Node) -> None:
        require(self.active[n] and n != m)
        self.counter[n] += 1
        self.pending[m] += 1

    @action
    def receive(self, n: Node) -> None:
        require(self.pending[n] > 0)
        self.pending[n] -= 1
        self.counter[n] -= 1
        self.color[n] = "black"
        self.active[n] = True

    @action
    def deactivate(self, n: Node) -> None:
        require(self.active[n])
        self.active[n] = False

    @constraint
    def few_messages(self) -> bool:
        return self.token_count <= 9 and all(self.counter[n] <= 3 and self.pending[n] <= 3 for n in Node)

    def detected(self) -> bool:
        n = Node(0)
        return (
            self.token == 0
            and self.token_color == self.color[n] == "white"
            and self.token_count + self.counter[n] == 0
            and not self.active[n]
        )

    @invariant
    def detected_rightly(self) -> bool:
        return not self.detected() or all(not self.active[n] and self.pending[n] == 0 for n in Node)

    @invariant
    def what_the_token_knows(self) -> bool:
        """The invariant of EWD 998: each of its conditions may be broken only by what the next one says."""
        behind = Set(n for n in Node if int(n) > self.token)
        ahead = Set(n for n in Node if int(n) <= self.token)
        balanced = sum(self.pending[n] for n in Node) == sum(self.counter[n] for n in Node)
        quiet = not any(self.active[n] for n in behind)
        return balanced and (
            (quiet and self.token_count == sum(self.counter[n] for n in behind))
            or sum(self.counter[n] for n in ahead) + self.token_count > 0
            or any(self.color[n] == "black" for n in ahead)
            or self.token_color == "black"
        )


class ChangRoberts(Model):
    """The smallest leads (Chang and Roberts, *An improved algorithm for decentralized extrema-finding*, 1979)."""

    initiator: Map[Node, bool]
    begun: Map[Node, bool]
    state: Map[Node, Literal["lost", "candidate", "won"]]
    mail: Map[Node, Set[Node]]

    def init(self, initiator: Map[Node, bool]) -> None:
        self.initiator = initiator
        self.state = Map({n: "candidate" if initiator[n] else "lost" for n in Node})

    def send(self, n: Node, number: Node) -> None:
        self.mail[Node((int(n) + 1) % len(Node))].add(number)

    @action(fair="weak", each=("n",))
    def begin(self, n: Node) -> None:
        require(not self.begun[n])
        self.begun[n] = True
        if self.initiator[n]:
            self.send(n, n)

    @action(fair="weak", each=("n",))
    def receive(self, n: Node, number: Node) -> None:
        require(self.begun[n] and number in self.mail[n])
        self.mail[n].remove(number)
        if number == n and self.state[n] != "lost":
            self.state[n] = "won"
        elif self.state[n] == "lost" or int(number) < int(n):
            self.state[n] = "lost"
            self.send(n, number)

    @invariant
    def the_smallest_initiator_wins(self, n: Node) -> bool:
        return self.state[n] != "won" or all(
            self.state[m] == "lost" and (not self.initiator[m] or int(m) > int(n)) for m in Node if m != n
        )

    @leads_to
    def somebody_wins(self) -> tuple[bool, bool]:
        return any(self.initiator[n] for n in Node), any(self.state[n] == "won" for n in Node)


class Machine(Ordered):
    """A machine on a ring."""


class Counter(Ordered):
    """What a machine counts, modulo how many there are."""


class Stabilizing(Model):
    """Whatever the machines begin with, one privilege remains and goes round (Dijkstra, *Self-stabilizing systems*, 1974)."""

    counter: Map[Machine, Counter]

    def init(self, counter: Map[Machine, Counter]) -> None:
        self.counter = counter

    def privileged(self, m: Machine) -> bool:
        if m == first(Machine):
            return self.counter[m] == self.counter[last(Machine)]
        return self.counter[m] != self.counter[m - 1]

    def privileges(self) -> int:
        return len(Set(filter(self.privileged, Machine)))

    @action(fair="weak")
    def move(self, m: Machine) -> None:
        require(self.privileged(m))
        if m > first(Machine):
            self.counter[m] = self.counter[m - 1]
        else:
            self.counter[m] = first(Counter) if self.counter[m].is_last() else self.counter[m] + 1

    @invariant
    def somebody_is_privileged(self) -> bool:
        return self.privileges() >= 1

    @step_invariant
    def never_more(self, old: Stabilizing) -> bool:
        return self.privileges() <= old.privileges()

    @eventually_always
    def one_privilege(self) -> bool:
        return self.privileges() == 1
