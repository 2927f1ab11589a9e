from ratified import Model, Seq, Sort, action, invariant, recursive, require


class Node(Sort): ...


class M(Model):
    n: bool

    @recursive(most=1000)
    def even(self, n: int) -> bool:
        return n == 0 or not self.even(n - 1)

    @invariant
    def some(self) -> bool:
        return self.even(2)
