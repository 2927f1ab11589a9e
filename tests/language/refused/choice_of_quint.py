

class M(Model):
    waiting: Set[Node]
    last: Node | None

    @action
    def act(self) -> None:
        self.last = oneOf(self.waiting)
