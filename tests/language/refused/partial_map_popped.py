from ratified import Model, PartialMap, Sort, action, require


class Node(Sort): ...


class M(Model):
    asked: PartialMap[Node, Node]
    last: Node | None

    @action
    def forget(self, n: Node) -> None:
        require(n in self.asked)
        self.last = self.asked.pop(n) if self.last is None else n
