from ratified import Model, Sort, action, invariant, record


class Node(Sort): ...


class M(Model):
    n: bool

    def ready(self) -> bool:
        return self.n


class Other(M):
    @invariant
    def some(self) -> bool:
        return M.ready(self)
