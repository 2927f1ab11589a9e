"""A model in which everything has a name that TLA+, the exporter's library or a neighbour has too."""
# ruff: noqa: N802, N803 - the names are the point

from __future__ import annotations

from enum import Enum
from typing import Annotated, Self

from ratified.language import (
    AtMost,
    Bag,
    Map,
    Model,
    Param,
    Range,
    Seq,
    Set,
    Sort,
    Symmetric,
    action,
    invariant,
    record,
    require,
    step_invariant,
)


class S(Symmetric):
    """Called like what operators of the library take."""


class Key(Sort):
    """The same."""


class Init(Enum):
    """Called like what every module defines."""

    Next = 0
    vars = 1


@record
class Nat:
    """Called like a set of the standard modules."""

    type: S
    k: Key


class LET(Model):
    """Everything has a name that TLA+, a library or a neighbour has too."""

    n: Param[int] = 2
    x: Map[S, Map[S, Annotated[int, Range(0, 2)]]]
    s: Set[Nat]
    k: Annotated[Seq[Key], AtMost("n")]
    m: Annotated[Bag[Nat], AtMost(2)]
    old: Map[Key, Init]
    after: S | None

    def init(self, s: S, k: Key) -> None:
        self.after = s
        self.old[k] = Init.vars
        self.x[s][s] = 1
        self.s.add(Nat(s, k))

    @action
    def Tail(self, s: S, t: S, m: Nat) -> None:
        require(m in self.s and len(self.k) == 0 and self.n == 2 and self.x[s][t] < 2)
        for k in Key:
            if self.old[k] == Init.Next:
                self.x[s][t] = 2
                self.k.append(k)
                self.m = Bag([Nat(t, k)])
        self.after = min([e.type for e in self.s], key=lambda e: self.x[e][t])

    @action
    def Spec(self, Key: Key) -> None:
        require(len(self.m) > 0)
        self.s, self.m = self.s | Set(self.m), Bag()
        self.old[Key] = Init.vars if self.old[Key] == Init.Next else Init.Next

    @invariant
    def TypeOK(self, s: S) -> bool:
        return sum(self.x[s][t] for t in S) <= 4

    @invariant
    def Len(self) -> bool:
        pairs = Set((r.type, r.k) for r in self.s)
        return len(Set(e for d, e in pairs for k in Key if k == e and self.x[d][d] > 0)) <= 2

    @step_invariant
    def Append(self, old: Self) -> bool:
        return len(old.k) <= len(self.k)
