from ratified import Model, PartialMap, Sort, action


class Node(Sort): ...


class M(Model):
    asked: PartialMap[Node, Node]

    @action
    def forget(self) -> None:
        own = PartialMap()
        self.asked = own
