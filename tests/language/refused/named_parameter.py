from ratified import Model, Sort, action, invariant, record


class Node(Sort): ...


class M(Model):
    n: bool

    @action
    def turn(self, *, n: Node) -> None:
        self.n = not self.n
