from enum import Enum

from ratified import Map, Model, Sort


class Node(Sort): ...


class Mode(Enum):
    IDLE = 0
    BUSY = 1


class M(Model):
    mode: Map[Node, Mode] = Map.fromkeys(Node, 3)
