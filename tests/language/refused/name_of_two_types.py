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


class M(Model):
    holder: Client | None
    term: Term
    role: Map[Client, Role]
    count: Annotated[int, Range(0, 3)]
    inbox: Set[Ask | Answer]
    log: Annotated[Seq[Term], AtMost(3)]

    @action
    def act(self, c: Client) -> None:
        x = 1
        x = c
        require(x == c)
