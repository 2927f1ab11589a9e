

class M(Model):
    holder: Node | None

    def take(self, n: Node) -> None:
        require(self.holder is None)
        self.holder = n

    @action
    def lock(self, n: Node) -> None:
        self.take(n)

    @invariant
    def free(self) -> bool:
        return self.holder is not None or enabled(self.lock)
