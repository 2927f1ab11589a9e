"""Retries: a request that may be sent again takes effect once, because its server remembers what it has executed.

Clients send a request, wait, and send it again, as often as they may. The network loses and repeats what is sent; a server
crashes, and keeps what is durable. A session is a client and the number of its request; with it, what has been executed is
answered from memory. (Ongaro, "Consensus: bridging theory and practice", 2014, section 6.3.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from ratified.language import (
    Map,
    Model,
    Param,
    Range,
    Set,
    Symmetric,
    action,
    invariant,
    require,
    step_invariant,
    view,
)


class Client(Symmetric):
    """Sends a request, once or more often."""


class Retries(Model):
    """Who has sent how often, what the server has executed and remembers, who knows of it."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Client": 1},
        "standard": {"Client": 2},
        "large": {"Client": 3},
    }
    symmetric_sizes: ClassVar[tuple[str, ...]] = ("standard", "large")

    attempts: Param[Annotated[int, Range(1, 5)]] = 3  # of a client
    budget: Param[Annotated[int, Range(0, 10)]] = 2  # retries of all together

    sent: Map[Client, Annotated[int, Range(0, "attempts")]]
    requests: Set[Client]  # whose request may still arrive: a set, since what is sent may arrive twice
    executed: Map[Client, Annotated[int, Range(0, "attempts + 1")]]  # how often it took effect
    remembered: Set[Client]  # the sessions of the server
    replies: Set[Client]
    done: Set[Client]  # who has its answer

    @action
    def send(self, c: Client) -> None:
        """Client c sends its request."""
        require(self.sent[c] == 0)
        self.sent[c] = 1
        self.requests.add(c)

    @action
    def retry(self, c: Client) -> None:
        """Client c has waited long enough, and sends it again."""
        require(self.sent[c] > 0 and c not in self.done)
        require(self.may_retry(c))
        self.sent[c] += 1
        self.requests.add(c)

    def may_retry(self, c: Client) -> bool:
        """Client c has attempts left, and all together have some of their budget left."""
        return self.sent[c] < self.attempts and self.retries() < self.budget

    def retries(self) -> int:
        """How many there were."""
        return sum(self.sent[c] - 1 for c in Client if self.sent[c] > 0)

    @action
    def execute(self, c: Client) -> None:
        """The request of client c arrives; it is executed unless it is known, and answered. It may arrive again."""
        require(c in self.requests)
        if not self.knows(c):
            require(self.executed[c] <= self.attempts)
            self.executed[c] += 1
            self.remembered.add(c)
        self.replies.add(c)

    def knows(self, c: Client) -> bool:
        """The server has executed the request of client c, and remembers it."""
        return c in self.remembered

    @action
    def lose_request(self, c: Client) -> None:
        """The network loses it, for good."""
        require(c in self.requests)
        self.requests.remove(c)

    @action
    def lose_reply(self, c: Client) -> None:
        """The network loses the answer."""
        require(c in self.replies)
        self.replies.remove(c)

    @action
    def learn(self, c: Client) -> None:
        """Client c has its answer."""
        require(c in self.replies)
        self.done.add(c)

    @action
    def crash(self) -> None:
        """The server crashes and starts again: what was on the way is lost, what it remembers is not."""
        self.requests.clear()
        self.replies.clear()

    @view
    def effects(self) -> Map[Client, tuple[int, int]]:
        """How often each has sent its request, and how often it took effect."""
        return Map({c: (self.sent[c], self.executed[c]) for c in Client})

    @invariant
    def at_most_once(self, c: Client) -> bool:
        """No request takes effect twice."""
        return self.executed[c] <= 1

    @invariant
    def answered_is_executed(self, c: Client) -> bool:
        """Who has an answer has had its request executed."""
        return c not in self.done or self.executed[c] >= 1

    @invariant
    def within_the_budget(self) -> bool:
        """Retries are no more than all may have together."""
        return self.retries() <= self.budget

    @step_invariant
    def what_is_done_stays_done(self, old: Self) -> bool:
        """No answer is taken back."""
        return old.done <= self.done


class NoSessions(Retries):
    """The server does not look whether it has executed a request."""

    def knows(self, c: Client) -> bool:
        """It never does."""
        return False


class ForgottenSessions(Retries):
    """Sessions are in memory only: a server that restarts executes what comes again."""

    @action
    def crash(self) -> None:
        """The server crashes, and its sessions are gone."""
        super().crash()
        self.remembered.clear()


class NoBudget(Retries):
    """Each client looks at its own attempts only."""

    def may_retry(self, c: Client) -> bool:
        """Client c has attempts left."""
        return self.sent[c] < self.attempts
