from ratified import Model, Sort, action, invariant, record


class Node(Sort): ...


class M(Model):
    n: bool

    def __init__(self) -> None:
        self.n = True
