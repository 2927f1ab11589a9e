from ratified import Model, Seq, Sort, action, invariant, recursive, require


class Node(Sort): ...


@recursive(most=3)
def twice(n: int) -> int:
    return n + n


class M(Model):
    n: bool

    @invariant
    def some(self) -> bool:
        return twice(2) == 4
