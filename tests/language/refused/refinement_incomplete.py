

class A(Model):
    x: bool
    y: bool


class M(Model):
    x: bool

    @refines(A)
    def as_a(self, a: A) -> None:
        a.x = self.x
