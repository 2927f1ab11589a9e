from ratified import Model, invariant


class M(Model):
    n: bool

    @invariant
    def sizes(self) -> bool:
        return self.n
