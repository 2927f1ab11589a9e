

class M(Model):
    asked: Map[Node, Ask | None]

    @action
    def act(self, n: Node) -> None:
        require(n not in self.asked)
        self.asked[n] = None
