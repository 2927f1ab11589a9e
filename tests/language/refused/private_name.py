class Private(Model):
    """A variable that Python calls `_Private__seen`."""

    __seen: Set[Node]

    @action
    def see(self, n: Node) -> None:
        self.__seen.add(n)
