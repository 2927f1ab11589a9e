"""Leader hints: who is believed to lead is the leader of the greatest term that was heard of.

In each term one node is elected at most. Anybody may say who leads in a term that it knows, be it long over; what is said of an
older term than one knows is not believed, and of the same term only if no leader of it is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from ratified.language import (
    Map,
    Model,
    Ordered,
    Symmetric,
    action,
    first,
    invariant,
    require,
    step_invariant,
    view,
)


class Node(Symmetric):
    """May be elected."""


class Term(Ordered):
    """The first is that of who has heard of none: nobody is elected in it."""


class LeaderHints(Model):
    """Who was elected in which term; what a client has heard."""

    sizes: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"Node": 2, "Term": 3},
        "standard": {"Node": 3, "Term": 4},
        "large": {"Node": 4, "Term": 5},
    }
    symmetric_sizes: ClassVar[tuple[str, ...]] = ("standard", "large")

    elected: Map[Term, Node | None]
    term: Term  # the greatest that the client has heard of
    leader: Node | None = None  # whom it believes to lead

    def init(self) -> None:
        """Nobody was elected, and nothing was heard."""
        self.term = first(Term)

    @action
    def elect(self, t: Term, n: Node) -> None:
        """Node n is elected."""
        require(t > first(Term) and self.elected[t] is None)
        self.elected[t] = n

    @action
    def hear(self, t: Term, n: Node) -> None:
        """Somebody says that node n leads in term t, which it did once."""
        require(self.elected[t] == n)
        if self.believes(t):
            self.term = self.after_hearing(t)
            self.leader = n

    def believes(self, t: Term) -> bool:
        """What is said of term t is news."""
        return t > self.term or (t == self.term and self.leader is None)

    def after_hearing(self, t: Term) -> Term:
        """The term that it knows then."""
        return t

    @action
    def hear_of_none(self, t: Term) -> None:
        """Somebody says that it is term t, and knows no leader."""
        if t > self.term:
            self.term = t
            self.leader = None

    @action
    def fail(self, n: Node) -> None:
        """The leader does not answer."""
        require(self.leader == n)
        self.leader = None

    @invariant
    def who_is_believed_was_elected(self) -> bool:
        """Whoever is believed to lead was elected in the term that is known."""
        return self.leader is None or self.elected[self.term] == self.leader

    @step_invariant
    def terms_do_not_go_back(self, old: Self) -> bool:
        """No older term takes the place of a newer one."""
        return old.term <= self.term

    @view
    def belief(self) -> tuple[Term, Node | None]:
        """The term, and who leads."""
        return self.term, self.leader


class OlderTermBelieved(LeaderHints):
    """Whatever is heard last is believed."""

    def believes(self, t: Term) -> bool:
        """All of it."""
        return True


class TermNotKept(LeaderHints):
    """A leader is remembered without its term: once one of an older term was heard, it is taken for the newest."""

    def believes(self, t: Term) -> bool:
        """Whatever is said while no leader is known."""
        return t > self.term or self.leader is None

    def after_hearing(self, t: Term) -> Term:
        """The greater of both."""
        return max(self.term, t)
