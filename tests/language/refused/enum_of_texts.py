from enum import StrEnum

from ratified import Model, Sort, action, invariant, record


class Node(Sort): ...


class Level(StrEnum):
    LOW = "low"
    HIGH = "high"


class M(Model):
    level: Level
