

class M(Model):
    asked: Map[Node, Ask | None]

    @action
    def act(self, n: Node, c: Client) -> None:
        m = self.asked[n]
        require(m is not None)
        assert m is not None
        m.client = c
