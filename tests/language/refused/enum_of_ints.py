from enum import IntEnum

from ratified import Model, Sort, action, invariant, record


class Node(Sort): ...


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class M(Model):
    level: Level
