

class M(Model):
    waiting: Set[Node]

    @action
    def join(self) -> None:
        for n in Node:
            require(n not in self.waiting)
            self.waiting.add(n)

    @invariant
    def free(self) -> bool:
        return enabled(self.join)
