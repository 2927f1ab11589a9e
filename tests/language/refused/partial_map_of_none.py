from ratified import Model, PartialMap, Sort


class Node(Sort): ...


class M(Model):
    asked: PartialMap[Node, Node | None]
