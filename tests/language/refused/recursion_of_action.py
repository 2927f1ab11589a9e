from ratified import Model, Seq, Sort, action, invariant, recursive, require


class Node(Sort): ...


class M(Model):
    n: bool

    @action
    def turn(self) -> None:
        self.n = not self.n
        self.turn()
