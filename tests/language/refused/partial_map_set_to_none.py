from ratified import Model, PartialMap, Sort, action


class Node(Sort): ...


class M(Model):
    asked: PartialMap[Node, Node]

    @action
    def forget(self, n: Node) -> None:
        self.asked[n] = None
