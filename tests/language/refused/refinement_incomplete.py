from enum import Enum
from typing import Annotated, Self

from ratified import (
    AtMost, Bag, Map, Model, Ordered, Param, Range, Seq, Set, Sort, Symmetric,
    action, assume, constraint, invariant, record, refines, require, step_invariant,
)


class Client(Symmetric): ...
class Node(Sort): ...
class Term(Ordered): ...
class Role(Enum):
    IDLE = 0
    BUSY = 1


@record
class Ask:
    client: Client


@record
class Answer:
    client: Client
    term: Term


class A(Model):
    x: bool
    y: bool


class M(Model):
    x: bool

    @refines(A)
    def as_a(self, a: A) -> None:
        a.x = self.x
