"""A way through a body of statements while it is being gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ratified.language.ir import Node
from ratified.smt.first_order.context import Demand, Logic, LogicContext
from ratified.smt.first_order.shapes import Shape
from ratified.smt.terms import Term, conj, implies


@dataclass(slots=True)
class PathState:
    """A path under way: what has to be true for it, and the names and variables so far.

    `guard` is everything that has to be true, `tests` only the conditions of the branches that were taken. `demands` are those of
    all paths. `ended` once a `return` was met, with a `value` if it has one. On a path that is `deaf` nobody hears of demands; on
    one that is `tried`, guards are taken to pass too: it is asked only what is changed where they do.
    """

    logic: Logic
    guard: list[Term]
    env: dict[str, Shape]
    state: dict[str, Shape]
    demands: list[Demand]
    unset: frozenset[str] = frozenset()
    ended: bool = False
    known: tuple[Term, ...] = ()
    old: dict[str, Shape] = field(default_factory=dict)
    tests: list[Term] = field(default_factory=list)
    value: Shape | None = None
    left: list[int] | None = None
    """How often bodies of loops may still be read, once one is: its turns and those of loops inside it."""
    deaf: bool = False
    tried: bool = False

    def fork(self, test: Term) -> PathState:
        """The same path into a branch."""
        guard, tests = [*self.guard, test], [*self.tests, test]
        return replace(self, guard=guard, tests=tests, env=dict(self.env), state=dict(self.state))

    def hear(self, demand: Demand) -> None:
        """A demand on the path so far. Beyond it the path goes on only where it is met."""
        self.demands.append(replace(demand, holds=implies(conj(*self.guard), demand.holds)))
        self.guard.append(demand.holds)

    def context(self) -> LogicContext:
        """Where the next expression is read."""
        made = LogicContext(self.logic, dict(self.env), dict(self.state), self.old, unset=self.unset)
        return made if self.tried or self.deaf else made.hearing(self.hear).knowing(*self.known, *self.guard)


RunBlock = Callable[[Sequence[Node], list[PathState]], list[PathState]]
"""Statements, executed on paths."""
